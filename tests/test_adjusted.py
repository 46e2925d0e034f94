"""Adjusted comparisons against R's svyglm, identities, and what is refused or left without a model."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from surveys import ROOT, SHIPPED

import motivlab as ml
from motivlab.adjusted import Adjusted, adjusted
from motivlab.regression import Unfitted
from motivlab.survey import Calibration
from motivlab.svy_bridge import to_sample

REFERENCE = ROOT / "tests" / "reference"
SHARES = ("", "_se", "_low", "_high")
DIFFERENCES = ("_difference", "_difference_se", "_difference_low", "_difference_high", "_difference_p")


def read(name: str, **kinds: object) -> pd.DataFrame:
    return pd.read_csv(REFERENCE / f"{name}.csv", dtype={"level": "str", "sub": "str", **kinds})  # type: ignore[arg-type]


def agree(result: Adjusted, name: str, item: str, reference: pd.DataFrame | None = None) -> None:
    """Every number that R has, to 1e-8 relative."""
    expected = read(f"{name}_expected") if reference is None else reference
    both = expected.merge(result.frame[result.frame["item"] == item], on="level", suffixes=("_r", ""), validate="1:1")
    assert len(both) == len(expected) == (result.frame["n"] > 0).sum()
    assert both["n"].tolist() == both["n_r"].tolist()
    others = ~both["reference"]
    for kind in ("unadjusted", "adjusted"):
        assert both[f"{kind}_df"].tolist() == both[f"{kind}_df_r"].tolist()
        for end in SHARES:
            theirs = both[f"{kind}_share"] if end == "" else both[f"{kind}{end}_r"]
            np.testing.assert_allclose(both[f"{kind}{end}"], theirs, rtol=1e-8, err_msg=kind + end)
        for end in DIFFERENCES:
            ours, theirs = both.loc[others, f"{kind}{end}"], both.loc[others, f"{kind}{end}_r"]
            np.testing.assert_allclose(ours, theirs, rtol=1e-7 if end.endswith("_p") else 1e-8, err_msg=kind + end)
    # svypredmeans has the same shares, and in their standard errors that of the covariates as well
    np.testing.assert_allclose(both["adjusted"], both["predmeans"], rtol=1e-8)
    assert (both["adjusted_se"] <= both["predmeans_se"] * (1 + 1e-8)).all()


def agree_coefficients(result: Adjusted, name: str, item: str) -> None:
    expected = read(f"{name}_coefficients_expected")
    ours = result.coefficients[result.coefficients["item"] == item]
    terms = (ours["variable"] + ours["level"]).replace("", "(Intercept)")
    both = expected.merge(ours.assign(term=terms), on="term", suffixes=("_r", ""), validate="1:1")
    assert len(both) == len(expected) == len(ours)
    for column in ("estimate", "se", "df", "p", "odds_ratio", "odds_ratio_low", "odds_ratio_high"):
        # near 0 an estimate has the rounding of its standard error
        near_zero = 1e-9 * both["se_r"].max() if column == "estimate" else 0
        limit = 1e-7 if column == "p" else 1e-8
        np.testing.assert_allclose(both[column], both[f"{column}_r"], rtol=limit, atol=near_zero, err_msg=column)


def schools(name: str, **design: Any) -> ml.Survey:
    frame = read(f"adjusted_{name}").astype({"learners": pd.CategoricalDtype(["few", "many"])})
    return ml.Survey.from_frame(frame, weight=design.pop("weight", "pw"), **design)


def nhanes(**columns: object) -> ml.Survey:
    frame = read("nhanes").assign(**columns)  # type: ignore[arg-type]
    return ml.Survey.from_frame(frame, weight="WTMEC2YR", strata="SDMVSTRA", cluster="SDMVPSU", nest=True)


# ----------------------------------------------------------------------------------------------------------- R


# The R calls stand beside each design in adjusted.R.
@pytest.mark.parametrize(
    ("name", "design", "reference"),
    [
        # svydesign(id = ~1, strata = ~stype, weights = ~pw)
        ("apistrat", {"strata": "stype"}, "adjusted_apistrat"),
        # svydesign(id = ~1, strata = ~stype, weights = ~pw, fpc = ~fpc1)
        ("apistrat", {"strata": "stype", "fpc": "fpc1"}, "adjusted_apistrat_fpc"),
        # svydesign(id = ~dnum, weights = ~pw)
        ("apiclus1", {"cluster": "dnum"}, "adjusted_apiclus1"),
        # svydesign(id = ~dnum, weights = ~pw, fpc = ~fpc1)
        ("apiclus1", {"cluster": "dnum", "fpc": "fpc1"}, "adjusted_apiclus1_fpc"),
    ],
)
def test_strata_clusters_and_fpc_agree_with_r(name: str, design: dict[str, str], reference: str) -> None:
    result = adjusted(schools(name, **design), "yes", on="stype", given=["learners", "meals"], item="1")
    agree(result, reference, "1")
    agree_coefficients(result, reference, "1")


def test_nested_clusters_and_item_nonresponse_agree_with_r() -> None:
    # svydesign(id = ~SDMVPSU, strata = ~SDMVSTRA, weights = ~WTMEC2YR, nest = TRUE)
    result = adjusted(nhanes(), "HI_CHOL", on="race", given="RIAGENDR")
    agree(result, "adjusted_nhanes", "1")
    agree_coefficients(result, "adjusted_nhanes", "1")
    assert result.left_out == {"HI_CHOL": int(read("nhanes")["HI_CHOL"].isna().sum())}
    assert result.in_base == result.in_model == result.frame["n"].sum()


def test_a_subpopulation_is_a_domain_of_the_whole_design_as_in_r() -> None:
    # svyglm(..., subset(design, RIAGENDR == 2))
    half = pd.Categorical(np.where(np.arange(len(read("nhanes"))) % 2, "even", "odd"), ["odd", "even"])
    result = adjusted(nhanes(half=half), "HI_CHOL", on="race", given="half", where="${RIAGENDR} = '2'")
    agree(result, "adjusted_women", "1")
    agree_coefficients(result, "adjusted_women", "1")


@pytest.mark.parametrize("part", ["", "yes"])
@pytest.mark.parametrize("rule", ["adjust", "average", "certainty", "remove"])
def test_each_rule_for_lonely_clusters_agrees_with_r(rule: str, part: str) -> None:
    # options(survey.lonely.psu = rule); svydesign(id = ~psu, strata = ~h, weights = ~w, nest = TRUE)
    expected = read("adjusted_lonely_expected").fillna({"sub": ""})
    expected = expected[(expected["rule"] == rule) & (expected["sub"] == part)]
    survey = ml.Survey.from_frame(
        read("adjusted_lonely"), weight="w", strata="h", cluster="psu", nest=True, lonely=rule  # type: ignore[arg-type]
    )  # fmt: skip
    result = adjusted(survey, "y", on="g", given="x", item="1", where="${sub} = 'yes'" if part else "")
    agree(result, "", "1", expected.drop(columns=["rule", "sub"]))


def test_a_raked_survey_agrees_with_r() -> None:
    # rake(svydesign(id = ~dnum, weights = ~pw), list(~stype, ~wide), list(types, wides))
    survey = schools("raked", weight="w", cluster="dnum")
    none = pd.DataFrame()
    raked = Calibration("rake", read("adjusted_margins"), "pw", "w", none, (1.0, 1.0), 0, 1.0, 1.0)
    survey = replace(survey, calibration=raked)
    result = adjusted(survey, "yes", on="stype", given=["learners", "meals"], item="1")
    agree(result, "adjusted_raked", "1")
    agree_coefficients(result, "adjusted_raked", "1")


# --------------------------------------------------------------------------------------------------- identities


def random_frame(n: int = 600, seed: int = 1) -> pd.DataFrame:
    """Strata, clusters, uneven weights, item non-response in every question."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "h": np.arange(n) % 3, "c": (np.arange(n) // 3) % 12, "w": rng.uniform(0.3, 4, n).round(3),
            "g": rng.choice(["u", "v", "x"], n), "age": rng.integers(18, 76, n), "s": rng.choice(["f", "m"], n),
        }
    )  # fmt: skip
    odds = -0.8 + 0.9 * (frame["g"] == "v") + 0.02 * (frame["age"] - 45) + 0.5 * (frame["s"] == "f")
    for name, shift in (("a", 0.0), ("b", -0.7), ("none", -3.0)):
        frame[f"q/{name}"] = (rng.random(n) < 1 / (1 + np.exp(-odds - shift))).astype(float)
    frame["y"] = np.where(frame["q/a"] == 1, "yes", "no")
    for name in ("g", "age", "s", "y"):
        frame[name] = frame[name].mask(rng.random(n) < 0.05)
    return frame


