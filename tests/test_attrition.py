"""Attrition and non-response weights against R's glm and survey, identities, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from surveys import ROOT

from motivlab.about import Analysis
from motivlab.attrition import Attrition, attrition
from motivlab.balance import (
    Characteristic,
    change_bounds,
    overall_difference,
    propensity,
    response_model,
    standardised_difference,
)
from motivlab.gains import gains as gains_of
from motivlab.nonresponse import response_weights
from motivlab.programme import Instrument, Programme, Scale
from motivlab.replicates import with_replicates
from motivlab.summaries import mean
from motivlab.survey import Survey

REFERENCE = ROOT / "tests" / "reference"
# svydesign(id = ~1, strata = ~stype, weights = ~pw, fpc = ~fpc); svydesign(id = ~dnum, weights = ~pw, fpc = ~fpc)
DESIGNS: dict[str, dict[str, str]] = {
    "strata": {"weight": "pw", "strata": "stype", "fpc": "fpc"},
    "clusters": {"weight": "pw", "cluster": "dnum", "fpc": "fpc"},
}
KNOWN = ["stype", "awards", "meals", "ell", "pre"]
API: dict[str, Any] = {"limits": (200, 1000)}


def declared(frame: pd.DataFrame, gains: dict[str, Instrument], **more: Any) -> Survey:
    """A survey of a frame with gains, scales and a programme; what else is said is its design."""
    about = {key: more.pop(key) for key in ("scales", "programme", "analysis") if key in more}
    survey = Survey.from_frame(frame, **more)
    return replace(survey, about=survey.about.model_copy(update={"gains": gains, **about}))


def schools(name: str) -> Survey:
    frame = pd.read_csv(REFERENCE / f"attrition_{name}.csv")
    gains = {"score": Instrument(design="pre_post", pre="pre", post="post")}
    return declared(frame, gains, **DESIGNS[name])


def expected(case: str, what: str) -> pd.DataFrame:
    frame = pd.read_csv(REFERENCE / "attrition_expected.csv", dtype={"variable": str, "level": str}).fillna("")
    return frame[(frame["case"] == case) & (frame["what"] == what)]


def ratings(pre: list[float], post: list[float | None], **more: Any) -> pd.DataFrame:
    return pd.DataFrame({"before": pre, "after": post, **more})


ONE = {"trust": Instrument(design="pre_post", pre="before", post="after")}
SMALL = ratings(
    [1, 2, 3, 4, 5, 1, 2, 3, 4, 5], [2, 3, 3, 4, 5, 3, 3, None, None, None],
    sex=list("wwmmwmwmwm"), town=list("rrrrjjjjjr"),
)  # fmt: skip


# ---------------------------------------------------------------------------------------------------------------- R


@pytest.mark.parametrize("case", DESIGNS)
def test_differences_agree_with_r(case: str) -> None:
    frame = attrition(schools(case), "score", known=KNOWN, **API).frame
    frame["level"] = frame["level"].mask(frame["missing"], "(missing)")
    ours = frame.set_index(["variable", "level"])
    for what in ("n_kept", "n_lost", "base", "kept", "lost", "sd_kept", "sd_lost", "difference", "overall"):
        theirs = expected(case, what)
        assert len(theirs)
        keys = list(zip(theirs["variable"], theirs["level"], strict=True))
        np.testing.assert_allclose(ours.loc[keys, what], theirs["value"], rtol=1e-10, err_msg=what)


@pytest.mark.parametrize("case", DESIGNS)
def test_propensities_and_odds_ratios_agree_with_glm(case: str) -> None:
    # glm(kept ~ stype + awards_level + meals + ell_known + ell_missing + pre, family = binomial)
    found = response_weights(schools(case), "score", known=KNOWN)
    np.testing.assert_allclose(found.propensity, expected(case, "propensity")["value"], rtol=1e-8)
    frame = found.frame.assign(level=found.frame["level"].mask(found.frame["missing"], "(missing)"))
    ours = frame.set_index(["variable", "level"])
    for what in ("odds_ratio", "odds_ratio_low", "odds_ratio_high", "p"):
        theirs = expected(case, what)
        keys = list(zip(theirs["variable"], theirs["level"], strict=True))
        # R's standard errors are those of the iteration before the last
        limit = 1e-6 if what == "p" else 1e-7
        np.testing.assert_allclose(ours.loc[keys, what], theirs["value"], rtol=limit, err_msg=what)
    assert frame.loc[frame["odds_ratio"] == 1, ["variable", "level"]].values.tolist() == [
        ["stype", "E"], ["awards", "No"],
    ]  # fmt: skip


METHODS: dict[str, dict[str, Any]] = {
    "propensity": {"known": KNOWN},
    "trimmed": {"known": KNOWN, "trim": 0.9},
    "classes": {"known": ["stype", "awards"], "method": "classes"},
}


@pytest.mark.parametrize("case", DESIGNS)
@pytest.mark.parametrize("method", METHODS)
def test_weights_and_the_result_agree_with_r(case: str, method: str) -> None:
    survey = schools(case)
    weights = response_weights(survey, "score", **METHODS[method])
    theirs = expected(case, f"weight_{method}")["value"].to_numpy()
    np.testing.assert_allclose(weights.weights, theirs, rtol=1e-8)
    held = theirs[theirs > 0]
    assert weights.deff == pytest.approx(len(held) * (held**2).sum() / held.sum() ** 2)
    assert weights.n_eff == pytest.approx(held.sum() ** 2 / (held**2).sum())
    assert weights.greatest == pytest.approx(held.max() / held.mean())
    assert (weights.trimmed > 0) == (method == "trimmed")

    result = attrition(survey, "score", **METHODS[method], **API).result.set_index("way")
    for what in ("estimate", "se", "df", "ci_low", "ci_high"):
        numbers = expected(case, what).set_index("level")["value"]
        for way in ("complete", "weighted", "no_change", "worst", "best"):
            r = numbers[method if way == "weighted" else way]
            assert result.loc[way, what] == pytest.approx(r, rel=1e-8), (way, what)


def test_a_column_that_says_again_what_others_say_changes_nothing() -> None:
    survey = schools("strata")
    once = response_weights(survey, "score", known=KNOWN)
    twice = response_weights(survey, "score", known=[*KNOWN, "elementary"])
    np.testing.assert_allclose(once.weights, twice.weights, rtol=1e-9)
    said_again = twice.frame[twice.frame["variable"] == "elementary"]
    assert said_again["odds_ratio"].fillna(-1).tolist() == [1, -1]


# ------------------------------------------------------------------------------------------------------- identities


@pytest.mark.parametrize("case", DESIGNS)
def test_the_change_of_those_left_is_that_of_gains(case: str) -> None:
    survey = schools(case)
    row = gains_of(survey, "score").frame.iloc[0]
    result = attrition(survey, "score", known=KNOWN, **API).result.set_index("way").loc["complete"]
    for what in ("estimate", "se", "ci_low", "ci_high", "df"):
        assert result[what] == pytest.approx(row[what]), what
    assert result["n"] == row["n_paired"]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5), st.booleans(), st.sampled_from("ab")), min_size=12),
    st.sampled_from(["higher", "lower"]),
)
def test_bounds_bracket_whatever_the_lost_did(rows: list[tuple[int, int, bool, str]], better: str) -> None:
    kept = np.array([row[2] for row in rows]) | (np.arange(len(rows)) < 2)
    pre, truth = (np.array([row[i] for row in rows], dtype=float) for i in (0, 1))
    # halves are numbers of a frame, and no codes
    frame = ratings((pre + 0.5).tolist(), np.where(kept, truth + 0.5, np.nan).tolist(), town=[row[3] for row in rows])
    gains = {"trust": Instrument(design="pre_post", pre="before", post="after", better=better)}
    found = attrition(declared(frame, gains), "trust", known="town", limits=(1.5, 5.5))
    estimate = found.result.set_index("way")["estimate"]
    ends = sorted([estimate["worst"], estimate["best"]])
    assert (estimate["worst"] <= estimate["best"]) == (better == "higher" or ends[0] == ends[1])
    slack = 1e-9
    for between in ((truth - pre).mean(), estimate["no_change"]):
        assert ends[0] - slack <= between <= ends[1] + slack
    assert found.n_base == len(rows)
    assert found.n_kept == kept.sum()
    share = found.n_lost / found.n_base
    assert ends[1] - ends[0] == pytest.approx(4 * share)  # the width is that of the scale times the share lost


def test_with_nobody_lost_everything_agrees() -> None:
    frame = SMALL.assign(after=[2, 3, 3, 4, 5, 3, 3, 3, 4, 4], w=[1.0, 2.0] * 5)
    found = attrition(declared(frame, ONE, weight="w"), "trust", known=["sex", "before"])
    assert (found.n_lost, found.follow_up, found.low) == (0, 1.0, False)
    assert found.weights is not None
    assert found.weights.weights.tolist() == frame["w"].tolist()
    for column in ("n", "estimate", "se", "ci_low", "ci_high", "df"):
        assert found.result[column].tolist() == pytest.approx([found.result[column].iloc[0]] * 5)
    assert found.frame["lost"].isna().all()
    assert not found.frame["flag"].any()
    assert found.frame["weighted"].tolist() == pytest.approx(found.frame["base"].tolist())


def test_classes_that_say_nothing_of_response_leave_the_weights_as_they_are() -> None:
    # half of each of four cells is lost
    frame = pd.DataFrame({"sex": list("wwmm") * 4, "town": list("rjrj") * 4, "after": [1.0] * 8 + [np.nan] * 8})
    frame["after"] = frame["after"].where(frame.index % 3 > 0, frame["after"] * 2)
    for method in ("classes", "propensity"):
        found = response_weights(Survey.from_frame(frame), "after", known=["sex", "town"], method=method)  # type: ignore[arg-type]
        assert found.weights.tolist() == pytest.approx([2.0] * 8 + [0.0] * 8)
        assert found.deff == pytest.approx(1)
    alone = response_weights(Survey.from_frame(frame), "after", known="sex").weights
    classes = response_weights(Survey.from_frame(frame), "after", known="sex", method="classes").weights
    np.testing.assert_allclose(alone, classes, rtol=1e-9)  # one question is a saturated model


def test_weights_bring_those_left_back_to_the_base() -> None:
    survey = schools("clusters")
    found = attrition(survey, "score", known=["stype", "awards"], method="classes", **API)
    np.testing.assert_allclose(found.frame["weighted"], found.frame["base"], rtol=1e-10)
    pre = attrition(survey, "score", known=KNOWN, **API).frame.set_index("variable").loc["pre"]
    assert abs(pre["weighted"] - pre["base"]) < abs(pre["kept"] - pre["base"]) / 4


def test_the_survey_of_those_left_gives_the_weighted_change() -> None:
    survey = schools("strata")
    survey = replace(survey, responses=survey.responses.assign(gain=survey.responses["post"] - survey.responses["pre"]))
    weights = response_weights(survey, "score", known=KNOWN)
    left = weights.survey
    assert len(left.responses) == weights.n_kept
    assert left.design.weight == "weight_response"
    found = mean(left, "post").frame["estimate"].iloc[0] - mean(left, "pre").frame["estimate"].iloc[0]
    result = attrition(survey, "score", known=KNOWN, **API).result.set_index("way")
    assert found == pytest.approx(result.loc["weighted", "estimate"])
    assert left.row(0) == survey.row(int(np.flatnonzero(weights.weights)[0]))


def test_replicate_weights_are_multiplied_alike() -> None:
    frame = SMALL.assign(w=[1.0, 2.0, 1.5, 1.0, 3.0] * 2)
    plain = declared(frame, ONE, weight="w")
    repeated = with_replicates(plain)
    one, two = (attrition(s, "trust", known="town", limits=(1, 5)).result.set_index("way") for s in (plain, repeated))
    np.testing.assert_allclose(one["estimate"], two["estimate"])
    # the jackknife of a mean over everybody is near to linearisation
    assert two.loc["weighted", "se"] == pytest.approx(one.loc["weighted", "se"], rel=0.35)
    assert two["se"].notna().all()
    left = response_weights(repeated, "trust", known="town").survey
    assert left.design.replicates is not None
    assert left.design.replicates.columns[0] == "weight_response_1"
    after = mean(left, "after").frame.iloc[0]
    assert after["se"] > 0


def test_differences_of_two_levels_and_of_none() -> None:
    p, q = np.array([0.3]), np.array([0.6])
    d = standardised_difference(p, q, (p * (1 - p), q * (1 - q)))
    assert overall_difference(np.array([0.3, 0.7]), np.array([0.6, 0.4])) == pytest.approx(abs(d[0]))
    nothing = np.zeros(1)
    assert standardised_difference(p, p, (nothing, nothing)).tolist() == [0.0]
    with np.errstate(divide="ignore"):
        assert standardised_difference(p, q, (nothing, nothing)).tolist() == [-np.inf]
    assert overall_difference(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == np.inf
    assert overall_difference(np.array([1.0, 0.0]), np.array([1.0, 0.0])) == 0
    # a level that nobody has is of no matter, wherever it stands
    three = overall_difference(np.array([0.0, 0.3, 0.7]), np.array([0.0, 0.6, 0.4]))
    assert three == pytest.approx(abs(d[0]))


# -------------------------------------------------------------------------------------------- by hand, and what counts


def test_a_small_survey_by_hand() -> None:
    found = attrition(declared(SMALL, ONE), "trust", known=["sex", "town", "before"], limits=(1, 5))
    assert (found.n_base, found.n_kept, found.n_lost, found.without_pre) == (10, 7, 3, 0)
    assert found.follow_up == 0.7
    assert not found.low
    result = found.result.set_index("way")
    assert result.loc["complete", "estimate"] == pytest.approx(5 / 7)
    assert result.loc["no_change", "estimate"] == pytest.approx(0.5)
    assert result.loc["worst", "estimate"] == pytest.approx((5 - 2 - 3 - 4) / 10)
    assert result.loc["best", "estimate"] == pytest.approx((5 + 2 + 1 + 0) / 10)
    assert result["n"].tolist() == [7, 7, 10, 10, 10]
    before = found.frame.set_index("variable").loc["before"]
    assert (before["kept"], before["lost"]) == (pytest.approx(18 / 7), 4.0)
    assert before["difference"] == pytest.approx((18 / 7 - 4) / np.sqrt((before["sd_kept"] ** 2 + 1) / 2))
    assert found.flagged == tuple(found.frame.loc[found.frame["flag"], "variable"].drop_duplicates())
    assert "before" in found.flagged
    latvian = found.to("lv")
    assert latvian.language == "lv"
    assert latvian.weights is not None
    assert latvian.weights.language == "lv"


def test_a_binary_outcome_moves_between_0_and_1() -> None:
    frame = pd.DataFrame({"in": list("yynnyn"), "out": ["y", "y", "y", "n", None, None], "sex": list("wmwmwm")})
    frame = frame.replace({"y": "yes", "n": "no"})
    gains = {"work": Instrument(design="pre_post", pre="in", post="out")}
    result = attrition(declared(frame, gains), "work", known="sex").result.set_index("way")["estimate"]
    # changes 0, 0, 1, 0; of the lost one stood at 1 and one at 0
    assert result.to_dict() == pytest.approx(
        {"complete": 0.25, "weighted": 0.25, "no_change": 1 / 6, "worst": 0.0, "best": 2 / 6}
    )


def test_missing_answers_are_a_level_and_overlapping_choices_have_rows() -> None:
    frame = SMALL.assign(
        sex=[None, "w", "m", "m", "w", "m", "w", None, "w", "m"],
        **{"group/carer": [1, 0, 1, 0, 1, 0, 1, 1, 0, 0], "group/parent": [1, 1, 0, 0, 0, 1, 0, 1, 0, 1]},
    )
    found = attrition(declared(frame, ONE), "trust", known=["sex", "group"], limits=(1, 5))
    rows = found.frame[found.frame["variable"] == "sex"]
    assert rows[["level", "missing"]].values.tolist() == [["m", False], ["w", False], ["", True]]
    assert rows["kept"].sum() == pytest.approx(1)
    assert rows["overall"].notna().all()
    groups = found.frame[found.frame["variable"] == "group"]
    assert groups["level"].tolist() == ["carer", "parent"]
    assert groups["overall"].isna().all()
    assert groups[["n_kept", "n_lost"]].sum(axis=1).tolist() == [5, 5]


def test_later_occasions_scales_and_where() -> None:
    frame = SMALL.assign(
        a1=[1, 2, 3, 4, 5, 1, 2, 3, 4, None], a2=[1, 2, 3, 4, 5, 1, 2, 3, 4, 5],
        b1=[2, 3, 4, 5, 5, 2, 3, None, None, None], b2=[2, 3, 4, 5, 5, 2, 3, None, None, 3],
        c1=[3, None, 4, None, 5, 3, 4, 1, None, None], c2=[3, None, 4, None, 5, 3, 4, 1, None, None],
    )  # fmt: skip
    scales = {name: Scale(items=(f"{name}1", f"{name}2"), range=(1, 5), score="percent") for name in "abc"}
    gains = {"ease": Instrument(design="pre_post", pre="a", post="b", later=("c",))}
    survey = declared(frame, gains, scales=scales)
    found = attrition(survey, "ease", known=["sex", "a"], at="c")
    assert (found.at, found.n_base, found.n_kept) == ("later_1", 9, 6)
    assert found.result["change"].unique().tolist() == ["later_1 - pre"]
    assert found.low
    worst = found.result.set_index("way").loc["worst", "estimate"]
    score = np.array([0, 25, 50, 75, 100, 0, 25, 50, 75])
    later = np.array([50, 0, 75, 0, 100, 50, 75, 0, 0])
    assert worst == pytest.approx((later - score).mean())
    part = attrition(survey, "ease", known="a", where="${sex} = 'w'")
    assert (part.n_base, part.n_kept) == (5, 4)
    assert part.where == "${sex} = 'w'"


def test_retrospective_ratings_have_both_changes() -> None:
    frame = SMALL.assign(then=[1, 1, 2, 3, 4, 2, None, None, None, None])
    gains = {"trust": Instrument(design="retro_pre_post", pre="before", then="then", post="after")}
    found = attrition(declared(frame, gains), "trust", known="town", limits=(1, 5))
    table = found.result.set_index(["change", "way"])
    assert table.loc[("post - pre", "complete"), "n"] == 7
    assert table.loc[("post - then", "complete"), "n"] == 6
    assert table.loc[("post - then", "complete"), "estimate"] == pytest.approx((1 + 2 + 1 + 1 + 1 + 1) / 6)
    # the seventh has a post of 3, those after neither
    assert table.loc[("post - then", "worst"), "estimate"] == pytest.approx((7 + (3 - 5) + 3 * -4) / 10)
    without = {"trust": Instrument(design="retro_pre_post", then="then", post="after")}
    alone = attrition(declared(frame, without), "trust", known="town", limits=(1, 5))
    assert (alone.n_base, alone.n_kept) == (10, 6)
    assert alone.result["change"].unique().tolist() == ["post - then"]


def test_posts_without_a_pre_are_counted() -> None:
    frame = SMALL.assign(before=[None, 2, 3, 4, 5, 1, 2, 3, 4, 5])
    found = attrition(declared(frame, ONE), "trust", known="town", limits=(1, 5))
    assert (found.n_base, found.n_kept, found.without_pre) == (9, 6, 1)


def test_a_number_without_ends_has_no_bounds() -> None:
    frame = SMALL.assign(before=np.arange(10) + 0.5, after=[3.5, 4.25, None, 1.75, 2.5, None, 9.0, 3.25, 4.5, 1.0])
    table = attrition(declared(frame, ONE), "trust", known="town").result.set_index("way")["estimate"]
    assert table[["worst", "best"]].isna().all()
    assert table[["complete", "weighted", "no_change"]].notna().all()


def test_what_is_known_by_default() -> None:
    gains = ONE | {
        "later": Instrument(design="pre_post", pre="town", post="sex"),
        "list": Instrument(design="checklist", question="gained"),
    }
    frame = SMALL.assign(**{"gained/a": [1, 0] * 5, "gained/b": [0, 1] * 5}, age=list("yoyoyoyoyo"))
    analysis = {"gained": Analysis(measure="reported_gain", by=("sex", ("age", "town")))}
    found = attrition(declared(frame, gains, analysis=analysis), "trust", limits=(1, 5))
    assert found.frame["variable"].drop_duplicates().tolist() == ["age", "town", "before"]  # sex is a post here


def test_a_check_list_has_weights() -> None:
    frame = pd.DataFrame({"sex": list("wwwwmmmm"), "gained/a": [1, 0, 1, None] * 2, "gained/b": [0, 1, 1, None] * 2})
    gains = {"reported": Instrument(design="checklist", question="gained")}
    found = response_weights(declared(frame, gains), "reported", known="sex")
    assert found.weights.tolist() == pytest.approx([4 / 3, 4 / 3, 4 / 3, 0] * 2)
    with pytest.raises(ValueError, match="the gain 'reported' is a checklist: it has no change"):
        attrition(declared(frame, gains), "reported", known="sex")


# ------------------------------------------------------------------------------------------------- weights without end


def test_a_level_of_which_everybody_is_left_has_the_limit_of_the_likelihood() -> None:
    frame = pd.DataFrame({"sex": list("wwwmmmmoo"), "x": [1, 2, 1, 2, 1, 2, 1, 1, 2]})
    frame["after"] = [1, 2, None, 1, None, 2, 2, 1, 1]
    found = response_weights(Survey.from_frame(frame), "after", known=["sex", "x"])
    assert found.propensity[-2:].tolist() == [1, 1]
    rows = found.frame.set_index(["variable", "level"])["odds_ratio"]
    assert np.isinf(rows[("sex", "o")])
    # glm(kept ~ sex + x) of the others: their odds are as without these people
    others = response_weights(Survey.from_frame(frame.iloc[:7]), "after", known=["sex", "x"])
    np.testing.assert_allclose(found.propensity[:7], others.propensity)


def test_classes_of_crossed_questions_stay_apart() -> None:
    frame = pd.DataFrame({"a": ["x × y", "z"] * 4, "b": list("mmnn") * 2, "after": [1.0] * 8})
    with pytest.raises(ValueError, match="a choice of 'a' holds ' × ' in its name"):
        response_weights(Survey.from_frame(frame), "after", known=["a", "b"], method="classes")
    assert response_weights(Survey.from_frame(frame), "after", known="a", method="classes").n_kept == 8


@pytest.mark.parametrize("method", ["propensity", "classes"])
def test_a_level_of_which_nobody_is_left_has_no_weights(method: Any) -> None:
    frame = SMALL.assign(town=list("rrrrjjjllr"))
    said = "trust: none of the 2 people with town = 'l' has a follow-up, so that nobody can stand for them. Group"
    with pytest.raises(ValueError, match=said):
        response_weights(declared(frame, ONE), "trust", known="town", method=method)
    found = attrition(declared(frame, ONE), "trust", known="town", method=method, limits=(1, 5))
    assert found.weights is None
    assert found.unweighed is not None
    assert (found.unweighed.reason, found.unweighed.level, found.unweighed.n) == ("nobody", "l", 2)
    table = found.result.set_index("way")
    assert np.isnan(table.loc["weighted", "estimate"])
    assert table.loc["weighted", "n"] == 0
    assert table.loc[["complete", "no_change", "worst", "best"], "estimate"].notna().all()
    assert found.frame["weighted"].isna().all()
    assert (found.frame["overall"] > 0.25).all()
    missing = declared(SMALL.assign(town=[*"rrrrjjj", None, None, "r"]), ONE)
    with pytest.raises(ValueError, match="none of the 2 people without an answer to 'town' has a follow-up"):
        response_weights(missing, "trust", known="town", method=method)


def test_a_number_that_tells_exactly_who_is_left_has_no_weights() -> None:
    frame = SMALL.assign(age=[20.5, 21, 22, 23, 24, 25, 26, 40, 41, 42.5])
    with pytest.raises(ValueError, match="a combination of age × sex tells exactly who of some of the 10 people"):
        response_weights(declared(frame, ONE), "trust", known=["age", "sex"])
    found = attrition(declared(frame, ONE), "trust", known=["age", "sex"], limits=(1, 5))
    assert found.unweighed is not None
    assert found.unweighed.reason == "separated"
    assert "age" in found.flagged


def test_a_combination_of_levels_that_tells_exactly_who_is_left_is_found() -> None:
    # of either level of each some are left, and yet whoever is at (1, 0) is left and whoever is at (0, 1) is not
    cells = [(0, 0, 0), (0, 0, 1), (1, 0, 1), (1, 0, 1), (0, 1, 0), (0, 1, 0), (1, 1, 0), (1, 1, 1)]
    a, b, kept = np.array(cells * 3).T
    columns = np.stack([a, b], axis=1).astype(float)
    assert not propensity(columns, kept == 1).finite
    both = [
        Characteristic(name, ("0", "1"), np.stack([1.0 - x, x], axis=1), np.zeros(len(x), dtype=bool))
        for name, x in (("a", a), ("b", b))
    ]
    found = response_model(both, kept == 1)
    assert getattr(found, "reason", "") == "separated"


# ---------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"outcome": "trast"}, "there is no gain 'trast'; did you mean 'trust'"),
        ({"known": "sexx"}, "known: there is no question or scale 'sexx'; did you mean 'sex'"),
        ({"known": "after"}, "known: 'after' is asked only later, so that those lost cannot have answered it"),
        ({"known": "why"}, "known: 'why' is asked only later"),
        ({"known": ["sex", "sex"]}, "known=.*: 'sex' is there twice"),
        ({"known": []}, "known: nothing is named"),
        ({"known": "day"}, "known: 'day' is a date question"),
        ({"known": "before", "method": "classes"}, "known: 'before' is a number, which makes no classes"),
        ({"at": "later_1"}, "at='later_1': 'trust' has no such occasion after entry. Use one of post."),
        ({"method": "class"}, "method is 'class'"),
        ({"trim": 2}, "trim is 2"),
        ({"confidence": 95}, "confidence is 95"),
        ({"limits": (5, 1)}, "limits=.*: give the lowest and the highest"),
        ({"limits": (1, 4)}, "row 5, respondent 5: before is 5, outside limits"),
        ({"where": "${sex} = 'm' and ${day} > '2030-01-01'"}, "keeps none of the 10 respondents"),
    ],
)
def test_bad_input_is_named(arguments: dict[str, Any], said: str) -> None:
    frame = SMALL.assign(day=pd.date_range("2021-01-01", periods=10), why=list("ababababab"))
    frame["out/job"] = frame["out/none"] = 1
    definitions = {"work": {"choices": ("job",)}}
    programme = Programme(
        entry="day", exit="day", outcome="out", drop_out="why", complete=True, definitions=definitions
    )
    survey = declared(frame, ONE, programme=programme)
    with pytest.raises(ValueError, match=said):
        attrition(survey, **({"outcome": "trust", "known": "sex"} | arguments))


def test_everybody_lost_and_nobody_to_lose() -> None:
    frame = SMALL.assign(after=pd.Categorical([None] * 10, ["1", "2", "3"]))
    with pytest.raises(ValueError, match="'trust': all 10 people are lost, none has the follow-up 'post'"):
        attrition(declared(frame, ONE), "trust", known="sex")
    frame = SMALL.assign(before=pd.Categorical([None] * 10, ["1", "2", "3"]))
    with pytest.raises(ValueError, match="'trust': nobody has the pre, so that nobody can be lost"):
        attrition(declared(frame, ONE), "trust", known="sex")


def test_weights_of_a_question_and_their_column() -> None:
    survey = Survey.from_frame(SMALL.assign(weight_response=1))
    found = response_weights(survey, "after", known="town")
    with pytest.raises(ValueError, match="the responses have a column 'weight_response'"):
        found.survey  # noqa: B018
    assert response_weights(survey, "after", known="town", name="w").survey.design.weight == "w"
    with pytest.raises(ValueError, match="known: 'after' is asked only later"):
        response_weights(survey, "after", known="after")
    with pytest.raises(ValueError, match="there is no gain, scale or question 'aftr'; did you mean 'after'"):
        response_weights(survey, "aftr", known="town")
    with pytest.raises(ValueError, match="at='later_1': 'after' is asked once"):
        response_weights(survey, "after", known="town", at="later_1")


def test_a_change_that_is_the_same_for_all_is_a_stated_result() -> None:
    frame = SMALL.assign(after=[1, 2, 3, 4, 5, 1, 2, None, None, None])
    found: Attrition = attrition(declared(frame, ONE), "trust", known="town", limits=(1, 5))
    row = found.result.set_index("way").loc["complete"]
    assert (row["estimate"], row["se"], row["ci_low"], row["ci_high"]) == (0, 0, 0, 0)


def test_bounds_of_a_change() -> None:
    nan = np.nan
    before, after = np.array([2.0, 2, nan, nan]), np.array([3.0, nan, 3, nan])
    low, high = change_bounds(before, after, (1, 5), (1, 5))
    assert low.tolist() == [1, -1, -2, -4]
    assert high.tolist() == [1, 3, 2, 4]
    low, high = change_bounds(before, after, (nan, nan), (nan, nan))
    assert low[0] == 1
    assert np.isnan(low[1:]).all()
