"""Exports of KoboToolbox and ODK with their XLSForm: heads, sets, repeats, metadata; and the real one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from surveys import REAL

import motivlab as ml
from motivlab.cli import main
from motivlab.drafts import Draft
from motivlab.files import ReadError
from motivlab.kobo import read_kobo
from motivlab.questionnaire import QuestionnaireError

SURVEY = """\
type,name,label::English (en),label::Latviešu (lv),relevant
start,start,,,
end,end,,,
today,day,,,
begin_group,about,About you,Par Jums,
select_one yn,works,Do you work?,Vai strādājat?,
integer,age,Age,Vecums,
decimal,pay,Pay,Alga,${works} = 'yes'
text,interviewer_name,Interviewer,Intervētājs,
end_group,,,,
select_multiple why,why,Why not?,Kāpēc ne?,${works} = 'no'
text,why_other,Which?,Kāds?,"selected(${why}, 'other')"
geopoint,gps,Where?,Kur?,
"""
CHOICES = """\
list_name,name,label::English (en),label::Latviešu (lv)
yn,yes,Yes,Jā
yn,no,No,Nē
why,age,Age,Vecums
why,lang-uage,Language,Valoda
why,other,Other,Cits
"""
REPEAT = """\
begin_repeat,member,Member,Loceklis,
text,m_name,Name,Vārds,
integer,m_age,Age,Vecums,
select_multiple why,m_why,Why?,Kāpēc?,${m_age} > 17
begin_repeat,job,Job,Darbs,
text,title,Title,Amats,
end_repeat,,,,
end_repeat,,,,
"""
HEAD = (
    "start,end,day,about/works,about/age,about/pay,about/interviewer_name,why,why/age,why/lang-uage,why/other,"
    "why_other,_id,_uuid,_submission_time"
)
DAY = "2021-10-04T09:00:00.000+03:00,2021-10-04T09:30:00.000+03:00,2021-10-04"
LINES = (
    f"{DAY},yes,40,\"1234.5\",Anna,,,,,,101,u1,2021-10-05T10:00:00",
    f"{DAY},no,30,,Anna,age other,1,0,1,voice,102,u2,2021-10-05T10:00:00",
    f"{DAY},no,20,,Ilze,lang-uage,0,1,0,,103,u3,2021-10-06T10:00:00",
)  # fmt: skip


def form_folder(at: Path, survey: str = SURVEY, choices: str = CHOICES) -> Path:
    (at / "form").mkdir(exist_ok=True)
    (at / "form" / "survey.csv").write_text(survey, encoding="utf-8")
    (at / "form" / "choices.csv").write_text(choices, encoding="utf-8")
    return at / "form"


def export(at: Path, lines: tuple[str, ...] = LINES, head: str = HEAD) -> Path:
    file = at / "data.csv"
    file.write_text("\n".join((head, *lines, "")), encoding="utf-8")
    return file


def sets(draft: Draft) -> list[list[object]]:
    return draft.responses.filter(like="why/").astype(object).fillna("").to_numpy().tolist()


def test_an_export_becomes_a_folder_that_opens(tmp_path: Path) -> None:
    file, form = export(tmp_path), form_folder(tmp_path)
    draft, left = ml.import_survey(file, tmp_path / "s", form=form)
    survey = ml.open_survey(tmp_path / "s")
    assert survey.responses.columns.tolist() == [
        "_id", "start", "end", "day", "works", "age", "pay", "interviewer_name", "why/age", "why/lang-uage",
        "why/other", "why_other", "_uuid", "_submission_time",
    ]  # fmt: skip
    assert survey.responses["_id"].tolist() == ["101", "102", "103"]
    assert survey.responses["pay"].tolist()[0] == 1234.5
    assert sets(draft) == [["", "", ""], [1, 0, 1], [0, 1, 0]]
    assert survey.about.respondent_id == "_id"
    assert survey.about.other_columns == ["_uuid", "_submission_time"]
    assert survey.about.paradata.model_dump(exclude_defaults=True) == {
        "start": "start", "end": "end", "day": "day", "interviewer": "interviewer_name", "age": "age",
    }  # fmt: skip
    assert [str(day) for day in (survey.about.fieldwork.start, survey.about.fieldwork.end)] == ["2021-10-04"] * 2
    assert "fieldwork.start" not in left
    assert "the first day in the data" in (tmp_path / "s" / "survey.yml").read_text(encoding="utf-8")
    assert any(note.endswith("1 questions of the form: gps.") for note in draft.notes)
    assert not (tmp_path / "s" / "disagreements.csv").exists()
    in_memory = ml.read_survey(file, form)
    pd.testing.assert_frame_equal(in_memory.responses, survey.responses, check_dtype=False)


@pytest.mark.parametrize(
    "head",
    [
        HEAD.replace("/", "."),
        HEAD.replace("about/", ""),
        HEAD.replace("about/", "about-").replace("why/", "why."),
        HEAD.replace("why/", "why."),
        "\ufeff" + HEAD,
        # as R's read.csv renames them
        "X.U.FEFF." + HEAD.replace("/", ".").replace("lang-uage", "lang.uage").replace(",_", ",X_"),
        HEAD.replace(",", ";"),
    ],
)
def test_heads_in_every_way_of_writing(tmp_path: Path, head: str) -> None:
    lines = LINES if ";" not in head else tuple(line.replace(",", ";") for line in LINES)
    draft = read_kobo(export(tmp_path, lines, head), form_folder(tmp_path))
    assert draft.responses.columns.tolist()[:5] == ["_id", "start", "end", "day", "works"]
    assert sets(draft) == [["", "", ""], [1, 0, 1], [0, 1, 0]]
    assert draft.other_columns == ("_uuid", "_submission_time")


@pytest.mark.parametrize("yes_no", [("1", "0"), ("TRUE", "FALSE"), ("True", "False"), ("yes", "no")])
def test_parent_and_choices_are_held_against_each_other(tmp_path: Path, yes_no: tuple[str, str]) -> None:
    yes, no = yes_no
    head = "_id,works,why,why/age,why/lang-uage,why/other"
    lines = (
        f"1,no,age other,{yes},{no},{yes}",  # they agree
        f"2,no,age,{yes},{yes},{no}",  # they do not
        f"3,no,,{no},{yes},{no}",  # nor here
        "4,no,age other,,,",  # only the parent
        f"5,no,,{no},{no},{no}",  # asked, none chosen
        f"6,yes,,{no},{no},{no}",  # not asked: routing says so
        "7,yes,,,,",
        f"8,no,,{yes},{no},NA",
    )
    draft = read_kobo(export(tmp_path, lines, head), form_folder(tmp_path))
    assert sets(draft) == [
        [1, 0, 1], [1, 1, 0], [0, 1, 0], [1, 0, 1], [0, 0, 0], ["", "", ""], ["", "", ""], [1, 0, ""],
    ]  # fmt: skip
    assert draft.tables["disagreements"].to_numpy().tolist() == [
        ["2", "why", "age", "age lang-uage"], ["3", "why", "", "lang-uage"], ["8", "why", "", "age"],
    ]  # fmt: skip
    said = "\n".join(draft.notes)
    assert "why: in 3 rows its column disagrees with those of its choices, which are kept." in said
    assert "why: in 1 rows blank choices are filled by its column." in said
    assert "why: in 1 rows nothing is chosen and routing did not put the question: blank, not asked." in said


def test_a_set_with_only_its_parent_or_only_its_choices(tmp_path: Path) -> None:
    lines = ("1,no,age other", "2,no,", "3,no,age shoes")
    draft = read_kobo(export(tmp_path, lines, "_id,works,why"), form_folder(tmp_path))
    assert draft.responses.columns.tolist() == ["_id", "works", "why/age", "why/lang-uage", "why/other", "why/shoes"]
    assert sets(draft) == [[1, 0, 1, 0], ["", "", "", ""], [1, 0, 0, 1]]
    assert "why: shoes stands in its column and is no choice; kept" in "\n".join(draft.notes)
    ml.import_survey(tmp_path / "data.csv", tmp_path / "s", form=tmp_path / "form")
    findings = ml.open_survey(tmp_path / "s").check().findings
    assert findings["variable"].eq("why/shoes").any()  # checking names it
    draft = read_kobo(export(tmp_path, ("1,1,0,0,1", "2,,,,"), "_id,why/age,why/lang-uage,why/other,why/shoes"),
                      form_folder(tmp_path))  # fmt: skip
    assert sets(draft) == [[1, 0, 0, 1], ["", "", "", ""]]
    assert "why: the form has no choice shoes" in "\n".join(draft.notes)


def test_cells_that_are_neither_yes_nor_no_and_a_choice_that_came_later(tmp_path: Path) -> None:
    lines = ("1,age,1,0,", "2,other,0,maybe,1")
    draft = read_kobo(export(tmp_path, lines, "_id,why,why/age,why/lang-uage,why/other"), form_folder(tmp_path))
    assert draft.responses.filter(like="why/").astype(str).to_numpy().tolist()[1] == ["0", "maybe", "1"]
    said = "\n".join(draft.notes)
    assert "why/lang-uage: 1 cells are neither 0 nor 1 ('maybe')" in said
    assert "other is blank in 1 rows whose other choices are filled, as of a choice that the form did not offer" in said


def test_routing_that_cannot_be_tried_keeps_what_is_there(tmp_path: Path) -> None:
    draft = read_kobo(export(tmp_path, ("1,0,0,0",), "_id,why/age,why/lang-uage,why/other"), form_folder(tmp_path))
    assert sets(draft) == [[0, 0, 0]]
    assert "whether it was asked cannot be told" in "\n".join(draft.notes)


@pytest.mark.parametrize(
    ("head", "lines", "said"),
    [
        ("Do you work?,Age,Pay", ("yes,1,2",), r"row 1: the heads are labels \('Age'\), not names"),
        ("_id,works", ("1,Yes", "2,No"), "the answers are labels, not the names of choices"),
        ("a,b", ("1,2",), "no column is a question of the form"),
    ],
)
def test_labels_in_place_of_names_and_a_wrong_form(
    tmp_path: Path, head: str, lines: tuple[str, ...], said: str
) -> None:
    with pytest.raises(ReadError, match=said):
        read_kobo(export(tmp_path, lines, head), form_folder(tmp_path))


def test_ids_blanks_and_columns_that_the_form_does_not_have(tmp_path: Path) -> None:
    head = "works,age,about/pay,why_other,__version__,_geolocation,extra"
    lines = ('no,n/a,"1 234,5",NA,v1,,x', 'yes,40,"7,5",,v1,,y')
    draft = read_kobo(export(tmp_path, lines, head), form_folder(tmp_path))
    assert draft.respondent_id == "respondent"
    assert draft.responses["age"].fillna("").tolist() == ["", "40"]
    assert draft.responses["pay"].tolist() == ["1234.5", "7.5"]
    assert draft.other_columns == ("__version__", "_geolocation", "extra")
    said = "\n".join(draft.notes)
    assert "blanks: 2 cells that say NA or n/a are read as blank." in said
    assert "columns that the form does not have are kept as `other_columns`: extra." in said
    assert "decimal comma: pay, as '1 234,5' is 1234.5." in said
    draft = read_kobo(export(tmp_path, ("1,a,yes", "1,b,no"), "_id,_uuid,works"), form_folder(tmp_path))
    assert draft.respondent_id == "_uuid"
    draft = read_kobo(export(tmp_path, ("1,a,yes", "1,a,no"), "_id,_uuid,works"), form_folder(tmp_path))
    assert draft.respondent_id == "_id"
    assert "_id, which is not unique" in "\n".join(draft.notes)


def test_places_of_odk_central(tmp_path: Path) -> None:
    head = "works,gps-Latitude,gps-Longitude,gps-Altitude,gps-Accuracy,KEY"
    draft = read_kobo(export(tmp_path, ("yes,56.9,24.1,,5,uuid:1", "no,,,,,uuid:2"), head), form_folder(tmp_path))
    assert draft.responses["gps"].fillna("").tolist() == ["56.9 24.1 0 5", ""]
    assert draft.respondent_id == "KEY"


def write_sheets(file: Path, sheets: Mapping[str, list[list[object]]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(file)
    return file


def check_members(survey: ml.Survey) -> None:
    member, job = survey.repeats["member"], survey.repeats["job"]
    assert member.columns.tolist()[:4] == ["member_id", "_id" if "_id" in member else "KEY", "m_name", "m_age"]
    assert member.iloc[:, 0].str.rpartition("/")[2].tolist() == ["1", "2", "1", "1"]
    assert member["m_name"].tolist() == ["A", "B", "C", "lost"]
    assert member["m_age"].tolist() == [40, 5, 70, 1]
    assert member.filter(like="m_why/").astype(object).fillna("").to_numpy().tolist() == [
        [1, 0, 1], ["", "", ""], [0, 0, 0], ["", "", ""],
    ]  # fmt: skip
    assert job["job_id"].tolist() == [f"{member['member_id'].iloc[0]}/1", f"{member['member_id'].iloc[0]}/2"]
    assert job["member_id"].tolist() == [member["member_id"].iloc[0]] * 2


def test_repeats_as_sheets_of_a_workbook(tmp_path: Path) -> None:
    file = write_sheets(tmp_path / "data.xlsx", {
        "My survey": [["about/works", "_id", "_uuid", "_index"], ["yes", 101, "u1", 1], ["no", 102, "u2", 2]],
        "member": [
            ["member/m_name", "member/m_age", "member/m_why", "member/m_why/age", "member/m_why/lang-uage",
             "member/m_why/other", "_index", "_parent_table_name", "_parent_index", "_submission__id"],
            ["A", 40, "age other", 1, 0, 1, 1, "My survey", 1, 101],
            ["B", 5, None, 0, 0, 0, 2, "My survey", 1, 101],
            ["C", 70, None, 0, 0, 0, 3, "My survey", 2, 102],
            ["lost", 1, None, None, None, None, 4, "My survey", 9, 999],
        ],
        "job": [
            ["member/job/title", "_index", "_parent_table_name", "_parent_index"],
            ["cook", 1, "member", 1], ["cleaner", 2, "member", 1],
        ],
    })  # fmt: skip
    form = form_folder(tmp_path, SURVEY + REPEAT)
    draft, _ = ml.import_survey(file, tmp_path / "s", form=form)
    check_members(ml.open_survey(tmp_path / "s"))
    check_members(ml.read_survey(file, form))
    assert draft.repeats["member"]["_id"].tolist() == ["101", "101", "102", "no parent 9"]
    assert "repeat member: 1 members belong to nobody in the export." in draft.notes
    readme = (tmp_path / "s" / "README.md").read_text(encoding="utf-8")
    assert "| `member.csv` | the members of the repeated group `member`, one row each |" in readme


def test_repeats_as_files_of_odk_central(tmp_path: Path) -> None:
    form = form_folder(tmp_path, SURVEY + REPEAT)
    file = export(tmp_path, ("yes,k1", "no,k2"), "about-works,KEY")
    (tmp_path / "data-member.csv").write_text(
        "m_name,m_age,m_why,PARENT_KEY,KEY\nA,40,age other,k1,k1/1\nB,5,,k1,k1/2\nC,70,lang-uage,k2,k2/1\n"
        "lost,1,,k9,k9/1\n"
    )
    (tmp_path / "data-member-job.csv").write_text("title,PARENT_KEY,KEY\ncook,k1/1,j1\ncleaner,k1/1,j2\n")
    survey = ml.read_survey(file, form)
    assert survey.repeats["member"]["KEY"].tolist() == ["k1", "k1", "k2", "no parent k9"]
    assert survey.repeats["job"]["job_id"].tolist() == ["k1/1/1", "k1/1/2"]
    (tmp_path / "data-member.csv").write_text("m_name,m_age\nA,40\n")
    with pytest.raises(ReadError, match="the repeat 'member' has no column that leads to its respondents"):
        read_kobo(file, form)
    (tmp_path / "data-member.csv").unlink()
    (tmp_path / "data-member-job.csv").unlink()
    assert "repeat member: the export holds no table of it." in read_kobo(file, form).notes


def test_a_form_that_cannot_be_read_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        ml.import_survey(export(tmp_path), tmp_path / "s", form=tmp_path / "none")
    (tmp_path / "form.xlsx").write_bytes(b"PK\x03\x04 no workbook")
    with pytest.raises(QuestionnaireError):
        ml.import_survey(export(tmp_path), tmp_path / "s", form=tmp_path / "form.xlsx")
    assert not (tmp_path / "s").exists()


# ------------------------------------------------------------------------------------------------- the real export


@pytest.fixture(scope="module")
def household(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = REAL / "kobo_household"
    if not source.exists():
        pytest.skip("the real data, ../shared/real/kobo_household, is not here")
    folder = tmp_path_factory.mktemp("kobo") / "household"
    assert main(["import", str(source / "raw_data.csv"), "--form", str(source), "--to", str(folder)]) == 0
    return folder


def test_the_real_household_survey_comes_in_whole(household: Path) -> None:
    survey = ml.open_survey(household)
    raw = pd.read_csv(REAL / "kobo_household" / "raw_data.csv", dtype="str", keep_default_na=False)
    assert len(survey.responses) == len(raw) == 632
    assert survey.about.respondent_id == "_id"
    assert survey.responses["_id"].tolist() == raw["X_id"].tolist()
    assert survey.responses["start"].tolist() == raw["X.U.FEFF.start"].tolist()
    assert survey.responses["how_engaged_by_office/whatsapp"].sum() == 43
    assert survey.responses["how_engaged_by_office/face_to_face_home"].sum() == 451
    assert survey.about.paradata.interviewer == "enumerator_num"
    assert survey.about.paradata.age == "age_respondent_r"
    assert {"_uuid", "_submission_time", "_submitted_by"} <= set(survey.about.other_columns)
    assert str(survey.about.fieldwork.start) == "2021-07-04"
    for question in survey.questionnaire:
        if question.type == "select_multiple" and question.name in raw:
            chosen = [set(text.split()) if text != "NA" else None for text in raw[question.name]]
            for choice in question.choices:
                ours = survey.responses[f"{question.name}/{choice.name}"].astype(float).to_numpy()
                ticked = np.array([choice.name in names if names else False for names in chosen])
                np.testing.assert_array_equal(ours == 1, ticked)
                blank = np.array([names is None for names in chosen])
                assert np.isnan(ours[blank]).all()
        elif question.name in survey.responses and question.name in raw and question.type in ("select_one", "text"):
            ours = survey.responses[question.name].astype(object).fillna("NA").tolist()
            assert ours == raw[question.name].str.strip().str.replace("\r\n", "\n").tolist()


def test_the_real_household_survey_can_be_checked(household: Path) -> None:
    assert main(["check", str(household)]) in (0, 1)