def survey_of(frame: pd.DataFrame) -> ml.Survey:
    return ml.Survey.from_frame(frame, weight="w", strata="h", cluster="c", nest=True)


def numbers(result: Adjusted) -> pd.DataFrame:
    return result.frame.set_index(["item", "level"]).select_dtypes("number")


def same(a: pd.DataFrame, b: pd.DataFrame, **tolerance: Any) -> None:
    pd.testing.assert_frame_equal(a, b, **({"rtol": 1e-7, "atol": 1e-9} | tolerance))


def test_the_unadjusted_share_is_the_prevalence_among_the_same_respondents() -> None:
    frame = random_frame()
    result = adjusted(survey_of(frame), "q", on="g", given=["s", "age"], item=["a", "b", "any", "two_or_more"])
    shares = ml.prevalence(survey_of(frame), "q", by="g", where="${s} != '' and ${age} != ''").frame
    both = result.frame.merge(shares, on=["item", "by", "level"], suffixes=("", "_of_all"), validate="1:1")
    assert len(both) == len(result.frame) == 12
    for ours, theirs in (("n", "n_of_all"), ("k", "k_of_all"), ("unadjusted", "estimate"), ("unadjusted_se", "se")):
        np.testing.assert_allclose(both[ours], both[theirs], rtol=1e-9, err_msg=ours)


