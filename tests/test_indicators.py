"""Indicators: counts by hand, each rule broken on purpose, the exit window, people entered twice, the register."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandera.errors import SchemaErrors
from surveys import ROOT

from motivlab.indicators import FINDING_COLUMNS, LATER, ON_LEAVING, SUBSETS, Indicators, indicator_schema, indicators
from motivlab.language import LANGUAGES
from motivlab.programme import Indicator, Programme
from motivlab.survey import Survey, open_survey

SHIPPED = ROOT / "data" / "programme_participants"
COLUMNS = ("indicator", "planned", "achieved", "share", "women", "men", "outside", "undated", "questioned")
COMMON = [*(f"CO{i:02}" for i in (*range(1, 12), 15, 16, 17, 19)), *(f"CR{i:02}" for i in range(1, 10))]
ENTERED, LEFT = pd.Timestamp("2021-01-04"), pd.Timestamp("2021-03-01")
PROGRAMME = Programme(
    entry="entered", exit="left", follow_up="reached", outcome="result", person="person", complete=True,
    outcome_dates={"job": "hired", "search": "searched"}, definitions={"work": {"choices": ("job",)}},
)  # fmt: skip
STATUS = {
    "CO01": "${status} = 'unemployed'", "CO03": "${status} = 'inactive'", "CO05": "${status} = 'employed'",
}  # fmt: skip
WORK = "selected(${result}, 'job')"


def survey_of(rows: list[dict[str, Any]], wheres: dict[str, Any], **programme: Any) -> Survey:
    """One row per participant: `job`, `search`, `reached` are days after leaving; `flags` are columns of yes and no."""
    out = []
    flags = sorted({flag for row in rows for flag in row.get("flags", "").split()})
    for i, row in enumerate(rows):
        left = row.get("left", LEFT)
        day = {name: left + pd.Timedelta(days=row[name]) if row.get(name) is not None else pd.NaT
               for name in ("job", "search", "reached")}  # fmt: skip
        out.append({
            "id": row.get("id", f"P{i}"), "person": row.get("person"), "entered": row.get("entered", ENTERED),
            "left": left, "reached": day["reached"], "hired": day["job"], "searched": day["search"],
            "result/job": None if pd.isna(left) else int("job" in row),
            "result/search": None if pd.isna(left) else int("search" in row),
            "status": row.get("status", "unemployed"), "sex": row.get("sex", "f"), "age": row.get("age", 40),
            **{flag: "yes" if flag in row.get("flags", "").split() else "no" for flag in flags},
        })  # fmt: skip
    frame = pd.DataFrame(out)
    for name in ("entered", "left", "reached", "hired", "searched"):
        frame[name] = frame[name].astype("datetime64[ns]")
    levels = {
        "sex": ["f", "m"],
        "status": ["unemployed", "inactive", "employed"],
        **{flag: ["yes", "no"] for flag in flags},
    }
    for name, known in levels.items():
        frame[name] = pd.Categorical(frame[name], known)
    survey = Survey.from_frame(frame.astype({"result/job": "Int8", "result/search": "Int8"}), respondent_id="id")
    counted = {
        name: Indicator(**({"where": where} if isinstance(where, str) else where)) for name, where in wheres.items()
    }
    declared = PROGRAMME.model_copy(update={"indicators": counted, **programme})
    return replace(survey, about=survey.about.model_copy(update={"programme": declared}))


def flagged(*names: str) -> dict[str, str]:
    """Indicators that are columns of the file."""
    return {name: f"${{{name}}} = 'yes'" for name in names}


def broken(found: Indicators) -> list[tuple[str, str, str]]:
    return list(found.findings[["rule", "indicators", "value"]].itertuples(index=False, name=None))


def row(found: Indicators, name: str) -> dict[str, Any]:
    return found.frame.set_index("indicator").loc[name].to_dict()


# -------------------------------------------------------------------------------------------------- counts


def test_planned_and_achieved_by_hand() -> None:
    wheres = {
        "CO01": {"where": STATUS["CO01"], "planned": 4.0}, "CO03": {"where": STATUS["CO03"], "planned": 0.0},
        "CO05": {"where": STATUS["CO05"], "planned": 1.0}, "everybody": {}, "old": "${age} > 90",
    }  # fmt: skip
    people = [{"sex": "f"}, {"sex": "m"}, {"status": "employed", "sex": "m"}, {"status": "employed", "sex": None}]
    found = indicators(survey_of(people, wheres))
    assert tuple(found.frame) == COLUMNS
    assert found.frame["achieved"].tolist() == [2, 0, 2, 4, 0]  # nobody is a count as well
    assert found.frame["share"].tolist()[:3] == pytest.approx([0.5, np.nan, 2.0], nan_ok=True)
    assert found.frame["planned"].isna().tolist() == [False, False, False, True, True]
    assert found.frame[["women", "men"]].to_numpy().tolist() == [[1, 1], [0, 0], [0, 1], [1, 2], [0, 0]]
    assert found.findings.empty
    assert tuple(found.findings) == FINDING_COLUMNS
    assert found.checks == ("indicator_one: CO01, CO03, CO05", "indicator_twice: respondent id",
                            "indicator_twice: person code")  # fmt: skip


def test_gender_is_told_by_its_question_or_not_at_all() -> None:
    survey = survey_of([{"flags": "girl"}], STATUS)
    assert {"women", "men"} <= set(indicators(survey, gender="sex").frame)
    without = replace(survey, questionnaire=replace(
        survey.questionnaire, questions=tuple(q for q in survey.questionnaire if q.name != "sex")))  # fmt: skip
    assert not {"women", "men"} & set(indicators(without).frame)
    with pytest.raises(ValueError, match=r"gender='girl' tells no women from men: .* with the choices yes, no"):
        indicators(survey, gender="girl")


def test_a_missing_reason_of_a_number_is_no_number() -> None:
    survey = survey_of([{"age": 20}, {"age": 99}, {"age": 60}], {"CO07": "${age} > 54"})
    numbered = (replace(q, type="integer", choices=(), missing={"99": "refused"}) if q.name == "age" else q
                for q in survey.questionnaire)  # fmt: skip
    survey = replace(survey, questionnaire=replace(survey.questionnaire, questions=tuple(numbered)))
    assert row(indicators(survey), "CO07")["achieved"] == 1


def test_the_comparison_group_is_not_counted() -> None:
    people = [{"flags": "compare"}, {}, {}]
    found = indicators(survey_of(people, STATUS, comparison="${compare} = 'yes'"))
    assert row(found, "CO01")["achieved"] == 2


# --------------------------------------------------------------------------------------------------- rules


@pytest.mark.parametrize(("part", "whole"), SUBSETS)
def test_a_part_outside_its_whole_is_found(part: str, whole: tuple[str, ...]) -> None:
    people = [{"flags": f"{part} {name}", "reached": 180} for name in whole]
    people += [{"flags": part, "reached": 180}, {"flags": "", "reached": 180}]
    # CO01 is unemployment here, not a rule of its own
    found = indicators(survey_of(people, flagged(part, *whole)))
    about = ", ".join((part, *whole))
    assert [b for b in broken(found) if b[1] == about] == [("indicator_subset", about, part)]
    assert found.findings["respondent"].tolist() == [f"P{len(whole)}"]
    assert found.findings.index.tolist() == [len(whole) + 1]
    assert row(found, part)["questioned"] == 1
    # a project need not declare all: without the whole there is nothing to hold it against
    assert indicators(survey_of(people, flagged(part))).findings.empty


def test_everybody_has_one_status_and_at_most_one_education_and_age() -> None:
    people = [
        {"flags": "CO01 CO09 CO06"}, {"flags": "CO01 CO03"}, {"flags": ""}, {"flags": "CO05 CO09 CO11"},
        {"flags": "CO05 CO10 CO06 CO07"},
    ]  # fmt: skip
    found = indicators(survey_of(people, flagged("CO01", "CO03", "CO05", "CO06", "CO07", "CO09", "CO10", "CO11")))
    status, education = "CO01, CO03, CO05", "CO09, CO10, CO11"
    assert broken(found) == [
        ("indicator_none", education, ""), ("indicator_one", status, "CO01, CO03"),
        ("indicator_none", education, ""), ("indicator_one", status, ""),
        ("indicator_at_most_one", education, "CO09, CO11"), ("indicator_at_most_one", "CO06, CO07", "CO06, CO07"),
    ]  # fmt: skip
    assert found.findings["severity"].tolist().count("warning") == 2
    assert found.findings["respondent"].tolist() == ["P1", "P1", "P2", "P2", "P3", "P4"]


def test_no_level_of_education_is_no_finding_where_the_question_is_not_answered() -> None:
    survey = survey_of([{"flags": "CO09"}, {"flags": "CO10 CO11"}], flagged("CO09", "CO10", "CO11"))
    survey.responses.loc[0, ["CO09", "CO10", "CO11"]] = None
    assert [rule for rule, *_ in broken(indicators(survey))] == ["indicator_at_most_one"]


def test_a_result_needs_an_exit() -> None:
    people = [{"flags": "CR07", "left": pd.NaT}, {"flags": "CR07", "reached": 180}]
    found = indicators(survey_of(people, flagged("CR07")))
    assert broken(found) == [("indicator_not_left", "CR07", "CR07")]
    assert row(found, "CR07")["questioned"] == 1


def test_an_immediate_result_counts_within_28_days() -> None:
    people = [{"job": -5}, {"job": 0}, {"job": 28}, {"job": 29}, {"job": None}, {"job": 60, "search": 3}, {}]
    found = indicators(survey_of(people, {"CR04": WORK, "CR05": f"{WORK} or selected(${{result}}, 'search')"}))
    assert row(found, "CR04") == pytest.approx(
        {"planned": np.nan, "achieved": 4, "share": np.nan, "women": 4, "men": 0, "outside": 2, "undated": 1,
         "questioned": 0}, nan_ok=True,
    )  # fmt: skip
    # the earliest of the outcomes that the expression names
    assert row(found, "CR05")["achieved"] == 5
    assert broken(found) == [
        ("indicator_window", "CR04", "29"), ("indicator_window", "CR05", "29"), ("indicator_window", "CR04", "60"),
    ]  # fmt: skip
    assert set(found.findings["severity"]) == {"warning"}
    assert row(indicators(survey_of(people, {"CR04": WORK}, window=60)), "CR04")["achieved"] == 6


def test_a_later_result_counts_until_about_six_months() -> None:
    people = [{"flags": "CR06", "reached": days} for days in (1, 182, 210, 211)] + [{"flags": "CR06"}]
    found = indicators(survey_of(people, flagged("CR06")))
    assert broken(found) == [("indicator_window", "CR06", "211")]
    assert (row(found, "CR06")["achieved"], row(found, "CR06")["undated"]) == (4, 1)
    # what names an outcome goes by the date of that
    by_job = indicators(survey_of([{"job": 211, "reached": 180}, {"job": 150, "reached": 230}], {"CR06": WORK}))
    assert row(by_job, "CR06")["achieved"] == 1


def test_who_entered_again_counts_once() -> None:
    again = {"entered": pd.Timestamp("2021-05-03"), "left": pd.Timestamp("2021-09-01")}
    people = [
        {"person": "K1", "status": "unemployed"},
        {"person": "K1", "status": "inactive", "job": 3, **again},  # the status of the first entry, the last result
        {"person": "K2", "status": "inactive", "job": 5},
        {"person": "K2", "status": "inactive", **again},  # no result at the last exit
        {"person": "K3", "status": "inactive"},
        {"person": None, "status": "inactive"},
        {"person": None, "status": "inactive"},
    ]  # fmt: skip
    found = indicators(survey_of(people, {**STATUS, "CR04": WORK, "worked": WORK}))
    assert found.frame.set_index("indicator")["achieved"].to_dict() == {
        "CO01": 1, "CO03": 4, "CO05": 0, "CR04": 1, "worked": 2,
    }  # fmt: skip
    assert broken(found) == [("indicator_twice", "", "K1")] * 2 + [("indicator_twice", "", "K2")] * 2
    by_id = indicators(survey_of([{"id": "P1"}, {"id": "P1"}, {"id": "P2"}], STATUS))
    assert row(by_id, "CO01")["achieved"] == 2
    assert broken(by_id) == [("indicator_twice", "", "P1")] * 2


def test_the_rules_are_checks_of_one_pandera_schema() -> None:
    schema = indicator_schema(["CO01", "CO02", "CO03", "CO05"])
    assert [check.error for check in schema.checks] == [
        "indicator_subset: CO02, CO01",
        "indicator_one: CO01, CO03, CO05",
    ]
    assert schema.checks[0].statistics == {"indicator": "CO02", "of": ("CO01",)}
    good = pd.DataFrame({"CO01": [True, False], "CO02": [True, False], "CO03": [False, True], "CO05": [False, False]})
    assert schema.validate(good).equals(good)
    with pytest.raises(SchemaErrors) as raised:
        schema.validate(good.assign(CO01=False), lazy=True)
    assert set(raised.value.failure_cases["check"]) == {str(check.error) for check in schema.checks}
    with pytest.raises(SchemaErrors):
        schema.validate(good.drop(columns="CO03"), lazy=True)


# ------------------------------------------------------------------------------------------- words, errors


@pytest.mark.parametrize("language", LANGUAGES)
def test_findings_and_names_are_in_the_language(language: str) -> None:
    people = [
        {"flags": "CO02 CO09 CO10", "job": 99, "person": "K1"}, {"flags": "CO01 CO05 CR07", "left": pd.NaT},
        {"flags": "CO03", "person": "K1"},
    ]  # fmt: skip
    wheres = flagged("CO01", "CO02", "CO03", "CO05", "CO09", "CO10", "CR07") | {"CR04": WORK, "CO11": "${age} > 99"}
    found = indicators(survey_of(people, wheres)).to(language)
    assert found.findings["rule"].nunique() == 7
    assert found.findings["message"].str.strip().ne("").all()
    assert not found.findings["message"].str.contains(r"[{}]").any()
    names = [found.label(name) for name in COMMON]
    assert len(set(names)) == len(COMMON)
    assert not set(names) & set(COMMON)
    own = indicators(survey_of(people, {"extra": {"where": "", "label": {"lv": "Visi", "en": "All", "ru": "Все"}}}))
    assert own.to(language).label("extra") == {"lv": "Visi", "en": "All", "ru": "Все"}[language]
    assert own.label("unnamed") == "unnamed"


@pytest.mark.parametrize(
    ("wheres", "said"),
    [
        ({}, "survey.yml declares no indicators. Write `indicators:` under `programme:`"),
        ({"CO01": "${statsu} = 'unemployed'"}, "programme.indicators.CO01: "),
        ({"CO01": "${status} = 'unemployd'"}, "programme.indicators.CO01: "),
        ({"CO01": "${status} ="}, "programme.indicators.CO01: '${status} =' cannot be read"),
    ],
)
def test_errors_name_the_value_and_the_remedy(wheres: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        indicators(survey_of([{}, {}], wheres))


def test_a_survey_without_a_programme_or_with_dates_out_of_order_is_refused() -> None:
    with pytest.raises(ValueError, match=r"survey\.yml declares no programme"):
        indicators(Survey.from_frame(pd.DataFrame({"q": ["a", "b"]})))
    with pytest.raises(ValueError, match="row 2, respondent P1: reached is 2021-02-19, before left"):
        indicators(survey_of([{}, {"reached": -10}], STATUS))


# --------------------------------------------------------------------------------------- the shipped survey


def test_the_shipped_register_keeps_the_rules() -> None:
    survey = open_survey(SHIPPED)
    found = indicators(survey)
    frame = found.frame.set_index("indicator")
    assert frame.index.tolist() == COMMON
    assert frame.loc[["CO01", "CO03", "CO05"], "achieved"].sum() == len(survey.responses) == 3239
    assert frame.loc[["CO01", "CO03", "CO05"], ["women", "men"]].sum().tolist() == [2265, 974]
    assert (frame["women"] + frame["men"] == frame["achieved"]).all()
    # results come up to 200 days after leaving: what comes late is not counted, and said
    late = found.findings
    assert set(late["rule"]) == {"indicator_window"}
    assert late["indicators"].value_counts().to_dict() == frame.loc[frame["outside"] > 0, "outside"].to_dict()
    assert frame.loc[list(LATER), "outside"].sum() == 0
    # a second way to count: by the responses alone
    raw = survey.responses
    first = raw[["employment_date", "self_employment_date"]].min(axis=1)
    soon = (first - raw["exit_date"]).dt.days <= 28
    assert frame.loc["CR04", "achieved"] == (soon & (raw["labour_entry"] != "employed")).sum()
    assert frame.loc[list(ON_LEAVING), "undated"].sum() == 0
    assert frame["share"].dropna().to_dict() == pytest.approx(
        (frame["achieved"] / frame["planned"])[frame["planned"].notna()].to_dict()
    )
