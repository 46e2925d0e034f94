"""The rules of the questionnaire, each by a fault of its kind and by an answer that is near it and right."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import pandas as pd
import pandera.pandas as pa
import pytest

import motivlab as ml
from motivlab import rules
from motivlab.about import About, Fieldwork
from motivlab.checking import CheckReport
from motivlab.kinds import Checks
from motivlab.masks import METHODS
from motivlab.questionnaire import Choice, Group, Question, Questionnaire, Repeat
from motivlab.schema import register_checks
from motivlab.typed import typed

YES_NO = (Choice("yes"), Choice("no"))


def survey(questions: tuple[Question, ...], cells: dict[str, list[Any]], **more: Any) -> ml.Survey:
    """A survey of these questions and cells, the respondents numbered."""
    size = len(next(iter(cells.values())))
    frame = pd.DataFrame({"id": [str(i) for i in range(1, size + 1)], **cells}).astype("str")
    languages, repeats = more.pop("languages", {"en": "English (en)"}), more.pop("repeats", ())
    tables = more.pop("tables", {})
    about = About(
        title="t", synthetic=True, respondent_id="id", fieldwork=Fieldwork(start="?", end="?"), **more
    )  # fmt: skip
    form = Questionnaire(questions, languages, repeats=repeats)
    return ml.Survey(typed(frame, form, about), form, about, repeats=tables)


def found(report: CheckReport, *notes: str) -> list[tuple[str, str, str, str]]:
    """Respondent, variable, value and rule of what is more than a note, or is one of these rules."""
    rows = report.findings[(report.findings["severity"] != "note") | report.findings["rule"].isin(notes)]
    return list(rows[["respondent", "variable", "value", "rule"]].itertuples(index=False, name=None))


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("time", ["14:30", "7:05:01", "23:59:59.123+02:00"], ["14.30", "25:00", "14:61", "noon"]),
        ("dateTime", ["2021-10-31T14:30", "2021-10-31T14:30:00.000+02:00", "2021-10-31"],
         ["31.10.2021 14:30", "2021-10", "2021-13-01T10:00", "today"]),
        ("geopoint", ["56.95 24.1", "56.95 24.1 10.5 4"], ["56.95", "91 24", "56.95 181", "56,95 24,1", "a b",
                                                           "56.95 24.1; 56.96 24.1"]),
        ("geotrace", ["56.95 24.1; 56.96 24.2 0 0;"], ["56.95 24.1; 56.96"]),
        ("geoshape", ["56.95 24.1;56.96 24.2;56.95 24.1"], ["shape"]),
        ("date", ["2021-10-31"], ["31.10.2021", "2021-02-30", "2021-10"]),
        ("integer", ["0", "-3", "4.0"], ["4.5", "four", "inf"]),
        ("decimal", ["0.1", "-3", "1e3"], ["1,5", "four", "inf"]),
    ],
)  # fmt: skip
def test_what_is_not_of_its_type(kind: str, good: list[str], bad: list[str]) -> None:
    made = survey((Question("q", kind, missing={"-9": "refused"}),), {"q": [*good, *bad, "-9", pd.NA]})
    report = made.check()
    assert [value for _, _, value, rule in found(report) if rule == "wrong_type"] == bad
    assert "(" not in report.findings["message"].iloc[0]  # the type is said in words


def test_what_a_device_fills_in_is_looked_at_where_it_is_there() -> None:
    questions = (Question("begin", "start"), Question("day", "today"), Question("sex", "select_one", choices=YES_NO))
    made = survey(questions, {"begin": ["2021-10-04T10:00", "yesterday"], "day": ["2021-10-04", "4.10."]})
    rows = found(made.check())
    assert rows[0] == ("", "sex", "", "column_missing")
    assert set(rows[1:]) == {("2", "begin", "yesterday", "wrong_type"), ("2", "day", "4.10.", "wrong_type")}


OTHER = (Choice("tv"), Choice("other", {"en": "Other (please specify)"}))


@pytest.mark.parametrize(
    "text",
    [
        Question("text", "text", relevant="selected(${media}, 'other')"),
        Question("text", "text", relevant='${media} = "other"'),
        Question("media_other", "text"),
        Question("other_media", "text", relevant="${media} != ''"),
    ],
)
@pytest.mark.parametrize("kind", ["select_one", "select_multiple"])
def test_other_and_its_text_belong_together(text: Question, kind: str) -> None:
    media = Question("media", kind, choices=OTHER)
    chosen = {"media": ["other", "other", "tv", "tv"]}
    if kind == "select_multiple":
        chosen = {"media/tv": ["0", "0", "1", "1"], "media/other": ["1", "1", "0", "0"]}
    made = survey((media, text), {**chosen, text.name: [pd.NA, "radio", "radio", pd.NA]})
    both = {("1", text.name, "", "other_without_text"), ("3", text.name, "radio", "text_without_other")}
    more = {("4", text.name, "", "asked_not_answered")} if "!=" in text.relevant else set()
    assert set(found(made.check())) == both | more


@pytest.mark.parametrize("label", ["Cits", "Cits variants, kāds?", "Другое (укажите)", "Other – please specify"])
def test_other_is_known_by_its_label(label: str) -> None:
    media = Question("media", "select_one", choices=(Choice("1"), Choice("7", {"lv": label})))
    made = survey((media, Question("media_other", "text")), {"media": ["7"], "media_other": [pd.NA]})
    assert found(made.check()) == [("1", "media_other", "", "other_without_text")]


def test_a_text_after_any_other_choice_is_plain_routing() -> None:
    media = Question("media", "select_one", choices=(Choice("tv"), Choice("aunt", {"en": "Other relative"})))
    text = Question("text", "text", relevant="${media} = 'aunt'")
    made = survey((media, text), {"media": ["aunt", "tv"], "text": [pd.NA, "x"]})
    assert [rule for *_, rule in found(made.check())] == ["asked_not_answered", "answered_not_asked"]


def test_a_rule_that_is_off_leaves_the_fault_to_the_next() -> None:
    text = Question("text", "text", relevant="selected(${media}, 'other')")
    media = Question("media", "select_one", choices=OTHER)
    off = Checks(rules={"other_without_text": "off"})
    made = survey((media, text), {"media": ["other"], "text": [pd.NA]}, checks=off)
    assert found(made.check()) == [("1", "text", "", "asked_not_answered")]


def test_choices_that_were_not_offered() -> None:
    towns = (
        Choice("riga", extra={"region": "r"}),
        Choice("ogre", extra={"region": "r"}),
        Choice("liepaja", extra={"region": "k"}),
    )
    region = Question("region", "select_one", choices=(Choice("r"), Choice("k")))
    filtered = {"choice_filter": "region = ${region}"}
    one = Question("town", "select_one", choices=towns, list_name="town", extra=filtered)
    several = Question("towns", "select_multiple", choices=towns, list_name="town", extra=filtered)
    cells = {
        "region": ["r", "k", "k", "r"],
        "town": ["ogre", "ogre", "liepaja", "jelgava"],
        "towns/riga": ["1", "1", "0", "0"],
        "towns/ogre": ["0", "0", "0", "1"],
        "towns/liepaja": ["0", "1", "1", "0"],
    }
    assert set(found(survey((region, one, several), cells).check())) == {
        ("2", "town", "ogre", "not_offered"),
        ("4", "town", "jelgava", "unknown_code"),  # and not, that it was not offered
        ("2", "towns", "riga liepaja", "not_offered"),
    }


def test_a_calculated_value_is_calculated_again() -> None:
    questions = (
        Question("a", "integer"),
        Question("b", "decimal"),
        Question("sum", "calculate", extra={"calculation": "${a} + ${b}"}),
        Question("old", "calculate", extra={"calculation": "if(${a} > 1, 'yes', 'no')"}),
        Question("typed", "integer", extra={"calculation": "${a}"}),  # which may be typed over
    )
    cells = {
        "a": ["1", "2", "3", pd.NA],
        "b": ["0.1", "0.2", "0.3", "1"],
        "sum": ["1.1", "2.3", "3.3000000000000001", pd.NA],
        "old": ["no", "no", "yes", pd.NA],
        "typed": ["9", "9", "9", "9"],
    }
    assert found(survey(questions, cells).check()) == [
        ("2", "old", "no", "calculation"),
        ("2", "sum", "2.3", "calculation"),
    ]


def test_what_is_required_when() -> None:
    questions = (
        Question("age", "integer", extra={"required": "yes"}),
        Question("phone", "text", extra={"required": "${age} > 17"}),
        Question("school", "text", relevant="${age} < 18", extra={"required": "no"}),
        Question("job", "select_one", choices=YES_NO, relevant="${age} > 17"),
    )
    cells = {"age": ["17", "18", pd.NA], "phone": [pd.NA] * 3, "school": [pd.NA] * 3, "job": [pd.NA] * 3}
    report = survey(questions, cells).check()
    rows = report.findings[report.findings["rule"] == "asked_not_answered"]
    assert list(rows[["respondent", "variable", "severity"]].itertuples(index=False, name=None)) == [
        ("1", "school", "note"),  # it says that it may be left out
        ("2", "job", "warning"),  # in a form that says what is required
        ("2", "phone", "error"),
        ("3", "age", "error"),
    ]


def test_the_routing_of_a_group_holds_for_all_in_it() -> None:
    group = (Group("g", relevant="${met} = 'yes'"),)
    questions = (
        Question("met", "select_one", choices=YES_NO),
        Question("often", "select_one", choices=YES_NO, groups=group),
        Question("where", "text", groups=group, relevant="${often} = 'yes'"),
    )
    cells = {"met": ["no", "yes"], "often": ["yes", "yes"], "where": ["here", pd.NA]}
    assert found(survey(questions, cells).check()) == [
        ("1", "often", "yes", "answered_not_asked"),
        ("1", "where", "here", "answered_not_asked"),
        ("2", "where", "", "asked_not_answered"),
    ]


def test_what_nobody_answered_or_chose_and_wordings_that_are_missing() -> None:
    choices = (Choice("a", {"lv": "A", "en": "A"}), Choice("b", {"lv": "B"}), Choice("-9", missing="refused"))
    questions = (
        Question("one", "select_one", {"lv": "Viens", "en": "One"}, choices, "ab"),
        Question("two", "select_one", {"lv": "Divi", "en": ""}, choices, "ab"),
        Question("many", "select_multiple", {"lv": "Daudz", "en": "Many"}, choices, "ab"),
        Question("never", "text", {"lv": "Nekad", "en": "Never"}),
        Question("bare", "text"),
    )
    cells = {
        "one": ["a", "a"], "two": ["a", "b"], "many/a": ["0", pd.NA], "many/b": ["1", pd.NA],
        "never": [pd.NA, pd.NA], "bare": ["x", "y"],
    }  # fmt: skip
    report = survey(questions, cells, languages={"lv": "Latviešu (lv)", "en": "English (en)"}).check()
    assert report.ok
    assert report.findings.index.tolist() == [0] * 5  # about the file
    assert set(report.findings[["variable", "value", "rule"]].itertuples(index=False, name=None)) == {
        ("one", "b", "unused_code"), ("many", "a", "unused_code"), ("never", "", "nobody_answered"),
        ("one", "en", "label_missing"), ("two", "en", "label_missing"),
    }  # fmt: skip
    assert "5 notes" in report.headline


def test_a_rule_is_silent_where_its_column_is_absent() -> None:
    questions = (
        Question("met", "select_one", choices=YES_NO),
        Question("often", "select_one", choices=YES_NO, relevant="${met} = 'yes'", constraint=". != 'no'"),
        Question("media", "select_one", choices=OTHER, relevant="${met} = 'yes'"),
        Question("media_other", "text", {"en": "Which?"}),
    )
    report = survey(questions, {"often": ["no"]}, languages={"en": "English (en)", "lv": "Latviešu (lv)"}).check()
    assert {rule for *_, rule in found(report, "unused_code", "nobody_answered", "label_missing")} == {
        "column_missing", "out_of_range", "unused_code",
    }  # fmt: skip
    assert report.left_out == ()


def test_an_expression_without_meaning_is_left_out_with_a_word() -> None:
    questions = (
        Question("age", "integer", constraint=". > random()"),
        Question("sex", "select_one", choices=YES_NO, relevant="nosuch(${age})"),
        Question("lost", "select_one", choices=YES_NO, relevant="${device} = 'x'"),
        Question("device", "deviceid"),
    )
    made = survey(questions, {"age": ["300"], "sex": ["x"], "lost": ["yes"]})
    for language in ("lv", "en", "ru"):
        report = replace(made, language=language).check()
        assert found(report) == [("1", "sex", "x", "unknown_code")]  # the other rules are tried
        assert len(report.left_out) == 3
        assert all(said in " ".join(report.left_out) for said in ("random", "nosuch", "device", "age", "sex", "lost"))
        assert report.left_out[0] in repr(report)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with pytest.raises(pa.errors.SchemaErrors, match="unknown_code:sex"):
            made.schema().validate(made.responses, lazy=True)
    assert {"random" in str(one.message) for one in caught} == {True, False}


def test_the_members_of_a_repeat() -> None:
    inner = Questionnaire((
        Question("name", "select_one", choices=YES_NO),
        Question("age", "integer", constraint=". <= 120", relevant="${size} > 1"),
    ), {"en": "English (en)"})  # fmt: skip
    pet = Repeat("pets", Questionnaire((Question("legs", "integer", constraint=". <= 8"),)))
    inner = replace(inner, repeats=(pet,))
    members = pd.DataFrame({
        "members_id": ["1/1", "1/2", "2/1", "9/1", "1/2"], "id": ["1", "1", "2", "9", "1"],
        "name": ["yes", "no", "x", "yes", "no"], "age": [30, 300, 40, None, 20], "extra": list("abcde"),
    })  # fmt: skip
    pets = pd.DataFrame({"pets_id": ["1/1/1", "7/1"], "members_id": ["1/1", "7"], "legs": [9, 4]})
    made = survey(
        (Question("size", "integer"),), {"size": ["2", "1"]},
        repeats=(Repeat("members", inner),), tables={"members": members, "pets": pets},
    )  # fmt: skip
    report = made.check()
    assert set(found(report)) == {
        ("1/2", "members/age", "300", "out_of_range"),
        ("2/1", "members/name", "x", "unknown_code"),
        ("2/1", "members/age", "40", "answered_not_asked"),
        ("1/2", "members/members_id", "1/2", "id_duplicate"),
        ("9/1", "members/id", "9", "orphan"),
        ("", "members/extra", "", "column_unknown"),
        ("1/1/1", "pets/legs", "9", "out_of_range"),
        ("7/1", "pets/members_id", "7", "orphan"),
    }
    assert report.findings.loc[report.findings["variable"] == "pets/legs"].index.tolist() == [1]
    by_rule = report.summary.set_index("rule")["respondents"]
    assert by_rule["out_of_range"] == 1  # both are of respondent 1
    assert by_rule["orphan"] == 0
    alone = replace(made, repeats={}).check()
    assert ["members.csv" in said for said in alone.left_out] == [True]


def test_findings_that_the_cleaning_keeps() -> None:
    record = pd.DataFrame({
        "respondent": ["1", "2", "3"], "variable": ["age"] * 3, "rule": ["out_of_range"] * 3,
        "action": ["keep", "keep", "change"], "before": ["200", "7", "300"],
    })  # fmt: skip
    made = survey((Question("age", "integer", constraint=". <= 120"),), {"age": ["200", "210", "300"]})
    report = replace(made, cleaning=record).check()
    assert [who for who, *_ in found(report)] == ["2", "3"]
    assert report.kept["respondent"].tolist() == ["1"]
    assert "1 finding" in repr(report)


def test_interviewer_and_day_stand_beside_a_finding() -> None:
    questions = (
        Question("began", "start"), Question("who", "username"), Question("age", "integer", constraint=". <= 120"),
    )  # fmt: skip
    cells = {"began": ["2021-10-04T10:00:00+02:00", pd.NA], "who": ["anna", pd.NA], "age": ["200", "200"]}
    findings = survey(questions, cells).check().findings
    rows = findings[findings["rule"] == "out_of_range"]
    assert rows["interviewer"].tolist() == ["anna", ""]
    assert rows["day"].tolist() == ["2021-10-04", ""]


def test_the_severity_is_that_of_survey_yml_then_of_the_rule() -> None:
    questions = (Question("age", "integer", constraint=". <= 120"), Question("why", "text", relevant="${age} > 17"))
    cells = {"age": ["200", "20"], "why": ["x", pd.NA]}
    plain = survey(questions, cells).check().findings
    assert dict(zip(plain["rule"], plain["severity"], strict=True)) == {
        "out_of_range": "error", "asked_not_answered": "warning",
    }  # fmt: skip
    said = Checks(rules={"out_of_range": {"severity": "note"}, "asked_not_answered": {"severity": "error"}})
    changed = survey(questions, cells, checks=said).check()
    assert dict(zip(changed.findings["rule"], changed.findings["severity"], strict=True)) == {
        "out_of_range": "note", "asked_not_answered": "error",
    }  # fmt: skip
    off = Checks(rules={"out_of_range": "off", "asked_not_answered": False})
    assert survey(questions, cells, checks=off).check().findings.empty


@pytest.mark.parametrize("rule", ["column_missing", "column_unknown", "unused_code", "id_duplicate"])
def test_every_rule_has_a_switch(rule: str) -> None:
    questions = (Question("sex", "select_one", choices=YES_NO), Question("gone", "text"))
    cells = {"id": ["1", "1"], "sex": ["yes", "yes"], "more": ["a", "b"]}
    assert rule in set(survey(questions, cells).check().findings["rule"])
    off = Checks(rules={rule: "off"})
    assert rule not in set(survey(questions, cells, checks=off).check().findings["rule"])


# ------------------------------------------------------------------------------------------------- several at a time

SET = Question("m", "select_multiple", choices=(
    Choice("x"), Choice("y"), Choice("ref", missing="refused"), Choice("-8", missing="dont_know"),
))  # fmt: skip


def test_a_set_that_is_filled_in_part() -> None:
    cells = {
        "asked": ["yes", "yes", "yes", "no", "yes"],
        "m/x": ["1", pd.NA, "-8", "1", "1"], "m/y": [pd.NA, "0", "-8", pd.NA, "0"],
    }  # fmt: skip
    questions = (Question("asked", "select_one", choices=YES_NO), replace(SET, relevant="${asked} = 'yes'"))
    report = survey(questions, cells).check()
    assert found(report) == [
        ("1", "m/y", "", "asked_not_answered"), ("2", "m/x", "", "asked_not_answered"),
        ("4", "m", "x", "answered_not_asked"),
    ]  # fmt: skip
    partly = report.findings[report.findings["rule"] == "asked_not_answered"]
    assert partly["severity"].tolist() == ["warning", "warning"]
    assert partly["message"].iloc[0].startswith("m/y is blank, but the question was to be put (other columns of m are")


def test_a_choice_that_the_form_did_not_have_yet_is_one_finding() -> None:
    size = 60
    cells = {"m/x": ["1"] * size, "m/y": [pd.NA] * 21 + ["0"] * (size - 22) + [pd.NA]}
    report = survey((SET,), cells).check()
    assert found(report) == [("", "m/y", "", "asked_not_answered")]
    assert "22 of 60" in " ".join(report.findings["message"])
    cells["m/y"][0] = cells["m/y"][1] = "0"
    assert len(found(survey((SET,), cells).check())) == 20  # few enough to be told one by one


def test_what_was_not_offered_may_be_blank() -> None:
    towns = (Choice("riga", extra={"region": "r"}), Choice("liepaja", extra={"region": "k"}))
    several = Question("towns", "select_multiple", choices=towns, extra={"choice_filter": "region = ${region}"})
    region = Question("region", "select_one", choices=(Choice("r"), Choice("k"), Choice("")))
    cells = {"region": ["r", "r", "k"], "towns/riga": ["1", "1", pd.NA], "towns/liepaja": [pd.NA, "0", "0"]}
    assert found(survey((region, several), cells).check()) == []


def test_a_missing_code_beside_an_answer_or_another_code() -> None:
    several = replace(SET, missing={"-9": "refused"})
    cells = {
        "m/x": ["1", "-8", "-8", "-9", "0", "0", "-8"], "m/y": ["-8", "-8", "-9", "1", "-8", "0", "-8"],
        "m/ref": ["0", "0", "0", "0", "0", "1", "1"],
    }  # fmt: skip
    assert [(who, rule) for who, _, _, rule in found(survey((several,), cells).check())] == [
        ("1", "exclusive"), ("3", "exclusive"), ("4", "exclusive"), ("7", "exclusive"),
    ]  # fmt: skip


def test_the_column_of_a_missing_reason_holds_0_or_1() -> None:
    cells = {"m/x": ["1", "0", "0"], "m/y": ["0", "0", "0"], "m/ref": ["7", "1", "abc"]}
    assert found(survey((SET,), cells).check()) == [
        ("1", "m/ref", "7", "unknown_code"), ("3", "m/ref", "abc", "unknown_code"),
    ]  # fmt: skip


def test_a_calculation_that_gives_no_number() -> None:
    questions = (
        Question("a", "integer"),
        Question("c", "calculate", extra={"calculation": "${a} + 1"}),
        Question("d", "calculate", extra={"calculation": "${a} div 0"}),
    )
    cells = {"a": [pd.NA, "1", "-1", "2", "3"], "c": ["NaN", "2", "NaN", "3", "4"],
             "d": ["NaN", "Infinity", "-Infinity", "-Infinity", "NaN"]}  # fmt: skip
    assert found(survey(questions, cells).check()) == [
        ("3", "c", "NaN", "calculation"), ("4", "d", "-Infinity", "calculation"), ("5", "d", "NaN", "calculation"),
    ]  # fmt: skip


def test_between_the_steps_of_a_range() -> None:
    question = Question("q", "range", extra={"parameters": "start=1 end=2 step=0.1"}, missing={"-9": "refused"})
    cells = {"q": ["1", "1.3", "1.7", "1.75", "2.1", "-9", pd.NA]}
    assert [value for _, _, value, _ in found(survey((question,), cells).check())] == ["1.75", "2.1"]


def test_one_bad_cell_changes_nothing_for_the_others() -> None:
    first, second = Question("a", "decimal"), Question("b", "integer")
    third = Question("c", "integer", relevant="${a}")
    fourth = Question("d", "integer", relevant="${a} = ${b}")
    cells = {"a": ["2.0", "0", "1", "abc", "-0.50"], "b": ["2", "0", "3", "4", "1"],
             "c": ["1", pd.NA, "1", "1", "1"], "d": ["1", "1", pd.NA, pd.NA, pd.NA]}  # fmt: skip
    assert found(survey((first, second, third, fourth), cells).check()) == [("4", "a", "abc", "wrong_type")]


@pytest.mark.parametrize("bad", [[0, 10**400], [0, 1 + 2j], pd.to_datetime(["2021-01-01T00:00+03:00"] * 2)])
@pytest.mark.parametrize("by", ["as it is", "typed"])
def test_columns_of_any_kind_are_checked(bad: Any, by: str) -> None:
    made = survey((Question("a", "integer"), SET), {"a": ["0", "1"], "m/x": ["1", "0"], "m/y": ["1", "0"]})
    frame = made.responses.assign(a=pd.Series(bad))
    frame["m/x"] = pd.Series([1, 0]).astype(pd.SparseDtype(int))
    if by == "typed":
        frame = typed(frame, made.questionnaire, made.about)
    rows = found(replace(made, responses=frame).check())
    assert {(name, rule) for _, name, _, rule in rows} == {("a", "wrong_type")}


def test_members_of_whom_nobody_was_to_be_asked() -> None:
    member = Questionnaire((Question("age", "integer"),))
    inner = Repeat("pets", Questionnaire((Question("legs", "integer"),)), relevant="${age} > 5")
    household = Repeat("hh", replace(member, repeats=(inner,)), relevant="${size} = 1", groups=(Group("g", {}, "1"),))
    tables = {
        "hh": pd.DataFrame({"hh_id": ["1/1", "2/1", "9/1"], "id": ["1", "2", "9"], "age": [3, 10, 10]}),
        "pets": pd.DataFrame({"pets_id": ["1/1/1", "2/1/1"], "hh_id": ["1/1", "2/1"], "legs": [4, 4]}),
    }
    made = survey((Question("size", "integer"),), {"size": ["0", "1"]}, repeats=(household,), tables=tables)
    assert found(made.check()) == [
        ("1/1", "hh/hh_id", "1/1", "answered_not_asked"), ("9/1", "hh/id", "9", "orphan"),
        ("1/1/1", "pets/pets_id", "1/1/1", "answered_not_asked"),
    ]  # fmt: skip


# ---------------------------------------------------------------------------------------------------------- the schema


def whole_form() -> tuple[tuple[Question, ...], dict[str, list[Any]]]:
    """A question for each registered check, and responses that break each."""
    filtered = {"choice_filter": "kind = ${sex}"}
    questions = (
        Question("sex", "select_one", choices=YES_NO),
        Question("age", "integer", constraint=". <= 120", missing={"-9": "refused"}),
        Question("score", "range", extra={"parameters": "start=0 end=10"}),
        Question("job", "select_one", choices=OTHER, relevant="${sex} = 'yes'"),
        Question("job_other", "text"),
        Question("many", "select_multiple", choices=(Choice("a"), Choice("none", exclusive=True))),
        Question("town", "select_one", choices=(Choice("r", extra={"kind": "yes"}),), extra=filtered),
        Question("twice", "calculate", extra={"calculation": "${age} * 2"}),
    )
    cells = {
        "sex": ["x", "no", "yes", "yes"], "age": ["old", "300", "-9", "30"], "score": ["1", "11", "2", "3"],
        "job": [pd.NA, "tv", pd.NA, "other"], "job_other": [pd.NA, "radio", pd.NA, pd.NA],
        "many/a": ["1", "1", pd.NA, "0"], "many/none": ["0", "1", "0", pd.NA], "town": ["r", "r", "r", "r"],
        "twice": [pd.NA, "2", pd.NA, "60"],
    }  # fmt: skip
    return questions, cells


def test_the_checks_of_the_questionnaire_are_registered_and_survive_a_file() -> None:
    questions, cells = whole_form()
    made = survey(questions, cells)
    schema = made.schema()
    assert {rule for *_, rule in found(made.check())} >= set(METHODS) - {"constraint", "partly_answered"}
    with pytest.raises(pa.errors.SchemaErrors) as before:
        schema.validate(made.responses, lazy=True)
    with pytest.warns(UserWarning, match="Only registered checks"):
        text = schema.to_yaml()
    back = pa.DataFrameSchema.from_yaml(text)
    with pytest.raises(pa.errors.SchemaErrors) as after:
        back.validate(made.responses, lazy=True)

    def registered(schema_: pa.DataFrameSchema) -> set[str]:
        checks = [*schema_.checks, *(check for column in schema_.columns.values() for check in column.checks)]
        return {check.name for check in checks if check.statistics}

    assert registered(back) == registered(schema)
    assert {name.partition(":")[0] for name in registered(back)} == set(METHODS) - {"constraint", "partly_answered"}
    assert len(after.value.failure_cases) == sum(
        str(check).partition(":")[0] in METHODS for check in before.value.failure_cases["check"]
    )
    # a survey is checked by the schema that was read as by its own, without what could not be written
    assert {rule for *_, rule in found(made.check(back))} == set(METHODS) - {"constraint", "partly_answered"}


@pytest.mark.parametrize("name", METHODS)
def test_a_registered_check_can_be_used_on_its_own(name: str) -> None:
    register_checks()
    questions, cells = whole_form()
    made = survey(questions, cells)
    checks = made.schema()
    for check in [*checks.checks, *(check for column in checks.columns.values() for check in column.checks)]:
        if check.registry_name == name:
            own = getattr(pa.Check, name)(**check.statistics)
            assert not own(made.responses).check_passed
            assert own(made.responses).check_passed == check(made.responses).check_passed
            assert all(isinstance(value, (str, list, dict)) for value in check.statistics.values())
            return
    pytest.fail(f"no check is registered as {name}")


def test_a_rule_is_tried_once_and_not_by_pandera(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []
    original = rules.Rule.mask

    def mask(self: rules.Rule, frame: pd.DataFrame) -> Any:
        tried.append(f"{self.key} {self.detail}")
        return original(self, frame)

    monkeypatch.setattr(rules.Rule, "mask", mask)
    questions, cells = whole_form()
    made = survey(questions, cells)
    made.check()
    assert len(tried) == len(set(tried))
    tried.clear()
    made.check(made.schema().add_columns({"more": pa.Column(required=False)}))
    assert len(tried) == len(set(tried))


def test_what_somebody_adds_to_the_schema_or_takes_from_it() -> None:
    questions, cells = whole_form()
    made = survey(questions, {**cells, "extra": ["1", "2", "3", "x"]})
    schema = made.schema().add_columns({
        "extra": pa.Column(checks=pa.Check(lambda column: column != "x", name="no x")), "absent": pa.Column(),
    })  # fmt: skip
    schema = schema.update_column("age", checks=[])
    rows = found(made.check(schema))
    assert ("4", "extra", "x", "schema") in rows
    assert ("", "absent", "absent", "schema") in rows
    assert not [row for row in rows if row[1] == "age" and row[3] == "wrong_type"]
    assert ("", "extra", "", "column_unknown") not in rows
    assert ("1", "sex", "x", "unknown_code") in rows
    table = pa.Check(lambda frame: len(frame) > 100, name="enough")
    added = found(made.check(pa.DataFrameSchema(made.schema().columns, checks=[table], strict=False)))
    assert ("", "enough", "", "schema") in added


@pytest.mark.parametrize("rows", [0, 1])
@pytest.mark.parametrize("fill", [pd.NA, "x", "-9"])
def test_no_frame_ends_the_check(rows: int, fill: Any) -> None:
    questions, cells = whole_form()
    made = survey(questions, {name: [fill] * rows for name in cells})
    report = made.check()
    assert report.respondents == rows
    assert isinstance(repr(report) + report._repr_html_(), str)


def test_a_rule_that_reads_what_a_device_fills_in_is_a_check_of_the_frame() -> None:
    questions = (
        Question("today", "today"), Question("c", "calculate"), Question("d", "date", constraint=". <= today()"),
        Question("t", "text", relevant="${c} > 2"),
    )  # fmt: skip
    cells = {"today": ["2021-10-04"] * 2, "c": ["3", "1"], "d": ["2021-10-05", "2021-10-03"], "t": ["x", "y"]}
    made = survey(questions, cells)
    with pytest.raises(pa.errors.SchemaErrors) as error:  # and no warning that something was not tried
        made.schema().validate(made.responses, lazy=True)
    assert set(error.value.failure_cases["check"]) == {"out_of_range:d", "answered_not_asked:t"}


def broken(made: ml.Survey) -> set[str]:
    """The rules of the checks of the schema that fail."""
    try:
        made.schema().validate(made.responses, lazy=True)
    except pa.errors.SchemaErrors as error:
        return {check.partition(":")[0] for check in error.failure_cases["check"].astype(str)}
    return set()


@pytest.mark.parametrize("name", ["discrimination_survey", "programme_participants"])
def test_the_schema_of_a_clean_survey_holds(name: str) -> None:
    made = ml.open_survey(f"data/{name}")
    notes = set(made.check().findings["rule"])
    assert broken(made) <= notes