def test_neither_the_order_of_rows_nor_the_scale_of_weights_matters() -> None:
    frame = random_frame()
    base = adjusted(survey_of(frame), "q", on="g", given=["s", "age"])
    for other in (frame.sample(frac=1, random_state=3), frame.assign(w=frame["w"] * 1000)):
        result = adjusted(survey_of(other), "q", on="g", given=["s", "age"])
        same(numbers(base), numbers(result))
        assert result.left_out == base.left_out


def test_the_same_input_gives_the_same_numbers_to_the_last_bit() -> None:
    survey = survey_of(random_frame())
    one, two = (adjusted(survey, "q", on="g", given=["s", "age"]) for _ in range(2))
    pd.testing.assert_frame_equal(one.frame, two.frame, check_exact=True)
    pd.testing.assert_frame_equal(one.coefficients, two.coefficients, check_exact=True)


def test_the_order_of_the_covariates_does_not_matter() -> None:
    survey = survey_of(random_frame())
    same(*(numbers(adjusted(survey, "y", on="g", given=given)) for given in (["s", "age"], ["age", "s"])))


def test_a_covariate_that_is_balanced_in_every_level_changes_the_shares_by_nothing() -> None:
    # every respondent twice, once with each value: the covariate has nothing to do with either question
    frame = random_frame().dropna()
    twice = pd.concat([frame.assign(coin="heads"), frame.assign(coin="tails")], ignore_index=True)
    result = adjusted(survey_of(twice), "y", on="g", given="coin").frame
    np.testing.assert_allclose(result["adjusted"], result["unadjusted"], rtol=1e-9)
    np.testing.assert_allclose(result["adjusted_se"], result["unadjusted_se"], rtol=1e-7)


