"""Comparisons of groups: against R, row by row, by simulation and by hand; more of R is in test_reference.py."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import linalg, stats
from surveys import ROOT

import motivlab as ml
from motivlab.compare import JOINT, Comparison, adjust, compare
from motivlab.summaries import mean

REFERENCE = ROOT / "tests" / "reference"
DESIGNS: dict[str, dict[str, str]] = {
    # svydesign(id = ~1, strata = ~stype, weights = ~pw, fpc = ~fpc)
    "apistrat": {"strata": "stype", "fpc": "fpc"},
    # svydesign(id = ~dnum, weights = ~pw, fpc = ~fpc)
    "apiclus1": {"cluster": "dnum", "fpc": "fpc"},
}
WALD = pd.read_csv(REFERENCE / "regtermtest_expected.csv")


def joint(compared: Comparison) -> pd.Series:
    return compared.tests[compared.tests["item"] == JOINT].iloc[0]


def answers(seed: int, n: int = 120, groups: str = "uvx") -> pd.DataFrame:
    """A multiple response question of three choices that go together, groups, weights, strata and clusters."""
    rng = np.random.default_rng(seed)
    tendency = rng.normal(0, 1, n)
    frame = pd.DataFrame({f"q/{c}": (tendency + rng.normal(0, 1, n) > cut) * 1.0 for c, cut in zip("abc", (0, 0.5, 1))})  # noqa: B905
    frame["g"] = rng.choice(list(groups), n)
    return frame.assign(w=rng.uniform(0.5, 2, n).round(3), h=np.arange(n) // (n // 2), c=np.arange(n) // 6)


def numbers_only(tests: pd.DataFrame) -> np.ndarray:
    return tests[["statistic", "df1", "df2", "p"]].to_numpy(dtype=float)


# ------------------------------------------------------------------------------------------------------------- R


@pytest.mark.parametrize("case", list(dict.fromkeys(WALD["case"])))
def test_equal_means_agree_with_r(case: str) -> None:
    name, _, corrected = case.partition("_")
    design = DESIGNS[name] if corrected else {k: v for k, v in DESIGNS[name].items() if k != "fpc"}
    survey = ml.Survey.from_frame(pd.read_csv(REFERENCE / f"api_{name}.csv"), weight="pw", **design)  # type: ignore[arg-type]
    # regTermTest(svyglm(api00 ~ stype, design), ~stype)
    for row in WALD[WALD["case"] == case].itertuples():
        ours = joint(compare(survey, row.variable, row.by, smallest=1))
        for column, theirs in {"statistic": row.F, "df1": row.df1, "df2": row.df2, "p": row.p}.items():
            assert ours[column] == pytest.approx(theirs, rel=1e-8), f"{case} {row.variable} {row.by} {column}"


def test_two_means_are_tested_by_their_difference() -> None:
    frame = answers(1, groups="uv").assign(x=np.random.default_rng(1).normal(40, 9, 120))
    compared = compare(ml.Survey.from_frame(frame, weight="w", cluster="c"), "x", "g", smallest=1)
    whole, only = joint(compared), compared.differences.iloc[0]
    assert whole["statistic"] == pytest.approx(only["t"] ** 2)
    assert (whole["df1"], whole["df2"]) == (1, only["df"] - 1)  # the model has two coefficients, the difference one


# ------------------------------------------------------------------------------------- the joint test, row by row


DESIGNED: list[dict[str, Any]] = [{}, {"weight": "w"}, {"weight": "w", "strata": "h"},
                                  {"weight": "w", "strata": "h", "cluster": "c"}]  # fmt: skip


@pytest.mark.parametrize("design", DESIGNED)
def test_one_choice_is_tested_as_a_question_of_yes_and_no(design: dict[str, Any]) -> None:
    frame = answers(2).drop(columns=["q/b", "q/c"])
    frame["y"] = frame["q/a"].map({1.0: "yes", 0.0: "no"})
    frame.loc[:9, ["q/a", "y"]] = [np.nan, None]
    survey = ml.Survey.from_frame(frame, **design)
    several, single = compare(survey, "q", "g", smallest=1), compare(survey, "y", "g", smallest=1)
    tests = several.tests.set_index("item")
    for item in (JOINT, "a", "any"):
        np.testing.assert_allclose(numbers_only(tests.loc[[item]]), numbers_only(single.tests), rtol=1e-9)
    assert tests.loc[JOINT, "n"] == 110
    pair = ["difference", "se", "p"]
    np.testing.assert_allclose(
        several.differences.query("item == 'a'")[pair], single.differences.query("item == 'yes'")[pair], rtol=1e-9
    )


def covariance_of_totals(u: np.ndarray, design: dict[str, Any], frame: pd.DataFrame) -> np.ndarray:
    """sum over strata of n/(n-1) sum of (z - mean z)(z - mean z)', z the totals of clusters, row by row."""
    strata = frame["h"].to_numpy() if "strata" in design else np.zeros(len(u))
    units = frame["c"].to_numpy() if "cluster" in design else np.arange(len(u))
    out = np.zeros((u.shape[1], u.shape[1]))
    for h in np.unique(strata):
        z = np.array([u[(strata == h) & (units == c)].sum(axis=0) for c in np.unique(units[strata == h])])
        z = z - z.mean(axis=0)
        out += len(z) / (len(z) - 1) * z.T @ z
    return out


