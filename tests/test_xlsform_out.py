"""A questionnaire as a workbook: pyxform converts it, and it is read back as it was."""

import re
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from surveys import REAL, ROOT

import motivlab as ml
from motivlab.questionnaire import META_TYPES, TYPES, Choice, Group, Question, Questionnaire, Repeat
from motivlab.xlsform_out import write_form

Small = Callable[..., Path]
YES = (Choice("y", {"en": "Yes"}), Choice("n", {"en": "No"}, exclusive=True), Choice("r", {"en": "?"}, "refused"))


def converted(file: Path) -> str:
    """The XForm that pyxform makes of a workbook; what ODK Validate would add needs Java."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pyxform.xls2xform import convert

        return str(convert(str(file), warnings=[], validate=False).xform)


def there_and_back(form: Questionnaire, file: Path) -> tuple[Questionnaire, list[str], str]:
    """What is read again, the notes and the XForm."""
    notes = write_form(form, file)
    return Questionnaire.read(file), notes, converted(file)


@pytest.mark.parametrize("name", ["discrimination_survey", "programme_participants"])
def test_a_shipped_questionnaire_comes_back_as_it_was(name: str, tmp_path: Path) -> None:
    form = Questionnaire.read(ROOT / "data" / name / "questionnaire")
    again, notes, xform = there_and_back(form, tmp_path / "form.xlsx")
    assert again == form
    assert notes == []
    assert f'id="{form.settings["form_id"]}"' in xform


def test_a_form_that_was_fielded_comes_back_as_it_was(tmp_path: Path) -> None:
    if not (REAL / "kobo_household").exists():
        pytest.skip("the real data, ../shared/real/kobo_household, is not here")
    form = Questionnaire.read(REAL / "kobo_household")
    again, notes, xform = there_and_back(form, tmp_path / "household.xlsx")
    assert replace(again, settings={}) == form
    assert notes == [
        "form_title 'household' is added.",
        "form_id 'household' is added.",
        "default_language 'English (en)' is added.",
    ]
    assert xform.count("<bind ") > 200


def test_repeats_groups_and_all_columns_come_back(tmp_path: Path) -> None:
    inner = Questionnaire(
        (
            Question("age", "integer", {"en": "Age"}, constraint=". < 120", extra={"required": "yes"}),
            Question(
                "sex", "select_one", {"en": "Sex"}, YES, "yn", relevant="${age} > 15", groups=(Group("g", {"en": "G"}),)
            ),
        ),
        {"en": "English (en)"},
    )
    outer = Group("house", {"en": "House"}, "${size} > 0")
    form = Questionnaire(
        (
            Question("size", "integer", {"en": "Size"}, missing={"-9": "refused"}),
            Question(
                "any", "select_multiple", {"en": "Any of ${size}?"}, YES, "yn", extra={"hint::English (en)": "Hint"}
            ),
            Question("total", "calculate", extra={"calculation": "sum(${age})", "trigger": "${size}"}),
        ),
        {"en": "English (en)"},
        {"form_title": "T", "form_id": "t", "version": "1", "default_language": "English (en)"},
        (Repeat("member", inner, {"en": "Member"}, "${size} > 1", (outer,), {"repeat_count": "${size}"}, "any"),),
    )
    again, notes, xform = there_and_back(form, tmp_path / "form.xlsx")
    assert again == form
    assert notes == []
    assert "<repeat " in xform


def test_the_same_questionnaire_gives_the_same_bytes(shipped: ml.Survey, tmp_path: Path) -> None:
    shipped.questionnaire.write(tmp_path / "a.xlsx")
    shipped.questionnaire.write(tmp_path / "b.xlsx")
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.xlsx", "b.xlsx"]


def test_our_own_columns_are_kept_and_passed_over(small: Small, tmp_path: Path) -> None:
    form = Questionnaire.read(small() / "questionnaire")
    again, _, xform = there_and_back(form, tmp_path / "form.xlsx")
    assert again["grounds"].missing_codes == {"ref": "refused"}
    assert again["age"].missing == {"-8": "refused"}
    assert again["grounds"].choices[3].exclusive
    assert "-8=refused" not in xform


def test_what_an_xlsform_cannot_hold_is_written_otherwise_and_said(tmp_path: Path) -> None:
    spaced = (Choice("a b"), Choice("a_b"), Choice("c"))
    form = Questionnaire(
        (
            Question("Q1$2", "integer"),
            Question("Q1_2", "select_multiple", {"": "Which of ${Q1$2}, ${none}?"}, spaced, "my list"),
            Question("2nd", "text", {"": "Second"}, relevant="${Q1$2} > 1 and ${2nd} != '${Q1$2}'"),
            Question("other", "select_one", {"": "Other"}, spaced[1:], "my list"),
            Question("none_listed", "select_one", {"": "Of what?"}),
            Question("sum", "calculate"),
        ),
        {"": ""},
    )
    again, notes, _ = there_and_back(form, tmp_path / "my form.xlsx")
    assert [q.name for q in again] == ["Q1_2_2", "Q1_2", "_2nd", "other", "none_listed", "sum"]
    assert again["_2nd"].relevant.startswith("${Q1_2_2} > 1 and ${_2nd} !=")
    assert again["Q1_2_2"].labels == {"": "Q1_2_2"}
    assert again["Q1_2"].labels == {"": "Which of ${Q1_2_2}, $ {none}?"}
    assert [c.name for c in again["Q1_2"].choices] == ["a_b_", "a_b", "c"]
    assert (again["Q1_2"].list_name, again["other"].list_name) == ("my_list", "my_list_2")
    assert (again["none_listed"].type, again["sum"].type) == ("text", "hidden")
    assert again.settings == {"form_title": "my form", "form_id": "my_form"}
    said = " ".join(notes)
    for part in ("'Q1$2' is written as 'Q1_2_2'", "'2nd' is written as '_2nd'", "has no wording; its name is written",
                 "${none} in its wording is no question", "the choice 'a b' is written as 'a_b_'",
                 "its list of choices 'my list' is written as 'my_list_2'", "no choices; it is written as type text",
                 "is of type calculate without a calculation", "form_id 'my_form' is added"):  # fmt: skip
        assert part in said


def test_an_inferred_questionnaire_is_converted(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"a b": ["x y", "x y", "z", "z"], "q/1": [1, 0, 1, 1], "q/2 3": [0, 0, 1, 1], "n": [1.5, 2, 3, 4]}
    )
    form = ml.Survey.from_frame(frame).questionnaire
    again, notes, _ = there_and_back(form, tmp_path / "form.xlsx")
    assert [q.name for q in again] == ["a_b", "q", "n"]
    assert len(notes) == 6


def test_a_formula_or_a_link_is_text_and_a_cell_has_an_end(tmp_path: Path) -> None:
    form = Questionnaire((Question("q", "text", {"": "=1+1"}, extra={"hint": "https://example.org"}),), {"": ""})
    write_form(form, tmp_path / "form.xlsx")
    book = openpyxl.load_workbook(tmp_path / "form.xlsx")
    assert book["survey"]["C2"].value == "=1+1"
    assert book["survey"]["C2"].data_type == "s"
    book.close()
    long = replace(form, questions=(Question("q", "text", {"": "x" * 40_000}),))
    with pytest.raises(ValueError, match="sheet 'survey', row 2: label has 40,000 characters"):
        write_form(long, tmp_path / "long.xlsx")
    assert not (tmp_path / "long.xlsx").exists()


NAMES = st.text(st.sampled_from("abcXYZ019_.-$ ā;"), min_size=1, max_size=5).map(lambda name: re.sub(r"\s", "_", name))
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12).map(str.strip)
PLAIN = [
    kind for kind in TYPES
    if "select" not in kind and kind not in ("rank", "range", "calculate", "audit", "csv-external", "xml-external")
]  # fmt: skip


@st.composite
def forms(draw: st.DrawFn) -> Questionnaire:
    """Questions of every type, in groups and repeats, with choices and conditions."""
    names = draw(st.lists(NAMES, min_size=3, max_size=9, unique_by=str.lower))
    parts: list[Any] = []
    for i, name in enumerate(names[1:]):
        kind = draw(st.sampled_from(["select_one", "select_multiple", "rank", *PLAIN]))
        listed = kind in ("select_one", "select_multiple", "rank")
        codes = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True)) if listed else []
        parts.append(
            Question(
                name, kind, {"": draw(WORDS)}, tuple(Choice(code, {"": draw(WORDS)}) for code in codes),
                f"list{i}" if codes else "",
                relevant=f"${{{names[1]}}} != ''" if i and kind not in META_TYPES and draw(st.booleans()) else "",
            )
        )  # fmt: skip
    cut = draw(st.integers(1, len(parts)))
    inside = Questionnaire(tuple(parts[cut:]), {"": ""})
    repeats = (Repeat(names[0], inside, {"": draw(WORDS)}, after=parts[cut - 1].name),) if parts[cut:] else ()
    return Questionnaire(tuple(parts[:cut]), {"": ""}, {"form_title": "T", "form_id": "t"}, repeats)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(form=forms())
def test_any_questionnaire_is_converted_and_a_second_writing_changes_nothing(
    form: Questionnaire, tmp_path: Path
) -> None:
    again, _, _ = there_and_back(form, tmp_path / "form.xlsx")
    assert len(again.known) == len(form.known)
    twice, notes, _ = there_and_back(again, tmp_path / "again.xlsx")
    assert twice == again
    assert notes == []