def test_another_reference_turns_the_difference_around() -> None:
    survey = survey_of(random_frame())
    u, v = (adjusted(survey, "y", on="g", given="age", reference=level) for level in ("u", "v"))
    assert (u.reference, v.reference) == ("u", "v")
    assert v.frame["level"].tolist() == ["v", "u", "x"]
    assert v.frame["reference"].tolist() == [True, False, False]
    a, b = u.frame.set_index("level"), v.frame.set_index("level")
    shares = [column for column in a if column.endswith(("adjusted", "_se", "_df")) and "difference" not in column]
    same(a[shares].sort_index(), b[shares].sort_index())
    assert a.loc["v", "adjusted_difference"] == pytest.approx(-b.loc["u", "adjusted_difference"])
    assert a.loc["v", "adjusted_difference_p"] == pytest.approx(b.loc["u", "adjusted_difference_p"])
    assert a.loc["v", "odds_ratio"] == pytest.approx(1 / b.loc["u", "odds_ratio"])
    assert np.isnan(a.loc["u", ["adjusted_difference", "odds_ratio", "adjusted_difference_p"]].astype(float)).all()


def test_a_difference_is_that_of_the_shares_and_its_odds_ratio_stands_among_the_coefficients() -> None:
    result = adjusted(survey_of(random_frame()), "y", on="g", given=["age", "s"])
    frame = result.frame.set_index("level")
    for kind in ("unadjusted", "adjusted"):
        assert frame.loc["v", f"{kind}_difference"] == pytest.approx(frame.loc["v", kind] - frame.loc["u", kind])
    row = result.coefficients.set_index(["variable", "level"]).loc[("g", "v")]
    assert frame.loc["v", "odds_ratio"] == row["odds_ratio"]
    assert row["n"] == frame.loc["v", "n"]
    assert result.coefficients["n"].iloc[0] == frame["n"].sum()


def test_who_lacks_an_answer_is_left_out_and_counted() -> None:
    frame = random_frame()
    result = adjusted(survey_of(frame), "y", on="g", given=["age"], where="${s} = 'f'")
    women = frame[frame["s"] == "f"]
    answered = women[women["y"].notna()]
    complete = answered[answered[["g", "age"]].notna().all(axis=1)]
    blanks = answered.isna().sum()
    assert result.left_out == {"y": int(women["y"].isna().sum()), "g": blanks["g"], "age": blanks["age"]}
    assert (result.in_base, result.in_model) == (len(answered), len(complete))
    rows = result.frame.set_index("level")
    assert rows["n"].to_dict() == complete.groupby("g").size().to_dict()
    assert rows["k"].to_dict() == (complete["y"] == "yes").groupby(complete["g"]).sum().to_dict()
    assert rows["asked"].to_dict() == women.groupby("g").size().to_dict()
    assert (rows["asked"] - rows["missing"]).tolist() == rows["n"].tolist()


def test_numbers_known_by_their_missing_codes_are_left_out() -> None:
    survey = ml.open_survey(SHIPPED)
    form = survey.questionnaire
    coded = tuple(replace(q, missing={"99": "refused"}) if q.name == "age" else q for q in form)
    ages = survey.responses["age"].mask(survey.responses["age"] == 30, 99)
    changed = replace(
        survey, responses=survey.responses.assign(age=ages), questionnaire=replace(form, questions=coded)
    )  # fmt: skip
    result = adjusted(changed, "encountered", on="gender", given="age")
    assert result.left_out["age"] == result.in_base - result.in_model > 0


# ------------------------------------------------------------------------------------------------ without a model


def test_a_cell_with_nobody_is_said_and_the_other_items_come_out() -> None:
    # schools that did not meet their target got no award: svy warns of separation, R gives an odds ratio of 1e11
    frame = pd.read_csv(REFERENCE / "apistrat.csv").rename(columns={"yes": "q/yes"}).assign(**{"q/other": [0, 1] * 100})
    survey = ml.Survey.from_frame(frame, weight="pw", strata="stype")
    result = adjusted(survey, "q", on="stype", given="target", item=["yes", "other"])
    n = int((frame["target"] == 0).sum())
    assert result.unfitted == (Unfitted("yes", "separated", "target", "0", n),)
    assert str(result.unfitted[0]) == (
        f"'yes': nobody of the {n} respondents with target = '0' chose it, so its odds have no finite value there. "
        "Group the level with another, leave it out by `where`, or leave 'target' out of the model."
    )
    yes, other = (result.frame[result.frame["item"] == item] for item in ("yes", "other"))
    assert yes["reason"].eq("separated").all()
    assert other["reason"].eq("").all()
    assert yes[["adjusted", "adjusted_se", "adjusted_difference", "odds_ratio"]].isna().all().all()
    assert yes["unadjusted"].notna().all()
    assert other["adjusted"].notna().all()
    assert result.coefficients["item"].unique().tolist() == ["other"]


