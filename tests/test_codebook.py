"""The codebook: complete, in every language, the same bytes, and nobody to be found in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from surveys import CHOICES, HEAD, ROWS, SHIPPED, SURVEY, YML

import motivlab as ml
from motivlab.codebook import Codebook, codebook, write_codebook
from motivlab.codebook_counts import hidden
from motivlab.language import LANGUAGES, say
from motivlab.questionnaire import Choice, Question, Questionnaire, Repeat

PARTICIPANTS = SHIPPED.parent / "programme_participants"
ENTRY = dict[tuple[str, str], int | None]


def cells(made: Codebook, name: str) -> ENTRY:
    entry = next(entry for entry in made.entries if entry.question.name == name)
    return {(cell.code, cell.kind): cell.n for cell in entry.cells}


# ------------------------------------------------------------------------------------------------------ what it says


def test_every_question_is_there_in_order_with_its_unweighted_counts(shipped: ml.Survey) -> None:
    made = codebook(shipped)
    assert [entry.question.name for entry in made.entries] == [question.name for question in shipped.questionnaire]
    counts = shipped.responses["region"].value_counts()
    assert {code: n for (code, _), n in cells(made, "region").items()} == counts.to_dict()
    assert cells(made, "disability")["refused", "refused"] == 13
    grounds = next(entry for entry in made.entries if entry.question.name == "grounds")
    assert grounds.asked == (shipped.responses["encountered"] == "yes").sum() == 278
    assert cells(made, "grounds")["", "passed"] == 1004 - 278
    assert cells(made, "grounds")["age", "answer"] == shipped.responses["grounds/age"].eq(1).sum()
    assert made.columns == (("respondent", "respondent_id"), ("stratum", "strata"), ("weight", "weight"))
    assert [section.title("en") for section in made.sections][1] == "About you"


def test_it_shows_itself(shipped: ml.Survey) -> None:
    made = codebook(shipped)
    assert "18 questions, 4 sections" in repr(made)
    assert "<table" in made._repr_html_()
    assert list(made.frame) == ["repeat", "question", "type", "code", "kind", "missing", "n"]


def test_no_value_of_a_text_an_id_or_a_weight_is_told(shipped: ml.Survey, tmp_path: Path) -> None:
    texts = shipped.responses["grounds_other"].dropna()
    assert len(texts)
    write_codebook(shipped, tmp_path / "book.html")
    page = (tmp_path / "book.html").read_text(encoding="utf-8")
    assert not [text for text in texts if f">{text}<" in page]
    assert repr(float(shipped.responses["weight"].iloc[0])) not in page


def test_numbers_and_dates_are_told_by_percentiles_only() -> None:
    survey = ml.Survey.from_frame(pd.DataFrame({"pay": np.arange(400) * 7.5, "few": [*range(30), *[None] * 370]}))
    pay, few = codebook(survey).entries
    assert list(pay.percentiles) == [5, 25, 50, 75, 95]
    assert few.percentiles == {}
    assert pay.percentiles[50] == "1490"  # 199 * 7.5 = 1492.5, to three digits


def test_an_unknown_code_is_counted_and_not_named(small: Callable[..., Path]) -> None:
    rows = tuple(f"{i},1,{'Jane Roe' if i == 7 else 'f'},30,no,,,,,,,2021-10-04" for i in range(40))
    folder = small(rows=rows, yml=f"{YML}gate: open\n")
    made = codebook(ml.open_survey(folder))
    assert cells(made, "sex") == {("f", "answer"): 39, ("m", "answer"): 0, ("", "unknown"): 1}
    write_codebook(ml.open_survey(folder), folder / "book.html")
    assert "Jane Roe" not in (folder / "book.html").read_text(encoding="utf-8")


def test_an_open_gate_shows_all_and_says_so(small: Callable[..., Path]) -> None:
    made = codebook(ml.open_survey(small(yml=f"{YML}gate: open\n")))
    assert cells(made, "sex") == {("f", "answer"): 4, ("m", "answer"): 3}
    assert cells(made, "age") == {("", "answered"): 6, ("-8", "refused"): 1}
    assert cells(made, "grounds") == {
        ("", "answered"): 4, ("age", "answer"): 2, ("gender", "answer"): 1, ("other", "answer"): 1,
        ("none", "answer"): 1, ("ref", "refused"): 1, ("", "passed"): 2,
    }  # fmt: skip
    assert say("note_gate_open", "en") in repr(made)
    few = codebook(ml.open_survey(small()))
    assert few.frame["n"].isna().all()
    assert all(section.n is None for section in few.sections)


def test_members_of_a_repeat_are_counted_by_themselves(shipped: ml.Survey) -> None:
    yes = (Choice("yes", {"en": "Yes"}), Choice("no", {"en": "No"}))
    inner = Questionnaire((Question("works", "select_one", {"en": "Works?"}, yes, "yn"),), {"en": "English (en)"})
    form = replace(shipped.questionnaire, repeats=(Repeat("member", inner, {"en": "Members"}, relevant="${age} > 17"),))
    table = pd.DataFrame({
        "member_id": [f"R{i}/1" for i in range(60)], "respondent": shipped.responses["respondent"][:60].to_numpy(),
        "works": ["yes", "no"] * 30,
    })  # fmt: skip
    made = codebook(replace(shipped, questionnaire=form, repeats={"member": table}))
    section = made.sections[-1]
    assert (section.repeat, section.n, section.title("en")) == ("member", 60, "Members")
    assert cells(made, "works") == {("yes", "answer"): 30, ("no", "answer"): 30}
    assert ("member: member_id", "repeat") in made.columns


# -------------------------------------------------------------------------------------------------------- disclosure


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.one_of(st.integers(0, 25), st.integers(0, 400)), min_size=1, max_size=30),
    st.data(),
)
def test_no_hidden_count_comes_out_by_subtraction(n: list[int], data: st.DataObject) -> None:
    free = data.draw(st.lists(st.booleans(), min_size=len(n), max_size=len(n)))
    out, counts = hidden(n, 20, free=free), np.array(n)
    assert all(out[i] for i in range(len(n)) if 0 < n[i] < 20 and not free[i])
    if sum(n) < 20 or not out.any():
        return
    total, k = counts[out].sum(), out.sum()
    assert k > 1 or len(n) == 1
    if k == 1:
        return
    # an intruder knows the sum of the hidden ones, and that each is above 0 unless all are hidden
    least = 0 if out.all() else 1
    assert total - least * (k - 1) > least, "each hidden count can be more than one number"
    assert total >= 20


def test_many_small_counts_do_not_give_each_other_away() -> None:
    assert hidden([1] * 25, 20).all()
    assert hidden([1] * 25 + [0, 900], 20).tolist() == [True] * 25 + [False, True]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["", "a", "b", "ab", "abc"]), min_size=20, max_size=90), st.integers(0, 30))
def test_what_few_chose_and_what_few_left_out_is_hidden(ticks: list[str], blank: int) -> None:
    rows = [{f"q/{c}": int(c in tick) for c in "abc"} for tick in ticks] + [{f"q/{c}": None for c in "abc"}] * blank
    frame = pd.DataFrame(rows).assign(v=range(len(rows)))
    made = codebook(ml.Survey.from_frame(frame, respondent_id="v"))
    shown = cells(made, "q") if "q" in [e.question.name for e in made.entries] else {}
    for choice in "abc":
        chosen = sum(choice in tick for tick in ticks)
        if 0 < chosen < 20 or 0 < len(ticks) - chosen < 20:
            assert shown.get((choice, "answer")) is None


def test_routing_gives_no_hidden_count_away() -> None:
    """Of three answers two are hidden; a question asked after one of these two would tell them apart."""
    group = ("Question", "group")
    choices = tuple(Choice(code, {"en": code}) for code in ("few", "some", "many"))
    form = Questionnaire(
        (
            Question(group[1], "select_one", {"en": "Group"}, choices, "g"),
            Question("after", "integer", {"en": "After"}, relevant="${group} = 'some'"),
            Question("both", "integer", {"en": "Both"}, relevant="${group} != 'many'"),
        ),
        {"en": "English (en)"},
    )
    codes = ["few"] * 6 + ["some"] * 30 + ["many"] * 200
    frame = pd.DataFrame({
        "group": pd.Categorical(codes, ["few", "some", "many"]),
        "after": [1.0 if code == "some" else None for code in codes],
        "both": [2.0 if code != "many" else None for code in codes],
    })  # fmt: skip
    survey = ml.Survey.from_frame(frame.assign(id=range(len(frame))), respondent_id="id")
    made = codebook(replace(survey, questionnaire=form))
    assert cells(made, "group") == {("few", "answer"): None, ("some", "answer"): None, ("many", "answer"): 200}
    assert cells(made, "after") == {("", "answered"): None, ("", "passed"): None}
    assert made.entries[1].asked is None
    assert cells(made, "both") == {("", "answered"): 36, ("", "passed"): 200}  # their sum is known anyway


# ------------------------------------------------------------------------------------------------------------- files


class Tags(HTMLParser):
    """Every tag that is opened is closed, in order."""

    VOID = ("meta", "br")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        self.ids += [said["id"] or ""] if "id" in said else []
        self.links += [said["href"] or ""] if tag == "a" else []
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("folder", [SHIPPED, PARTICIPANTS], ids=lambda folder: folder.name)
def test_the_page_is_whole_and_in_every_language(folder: Path, language: str, tmp_path: Path) -> None:
    survey = ml.open_survey(folder, language)
    write_codebook(survey, tmp_path / "book.html")
    page = (tmp_path / "book.html").read_text(encoding="utf-8")
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert len(set(tags.ids)) == len(tags.ids)
    assert {link.removeprefix("#") for link in tags.links} <= set(tags.ids)
    assert f'<html lang="{language}">' in page
    assert page.count("<h3>") == len(survey.questionnaire)
    for other in LANGUAGES:
        assert page.count(f'lang="{other}"') > len(survey.questionnaire)
    assert not re.search(r"(src|href)=\"(?!#)", page), "it needs nothing from elsewhere"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_document_reads_back(language: str, tmp_path: Path) -> None:
    import docx

    survey = ml.open_survey(SHIPPED, language)
    write_codebook(survey, tmp_path / "book.docx")
    document = docx.Document(str(tmp_path / "book.docx"))
    headings = [p.text for p in document.paragraphs if p.style is not None and p.style.name == "Heading 2"]
    assert headings == [question.name for question in survey.questionnaire]
    text = "\n".join(p.text for p in document.paragraphs)
    for question in survey.questionnaire:
        assert all(wording in text for wording in question.labels.values())
    region = next(t for t in document.tables if t.rows[1].cells[0].text == "riga")
    assert [cell.text for cell in region.rows[1].cells][-1] == "272"
    assert all("w:cantSplit" in row._tr.xml for row in region.rows)
    assert "w:tblHeader" in region.rows[0]._tr.xml
    assert "TOC" in document.element.body.xml
    footer = document.sections[0].footer.paragraphs[0]._p.xml
    assert " PAGE " in footer
    assert say("codebook_title", language) in document.core_properties.title
    assert document.core_properties.language.startswith(language)
    assert "ru-RU" in document.element.body.xml


@pytest.mark.parametrize("ending", [".docx", ".html"])
def test_the_same_survey_gives_the_same_bytes(shipped: ml.Survey, ending: str, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_codebook(shipped, tmp_path / f"{name}{ending}")
    assert (tmp_path / f"a{ending}").read_bytes() == (tmp_path / f"b{ending}").read_bytes()


def test_another_ending_is_refused_and_nothing_is_left(shipped: ml.Survey, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"book\.odt: a codebook is written as \.docx or \.html"):
        write_codebook(shipped, tmp_path / "book.odt")
    assert list(tmp_path.iterdir()) == []


def test_arabic_runs_from_right_to_left_and_odd_labels_do_no_harm(small: Callable[..., Path], tmp_path: Path) -> None:
    import docx

    survey = SURVEY.replace("label::Русский (ru)", "label::Arabic (ar)").replace("Возраст", "العمر")
    survey = survey.replace("Gender", "<span style='color:red'>Sex & <b>gender</b></span>").replace("Age", "A < B")
    choices = CHOICES.replace("label::Русский (ru)", "label::Arabic (ar)").replace("Женщина", "أنثى")
    made = ml.open_survey(small(survey=survey, choices=choices, rows=ROWS, head=HEAD))
    for ending in (".docx", ".html"):
        write_codebook(made, tmp_path / f"book{ending}")
    document = docx.Document(str(tmp_path / "book.docx"))
    arabic = next(p for p in document.paragraphs if p.text == "العمر")
    assert "<w:bidi/>" in arabic._p.xml
    assert "<w:rtl/>" in arabic._p.xml
    page = (tmp_path / "book.html").read_text(encoding="utf-8")
    assert 'lang="ar" dir="auto">العمر<' in page
    assert "Sex &amp; gender" in page
    assert "A &lt; B" in page
