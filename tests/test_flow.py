"""Participant flow: counts by hand, parts that make up their wholes, what is not declared, errors, the register."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from surveys import ROOT

from motivlab.flow import COLUMNS, Flow, flow
from motivlab.programme import Programme
from motivlab.survey import Survey, open_survey

SHIPPED = ROOT / "data" / "programme_participants"
PROGRAMME = Programme(
    entry="entered", start="started", exit="left", completion="done", follow_up="reached", drop_out="why",
    outcome="result", complete=True, definitions={"work": {"choices": ("job",)}},
)  # fmt: skip
PAIRS = (
    ("started", "not_started"), ("left", "still_in"), ("completed", "dropped_out"), ("dropped_out", "no_reason"),
    ("outcome_known", "outcome_unknown"), ("follow_up_due", "follow_up_not_due"), ("followed_up", "not_followed_up"),
)  # fmt: skip
ENTERED, LEFT = pd.Timestamp("2021-01-04"), pd.Timestamp("2021-03-01")
CASES = (
    # started, left (days after the first of March), done, reached, why, outcome, region
    (True, 0, True, 180, None, "job", "riga"),
    (True, 0, True, None, None, "none", "riga"),
    (True, 0, False, None, "work", "job", "riga"),
    (False, 0, False, 185, "health", "unknown", "riga"),
    (True, 10, False, None, None, "unknown", "vidzeme"),
    (True, None, False, None, None, None, "vidzeme"),
    (False, None, False, None, None, None, "vidzeme"),
)


def survey_of(cases: Any, comparison: bool = False, **programme: Any) -> Survey:
    """One row per case; a programme without a moment has an empty name for it."""
    rows = []
    for started, left, done, reached, why, outcome, region in cases:
        away = pd.NaT if left is None else LEFT + pd.Timedelta(days=left)
        again = pd.NaT if reached is None else LEFT + pd.Timedelta(days=reached)
        rows.append({
            "entered": ENTERED, "started": ENTERED if started else pd.NaT, "left": away,
            "done": away if done else pd.NaT, "reached": again,
            "why": why, "region": region, "other": "yes" if comparison and region == "vidzeme" else "no",
            **{f"result/{c}": None if outcome in (None, "unknown") else int(c == outcome) for c in ("job", "none")},
        })  # fmt: skip
    frame = pd.DataFrame(rows)
    for name in ("entered", "started", "left", "done", "reached"):
        frame[name] = frame[name].astype("datetime64[ns]")
    for name, levels in (
        ("why", ["work", "health"]),
        ("region", ["riga", "vidzeme", "latgale"]),
        ("other", ["yes", "no"]),
    ):
        frame[name] = pd.Categorical(frame[name], levels)
    survey = Survey.from_frame(frame.astype({"result/job": "Int8", "result/none": "Int8"}))
    more = {"comparison": "${other} = 'yes'"} if comparison else {}
    declared = PROGRAMME.model_copy(update=programme | more)
    return replace(survey, about=survey.about.model_copy(update={"programme": declared}))


def counts(found: Flow, level: str = "") -> dict[str, int]:
    rows = found.frame[found.frame["level"] == level]
    return dict(zip(rows["step"], rows["n"], strict=True))


def require_identities(found: Flow) -> None:
    for _, rows in found.frame.groupby(["by", "level"], sort=False):
        n, parent = rows.set_index("step")["n"], rows.set_index("step")["parent"]
        for pair in PAIRS:
            if set(pair) <= set(n.index):
                assert n[list(pair)].sum() == n[parent[pair[0]]], pair
        reasons = n[[step.startswith("reason") for step in n.index]]
        if len(reasons):
            assert reasons.sum() == n["dropped_out"]
        for row in rows.itertuples():
            whole = n[row.parent] if row.parent else n["enrolled"]
            assert row.n <= whole
            for share, of in ((row.share_of_enrolled, n["enrolled"]), (row.share_of_parent, whole)):
                assert share == pytest.approx(row.n / of if of else np.nan, nan_ok=True)
    if found.breakdowns:  # the groups, and who is in none, are everybody
        total = found.frame[found.frame["by"] == ""].set_index("step")["n"]
        groups = found.frame[found.frame["by"] != ""].groupby("step")["n"].sum()
        assert total["enrolled"] == groups["enrolled"] + found.left_out


def test_each_step_by_hand() -> None:
    found = flow(survey_of(CASES), by="region")
    assert tuple(found.frame) == COLUMNS
    # the last date is 185 days after the first of March: ten days later it was not due yet
    assert counts(found) == {
        "enrolled": 7, "started": 5, "not_started": 2, "left": 5, "still_in": 2, "completed": 2, "dropped_out": 3,
        "reason/work": 1, "reason/health": 1, "reason_unknown": 1, "outcome_known": 3, "outcome_unknown": 2,
        "follow_up_due": 4, "follow_up_not_due": 1, "followed_up": 2, "not_followed_up": 2,
    }  # fmt: skip
    assert counts(found, "vidzeme")["enrolled"] == 3
    assert counts(found, "latgale") == dict.fromkeys(counts(found), 0)
    empty = found.frame[found.frame["level"] == "latgale"]
    assert empty[["share_of_enrolled", "share_of_parent"]].isna().all(axis=None)
    require_identities(found)
    assert (found.follow_up, found.low_follow_up, found.low_levels) == (0.5, True, ("riga",))
    assert found.to("ru").language == "ru"


def test_a_follow_up_of_seventy_percent_is_not_low() -> None:
    reached = [(True, 0, True, 190, None, "job", "riga")] * 7
    lost = [(True, 0, True, None, None, "job", "riga")] * 3
    assert not flow(survey_of([*reached, *lost])).low_follow_up
    assert flow(survey_of([*reached[1:], *lost])).low_follow_up


def test_steps_that_are_not_declared_are_not_there() -> None:
    plain = flow(survey_of(CASES, start="", completion="", follow_up="", drop_out=""))
    assert list(counts(plain)) == ["enrolled", "left", "still_in", "outcome_known", "outcome_unknown"]
    assert np.isnan(plain.follow_up)
    assert not plain.low_follow_up
    reasons = flow(survey_of(CASES, completion=""))
    assert {key: n for key, n in counts(reasons).items() if "reason" in key or key == "dropped_out"} == {
        "dropped_out": 2, "no_reason": 3, "reason/work": 1, "reason/health": 1,
    }  # fmt: skip
    require_identities(reasons)
    done = flow(survey_of(CASES, drop_out=""))
    assert counts(done)["dropped_out"] == 3
    assert not [step for step in counts(done) if step.startswith("reason")]


def test_the_comparison_group_did_not_enrol() -> None:
    found = flow(survey_of(CASES, comparison=True), by="region")
    assert counts(found)["enrolled"] == 4
    assert counts(found, "vidzeme")["enrolled"] == 0
    with pytest.raises(ValueError, match=re.escape("keeps none of the 4 participants, only the comparison group")):
        flow(survey_of(CASES, comparison=True), where="${region} = 'vidzeme'")


def test_where_keeps_some_and_who_has_no_level_is_counted() -> None:
    survey = survey_of(CASES)
    assert counts(flow(survey, where="${region} = 'riga'")) == counts(flow(survey, by="region"), "riga")
    survey.responses.loc[0, "region"] = None
    found = flow(survey, by="region")
    assert found.left_out == 1
    require_identities(found)


day = st.integers(0, 30)
people = st.lists(
    st.tuples(st.booleans(), st.none() | day, st.booleans(), st.none() | st.integers(31, 260),
              st.sampled_from([None, "work", "health"]), st.sampled_from(["job", "none", "unknown"]),
              st.sampled_from(["riga", "vidzeme"])),
    min_size=1, max_size=30,
)  # fmt: skip


@settings(deadline=None, max_examples=20)
@given(people)
def test_parts_make_up_their_wholes(cases: list[tuple[Any, ...]]) -> None:
    # who is still in has neither a follow-up, nor a reason, nor an outcome
    consistent = [case if case[1] is not None else (case[0], None, False, None, None, None, case[-1]) for case in cases]
    require_identities(flow(survey_of(consistent), by="region"))
    require_identities(flow(survey_of(consistent, completion=""), by="region"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"by": "result"}, "by='result': it is a select_multiple question"),
        ({"by": "entered"}, "by='entered': it is a date question"),
        ({"by": "regoin"}, "there is no question 'regoin'; did you mean 'region'?"),
        ({"by": ["region", "entered"]}, "a flow is broken down by one question"),
        ({"by": [("region", "entered")]}, "a flow is broken down by one question"),
        ({"where": "${region} = 'latgale'"}, "keeps none of the 7 respondents"),
    ],
)
def test_errors_name_the_value_and_the_remedy(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        flow(survey_of(CASES), **options)


def test_a_survey_without_a_programme_or_with_dates_out_of_order_is_refused() -> None:
    with pytest.raises(ValueError, match=r"survey\.yml declares no programme"):
        flow(Survey.from_frame(pd.DataFrame({"q": ["a", "b"]})))
    with pytest.raises(ValueError, match=re.escape("row 1, respondent 1: reached is 2021-02-19, before done")):
        flow(survey_of([(True, 0, True, -10, None, "job", "riga")]))


def test_the_shipped_register_adds_up() -> None:
    survey = open_survey(SHIPPED)
    found = flow(survey, by="stage")
    require_identities(found)
    total = counts(found)
    assert total["enrolled"] == 3239
    assert total["left"] == survey.responses["exit_date"].notna().sum()
    assert total["followed_up"] == survey.responses["follow_up_date"].notna().sum()
    women = flow(survey, where="${gender} = 'woman'")
    assert counts(women)["enrolled"] == 2265
    pieriga = flow(survey, by="stage", where="${region} = 'pieriga'")
    assert [counts(pieriga, f"stage_{i}")["enrolled"] for i in (1, 2, 3)] == [59, 60, 57]
