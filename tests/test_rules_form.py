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
from motivlab.survey import typed

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
        "one": ["a", "a"], "two": ["a", "b"], "many/a": ["0", "0"], "many/b": ["1", pd.NA],
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
        "many/a": ["1", "1", "1", "0"], "many/none": ["0", "1", "0", "1"], "town": ["r", "r", "r", "r"],
        "twice": [pd.NA, "2", pd.NA, "60"],
    }  # fmt: skip
    return questions, cells


def test_the_checks_of_the_questionnaire_are_registered_and_survive_a_file() -> None:
    questions, cells = whole_form()
    made = survey(questions, cells)
    schema = made.schema()
    assert {rule for *_, rule in found(made.check())} >= set(METHODS) - {"constraint"}
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
    assert {name.partition(":")[0] for name in registered(back)} == set(METHODS) - {"constraint"}
    assert len(after.value.failure_cases) == sum(
        str(check).partition(":")[0] in METHODS for check in before.value.failure_cases["check"]
    )
    # a survey is checked by the schema that was read as by its own, without what could not be written
    assert {rule for *_, rule in found(made.check(back))} == set(METHODS) - {"constraint"}


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