def test_a_level_where_nobody_or_everybody_chose_the_item() -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"g": np.repeat(["u", "v", "x"], 60), "s": rng.choice(["f", "m"], 180)})
    frame["y"] = np.concatenate([np.zeros(60), rng.integers(0, 2, 60), np.ones(60)]).astype(int)
    result = adjusted(ml.Survey.from_frame(frame), "y", on="g", given="s", item="1")
    assert result.unfitted == (
        Unfitted("1", "separated", "g", "u", 60), Unfitted("1", "separated", "g", "x", 60, everyone=True)
    )  # fmt: skip
    assert "everybody of the 60 respondents with g = 'x' chose it" in str(result.unfitted[1])
    rows = result.frame.set_index("level")
    assert rows["unadjusted"].to_dict() == {"u": 0, "v": pytest.approx(frame["y"][60:120].mean()), "x": 1}
    assert rows.loc[["u", "x"], "unadjusted_se"].eq(0).all()
    assert rows.loc[["u", "x"], ["unadjusted_low", "unadjusted_high"]].isna().all().all()
    assert rows.loc["x", "unadjusted_difference"] == pytest.approx(1)
    assert result.coefficients.empty
    assert "odds_ratio_high" in result.coefficients


def test_an_item_that_nobody_chose_and_one_that_a_number_tells_exactly() -> None:
    frame = pd.DataFrame({"g": ["u", "v"] * 50, "x": np.arange(100), "q/never": 0, "q/always": 1})
    frame["q/late"] = (frame["x"] > 60).astype(int)
    result = adjusted(ml.Survey.from_frame(frame), "q", on="g", given="x", item=["never", "always", "late"])
    assert [(one.item, one.reason, one.everyone) for one in result.unfitted] == [
        ("never", "constant", False), ("always", "constant", True), ("late", "separated", False)
    ]  # fmt: skip
    assert (
        str(result.unfitted[0])
        == "'never': nobody of the 100 respondents of the model chose it, so there is none to fit."
    )
    assert "a combination of g × x tells exactly who of some respondents chose it" in str(result.unfitted[2])
    assert result.frame["adjusted"].isna().all()


def test_a_level_without_respondents_is_a_row() -> None:
    frame = random_frame().astype({"g": pd.CategoricalDtype(["u", "v", "w", "x"])})
    result = adjusted(survey_of(frame), "y", on="g", given="s").frame.set_index("level")
    assert result.loc["w", ["n", "k"]].tolist() == [0, 0]
    assert np.isnan(result.loc["w", ["unadjusted", "adjusted", "odds_ratio"]].astype(float)).all()
    without = adjusted(survey_of(random_frame()), "y", on="g", given="s").frame.set_index("level")
    same(result.drop("w").select_dtypes("number"), without.select_dtypes("number"))


