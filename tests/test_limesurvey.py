"""Exports of LimeSurvey in answer codes, with and without the .lss."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd
import pytest

import motivlab as ml
from motivlab.files import ReadError
from motivlab.limesurvey import is_limesurvey, read_limesurvey

# code, type, wording in lv and en, relevance, other, answers, subquestions, subquestions across, attributes
Row = tuple[str, str, tuple[str, str], str, str, tuple[str, ...], tuple[str, ...], tuple[str, ...], dict[str, str]]


def row(
    code: str, kind: str, lv: str, en: str, relevance: str = "1", other: str = "N", answers: Iterable[str] = (),
    below: Iterable[str] = (), across: Iterable[str] = (), **attributes: str,
) -> Row:  # fmt: skip
    return (code, kind, (lv, en), relevance, other, tuple(answers), tuple(below), tuple(across), attributes)


QUESTIONS = (
    row("sex", "G", "Dzimums", "Gender"),
    row("work", "Y", "Vai strādājat?", "Do you <b>work</b>&nbsp;?"),
    row("city", "L", "Pilsēta", "City", other="Y", answers=("A1", "A2"), other_replace_text="Elsewhere"),
    row("drop", "!", "Izvēlne", "Menu", answers=("A1", "A2")),
    row("why", "M", "Iemesli", "Grounds", other="Y", below=("SQ001", "SQ002"), exclude_all_others="SQ002"),
    row("acts", "P", "Rīcība", "Actions", 'work.NAOK == "Y"', below=("SQ001", "SQ002")),
    row("trust", "F", "Uzticība:", "Trust:", answers=("1", "2", "9"), below=("SQ001", "SQ002")),
    row("cols", "H", "Pa kolonnām", "By column", answers=("1", "2"), below=("SQ001",)),
    row("dual", "1", "Divas skalas", "Two scales", answers=("a", "b"), below=("SQ001",), dualscale_headerA="Now"),
    row("five", "5", "Pieci", "Five"),
    row("arr5", "A", "Pa pieci", "Each of five", below=("SQ001",)),
    row("arr10", "B", "Pa desmit", "Each of ten", below=("SQ001",)),
    row("yun", "C", "Jā/nē/nezinu", "Yes, no, uncertain", below=("SQ001",)),
    row("isd", "E", "Pieaug", "Increase", below=("SQ001",)),
    row("num", "N", "Alga", "Pay"),
    row("kids", "N", "Bērni", "Children", num_value_int_only="1"),
    row("many", "K", "Skaitļi", "Numbers", below=("SQ001",)),
    row("flex", ":", "Tabula", "Table", below=("Y1", "Y2"), across=("X1", "X2")),
    row("boxes", ":", "Ķekši", "Boxes", below=("Y1",), across=("X1", "X2"), multiflexible_checkbox="1"),
    row("grid", ";", "Teksti", "Texts", below=("Y1",), across=("X1",)),
    row("short", "S", "Īsi", "Short"),
    row("long", "T", "Gari", "Long"),
    row("huge", "U", "Ļoti gari", "Huge"),
    row("list", "Q", "Vairāki", "Several", below=("SQ001",)),
    row("born", "D", "Dzimis", "Born", date_format="dd.mm.yyyy"),
    row("rank", "R", "Secība", "Order", answers=("A1", "A2"), max_answers="2"),
    row("said", "O", "Ar komentāru", "With a comment", answers=("A1",)),
    row("intro", "X", "Ievads", "Introduction"),
    row("eq", "*", "Vienādojums", "Equation"),
)
DATA = {
    "id": ["1", "2", "3"], "submitdate": ["2021-10-04 09:30:00", "2021-10-05 10:00:00", ""],
    "lastpage": ["2", "2", "1"],
    "startlanguage": ["lv", "en", "ru"], "seed": ["11", "12", "13"], "token": ["tok1", "tok2", ""],
    "startdate": ["2021-10-04 09:00:00", "2021-10-05 09:20:00", "2021-10-06 09:20:00"],
    "datestamp": ["2021-10-04 09:30:00", "2021-10-05 10:00:00", "2021-10-06 09:21:00"], "ipaddr": ["10.0.0.1", "", ""],
    "sex": ["F", "M", ""], "work": ["Y", "N", ""], "city": ["A1", "-oth-", ""], "city[other]": ["", "Ogre", ""],
    "drop": ["A2", "", ""],
    "why[SQ001]": ["Y", "", ""], "why[SQ002]": ["", "", ""], "why[other]": ["language", "", ""],
    "acts[SQ001]": ["Y", "", ""], "acts[SQ001comment]": ["told them", "", ""], "acts[SQ002]": ["", "", ""],
    "acts[SQ002comment]": ["", "", ""],
    "trust[SQ001]": ["1", "9", ""], "trust[SQ002]": ["2", "7", ""], "cols[SQ001]": ["1", "2", ""],
    "dual[SQ001][1]": ["a", "b", ""], "dual[SQ001][2]": ["b", "a", ""],
    "five": ["5", "1", ""], "arr5[SQ001]": ["3", "", ""], "arr10[SQ001]": ["10", "", ""], "yun[SQ001]": ["U", "Y", ""],
    "isd[SQ001]": ["I", "D", ""], "num": ["1234.5000000000", "", ""], "kids": ["2.0000000000", "", ""],
    "many[SQ001]": ["1.5", "", ""], "flex[Y1_X1]": ["1", "", ""], "flex[Y1_X2]": ["2", "", ""],
    "flex[Y2_X1]": ["3", "", ""], "flex[Y2_X2]": ["4", "", ""], "boxes[Y1_X1]": ["1", "", ""],
    "boxes[Y1_X2]": ["", "", ""], "grid[Y1_X1]": ["words", "", ""], "short": ["a;b", "", ""], "long": ["ā\nb", "", ""],
    "huge": ["x", "", ""], "list[SQ001]": ["y", "", ""], "born": ["1990-01-31 00:00:00", "", ""],
    "rank[1]": ["A2", "A1", ""], "rank[2]": ["A1", "", ""], "said": ["A1", "", ""], "said[comment]": ["so so", "", ""],
    "eq": ["3", "4", ""], "interviewtime": ["600.5", "1200", "60"], "intruder": ["1", "2", "3"],
}  # fmt: skip


def lss(rows: Iterable[Row] = QUESTIONS, old: bool = False) -> str:
    """The structure of a survey as LimeSurvey writes it, since version 4 or (old) before."""
    tables: dict[str, list[Mapping[str, object]]] = {
        name: [] for name in ("answers", "answer_l10ns", "groups", "group_l10ns", "questions", "subquestions",
                              "question_l10ns", "question_attributes")
    }  # fmt: skip
    ids = iter(range(1, 10_000))

    def worded(table: str, plain: Mapping[str, object], key: str, column: str, texts: tuple[str, str]) -> None:
        wordings = [{column: text, "language": language} for language, text in zip(("lv", "en"), texts, strict=True)]
        if old:
            tables[table] += [dict(plain) | wording for wording in wordings]
        else:
            tables[table].append(plain)
            other = {"answers": "answer_l10ns", "groups": "group_l10ns"}.get(table, "question_l10ns")
            tables[other] += [{"id": next(ids), key: plain[key]} | wording for wording in wordings]

    group = {"gid": 7, "sid": 123, "group_order": 1, "grelevance": ""}
    worded("groups", group, "gid", "group_name", ("Par Jums", "About you"))
    for order, (code, kind, texts, relevance, other, answers, below, across, attributes) in enumerate(rows):
        qid = next(ids)
        plain = {"qid": qid, "parent_qid": 0, "sid": 123, "gid": 7, "type": kind, "title": code, "other": other,
                 "mandatory": "Y", "question_order": order, "scale_id": 0, "relevance": relevance}  # fmt: skip
        worded("questions", plain, "qid", "question", texts)
        for scale, members in enumerate((below, across)):
            for i, sub in enumerate(members):
                under = plain | {"qid": next(ids), "parent_qid": qid, "title": sub, "question_order": i, "type": "T",
                                 "scale_id": scale}  # fmt: skip
                worded("subquestions", under, "qid", "question", (f"{sub} lv", f"<p>{sub} en</p>"))
        for scale in (0, 1) if kind == "1" else (0,):
            for i, answer in enumerate(answers):
                one = {"qid": qid, "code": answer, "sortorder": i, "assessment_value": 0, "scale_id": scale}
                one |= {} if old else {"aid": next(ids)}
                worded("answers", one, "aid", "answer", (f"{answer} lv {scale}", f"{answer} en {scale}"))
        tables["question_attributes"] += [
            {"qid": qid, "attribute": name, "value": value, "language": ""} for name, value in attributes.items()
        ]
    tables["surveys"] = [{"sid": 123, "language": "lv", "additional_languages": "en"}]
    tables["surveys_languagesettings"] = [{"surveyls_language": "lv", "surveyls_title": "Mana <i>aptauja</i>"}]
    parts = [
        f" <{name}>\n  <rows>\n" + "".join(
            "   <row>" + "".join(f"<{k}><![CDATA[{v}]]></{k}>" if v != "" else f"<{k}/>" for k, v in cells.items())
            + "</row>\n" for cells in cell_rows
        ) + f"  </rows>\n </{name}>\n"
        for name, cell_rows in tables.items() if cell_rows
    ]  # fmt: skip
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<document>\n <LimeSurveyDocType>Survey</LimeSurveyDocType>\n'
        f" <DBVersion>{145 if old else 495}</DBVersion>\n <languages>\n  <language>en</language>\n"
        f"  <language>lv</language>\n </languages>\n{''.join(parts)}</document>\n"
    )


@pytest.fixture
def export(tmp_path: Path) -> Path:
    file = tmp_path / "results-survey123.csv"
    pd.DataFrame(DATA).to_csv(file, index=False, quoting=1)
    (tmp_path / "survey.lss").write_text(lss(), encoding="utf-8")
    return file


@pytest.mark.parametrize("old", [False, True])
def test_every_type_of_question(export: Path, tmp_path: Path, old: bool) -> None:
    structure = tmp_path / "survey.lss"
    structure.write_text(lss(old=old), encoding="utf-8")
    draft, _ = ml.import_survey(export, tmp_path / "s", form=structure)
    survey = ml.open_survey(tmp_path / "s")
    form = survey.questionnaire
    types = {question.name: question.type for question in form}
    assert types == {
        "sex": "select_one", "work": "select_one", "city": "select_one", "city_other": "text", "drop": "select_one",
        "why": "select_multiple", "why_other": "text", "acts": "select_multiple", "acts_SQ001_comment": "text",
        "acts_SQ002_comment": "text", "trust_SQ001": "select_one", "trust_SQ002": "select_one",
        "cols_SQ001": "select_one", "dual_SQ001_1": "select_one", "dual_SQ001_2": "select_one", "five": "select_one",
        "arr5_SQ001": "select_one", "arr10_SQ001": "select_one", "yun_SQ001": "select_one", "isd_SQ001": "select_one",
        "num": "decimal", "kids": "integer", "many_SQ001": "decimal", "flex_Y1_X1": "decimal", "flex_Y1_X2": "decimal",
        "flex_Y2_X1": "decimal", "flex_Y2_X2": "decimal", "boxes_Y1": "select_multiple", "grid_Y1_X1": "text",
        "short": "text", "long": "text", "huge": "text", "list_SQ001": "text", "born": "date", "rank_1": "select_one",
        "rank_2": "select_one", "said": "select_one", "said_comment": "text", "intro": "note", "eq": "text",
    }  # fmt: skip
    assert dict(form.languages) == {"lv": "Latviešu (lv)", "en": "English (en)"}
    assert form["work"].label("en") == "Do you work ?"
    assert form["trust_SQ001"].label("lv") == "Uzticība: SQ001 lv"
    assert form["dual_SQ001_1"].label("en") == "Two scales: SQ001 en: Now"
    assert [c.label("en") for c in form["dual_SQ001_2"].choices] == ["a en 1", "b en 1"]
    assert [(c.name, c.label("lv")) for c in form["sex"].choices] == [("F", "Sieviete"), ("M", "Vīrietis")]
    assert [c.name for c in form["arr10_SQ001"].choices] == [str(n) for n in range(1, 11)]
    assert [c.label("en") for c in form["city"].choices] == ["A1 en 0", "A2 en 0", "Elsewhere"]
    assert [c.exclusive for c in form["why"].choices] == [False, True, False]
    assert form["acts"].extra["limesurvey_relevance"] == 'work.NAOK == "Y"'
    assert form["acts"].relevant == ""
    assert form["work"].extra["required"] == "yes"
    assert form["sex"].groups[0].labels["lv"] == "Par Jums"
    assert survey.about.title == "Mana aptauja"
    responses = survey.responses

    def cells(*names: str) -> list[list[object]]:
        return responses[list(names)].astype(object).fillna("").to_numpy().tolist()

    # everybody who sent it in was asked; the second ticked nothing, the third did not send it in
    assert cells("why/SQ001", "why/SQ002", "why/other", "why_other") == [
        [1, 0, 1, "language"], [0, 0, 0, ""], ["", "", "", ""],
    ]  # fmt: skip
    # acts has a condition: whoever ticked nothing may not have been asked
    assert cells("acts/SQ001", "acts/SQ002", "acts_SQ001_comment") == [[1, 0, "told them"], ["", "", ""], ["", "", ""]]
    assert cells("boxes_Y1/X1", "boxes_Y1/X2")[0] == [1, 0]
    assert cells("city", "city_other")[1] == ["-oth-", "Ogre"]
    assert cells("rank_1", "rank_2") == [["A2", "A1"], ["A1", ""], ["", ""]]
    assert cells("num", "kids", "born")[0] == [1234.5, 2, pd.Timestamp("1990-01-31")]
    assert cells("long")[0] == ["ā\nb"]
    assert survey.about.respondent_id == "id"
    assert survey.about.paradata.model_dump(exclude_defaults=True) == {"start": "startdate", "end": "submitdate"}
    assert {"ipaddr", "token", "seed", "interviewtime", "intruder"} <= set(survey.about.other_columns)
    said = "\n".join(draft.notes)
    assert "ipaddr (the IP address)" in said
    assert "token (the participant's token)" in said
    assert "submitdate: 1 questionnaires were not sent in" in said
    assert "kept as `other_columns`: intruder." in said
    assert "routing: LimeSurvey's relevance equations are kept" in said
    findings = survey.check().findings
    assert findings.query("rule == 'unknown_code'")["variable"].tolist() == ["trust_SQ002"]  # 7 is no answer


def test_without_the_structure_codes_are_all_there_is(export: Path) -> None:
    assert is_limesurvey(export)
    survey = ml.read_survey(export)
    types = {question.name: question.type for question in survey.questionnaire}
    assert types["why"] == "select_multiple"
    assert (types["why_other"], types["acts_SQ001comment"]) == ("text", "text")
    assert {"trust_SQ001", "dual_SQ001_1", "city", "city_other", "num"} <= types.keys()
    assert survey.responses[["why/SQ001", "why/SQ002", "why/other"]].astype(object).fillna("").to_numpy().tolist() == [
        [1, 0, 1], ["", "", ""], ["", "", ""],
    ]  # fmt: skip
    assert "ipaddr" in survey.about.other_columns
    assert "labels: none, as no .lss was given" in "\n".join(read_limesurvey(export).notes)


def test_heads_and_ticks_as_other_settings_of_the_export_have_them(export: Path, tmp_path: Path) -> None:
    frame = pd.DataFrame(DATA)
    for rename in (lambda c: c.replace("][", "_").replace("[", "_").replace("]", ""),
                   lambda c: c.replace("[", ".").replace("]", ".")):  # fmt: skip
        frame.rename(columns=rename).to_csv(export, index=False, sep=";")
        draft = read_limesurvey(export, tmp_path / "survey.lss")
        assert draft.responses["dual_SQ001_2"].fillna("").tolist() == ["b", "a", ""]
        assert draft.other_columns[-1] == "intruder"
    for yes, no in (("Y", "N"), ("1", "0"), ("Yes", "No")):  # unticked boxes are told from those not shown
        told = frame.assign(**{"acts[SQ001]": [yes, no, ""], "acts[SQ002]": [no, no, ""]})
        told.to_csv(export, index=False)
        draft = read_limesurvey(export, tmp_path / "survey.lss")
        acts = draft.responses[["acts/SQ001", "acts/SQ002"]].fillna("").to_numpy().tolist()
        assert acts == [["1", "0"], ["0", "0"], ["", ""]]


def test_what_is_no_date_and_what_is_no_tick(export: Path, tmp_path: Path) -> None:
    frame = pd.DataFrame(DATA).drop(columns=["startdate", "datestamp"])
    frame = frame.assign(submitdate=["1980-01-01 00:00:00"] * 3, **{"why[SQ001]": ["Y", "perhaps", ""]})
    frame.drop(columns="five").to_csv(export, index=False)
    draft = read_limesurvey(export, tmp_path / "survey.lss")
    said = "\n".join(draft.notes)
    assert draft.paradata == {}
    assert "submitdate: 1980-01-01 throughout, as anonymised surveys have it; it is no date." in said
    assert "why: cells that are neither ticked nor not are kept" in said
    assert draft.responses["why/SQ001"].tolist()[1] == "perhaps"
    assert "the export has no column for 1 questions of the form: five." in said


LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><document>&b;</document>'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "it is no XML"),
        ("id,age\n1,2\n", "it is no XML"),
        (lss()[:900], "it is no XML"),
        (LAUGHS, "declares XML entities or a DTD"),
        ("<document>" + "<a>" * 200_000, "it is no XML"),
        ("<document><LimeSurveyDocType>Group</LimeSurveyDocType></document>", "not the structure of a LimeSurvey"),
        (lss(()), "it holds no question"),
        (lss((row("q 1", "S", "a", "b"),)), "questions, row 1: title is 'q 1'"),
        (lss((row("q", "S", "a", "b"), row("q", "S", "a", "b"))), "two questions are named 'q'"),
        (lss((row("q1", "S", "a", "b"),)), "no column is a question of"),
    ],
)
def test_a_damaged_or_wrong_structure_is_refused(export: Path, tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "survey.lss").write_text(content, encoding="utf-8")
    started = time.perf_counter()
    with pytest.raises(ReadError, match=said):
        ml.import_survey(export, tmp_path / "s", form=tmp_path / "survey.lss")
    assert time.perf_counter() - started < 5
    assert not (tmp_path / "s").exists()
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_limesurvey(export, tmp_path / "none.lss")
