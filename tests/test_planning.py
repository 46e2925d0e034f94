"""Sample plans against published tables, svy, identities, errors, tables."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from svy.size import SampleSize

import motivlab.tables_fieldwork  # noqa: F401 - registers the tables
from motivlab.language import LANGUAGES
from motivlab.planning import Plan, detectable_difference, margin_of_error, sample_size
from motivlab.tables import table

TWO_SIGMA = float(2 * stats.norm.cdf(2) - 1)  # Cochran takes t = 2


def margin(n: int, **more: Any) -> float:
    return float(margin_of_error(n, **more).frame["margin"].iloc[0])


def size(wanted: float, **more: Any) -> int:
    return int(sample_size(wanted, **more).frame["n"].iloc[0])


# ------------------------------------------------------------------------------------------------ published numbers


def test_polls_of_the_usual_sizes() -> None:
    # the margins that every methods box has, at 95 % and p = 0.5, in points to one decimal
    for n, points in (
        (100, 9.8),
        (400, 4.9),
        (500, 4.4),
        (600, 4.0),
        (1000, 3.1),
        (1067, 3.0),
        (1500, 2.5),
        (2000, 2.2),
    ):
        assert round(margin(n) * 100, 1) == points
    # 1,067 for three points is the rounding of 1067.07: its margin is a little above
    assert 0.03 < margin(1067) < 0.03001
    assert size(0.03) == 1068
    assert (size(0.05), size(0.05, confidence=0.99), size(0.05, confidence=0.9)) == (385, 664, 271)


def test_cochran_blood_groups_of_an_island() -> None:
    # Sampling Techniques, 3rd edition, sections 4.1 and 4.4: d = 0.05, t = 2, N = 3,200; n0 = 400 and n = 356
    assert margin(400, confidence=TWO_SIGMA) == pytest.approx(0.05, abs=1e-12)
    assert size(0.05, confidence=TWO_SIGMA, population=3200) == 356


def test_krejcie_and_morgan() -> None:
    # Determining sample size for research activities, Educational and Psychological Measurement 30 (1970), table 1:
    # margin 0.05, p = 0.5. The table rounds to the nearest whole number, so some entries are one short.
    rounded_up = {10: 10, 100: 80, 200: 132, 300: 169, 1000: 278, 3000: 341, 5000: 357, 10_000: 370, 20_000: 377}
    rounded_down = {50: 44, 400: 196, 500: 217, 2000: 322}
    for population, n in rounded_up.items():
        assert size(0.05, population=population) == n
    for population, n in rounded_down.items():
        assert size(0.05, population=population) == n + 1
        assert 0.05 < margin(n, population=population) < 0.052


def test_chow_shao_and_wang() -> None:
    # Sample Size Calculations in Clinical Research, 2nd edition, p. 89: 70 per group for 65 % against 85 %, 80 % power
    frame = detectable_difference({"with 70": 70, "with 69": 69}, {"with 70": 70, "with 69": 69}, p=0.65).frame
    above = dict(zip(frame["group"], frame["above"], strict=True))
    assert above["with 70"] <= 0.20 < above["with 69"]


# -------------------------------------------------------------------------------------------------------------- svy


@pytest.mark.parametrize("p", [0.05, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("wanted", [0.01, 0.025, 0.05])
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_sizes_are_those_of_svy(p: float, wanted: float, confidence: float) -> None:
    theirs = SampleSize().estimate_prop(p=p, moe=wanted, alpha=1 - confidence)._size
    assert size(wanted, p=p, confidence=confidence) == theirs.n
    # svy rounds up after every step, here only at the end: no more than what the steps add
    whole = SampleSize().estimate_prop(p=p, moe=wanted, alpha=1 - confidence, deff=1.4, pop_size=20_000)._size
    assert 0 <= whole.n - size(wanted, p=p, confidence=confidence, deff=1.4, population=20_000) <= 3


@pytest.mark.parametrize(("p", "n_a", "n_b"), [(0.5, 500, 500), (0.2, 400, 800), (0.7, 1500, 300), (0.1, 250, 250)])
def test_differences_are_those_that_svy_needs_so_many_for(p: float, n_a: int, n_b: int) -> None:
    row = detectable_difference(n_a, n_b, p=p).frame.iloc[0]
    for other in (p + row["above"], p - row["below"]):
        if not math.isnan(other):
            theirs = SampleSize().compare_props(p1=p, p2=other, alloc_ratio=n_b / n_a, power=0.8)._size
            np.testing.assert_allclose(theirs.n, (n_a, n_b), atol=2)


# ------------------------------------------------------------------------------------------------------- identities

shares = st.floats(0.01, 0.99)
populations = st.one_of(st.none(), st.integers(2, 5_000_000))


@settings(deadline=None)
@given(st.floats(0.004, 0.3), shares, st.floats(0.5, 4), st.sampled_from([0.8, 0.95, 0.99]), populations)
def test_the_size_is_the_smallest_that_will_do(
    wanted: float, p: float, deff: float, confidence: float, population: int | None
) -> None:
    more = {"p": p, "deff": deff, "confidence": confidence, "population": population}
    n = size(wanted, **more)
    assert margin(n, **more) <= wanted
    assert n == 1 or margin(n - 1, **more) > wanted
    assert population is None or n <= population


@settings(deadline=None)
@given(st.integers(2, 100_000), shares, st.floats(0.5, 4))
def test_the_margin_leads_back_to_the_size(n: int, p: float, deff: float) -> None:
    reached = margin(n, p=p, deff=deff)
    if reached < 1:
        assert size(reached, p=p, deff=deff) == n
    assert margin(n, p=p, deff=deff) == pytest.approx(margin(n, p=1 - p, deff=deff))
    assert margin(n, p=p, deff=deff) == pytest.approx(margin(n, p=p) * math.sqrt(deff))
    assert margin(n, p=p, population=n) == 0  # a census has no sampling error
    assert margin(n, p=p, population=10**12) == pytest.approx(margin(n, p=p), rel=1e-6)


@settings(deadline=None)
@given(st.integers(20, 20_000), st.integers(20, 20_000), shares, st.floats(1, 3), st.floats(0.55, 0.95))
def test_a_detectable_difference_has_the_power(n_a: int, n_b: int, p: float, deff: float, power: float) -> None:
    row = detectable_difference(n_a, n_b, p=p, deff=deff, power=power).frame.iloc[0]
    z = stats.norm.ppf(0.975)
    for d in (row["above"], -row["below"]):
        other = p + d
        if not math.isnan(d) and 0 < other < 1:
            se = math.sqrt(deff * (p * (1 - p) / n_a + other * (1 - other) / n_b))
            assert stats.norm.cdf(abs(d) / se - z) == pytest.approx(power, abs=1e-9)
    mirrored = detectable_difference(n_a, n_b, p=1 - p, deff=deff, power=power).frame.iloc[0]
    np.testing.assert_allclose([row["above"], row["below"]], [mirrored["below"], mirrored["above"]], rtol=1e-9)


# ----------------------------------------------------------------------------------------------------------- groups


def test_arguments_are_one_number_or_one_per_group() -> None:
    n = {"women": 600, "men": 400}
    frame = margin_of_error(n, p={"men": 0.2, "women": 0.3}, deff=1.5).frame
    assert list(frame) == ["group", "n", "p", "deff", "population", "n_eff", "margin"]
    assert frame["group"].tolist() == ["women", "men"]
    assert frame["n_eff"].tolist() == pytest.approx([400, 400 / 1.5])
    assert frame["margin"].tolist() == [margin(600, p=0.3, deff=1.5), margin(400, p=0.2, deff=1.5)]
    assert frame["population"].isna().all()
    some = sample_size(0.05, population={"a": 500, "b": None}).frame
    assert some["n"].tolist() == [218, 385]
    assert some["population"].isna().tolist() == [False, True]


def test_invitations_follow_from_the_response_rate() -> None:
    plan = sample_size(0.05, response_rate={"a": 0.25, "b": 1, "c": None})
    frame = plan.frame
    assert list(frame)[-3:] == ["response_rate", "invited", "reason"]
    assert frame["invited"].tolist()[:2] == [385 / 0.25, 385]
    assert math.isnan(frame["invited"][2])
    assert (frame["reason"] == "").all()
    # a quotient that is whole stays whole: 39 / 0.3 is 130.00000000000003 in floating point
    assert sample_size(margin(39), response_rate=0.3).frame["invited"].tolist() == [130]
    few = sample_size(0.05, population=300, response_rate=0.25)
    assert few.frame["invited"].isna().all()
    said = "676 would have to be invited, but there are 300; inviting all of them gives 75 interviews."
    assert few.frame["reason"].tolist() == [said]
    assert few.notes[-1] == said


def test_a_difference_that_no_share_can_have_is_named() -> None:
    frame = detectable_difference(70, 70, p=0.05).frame
    assert frame["below"].isna().all()
    assert frame["above"].notna().all()
    assert frame["reason"].tolist() == ["No lower share can be told apart with this n."]


# ------------------------------------------------------------------------------------------------ errors and tables


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (lambda: sample_size(3), "margin is 3. It is a share between 0 and 1. Three percentage points are 0.03."),
        (lambda: sample_size({"a": 0.03, "b": 0}), "margin of 'b' is 0. It is a share between 0 and 1."),
        (lambda: sample_size(0.03, p=1), "p is 1. It is a share between 0 and 1. At 0 and 1 there is no margin"),
        (lambda: sample_size(0.03, p="half"), "p is 'half'. Give a number."),  # type: ignore[arg-type]
        (lambda: sample_size(0.03, deff=0), "deff is 0. It must be above 0: 1 for a simple random sample."),
        (lambda: sample_size(0.03, deff=float("nan")), "deff is nan. It must be above 0"),
        (lambda: sample_size(0.03, confidence=95), "confidence is 95. It is a share between 0 and 1."),
        (lambda: sample_size(0.03, response_rate=0), "response_rate is 0. It is a share above 0 and up to 1."),
        (lambda: sample_size(0.03, response_rate=30), "response_rate is 30. It is a share above 0 and up to 1."),
        (lambda: sample_size(0.03, population=1), "population is 1. Give a whole number, 2 or more."),
        (lambda: sample_size(0.03, population=99.5), "population is 99.5. Give a whole number"),
        (lambda: sample_size({}), "margin names no group."),
        (lambda: margin_of_error(0), "n is 0. Give a whole number, 1 or more."),
        (lambda: margin_of_error(10.5), "n is 10.5. Give a whole number"),
        (lambda: margin_of_error(True), "n is True. Give a number."),
        (lambda: margin_of_error(500, population=400), "n is 500, more than the population of 400. Correct one"),
        (
            lambda: margin_of_error({"Riga": 5, "Latgale": 5}, p={"Riga": 0.5, "Latgle": 0.5}),
            "p has the group 'Latgle', which n has not; did you mean 'Latgale'?",
        ),
        (
            lambda: margin_of_error({"Riga": 5, "Latgale": 5}, p={"Riga": 0.5}),
            "p has no value for the group 'Latgale', which n has. Add it, or give one number for all groups.",
        ),
        (lambda: detectable_difference(0, 50), "n_a is 0. Give a whole number, 1 or more."),
        (lambda: detectable_difference(50, 50, power=80), "power is 80. It is a share between 0 and 1."),
        (lambda: detectable_difference(50, 50, power=0.5), "power is 0.5. A plan with less than an even chance"),
        (lambda: margin_of_error(50, language="de"), "language is 'de'. Use lv, en, ru."),
    ],
)
def test_errors_name_the_value_and_the_remedy(plan: Callable[[], Plan], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        plan()


@pytest.mark.parametrize("language", LANGUAGES)
def test_plans_show_themselves(language: str) -> None:
    plan = sample_size(
        {"Riga": 0.03, "Latgale": 0.05}, deff=1.4, population=300_000, response_rate=0.25, language=language
    )
    shown = table(plan)
    (block,) = shown.blocks
    assert [row[0] for row in block.rows] == ["Riga", "Latgale"]
    digits = [re.sub(r"\W", "", row[2]) for row in block.rows]
    assert digits == [str(n) for n in plan.frame["n"]]
    notes = re.sub(r"[^\d\n]", "", "\n".join(shown.notes)).split("\n")
    assert str(plan.frame["n"].sum()) in notes
    assert str(int(plan.frame["invited"].sum())) in notes
    assert shown.numbers is plan.frame
    assert repr(plan) != repr(plan.to("ru" if language != "ru" else "lv"))
    simple = table(margin_of_error(1000, language=language))
    assert simple.blocks[0].rows[0][-1] in ("3.1", "3,1")
    assert len(simple.blocks[0].head) == 6  # no population was given: it has no column
    difference = table(detectable_difference(500, 500, language=language))
    assert difference.blocks[0].rows[0][-1] == difference.blocks[0].rows[0][-2] in ("8.8", "8,8")
    assert "80" in difference.notes[0]
