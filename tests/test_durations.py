"""Time to outcome: Kaplan-Meier and the log-rank test against R's survival, identities, the register, errors."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from surveys import ROOT

from motivlab.durations import (
    CURVE,
    HORIZONS,
    TESTS,
    Durations,
    kaplan_meier,
    log_rank,
    quantile_day,
    share_by,
    time_to_outcome,
)
from motivlab.programme import Programme
from motivlab.survey import Survey, open_survey

REFERENCE = ROOT / "tests" / "reference"
DATA = pd.read_csv(REFERENCE / "durations.csv")
SHIPPED = ROOT / "data" / "programme_participants"


def expected(name: str) -> pd.DataFrame:
    return pd.read_csv(REFERENCE / f"durations_{name}_expected.csv")


def arrays(case: str, level: str = "total") -> tuple[np.ndarray, np.ndarray]:
    rows = DATA[(DATA["case"] == case) & ((DATA["group"] == level) | (level == "total"))]
    return rows["day"].to_numpy(), rows["event"].to_numpy() == 1


# ------------------------------------------------------------------------------------------------- against R
# survfit(Surv(day, event) ~ 1, conf.type = "log-log", conf.int = confidence)


@pytest.mark.parametrize(("part", "rows"), list(expected("curves").groupby(["case", "level", "confidence"])))
def test_curves_are_those_of_survfit(part: tuple[str, str, float], rows: pd.DataFrame) -> None:
    case, level, confidence = part
    curve = kaplan_meier(*arrays(case, level), confidence)
    assert tuple(curve) == CURVE
    assert curve["day"].iloc[0] == 0
    curve = curve[curve["at_risk"].diff(-1).ne(0) | curve["day"].isin(rows["day"])]  # R has no row for an empty day 0
    np.testing.assert_array_equal(curve[["day", "at_risk", "events", "censored"]],
                                  rows[["day", "at_risk", "events", "censored"]])  # fmt: skip
    for column in ("estimate", "ci_low", "ci_high"):
        np.testing.assert_allclose(curve[column], rows[column], rtol=1e-10, atol=1e-12, err_msg=column)


# quantile(fit, probs = 0.5)
@pytest.mark.parametrize(
    "row", list(expected("medians").itertuples()), ids=lambda r: f"{r.case}-{r.level}-{r.confidence}"
)
def test_medians_are_those_of_survfit(row: Any) -> None:
    found = quantile_day(kaplan_meier(*arrays(row.case, row.level), row.confidence))
    np.testing.assert_array_equal(found, (row.median, row.median_low, row.median_high))


# summary(fit, times = c(28, 91, 182, 365)); R has no row after the last day
@pytest.mark.parametrize("part", list(expected("medians").groupby(["case", "level", "confidence"]).groups))
def test_shares_by_a_day_are_those_of_survfit(part: tuple[str, str, float]) -> None:
    case, level, confidence = part
    rows = expected("shares").set_index(["case", "level", "confidence", "day"])
    curve = kaplan_meier(*arrays(case, level), confidence)
    for day in HORIZONS:
        found = share_by(curve, day)
        if (*part, day) in rows.index:
            np.testing.assert_allclose(found, rows.loc[(*part, day)], rtol=1e-10)
        elif curve["estimate"].iloc[-1] == 1:
            assert found[0] == 1
        else:
            assert np.isnan(found).all()


# survdiff(Surv(day, event) ~ group)
@pytest.mark.parametrize("row", list(expected("tests").itertuples()), ids=lambda r: r.case)
def test_the_log_rank_test_is_that_of_survdiff(row: Any) -> None:
    groups = DATA.loc[DATA["case"] == row.case, "group"].astype("category")
    statistic, df, p, levels = log_rank(*arrays(row.case), groups.cat.codes.to_numpy())
    assert (statistic, df, p) == (pytest.approx(row.statistic, rel=1e-10), row.df, pytest.approx(row.p, rel=1e-9))
    assert levels == row.df + 1
    assert levels == groups.nunique() - (row.case == "later")  # "early" has nobody at risk at any outcome


# ---------------------------------------------------------------------------------------------- identities

people = st.lists(st.tuples(st.integers(0, 400), st.booleans()), min_size=1, max_size=60)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.integers(0, 3)), min_size=1, max_size=15))
def test_who_was_gone_before_the_first_outcome_changes_no_test(rows: list[tuple[int, bool, int]]) -> None:
    day, event, group = (np.array(part) for part in zip(*rows, strict=True))
    there = day >= min(day[event], default=0)
    statistic, df, p, _ = log_rank(day, event, group)
    assert (statistic, df, p) == pytest.approx(log_rank(day[there], event[there], group[there])[:3], nan_ok=True)
    assert np.isnan(p) or 0 <= p <= 1


@settings(deadline=None)
@given(people)
def test_identities_of_the_curve(cases: list[tuple[int, bool]]) -> None:
    day, event = np.array([d for d, _ in cases]), np.array([e for _, e in cases])
    curve = kaplan_meier(day, event)
    assert curve["events"].sum() == event.sum()
    assert curve["censored"].sum() == (~event).sum()
    assert curve["at_risk"].iloc[0] == len(day)
    gone = (curve["events"] + curve["censored"]).cumsum()
    assert (curve["at_risk"].iloc[1:].to_numpy() == len(day) - gone.iloc[:-1].to_numpy()).all()
    product = 1 - np.cumprod(1 - curve["events"] / curve["at_risk"])
    np.testing.assert_allclose(curve["estimate"], product, atol=1e-12)
    inner = curve[curve["ci_low"].notna()]
    assert (inner["ci_low"] <= inner["estimate"]).all()
    assert (inner["estimate"] <= inner["ci_high"]).all()
    assert curve["ci_low"].isna().equals((curve["estimate"] <= 0) | (curve["estimate"] >= 1))


@settings(deadline=None)
@given(people)
def test_without_censoring_the_curve_is_the_share_of_people(cases: list[tuple[int, bool]]) -> None:
    day = np.array([d for d, _ in cases])
    curve = kaplan_meier(day, np.ones(len(day), dtype=bool))
    np.testing.assert_allclose(curve["estimate"], [(day <= d).mean() for d in curve["day"]], atol=1e-12)
    for horizon in HORIZONS:
        assert share_by(curve, horizon)[0] == pytest.approx((day <= horizon).mean(), abs=1e-12)
    assert quantile_day(curve)[0] == pytest.approx(np.median(day))


def test_nothing_to_compare_is_said_by_a_missing_statistic() -> None:
    nobody = np.zeros(4, dtype=bool)
    day, group = np.array([1, 2, 3, 4]), np.array([0, 0, 1, 1])
    assert log_rank(day, nobody, group)[2:] == (pytest.approx(np.nan, nan_ok=True), 0)
    assert np.isnan(log_rank(day, ~nobody, np.zeros(4, dtype=int))[0])  # one group
    assert np.isnan(log_rank(np.full(4, 5), ~nobody, group)[0])  # all on one day: no other outcome was possible
    before = np.array([0, 0, 2, 2])  # and the same where some were gone before
    assert np.isnan(log_rank(before, before > 0, np.array([0, 1, 0, 1]))[0])
    curve = kaplan_meier(day, nobody)
    assert (curve["estimate"] == 0).all()
    assert np.isnan(quantile_day(curve)).all()
    empty = kaplan_meier(day[:0], nobody[:0])
    assert empty["at_risk"].tolist() == [0]
    assert empty["estimate"].isna().all()


# -------------------------------------------------------------------------------------------- the register

LEFT = pd.Timestamp("2021-03-01")
PROGRAMME = Programme(
    entry="entered", exit="left", follow_up="reached", outcome="result", complete=True,
    outcome_dates={"job": "hired", "school": "enrolled"},
    definitions={"work": {"choices": ("job",)}, "any": {"choices": ("job", "school", "course")},
                 "course": {"choices": ("course",)}},
)  # fmt: skip


def people_of(*rows: dict[str, Any], **programme: Any) -> Survey:
    """One row per person; `job`, `school`: days after leaving; `reached` likewise; `course`: without a date."""
    out = []
    for row in rows:
        day = {name: LEFT + pd.Timedelta(days=row[name]) if name in row else pd.NaT for name in ("job", "school")}
        left = row.get("left", True)
        chosen = {name: int(name in row) for name in ("job", "school", "course")}
        chosen["none"] = int(not any(chosen.values()))
        if not left or row.get("unknown"):
            chosen = dict.fromkeys(chosen)  # type: ignore[assignment]
        reached = LEFT + pd.Timedelta(days=row["reached"]) if "reached" in row else pd.NaT
        out.append({
            "entered": pd.Timestamp("2021-01-04"), "left": LEFT if left else pd.NaT, "reached": reached,
            **{f"result/{name}": value for name, value in chosen.items()}, "hired": day["job"],
            "enrolled": day["school"], "sex": row.get("sex", "f"),
        })  # fmt: skip
    frame = pd.DataFrame(out)
    frame["sex"] = pd.Categorical(frame["sex"], ["f", "m", "x"])
    frame = frame.astype(dict.fromkeys(("entered", "left", "reached", "hired", "enrolled"), "datetime64[ns]"))
    survey = Survey.from_frame(frame)
    return replace(survey, about=survey.about.model_copy(update={"programme": PROGRAMME.model_copy(update=programme)}))


CASES = (
    {"job": 10, "sex": "f"},
    {"job": -3, "school": 5, "sex": "m"},  # before leaving: day 0
    {"job": 40, "school": 15, "sex": "m"},  # the earliest date counts
    {"reached": 180, "sex": "f"},  # none, followed until then
    {"sex": "f"},  # none, followed until the last date in the file
    {"course": 1, "sex": "f"},  # has no date
    {"unknown": True, "sex": "m"},
    {"left": False, "sex": "m"},
)


def test_who_is_in_the_analysis_and_until_when() -> None:
    found = time_to_outcome(people_of(*CASES), "any", by="sex")
    total = found.frame[found.frame["by"] == ""]
    assert tuple(found.frame) == ("by", "level", *CURVE)
    assert total[["day", "at_risk", "events", "censored"]].to_numpy().tolist() == [
        [0, 5, 1, 0], [10, 4, 1, 0], [15, 3, 1, 0], [180, 2, 0, 2],
    ]  # fmt: skip
    assert (found.undated, found.unknown, found.at_follow_up, found.at_end) == (1, 1, 1, 1)
    assert found.censored_at == dt.date(2021, 8, 28)
    assert found.summary.loc[0, ["n", "events", "censored", "undated", "unknown"]].tolist() == [5, 3, 2, 1, 1]
    assert found.summary.loc[0, "share_28"] == pytest.approx(0.6)
    assert np.isnan(found.summary.loc[0, "share_182"])  # nobody was followed so long
    assert found.summary["level"].tolist() == ["", "f", "m", "x"]
    by_sex = found.summary[found.summary["by"] == "sex"]
    assert by_sex[["n", "events", "censored", "undated", "unknown"]].sum().tolist() == [5, 3, 2, 1, 1]
    nobody = by_sex[by_sex["level"] == "x"].iloc[0]
    assert nobody["n"] == 0
    assert nobody[[f"share_{day}" for day in HORIZONS] + ["median"]].isna().all()
    assert tuple(found.tests) == TESTS
    test = found.tests.iloc[0]
    assert (test["by"], test["test"], test["df"], test["n"], test["levels"], test["left_out"]) == (
        "sex", "logrank", 1, 5, 2, 1,
    )  # fmt: skip
    assert found.breakdowns == ("sex",)
    assert found.to("lv").language == "lv"


def test_another_definition_counts_another_outcome() -> None:
    work = time_to_outcome(people_of(*CASES), "work")
    assert work.frame[["day", "events", "censored"]].to_numpy().tolist() == [[0, 1, 0], [10, 1, 0], [40, 1, 0],
                                                                           [180, 0, 3]]  # fmt: skip
    assert work.undated == 0  # a course is no work, whenever it was


def test_everybody_has_the_outcome_or_nobody() -> None:
    everybody = time_to_outcome(people_of({"job": 5}, {"job": 9}), "work").summary.iloc[0]
    assert everybody[["share_28", "share_365"]].tolist() == [1, 1]
    assert np.isnan(everybody["share_28_low"])
    nobody = time_to_outcome(people_of({"reached": 200}, {"reached": 190}), "work").summary.iloc[0]
    assert nobody[["share_28", "share_182"]].tolist() == [0, 0]
    assert np.isnan(nobody[["share_365", "median"]].astype(float)).all()


def test_who_has_no_level_is_counted() -> None:
    survey = people_of(*CASES)
    survey.responses.loc[0, "sex"] = None
    found = time_to_outcome(survey, "any", by="sex")
    assert found.left_out == {"sex": 1}
    # the groups of a question with several answers overlap, and have no test
    several = time_to_outcome(survey, "any", by="result")
    assert several.tests.empty
    assert several.summary.set_index("level").loc["job", "n"] == 3


@pytest.mark.parametrize(
    ("rows", "programme", "definition", "said"),
    [
        (CASES, {}, "wrok", "there is no definition 'wrok'; did you mean 'work'?"),
        (CASES, {}, "course", "none of its choices (course) has a date"),
        (CASES, {"outcome_dates": {}}, "work", "Name their date questions under `programme.outcome_dates`"),
        (({"unknown": True}, {"left": False}, {"job": 2, "unknown": True}), {"outcome_dates": {"school": "enrolled"}},
         "any", "nobody is left to analyse. 2 have left; the outcome of 2 of them is not known, and 0"),
        (({"reached": -5}, {}), {}, "work", "reached is 2021-02-24, before left, which is 2021-03-01"),
    ],
)  # fmt: skip
def test_errors_name_the_value_and_the_remedy(rows: Any, programme: Any, definition: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        time_to_outcome(people_of(*rows, **programme), definition)


def test_a_survey_without_a_programme_is_refused() -> None:
    with pytest.raises(ValueError, match=r"survey\.yml declares no programme"):
        time_to_outcome(Survey.from_frame(pd.DataFrame({"q": ["a", "b"]})), "work")
    with pytest.raises(ValueError, match="confidence is 95"):
        time_to_outcome(people_of(*CASES), "work", confidence=95)


# --------------------------------------------------------------------------------------- the shipped survey


@pytest.fixture(scope="module")
def shipped() -> Durations:
    return time_to_outcome(open_survey(SHIPPED), "wide", by=["gender", "target_groups"])


def test_the_shipped_register_adds_up(shipped: Durations) -> None:
    survey = open_survey(SHIPPED)
    left = survey.responses["exit_date"].notna().sum()
    total = shipped.summary.iloc[0]
    assert total["n"] + shipped.undated + shipped.unknown == left
    assert total["events"] + shipped.undated == 1795  # published: 1,795 with an outcome in the wide sense
    assert shipped.at_follow_up + shipped.at_end == total["censored"]
    by_gender = shipped.summary[shipped.summary["by"] == "gender"]
    assert by_gender[["n", "events", "unknown"]].sum().tolist() == total[["n", "events", "unknown"]].tolist()
    shares = shipped.summary[[f"share_{day}" for day in HORIZONS]].to_numpy()
    assert (np.diff(shares, axis=1)[np.isfinite(np.diff(shares, axis=1))] >= 0).all()
    assert shipped.tests["by"].tolist() == ["gender"]
