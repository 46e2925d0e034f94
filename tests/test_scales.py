"""Scores of scales and their reliability: by hand, against R, pingouin and statsmodels, and on bad input."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pingouin
import pytest
from surveys import ROOT

import motivlab as ml
from motivlab.programme import Scale
from motivlab.questionnaire import Choice, Questionnaire
from motivlab.scales import feldt, is_binary, omega_total, one_factor, reliability, scale_items, score, value_range

DATA = pd.read_csv(ROOT / "tests" / "reference" / "gains_data.csv")
EXPECTED = pd.read_csv(ROOT / "tests" / "reference" / "gains_expected.csv")
R = EXPECTED[EXPECTED["case"] == "reliability"].set_index("name")["value"]
ITEMS = ("a1", "a2", "a3", "a4", "a5")


def declared(frame: pd.DataFrame, **scales: Scale) -> ml.Survey:
    survey = ml.Survey.from_frame(frame)
    return replace(survey, about=survey.about.model_copy(update={"scales": scales}))


def relabelled(survey: ml.Survey, name: str, labels: dict[str, str]) -> ml.Survey:
    """The survey with wordings of the choices of one question."""
    questions = [
        replace(q, choices=tuple(Choice(c.name, {"lv": labels[c.name]}) for c in q.choices)) if q.name == name else q
        for q in survey.questionnaire
    ]
    return replace(survey, questionnaire=Questionnaire(tuple(questions), {"": ""}))


# ---------------------------------------------------------------------------------------------------------- scores

WHO = pd.DataFrame({"a": [0, 5, 3, 4, None], "b": [0, 5, None, None, None], "c": [5, 0, 2, None, None]})


@pytest.mark.parametrize(
    ("kind", "least", "expected"),
    [
        ("mean", None, [0, 5, np.nan, np.nan, np.nan]),
        ("mean", 2, [0, 5, 3, np.nan, np.nan]),
        ("sum", 2, [0, 15, 9, np.nan, np.nan]),
        ("percent", 2, [0, 100, 60, np.nan, np.nan]),
        ("percent", 1, [0, 100, 60, 80, np.nan]),
    ],
)
def test_scores_by_hand(kind: Any, least: int | None, expected: list[float]) -> None:
    scale = Scale(items=("a", "b", "c"), reverse=("c",), range=(0, 5), score=kind, at_least=least)
    found = score(declared(WHO, s=scale), "s")
    np.testing.assert_allclose(found.values, expected)
    # 1 answered; 5, "no answer", else
    np.testing.assert_array_equal(found.state, np.where(np.isnan(expected), 5, 1))


def test_reversed_items_mirror_the_score() -> None:
    scale = Scale(items=ITEMS, range=(0, 5), score="percent")
    turned = replace(declared(DATA, s=scale), language="lv")
    mirror = declared(DATA, s=scale.model_copy(update={"reverse": ITEMS}))
    np.testing.assert_allclose(score(turned, "s").values, 100 - score(mirror, "s").values)
    assert scale_items(mirror, "s")["a1"].tolist() == (5 - DATA["a1"]).tolist()


def test_a_value_outside_of_the_range_names_row_item_value_and_remedy() -> None:
    frame = pd.DataFrame({"id": ["x", "y", "z"], "a": [1, 2, 7], "b": [1, 2, 3]})
    survey = ml.Survey.from_frame(frame, respondent_id="id")
    survey = replace(
        survey, about=survey.about.model_copy(update={"scales": {"s": Scale(items=("a", "b"), range=(1, 5))}})
    )
    said = (
        r"the responses, row 3, respondent z: a is 7, outside of the range 1 to 5 of the scale 's'. Correct the value, "
        r"or `scales.s.range` in survey.yml."
    )
    for call in (lambda: score(survey, "s"), lambda: reliability(survey, "s")):
        with pytest.raises(ValueError, match=said):
            call()


def test_a_question_is_its_numbers_and_yes_and_no_are_1_and_0() -> None:
    frame = pd.DataFrame({
        "likert": [1, 5, 3, None], "said": ["yes", "no", "yes", None], "latvian": ["jā", "nē", "nē", "jā"],
        "coded": [0, 1, 1, 0], "only": ["yes"] * 4, "never": ["no"] * 4, "one": [1.0] * 4, "hours": [1.5, 2.5, 8, 9],
    })  # fmt: skip
    survey = ml.Survey.from_frame(frame)
    expected = {
        "likert": [1, 5, 3, np.nan], "said": [1, 0, 1, np.nan], "latvian": [1, 0, 0, 1], "coded": [0, 1, 1, 0],
        "only": [1] * 4, "never": [0] * 4, "one": [1] * 4, "hours": [1.5, 2.5, 8, 9],
    }  # fmt: skip
    for name, values in expected.items():
        np.testing.assert_array_equal(score(survey, name).values, values, err_msg=name)
        assert is_binary(survey, name) == (name not in ("likert", "hours"))
    assert value_range(survey, "likert") == (1, 5)
    assert value_range(survey, "said", "coded") == (0, 1)
    # a single code 1 beside a scale of 1 to 5 is of that scale
    assert value_range(survey, "one", "likert") == (1, 5)
    assert np.isnan(value_range(survey, "hours")).all()


def test_of_two_choices_it_must_be_clear_which_counts_as_1() -> None:
    survey = ml.Survey.from_frame(pd.DataFrame({"which": ["tea", "milk"] * 4, "coded": [1, 2] * 4, "some": [3, 5] * 4}))
    for name in ("which", "coded"):
        with pytest.raises(ValueError, match=f"question '{name}': which of its two .* Code them 1 and 0"):
            score(survey, name)
    labelled = relabelled(survey, "coded", {"1": "Jā", "2": "Nē"})
    assert score(labelled, "coded").values.tolist() == [1.0, 0.0] * 4
    assert score(survey, "some").values.tolist() == [3.0, 5.0] * 4  # two of the answers of a longer scale


def test_no_such_scale() -> None:
    survey = declared(DATA, wellbeing=Scale(items=ITEMS, range=(0, 5)))
    with pytest.raises(ValueError, match="no scale and no question 'welbeing'; did you mean 'wellbeing'"):
        score(survey, "welbeing")
    with pytest.raises(ValueError, match=r"declares no scale 'a1'.*Write it under `scales`: a1: \{items"):
        reliability(survey, "a1")
    with pytest.raises(ValueError, match="confidence is 95"):
        reliability(survey, "wellbeing", confidence=95)


# ----------------------------------------------------------------------------------------------------- reliability


@pytest.mark.parametrize("reverse", [(), ITEMS, ("a2", "a4")])
def test_reliability_agrees_with_r(reverse: tuple[str, ...]) -> None:
    frame = DATA.assign(**{item: 5 - DATA[item] for item in reverse})
    found = reliability(declared(frame, s=Scale(items=ITEMS, reverse=reverse, range=(0, 5))), "s")
    assert found.n == len(DATA)
    for name in ("alpha", "alpha_low", "alpha_high"):
        assert getattr(found, name) == pytest.approx(R[name], rel=1e-12), name
    for i, row in enumerate(found.frame.itertuples(), start=1):
        assert row.item_rest == pytest.approx(R[f"item_rest_{i}"], rel=1e-12)
        assert row.alpha_if_dropped == pytest.approx(R[f"alpha_if_dropped_{i}"], rel=1e-12)
        assert row.mean == pytest.approx(DATA[row.item].mean())
        assert row.sd == pytest.approx(DATA[row.item].std())
    # factanal(items, 1); the interval's second derivatives are numerical in R
    assert found.omega == pytest.approx(R["omega"], rel=1e-6)
    assert (found.omega_low, found.omega_high) == pytest.approx((R["omega_low"], R["omega_high"]), rel=1e-4)
    assert (found.alpha_missing, found.omega_missing, found.constant) == ("", "", ())
    assert np.isnan(found.spearman_brown)
    assert found.to("lv").language == "lv"


def test_alpha_and_its_interval_agree_with_pingouin() -> None:
    items = DATA[list(ITEMS)]
    alpha, (low, high) = pingouin.cronbach_alpha(data=items, ci=0.9)
    found = reliability(declared(DATA, s=Scale(items=ITEMS, range=(0, 5))), "s", confidence=0.9)
    assert found.alpha == pytest.approx(alpha)
    assert (found.alpha_low, found.alpha_high) == pytest.approx((low, high), abs=5e-4)
    # with gaps: only complete cases count in n (pingouin counts all of them)
    holed = items.mask(np.arange(len(items))[:, None] < [[3, 0, 0, 0, 9]])
    found = reliability(declared(holed, s=Scale(items=ITEMS, range=(0, 5))), "s")
    alpha, (low, high) = pingouin.cronbach_alpha(data=holed.dropna())
    assert found.n == len(items) - 9
    assert found.frame["n"].tolist() == [len(items) - gap for gap in (3, 0, 0, 0, 9)]
    assert found.alpha == pytest.approx(alpha)
    assert (found.alpha_low, found.alpha_high) == pytest.approx((low, high), abs=5e-4)


def test_the_factor_model_is_the_one_of_statsmodels() -> None:
    factor = pytest.importorskip("statsmodels.multivariate.factor")
    items = DATA[list(ITEMS)].to_numpy(float)
    theirs = factor.Factor(corr=np.corrcoef(items.T), n_factor=1, method="ml", nobs=len(items))
    theirs.fit(rng=1, opt={"gtol": 1e-7})
    made = one_factor(items)
    assert made is not None
    loadings, uniqueness = made
    sd = items.std(axis=0, ddof=1)
    np.testing.assert_allclose(np.abs(loadings / sd), np.abs(theirs.loadings.ravel()), atol=2e-5)
    np.testing.assert_allclose(uniqueness / sd**2, theirs.uniqueness, atol=2e-5)


def test_omega_covers_what_it_estimates() -> None:
    rng = np.random.default_rng(7)
    loadings = np.array([0.8, 0.7, 0.6, 0.5])
    truth = loadings.sum() ** 2 / (loadings.sum() ** 2 + (1 - loadings**2).sum())
    inside = made_of = 0
    for _ in range(150):
        items = rng.normal(size=(150, 1)) * loadings + rng.normal(size=(150, 4)) * np.sqrt(1 - loadings**2)
        made = one_factor(items)
        if made is None:  # an improper solution, of R's factanal as well
            continue
        _, low, high = omega_total(*made, 150)
        inside, made_of = inside + (low <= truth <= high), made_of + 1
    assert made_of >= 148
    assert 0.91 < inside / made_of < 0.985


def test_equal_loadings_make_omega_alpha() -> None:
    omega, low, high = omega_total(np.full(4, 0.7), np.full(4, 0.51), 500)
    covariance = np.full((4, 4), 0.49) + np.diag(np.full(4, 0.51))
    alpha = 4 / 3 * (1 - np.trace(covariance) / covariance.sum())
    assert omega == pytest.approx(alpha)
    assert low < omega < high
    # of parallel items both intervals are about the same
    assert (low, high) == pytest.approx(feldt(alpha, 500, 4), abs=0.003)


def test_two_items_have_alpha_and_spearman_brown() -> None:
    found = reliability(declared(DATA, s=Scale(items=("a4", "a5"), range=(0, 5))), "s")
    r = DATA["a4"].corr(DATA["a5"])
    assert found.spearman_brown == pytest.approx(2 * r / (1 + r))
    assert found.alpha == pytest.approx(pingouin.cronbach_alpha(data=DATA[["a4", "a5"]])[0])
    assert found.omega_missing == "two_items"
    assert np.isnan(found.omega)
    assert found.frame["item_rest"].tolist() == pytest.approx([r, r])
    assert found.frame["alpha_if_dropped"].isna().all()


def test_constant_items_take_no_part_and_are_named() -> None:
    frame = DATA.assign(a1=3.0)
    found = reliability(declared(frame, s=Scale(items=ITEMS, range=(0, 5))), "s")
    rest = reliability(declared(frame, s=Scale(items=ITEMS[1:], range=(0, 5))), "s")
    assert found.constant == ("a1",)
    assert (found.alpha, found.omega, found.alpha_low) == (rest.alpha, rest.omega, rest.alpha_low)
    assert found.frame.iloc[1:].reset_index(drop=True).equals(rest.frame)
    assert found.frame.iloc[0][["mean", "sd"]].tolist() == [3.0, 0.0]
    every = reliability(declared(DATA.assign(a1=3, a2=2), s=Scale(items=("a1", "a2"), range=(0, 5))), "s")
    assert (every.alpha_missing, every.omega_missing, every.constant) == ("constant", "constant", ("a1", "a2"))
    assert np.isnan([every.alpha, every.alpha_low, every.omega, every.spearman_brown]).all()


def test_few_cases_and_improper_models_are_said() -> None:
    few = reliability(declared(DATA.head(2), s=Scale(items=ITEMS, range=(0, 5))), "s")
    assert (few.n, few.alpha_missing, few.omega_missing) == (2, "few", "few")
    nobody = pd.DataFrame({"a": [1, 2, None, None], "b": [None, None, 1, 3]})
    found = reliability(declared(nobody, s=Scale(items=("a", "b"), range=(1, 3))), "s")
    assert (found.n, found.alpha_missing, found.constant) == (0, "few", ())
    # the same item twice: no variance of its own is left
    twice = DATA.assign(a2=DATA["a1"])
    found = reliability(declared(twice, s=Scale(items=("a1", "a2", "a3"), range=(0, 5))), "s")
    assert found.omega_missing == "improper"
    assert np.isnan(found.omega)
    assert 0 < found.alpha < 1
    # one item says the opposite of the other
    against = DATA.assign(a2=5 - DATA["a1"])
    found = reliability(declared(against, s=Scale(items=("a1", "a2"), range=(0, 5))), "s")
    assert found.alpha_missing == "same_sum"
    assert np.isnan(found.alpha)
    assert np.isnan(found.spearman_brown)