@pytest.mark.parametrize("design", DESIGNED)
def test_the_joint_test_is_that_of_all_cells_row_by_row(design: dict[str, Any]) -> None:
    frame = answers(3, n=48)
    weight = frame["w"].to_numpy() if "weight" in design else np.ones(len(frame))
    group = np.stack([frame["g"] == g for g in "uvx"], axis=1).astype(float)
    contrast = linalg.null_space(np.vstack([np.kron(np.eye(2), np.ones(3)), np.kron(np.ones(2), np.eye(3))]))
    pearson, influence, inner, outer = 0.0, [], [], []
    for item in "abc":
        yes = frame[f"q/{item}"].to_numpy()[:, None]
        cell = np.concatenate([yes * group, (1 - yes) * group], axis=1)  # of 2 x 3
        p = weight @ cell / weight.sum()
        influence.append((cell - p) * weight[:, None] / weight.sum())
        observed = p.reshape(2, 3)
        expected = np.outer(observed.sum(axis=1), observed.sum(axis=0))
        pearson += ((observed - expected) ** 2 / expected).sum()
        outer.append(contrast.T / p)
        inner.append(np.linalg.inv((contrast.T / p) @ contrast))
    v = covariance_of_totals(np.concatenate(influence, axis=1), design, frame)
    b = linalg.block_diag(*outer)
    delta = linalg.block_diag(*inner) @ b @ v @ b.T
    trace, square = np.trace(delta), np.trace(delta @ delta)
    units = frame["c"].nunique() if "cluster" in design else len(frame)
    df = units - (2 if "strata" in design else 1)
    ours = joint(compare(ml.Survey.from_frame(frame, **design), "q", "g", smallest=1))
    assert ours["statistic"] == pytest.approx(pearson / trace, rel=1e-9)
    assert ours["df1"] == pytest.approx(trace**2 / square, rel=1e-9)
    assert ours["df2"] == pytest.approx(trace**2 / square * df, rel=1e-9)
    assert ours["p"] == pytest.approx(stats.f.sf(pearson / trace, ours["df1"], ours["df2"]), rel=1e-8)


