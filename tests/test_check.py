"""The check: each rule by a fault of its kind."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pandera.pandas as pa
import pytest
from surveys import CHOICES, HEAD, ROOT, ROWS, SHIPPED, SURVEY, YML

import motivlab as ml
from motivlab.about import About
from motivlab.checking import CheckReport
from motivlab.kinds import KINDS
from motivlab.language import say
from motivlab.questionnaire import Question, Questionnaire

Small = Callable[..., Path]
README = ROOT / "data" / "README.md"

PLANTED = {  # as the README of the shipped survey lists them: row of the file, variable, rule
    (27, "education", "unknown_code"), (86, "gender", "unknown_code"), (216, "age", "wrong_type"),
    (370, "age", "wrong_type"), (384, "grounds", "answered_not_asked"), (437, "age", "out_of_range"),
    (454, "grounds", "asked_not_answered"), (505, "actions", "exclusive"), (507, "age", "out_of_range"),
    (563, "perceived/age", "unknown_code"), (622, "respondent", "id_duplicate"), (623, "respondent", "id_duplicate"),
    (682, "respondent", "id_missing"), (742, "weight", "weight"), (802, "weight", "weight"), (861, "weight", "weight"),
    (921, "interview_date", "wrong_type"),
}  # fmt: skip


def faults(report: CheckReport) -> pd.DataFrame:
    """The findings that are more than a note."""
    return report.findings[report.findings["severity"] != "note"]


def test_the_shipped_survey_is_clean(shipped: ml.Survey) -> None:
    assert shipped.check().ok


@pytest.mark.parametrize("language", ["lv", "en", "ru"])
def test_every_planted_error_is_found_and_nothing_else(language: str) -> None:
    report = ml.open_survey(SHIPPED, language, "responses_with_errors.csv").check()
    rows = report.findings.reset_index()
    assert set(rows[["row", "variable", "rule"]].itertuples(index=False, name=None)) == PLANTED
    assert list(report.findings) == [
        "respondent", "variable", "value", "rule", "severity", "message", "interviewer", "day",
    ]  # fmt: skip
    assert set(report.findings["severity"]) == {"error"}
    assert report.summary["count"].sum() == len(PLANTED)


@pytest.mark.parametrize(
    ("row", "old", "new", "variable", "rule", "value"),
    [
        (1, ",f,", ",x,", "sex", "unknown_code", "x"),
        (1, ",f,", ",F,", "sex", "unknown_code", "F"),
        (1, ",30,", ",thirty,", "age", "wrong_type", "thirty"),
        (1, ",30,", ",30.5,", "age", "wrong_type", "30.5"),
        (1, ",30,", ",17,", "age", "out_of_range", "17"),
        (1, ",30,", ",-9,", "age", "out_of_range", "-9"),
        (1, ",1,0,0,0,0,", ",2,0,0,0,0,", "grounds/age", "unknown_code", "2"),
        (1, ",1,0,0,0,0,", ",1,0,0,1,0,", "grounds", "exclusive", "age none"),
        (1, ",1,0,0,0,0,", ",1,0,0,0,1,", "grounds", "exclusive", "age ref"),
        (1, ",1,0,0,0,0,", ",,,,,,", "grounds", "asked_not_answered", ""),
        (3, ",no,,", ",no,1,", "grounds", "answered_not_asked", "age"),
        (3, ",no,,,,,,,", ",no,,,,,,text,", "other", "text_without_other", "text"),
        (7, ",looks,", ",,", "other", "other_without_text", ""),
        (1, "2021-10-04", "4.10.2021", "day", "wrong_type", "4.10.2021"),
        (1, "1,1,f", "2,1,f", "id", "id_duplicate", "2"),
        (1, "1,1,f", ",1,f", "id", "id_missing", ""),
        (1, "1,1,f", "1,,f", "w", "weight", ""),
        (1, "1,1,f", "1,0,f", "w", "weight", "0"),
        (1, "1,1,f", "1,-1,f", "w", "weight", "-1"),
        (1, "1,1,f", "1,heavy,f", "w", "weight", "heavy"),
    ],
)
def test_each_fault_is_one_finding(
    small: Small, row: int, old: str, new: str, variable: str, rule: str, value: str
) -> None:
    assert old in ROWS[row - 1]
    rows = tuple(r.replace(old, new, 1) if i == row else r for i, r in enumerate(ROWS, start=1))
    findings = ml.open_survey(small(rows=rows)).check().findings
    found = findings[findings.index == row + 1]
    assert found[["variable", "rule", "value"]].to_numpy().tolist() == [[variable, rule, value]]
    assert value in found["message"].iloc[0]


def test_an_unanswered_text_is_a_warning(small: Small) -> None:
    report = ml.open_survey(small(rows=(*ROWS[:6], ROWS[6].replace("looks", "")))).check()
    assert faults(report)["severity"].tolist() == ["warning"]


def test_a_design_column_may_not_be_blank(small: Small) -> None:
    rows = tuple(f"{row},{stratum}" for row, stratum in zip(ROWS, ["a", "a", "b", "", "b", "a", "b"], strict=True))
    yml = YML.replace("{weight: w}", "{weight: w, strata: h}")
    findings = ml.open_survey(small(rows=rows, head=f"{HEAD},h", yml=yml)).check().findings
    assert findings[["variable", "rule"]].to_numpy().tolist() == [["h", "design"]]


def test_columns_that_are_absent_or_not_declared(small: Small) -> None:
    folder = small(head=HEAD.replace("sex", "gender").replace("grounds/none", "grounds/nobody"))
    findings = ml.open_survey(folder).check().findings
    found = set(findings[["variable", "rule", "respondent"]].itertuples(index=False, name=None))
    assert found == {
        ("sex", "column_missing", ""), ("gender", "column_unknown", ""),
        ("grounds/none", "column_missing", ""), ("grounds/nobody", "column_unknown", ""),
    }  # fmt: skip
    assert set(findings.index) == {1}
    assert "remove" in findings["message"].str.lower().iloc[0]


def test_a_limit_that_reads_another_question(small: Small) -> None:
    survey = SURVEY.replace(". >= 18 and . <= 75", ". >= 18 and (. < 60 or ${sex} = 'f')")
    findings = ml.open_survey(small(survey=survey)).check().findings
    assert findings[["respondent", "variable", "rule"]].to_numpy().tolist() == [
        ["4", "age", "out_of_range"],
        ["6", "age", "out_of_range"],
    ]


def test_the_limits_of_a_range(small: Small) -> None:
    survey = "type,name,label,parameters,missing\nrange,score,Score,start=0 end=10,99=refused\n"
    yml = "title: t\nsynthetic: false\nrespondent_id: id\nfieldwork: {start: '?', end: '?'}\n"
    folder = small(rows=("1,0", "2,10", "3,11", "4,-1", "5,99", "6,"), head="id,score", yml=yml, survey=survey)
    assert faults(ml.open_survey(folder).check())["respondent"].tolist() == ["3", "4"]


def test_the_schema_is_panderas_and_can_be_extended(small: Small) -> None:
    survey = ml.open_survey(small())
    schema = ml.schema(survey.questionnaire, survey.about)
    assert isinstance(schema, pa.DataFrameSchema)
    schema.validate(survey.responses)
    odd = pa.Check(lambda column: column.fillna(0) % 20 != 0, name="no round ages")
    extended = schema.update_column("age", checks=[*schema.columns["age"].checks, odd])
    findings = survey.check(extended).findings
    assert findings[["respondent", "variable", "value", "rule"]].to_numpy().tolist() == [
        ["2", "age", "40", "schema"],
        ["4", "age", "60", "schema"],
        ["7", "age", "20", "schema"],
    ]
    assert "no round ages" in findings["message"].iloc[0]


def test_the_schema_fails_on_bad_responses(small: Small) -> None:
    survey = ml.open_survey(small(rows=(ROWS[0].replace(",f,", ",x,"), *ROWS[1:])))
    with pytest.raises(pa.errors.SchemaErrors, match="unknown_code:sex"):
        ml.schema(survey.questionnaire, survey.about).validate(survey.responses, lazy=True)


def test_it_prints_a_summary_without_respondents_and_exports_all(small: Small, tmp_path: Path) -> None:
    survey = ml.open_survey(small(rows=("R-9,1,x,30,yes,1,0,0,0,0,,2021-10-04", *ROWS[1:])))
    report = survey.check()
    assert "R-9" not in repr(report) + report._repr_html_()
    assert "unknown code" in repr(report)
    ml.export(report, tmp_path / "findings.xlsx", tmp_path / "findings.csv")
    sheet = pd.read_excel(tmp_path / "findings.xlsx", dtype=str)
    assert "R-9" in sheet.to_numpy().ravel().tolist()
    assert pd.read_csv(tmp_path / "findings.csv")["respondent"].tolist() == ["R-9"]


def test_an_in_column_missing_code_is_allowed(small: Small) -> None:
    choices = CHOICES.replace("grounds,ref,", "grounds,-9,Nejautāja,Not asked,Не задан,not_asked,\ngrounds,ref,")
    rows = (*ROWS[:2], "3,1,f,50,no,-9,-9,-9,-9,,,2021-10-05", *ROWS[3:])
    assert ml.open_survey(small(rows=rows, choices=choices)).check().ok


def test_one_bad_date_is_one_finding(small: Small) -> None:
    survey = SURVEY.replace("date,day,Diena,Day,День,,,", "date,day,Diena,Day,День,,. >= '2021-10-01',")
    rows = (ROWS[0].replace("2021-10-04", "04.10.2021"), ROWS[1].replace("2021-10-05", "2021-09-30"), *ROWS[2:])
    opened = ml.open_survey(small(rows=rows, survey=survey))
    findings = opened.check().findings
    assert findings[["respondent", "rule"]].to_numpy().tolist() == [["1", "wrong_type"], ["2", "out_of_range"]]
    dated = ml.prevalence(opened, "sex", where="${day} >= '2021-10-06'").frame
    assert dated["n"].unique().tolist() == [4]


def test_an_infinite_weight_is_a_finding(small: Small) -> None:
    rows = (ROWS[0].replace("1,1,f", "1,inf,f"), *ROWS[1:])
    assert ml.open_survey(small(rows=rows)).check().findings["rule"].tolist() == ["weight"]


def test_the_schema_allows_no_column_that_nobody_declared(small: Small) -> None:
    survey = ml.open_survey(small())
    schema = ml.schema(survey.questionnaire, survey.about)
    with pytest.raises(pa.errors.SchemaErrors, match="surplus"):
        schema.validate(survey.responses.assign(surplus=1), lazy=True)
    ml.schema(survey.questionnaire).validate(survey.responses.assign(surplus=1))


def test_a_value_that_breaks_two_limits_is_one_finding(small: Small) -> None:
    survey = "type,name,label,parameters,constraint\nrange,score,Score,start=0 end=10,. <= 10\n"
    yml = "title: t\nsynthetic: false\nrespondent_id: id\nfieldwork: {start: '?', end: '?'}\n"
    folder = small(rows=("1,0", "2,11"), head="id,score", yml=yml, survey=survey)
    assert faults(ml.open_survey(folder).check())["respondent"].tolist() == ["2"]


def test_the_table_of_rules_is_that_of_the_code() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (error|warning|note) \| ([\d.]*) \| .+ \|$", README.read_text("utf-8"), re.M)
    told = {rule: (severity, float(threshold) if threshold else None) for rule, severity, threshold in rows}
    assert list(told) == list(KINDS)  # in their order, and each once
    assert told == {rule: (kind.severity, kind.threshold) for rule, kind in KINDS.items()}


@pytest.mark.parametrize("rule", list(KINDS))
@pytest.mark.parametrize("language", ["lv", "en", "ru"])
def test_every_rule_has_a_name_and_a_sentence(rule: str, language: str) -> None:
    assert say(f"rule_{rule}", language)
    sentence = say(f"message_{rule}", language, variable="V", value="X", detail="D")
    assert sentence.endswith(".")


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("nosuch: off", "there is no rule 'nosuch'"),
        ("id_missing: 3", "it has no threshold"),
        ("near_duplicate: -1", "a threshold is above 0"),
        ("near_duplicate: {severity: loud}", "severity"),
    ],
)
def test_settings_that_mean_nothing_are_refused(small: Small, setting: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ml.open_survey(small(yml=f"{YML}checks:\n  {setting}\n"))


def test_the_settings_of_survey_yml_are_heeded(small: Small) -> None:
    rows = (ROWS[0].replace(",30,", ",17,"), *ROWS[1:])
    off = "checks: {out_of_range: off}\n"
    assert ml.open_survey(small(rows=rows, yml=YML + off)).check().ok
    note = "checks:\n  out_of_range: {severity: note}\n"
    report = ml.open_survey(small(rows=rows, yml=YML + note)).check()
    assert report.ok
    assert report.summary[["rule", "severity", "count", "respondents"]].to_numpy().tolist() == [
        ["out_of_range", "note", 1, 1]
    ]
    assert "1 note" in report.headline


def test_a_hundred_thousand_findings_take_about_a_second() -> None:
    size = 100_000
    frame = pd.DataFrame({"id": range(size), "age": [f"x{i}" for i in range(size)]}).astype("str")
    form = Questionnaire((Question("age", "integer"),))
    about = About(title="t", synthetic=True, respondent_id="id", fieldwork={"start": "?", "end": "?"})
    survey = ml.Survey(frame, form, about)
    start = time.perf_counter()
    report = survey.check()
    assert len(report.findings) >= size
    assert time.perf_counter() - start < 10  # on a busy machine