# ----------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"question": "yy"}, "there is no question 'yy'; did you mean 'y'"),
        ({"question": "age"}, "question 'age' is of type integer, it has no choices"),
        ({"on": "gg"}, "there is no question 'gg'"),
        ({"on": "age"}, "on='age': it is a integer question. .* group the values first, or put it into `given`"),
        ({"on": "q"}, "on='q': it is a select_multiple question. .* choose another"),
        ({"given": "agee"}, "there is no question 'agee'; did you mean 'age'"),
        (
            {"given": "q"},
            "given='q': it is a select_multiple question. Adjust for select_one questions and for numbers",
        ),
        ({"given": []}, "given is empty: name the questions to adjust for. .* use prevalence"),
        ({"given": ["s", "g"]}, "given: 'g' is what is compared. Take it out of `given`"),
        ({"given": ["s", "s"]}, "given: 's' is there twice"),
        ({"given": "y"}, "'y' is the question that is explained"),
        ({"on": "y"}, "'y' is the question that is explained"),
        ({"item": "ja"}, "item='ja': it is no choice of 'y' in the base 'asked'. Use one of no, yes"),
        ({"item": []}, "item is empty: name choices of 'y', no, yes"),
        ({"reference": "w"}, "reference='w': it is no level of 'g'. Use one of u, v, x"),
        (
            {"where": "${g} = 'v'", "reference": "v"},
            "all respondents of the model have g = 'v', so there is nothing to",
        ),
        (
            {"where": "${g} != 'u'"},
            "the reference 'u' of 'g' has no respondents in the model. Set `reference` .*: v, x",
        ),
        ({"where": "${s} = 'f'"}, "given: in the model of item 'yes' all respondents have s = 'f'. Take 's' out"),
        ({"where": "${age} = 40", "given": "age"}, "all respondents have age = 40"),
        ({"base": "both"}, "base is 'both'. Use one of all, asked, any"),
        ({"confidence": 95}, "confidence is 95. Use a number between 0 and 1"),
        ({"given": ["s", "t"]}, "of g, s, t, 't' says what others say already. Leave one of them out of `given`"),
        ({"given": ["age", "years"]}, "'years' says what others say already"),
        ({"given": "cluster_number"}, "clusters of the model leave 33 degrees of freedom, too few for the 38 coeff"),
        ({"where": "${s} = ''"}, "no respondent of the base has a valid answer to 'g' and to all of `given`"),
    ],
)
def test_what_cannot_be_compared_says_why(change: dict[str, Any], said: str) -> None:
    frame = random_frame()
    frame["t"] = frame["s"].map({"f": "one", "m": "two"})
    frame["years"] = frame["age"] * 2 + 1
    frame["cluster_number"] = pd.Categorical((frame["c"] * 3 + frame["h"]).astype(str))
    arguments: dict[str, Any] = {"question": "y", "on": "g", "given": "s"} | change
    with pytest.raises(ValueError, match=said):
        adjusted(survey_of(frame), **arguments)


def test_a_number_that_is_none_is_named() -> None:
    survey = ml.open_survey(SHIPPED)
    ages = survey.responses["age"].astype(object)
    ages.iloc[3] = "old"
    with pytest.raises(ValueError, match="row 5, respondent R0004: age is 'old', which is no number"):
        adjusted(replace(survey, responses=survey.responses.assign(age=ages)), "encountered", "gender", "age")


# ----------------------------------------------------------------------------------------------------- the bridge


def test_a_design_that_svy_cannot_have_is_refused() -> None:
    frame = pd.DataFrame({"h": list("aab"), "y": [1, 0, 1], "r1": [1.0] * 3, "r2": [1.0] * 3, "w": [1.0] * 3})
    columns = frame[["y"]]
    with pytest.raises(
        ValueError, match=r"the stratum 'b' has a single respondent, .* adjust, average, certainty, rem"
    ):
        to_sample(ml.Survey.from_frame(frame, strata="h"), columns)
    with pytest.raises(ValueError, match="the columns have 2 rows and the responses 3"):
        to_sample(ml.Survey.from_frame(frame), columns.iloc[:2])
    with pytest.raises(ValueError, match="the column 'motivlab_weight' has a name that is kept for the design"):
        to_sample(ml.Survey.from_frame(frame), frame[["w"]].rename(columns={"w": "motivlab_weight"}))
    from motivlab.about import Replicates

    said = Replicates(columns="r*", kind="brr")
    with pytest.raises(ValueError, match="the design has replicate weights, which regressions cannot use"):
        to_sample(ml.Survey.from_frame(frame, weight="w", replicates=said), columns)