@pytest.mark.parametrize("base", ["all", "asked"])
def test_over_everybody_who_did_not_answer_is_a_row_of_the_table(base: Any) -> None:
    frame = answers(4)
    rng = np.random.default_rng(4)
    frame["y"] = rng.choice(["a", "b", None], len(frame), p=[0.4, 0.3, 0.3])
    frame["z"] = frame["y"].fillna("none")
    survey = ml.Survey.from_frame(frame, weight="w", cluster="c")
    over = compare(survey, "y", "g", base=base, smallest=1)
    same = compare(survey, "z", "g", smallest=1) if base == "all" else compare(
        survey, "z", "g", where="${z} != 'none'", smallest=1)  # fmt: skip
    np.testing.assert_allclose(numbers_only(over.tests), numbers_only(same.tests), rtol=1e-8)
    p = over.differences.set_index("item")["p"]
    assert np.allclose(p["a"], p["b"]) == (base == "asked")


def test_a_choice_of_nobody_or_of_all_adds_nothing_to_the_joint_test() -> None:
    frame = answers(5)
    more = frame.assign(**{"q/nobody": 0.0, "q/all": 1.0})[["q/a", "q/b", "q/c", "q/nobody", "q/all", "g"]]
    one, two = (compare(ml.Survey.from_frame(f), "q", "g", smallest=1) for f in (frame.drop(columns=["w"]), more))
    np.testing.assert_allclose(numbers_only(one.tests.iloc[:1]), numbers_only(two.tests.iloc[:1]), rtol=1e-9)
    tests = two.tests.set_index("item")
    assert tests.loc[["nobody", "all", "any"], "reason"].tolist() == ["one_row"] * 3
    assert tests.loc[["nobody", "all", "any"], "p"].isna().all()


def test_an_item_twice_is_no_more_evidence() -> None:
    frame = answers(6)[["q/a", "g"]]
    one = joint(compare(ml.Survey.from_frame(frame), "q", "g", smallest=1))
    two = joint(compare(ml.Survey.from_frame(frame.assign(**{"q/again": frame["q/a"]})), "q", "g", smallest=1))
    np.testing.assert_allclose(
        two[["statistic", "df1", "p"]].astype(float), one[["statistic", "df1", "p"]].astype(float)
    )


# ------------------------------------------------------------------------------------------- what chance alone does

ROUNDS = 300


def chance(seed: int, clustered: bool) -> pd.DataFrame:
    """Answers that go together, and with clusters also within them; groups that have nothing to do with them."""
    rng = np.random.default_rng(seed)
    n = 180
    cluster = np.arange(n) // 4
    shared = rng.normal(0, 1, n) + (rng.normal(0, 0.8, n)[cluster] if clustered else 0.0)
    frame = pd.DataFrame({f"q/{c}": (shared + rng.normal(0, 1, n) > cut) * 1.0 for c, cut in (("a", 0), ("b", 0.6))})
    own = rng.integers(0, 3, n)
    return frame.assign(g=np.where(rng.random(n) < 0.5, own[cluster], own) if clustered else own, c=cluster)


@pytest.mark.parametrize("clustered", [False, True])
def test_where_nothing_differs_p_is_uniform(clustered: bool) -> None:
    p, naive = [], []
    for seed in range(ROUNDS):
        frame = chance(seed, clustered).astype({"g": "str"})
        survey = ml.Survey.from_frame(frame, **({"cluster": "c"} if clustered else {}))
        p.append(joint(compare(survey, "q", "g", smallest=1))["p"])
        each = [pd.crosstab(frame["g"], frame[f"q/{c}"]) for c in "ab"]
        naive.append(stats.chi2.sf(sum(stats.chi2_contingency(t, correction=False)[0] for t in each), 4))
    least = 1.63 / np.sqrt(ROUNDS)  # Kolmogorov and Smirnov's distance at 1 %
    assert stats.kstest(p, "uniform").statistic < least
    assert abs(np.mean(np.array(p) < 0.05) - 0.05) < 2.6 * np.sqrt(0.05 * 0.95 / ROUNDS)
    # what the correction is for: statistics added up as if they were independent are too often extreme
    assert np.mean(np.array(naive) < 0.05) > np.mean(np.array(p) < 0.05)


# ------------------------------------------------------------------------------------------------------ corrections