def test_a_stratum_that_is_wholly_in_the_sample_is_not_lonely() -> None:
    frame = random_frame(300).assign(h=lambda d: d["h"].where(d.index % 3 != 2, 1), f=0.1)
    frame = frame.astype({"h": "str"})
    sure = pd.DataFrame(
        {"h": "sure", "c": 1, "w": 1.0, "f": 1.0, "g": ["u", "v"] * 10, "y": ["yes", "no", "no"] * 6 + ["yes"] * 2}
    )
    sure["s"] = ["f", "f", "m", "m"] * 5

    def of(*frames: pd.DataFrame, lonely: Any = "fail") -> ml.Survey:
        together = pd.concat(frames, ignore_index=True)
        return ml.Survey.from_frame(together, "w", "h", "c", "f", nest=True, lonely=lonely)

    results = [adjusted(of(frame, sure, lonely=rule), "y", on="g", given="s") for rule in ("fail", "adjust", "average")]
    for other in results[1:]:
        same(numbers(results[0]), numbers(other))
    alone = sure.assign(h="alone", f=0.1)
    with pytest.raises(ValueError, match="the stratum 'alone' has a single cluster"):
        adjusted(of(frame, sure, alone), "y", on="g", given="s")
    with pytest.raises(ValueError, match="svy has no rule 'average' for the one alone"):
        adjusted(of(frame, sure, alone, lonely="average"), "y", on="g", given="s")
    both = adjusted(of(frame, sure, alone, lonely="adjust"), "y", on="g", given="s")
    assert both.frame["adjusted_se"].notna().all()


def test_importing_it_does_not_import_svy() -> None:
    heavy = "import sys, motivlab.adjusted; print([m for m in ('svy', 'polars') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# ------------------------------------------------------------------------------------------- the shipped survey


def test_encountered_by_gender_net_of_age_and_language() -> None:
    survey = ml.open_survey(SHIPPED)
    result = adjusted(survey, "encountered", on="gender", given=["age_group", "native_language", "disability"])
    assert result.frame[["item", "level", "reference"]].values.tolist() == [
        ["yes", "woman", True],
        ["yes", "man", False],
    ]
    assert result.left_out.keys() == {"encountered", "native_language", "disability"}
    assert result.in_model < result.in_base < len(survey.responses)
    rows = result.frame.set_index("level")
    assert rows["adjusted"].between(0, 1).all()
    assert rows["adjusted_low"].lt(rows["adjusted"]).all()
    assert rows["adjusted_high"].gt(rows["adjusted"]).all()
    assert result.to("lv").language == "lv"
    assert not result.unfitted


def test_every_ground_by_gender_net_of_age_and_language() -> None:
    survey = ml.open_survey(SHIPPED)
    result = adjusted(survey, "grounds", on="gender", given=["age", "native_language"])
    question = survey.question("grounds")
    assert result.frame["item"].unique().tolist() == [*(choice.name for choice in question.answers), "any"]
    assert result.frame.loc[result.frame["item"] == "any", "net"].all()
    assert result.frame["level"].tolist() == ["woman", "man"] * result.frame["item"].nunique()
    without = {one.item for one in result.unfitted}
    assert set(result.frame.loc[result.frame["reason"] != "", "item"]) == without
    assert set(result.coefficients["item"]) == set(result.frame["item"]) - without
    gender = result.frame[result.frame["item"] == "gender"].set_index("level")
    # the synthetic survey has women name their gender far more often, at any age
    assert gender.loc["man", "adjusted_difference_high"] < 0


@pytest.mark.parametrize("base", ["all", "any"])
def test_other_bases(base: Any) -> None:
    survey = ml.open_survey(SHIPPED)
    result = adjusted(survey, "grounds", on="gender", given="age", item=["age", "gender"], base=base)
    shares = ml.prevalence(survey, "grounds", by="gender", base=base).frame
    both = result.frame.merge(shares, on=["item", "by", "level"], suffixes=("", "_all"), validate="1:1")
    np.testing.assert_allclose(both["unadjusted"], both["estimate"], rtol=1e-9)
    assert both["n"].tolist() == both["n_all"].tolist()
    assert "grounds" not in result.left_out or base == "any"