@pytest.mark.parametrize(
    ("correction", "p", "adjusted"),
    [
        # Holm: the largest so far of (m - i + 1) p(i)
        ("holm", [0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ("holm", [0.6, 0.5], [1.0, 1.0]),
        # Benjamini and Hochberg 1995: the smallest from the end of m p(i) / i
        ("bh", [0.01, 0.04, 0.03, 0.005], [0.02, 0.04, 0.04, 0.02]),
        ("bh", [0.01, np.nan, 0.02], [0.02, np.nan, 0.02]),
        ("holm", [0.02, np.nan, np.nan], [0.02, np.nan, np.nan]),
        ("holm", [np.nan], [np.nan]),
        ("none", [0.01, np.nan], [0.01, np.nan]),
    ],
)
def test_corrections_by_hand(correction: Any, p: list[float], adjusted: list[float]) -> None:
    np.testing.assert_allclose(adjust(pd.Series(p), correction), adjusted)


def holm(p: np.ndarray) -> np.ndarray:
    order = np.argsort(p)
    raised = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    out = np.empty(len(p))
    out[order] = np.minimum(raised, 1)
    return out


@pytest.mark.parametrize("correction", ["holm", "none", "bh"])
def test_families(correction: Any) -> None:
    survey = ml.Survey.from_frame(answers(7), weight="w")
    whole = compare(survey, "q", "g", smallest=1, correction=correction).differences
    each = compare(survey, "q", "g", smallest=1, correction=correction, family="item").differences
    by = {"holm": holm, "none": lambda p: p,
          "bh": lambda p: stats.false_discovery_control(p, method="bh")}[correction]  # fmt: skip
    nets = whole["item"].isin(["any", "two_or_more"])  # made of the choices, and of no family
    assert whole.loc[nets, "p_adjusted"].isna().all()
    np.testing.assert_allclose(whole.loc[~nets, "p_adjusted"], by(whole.loc[~nets, "p"].to_numpy()))
    for _, rows in each[~nets].groupby("item"):
        np.testing.assert_allclose(rows["p_adjusted"], by(rows["p"].to_numpy()))


def test_the_two_answers_of_a_question_are_one_family() -> None:
    frame = answers(8)
    frame["y"] = frame["q/a"].map({1.0: "yes", 0.0: "no"})
    differences = compare(ml.Survey.from_frame(frame), "y", "g", smallest=1).differences
    yes, no = (differences[differences["item"] == item] for item in ("yes", "no"))
    np.testing.assert_allclose(yes["p_adjusted"], holm(yes["p"].to_numpy()))  # of 3, not of 6
    np.testing.assert_allclose(no["p_adjusted"], yes["p_adjusted"])
    np.testing.assert_allclose(no["difference"], -yes["difference"])


def test_a_choice_without_a_test_is_of_no_family() -> None:
    frame = answers(9, groups="uv")[["q/a", "q/b", "g"]]
    p = compare(ml.Survey.from_frame(frame), "q", "g", smallest=1).differences.set_index("item")
    more = compare(ml.Survey.from_frame(frame.assign(**{"q/all": 1.0})), "q", "g", smallest=1)
    again = more.differences.set_index("item").drop(index=["any", "two_or_more"])
    assert again.loc["all", ["p", "p_adjusted"]].isna().all()
    assert again.loc["all", "difference"] == 0
    known = more.differences["p"].notna() & ~more.differences["item"].isin(["any", "two_or_more"])
    np.testing.assert_allclose(more.differences["p_adjusted"][known], holm(more.differences["p"][known].to_numpy()))
    np.testing.assert_allclose(again.loc[["a", "b"], "p"], p.loc[["a", "b"], "p"])


# ----------------------------------------------------------------------------------------------- letters and groups


def graded(n: int = 90) -> pd.DataFrame:
    """Three groups in which 20, 50 and 80 % said yes."""
    shares = {"low": 0.2, "middle": 0.5, "high": 0.8}
    rows = [(g, "yes" if i < share * n else "no") for g, share in shares.items() for i in range(n)]
    return pd.DataFrame(rows, columns=["g", "y"]).assign(g=lambda f: pd.Categorical(f["g"], list(shares)))


def test_letters_say_what_the_differences_say() -> None:
    compared = compare(ml.Survey.from_frame(graded()), "y", "g")
    letters = compared.letters.set_index(["item", "level"])
    assert letters.loc["yes", "letter"].to_dict() == {"low": "A", "middle": "B", "high": "C"}
    assert letters.loc["yes", "above"].to_dict() == {"low": "", "middle": "A", "high": "A B"}
    assert letters.loc["no", "above"].to_dict() == {"low": "B C", "middle": "C", "high": ""}


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("confidence", [0.5, 0.95])
def test_letters_agree_with_every_difference(seed: int, confidence: float) -> None:
    compared = compare(ml.Survey.from_frame(answers(seed, groups="uvxyz")), "q", "g", smallest=1, confidence=confidence)
    letters = compared.letters.set_index(["item", "level"])
    for row in compared.differences.itertuples():
        higher = letters.loc[(row.item, row.reference), "letter"] in letters.loc[(row.item, row.level), "above"].split()
        lower = letters.loc[(row.item, row.level), "letter"] in letters.loc[(row.item, row.reference), "above"].split()
        significant = row.p_adjusted < 1 - confidence
        assert (higher, lower) == (significant and row.difference > 0, significant and row.difference < 0)


def test_against_turns_the_differences_around() -> None:
    compared = compare(ml.Survey.from_frame(graded()), "y", "g")
    turned = compared.against("high").set_index(["item", "level"])
    assert turned.loc["yes"].index.tolist() == ["low", "middle"]
    assert turned.loc[("yes", "low"), "difference"] == pytest.approx(-0.6)
    assert turned.loc[("yes", "low"), "ratio"] == pytest.approx(0.25)
    straight = compared.differences.set_index(["item", "level", "reference"]).loc[("yes", "high", "low")]
    back = turned.loc[("yes", "low")]
    assert back["ci_low"] == pytest.approx(-straight["ci_high"])
    assert back["ratio_low"] == pytest.approx(1 / straight["ratio_high"])
    assert back["p"] == straight["p"]
    middle = compared.against("middle").query("item == 'yes'")
    assert middle["level"].tolist() == ["low", "high"]
    assert middle["difference"].tolist() == pytest.approx([-0.3, 0.3])
    with pytest.raises(ValueError, match="reference='hihg': no such group in 'g'; did you mean 'high'"):
        compared.against("hihg")


def test_small_groups_are_left_out_and_named() -> None:
    frame = pd.concat([graded(), pd.DataFrame({"g": ["few"] * 19 + ["enough"] * 20, "y": (["yes", "no"] * 20)[:39]})])
    survey = ml.Survey.from_frame(frame.astype({"g": "str"}))
    compared = compare(survey, "y", "g")
    assert compared.left_out == ("few",)
    assert "few" not in {*compared.differences["level"], *compared.differences["reference"], *compared.letters["level"]}
    assert len(compared.differences) == 2 * 6
    assert joint(compared)["n"] == 290
    # what is left is as if the small group were another population
    without = compare(survey, "y", "g", where="${g} != 'few'")
    pd.testing.assert_frame_equal(compared.differences, without.differences)
    pd.testing.assert_frame_equal(compared.tests, without.tests)
    assert compare(survey, "y", "g", smallest=19).left_out == ()
    assert compare(survey, "y", "g", smallest=21).left_out == ("enough", "few")
    assert compare(survey, "y", "g", smallest=0).left_out == ()
    opened = replace(survey, about=survey.about.model_copy(update={"gate": "open"}))
    assert compare(opened, "y", "g").left_out == ()
    with pytest.raises(ValueError, match="between='g': no level has 91 respondents or more in the base of 'y'"):
        compare(survey, "y", "g", smallest=91)


def test_who_did_not_answer_does_not_make_a_group_large() -> None:
    frame = graded(30).astype({"g": "str"})
    frame.loc[frame["g"] == "low", "y"] = [None] * 11 + ["yes", "no"] * 9 + ["yes"]
    assert compare(ml.Survey.from_frame(frame), "y", "g").left_out == ("low",)


def test_groups_that_are_crossed() -> None:
    frame = answers(10, groups="uv", n=160).assign(s=lambda f: np.where(np.arange(160) % 3, "f", "m"))
    frame["both"] = frame["g"] + " x " + frame["s"]
    survey = ml.Survey.from_frame(frame, weight="w")
    crossed, joined = compare(survey, "q", ("g", "s"), smallest=1), compare(survey, "q", "both", smallest=1)
    assert crossed.between == "g × s"
    assert list(dict.fromkeys(crossed.letters["level"])) == ["u × f", "u × m", "v × f", "v × m"]
    np.testing.assert_allclose(numbers_only(crossed.tests), numbers_only(joined.tests))
    columns = ["difference", "se", "ci_low", "p", "p_adjusted"]
    np.testing.assert_allclose(crossed.differences[columns], joined.differences[columns])
    assert set(crossed.against("v × m")["level"]) == {"u × f", "u × m", "v × f"}


def test_more_groups_than_letters() -> None:
    frame = pd.DataFrame({"y": ["a", "b"] * 112, "g": pd.Categorical(np.repeat([f"g{i:02}" for i in range(28)], 8))})
    letters = compare(ml.Survey.from_frame(frame), "y", "g", smallest=1).letters
    own = letters[letters["item"] == "a"]["letter"].tolist()
    assert own[:2] == ["A", "B"]
    assert own[25:] == ["Z", "AA", "BB"]


# ------------------------------------------------------------------------------------------------------- the numbers


@pytest.mark.parametrize("question", ["q", "x"])
def test_differences_are_those_of_the_estimates(question: str) -> None:
    frame = answers(11).assign(x=lambda f: np.random.default_rng(11).normal(30, 5, len(f)).round(1))
    survey = ml.Survey.from_frame(frame, weight="w", strata="h")
    compared = compare(survey, question, "g", smallest=1)
    estimates = ml.prevalence(survey, "q", by="g") if question == "q" else mean(survey, "x", by="g")
    value = estimates.frame.set_index(["item", "level"])["estimate"]
    pd.testing.assert_frame_equal(compared.estimates.frame, estimates.frame)
    pairs = [(b, a) for a, b in combinations("uvx", 2)]
    for item, rows in compared.differences.groupby("item"):
        assert list(zip(rows["level"], rows["reference"], strict=True)) == pairs
        for row in rows.itertuples():
            assert row.difference == pytest.approx(value[item, row.level] - value[item, row.reference])
            assert row.ratio == pytest.approx(value[item, row.level] / value[item, row.reference])
            assert (row.ci_low + row.ci_high) / 2 == pytest.approx(row.difference)


def test_groups_in_which_nobody_or_everybody_chose() -> None:
    frame = pd.DataFrame(
        {"y": ["yes"] * 40 + ["no"] * 40 + ["yes", "no"] * 20, "g": ["all"] * 40 + ["none"] * 40 + ["some"] * 40}
    )
    differences = compare(ml.Survey.from_frame(frame), "y", "g").differences.set_index(["item", "level", "reference"])
    certain = differences.loc[("yes", "none", "all")]
    assert certain["difference"] == -1
    assert certain["se"] == 0
    assert certain[["t", "p", "p_adjusted", "ci_low"]].isna().all()  # without a variance there is no test
    assert certain["ratio"] == 0
    assert certain[["ratio_low", "ratio_high"]].isna().all()
    assert np.isnan(differences.loc[("yes", "some", "none"), "ratio"])
    assert differences.loc[("yes", "some", "none"), "p"] < 1e-6
