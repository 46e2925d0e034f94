"""The sample against margins: numbers of R, the gate, the rules on weights and sample."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.text import Text
from pages import outside, overlapping
from surveys import SHIPPED
from test_reference import calibrated, expected, replicated, schools

import motivlab as ml
from motivlab.figures_margins import plot_margins
from motivlab.language import LANGUAGES, say
from motivlab.margins import against_margins
from motivlab.margins_file import level_codes, margin_shares, read_margins
from motivlab.page import figure_of
from motivlab.rules import Found, Overall, Rule
from motivlab.rules_sample import rules
from motivlab.survey import crossed
from motivlab.tables import table
from motivlab.tables_margins import gated_fit, gated_margins

WANTED = expected("margins_wanted.csv")
R = expected("margins_expected.csv")
R = R.assign(**{column: pd.to_numeric(R[column]) for column in R if column not in ("case", "variable")})


@pytest.fixture(autouse=True)
def _closed() -> Any:
    yield
    plt.close("all")


def of_case(case: str) -> ml.Survey:
    if case.endswith("_jk1"):
        return replicated(case)
    return calibrated(case) if case.endswith("_rake") else schools(case)


@pytest.mark.parametrize(("case", "variable"), list(zip(R["case"], R["variable"], strict=True)))
def test_the_tests_of_r(case: str, variable: str) -> None:
    theirs = R[(R["case"] == case) & (R["variable"] == variable)].iloc[0]
    ours = against_margins(of_case(case), WANTED[WANTED["variable"] == variable])
    plain, weighted = (row for _, row in ours.tests.iterrows())
    assert plain["n"] == theirs["n"]
    assert [plain["statistic"], plain["df"], plain["p"]] == pytest.approx(
        [theirs["X2"], theirs["X2_df"], theirs["X2_p"]], rel=1e-8
    )
    first = ours.frame.iloc[0]
    assert first["contribution"] == pytest.approx(theirs["residual"], rel=1e-8)
    assert first["weighted"] == pytest.approx(theirs["weighted_share"], rel=1e-8)
    if np.isnan(theirs["p"]):  # a stratified sample has its strata's share without error
        assert weighted["reason"] == "no_variance"
    else:
        assert [weighted["statistic"], weighted["df"], weighted["p"]] == pytest.approx(
            [theirs["statistic"], theirs["df"], theirs["p"]], rel=1e-7
        )


def shipped(language: str = "en") -> Any:
    return against_margins(ml.open_survey(SHIPPED, language))


def test_the_shipped_survey_meets_its_margins() -> None:
    found = shipped()
    assert found.variables == ("region", "gender × age_group", "native_language")
    assert found.frame["weighted_difference"].abs().max() < 0.0005
    assert found.frame.groupby("variable")[["sample", "weighted", "target"]].sum().to_numpy() == pytest.approx(1)
    tests = found.tests.set_index(["variable", "test"])
    assert (tests.xs("weighted", level="test")["p"] > 0.99).all()
    assert tests.at[("region", "unweighted"), "p"] < 0.001  # Vidzeme and Latgale have more interviews
    assert tests.at[("native_language", "unweighted"), "outside"] == 8


def test_margins_that_were_calibrated_to_have_no_test() -> None:
    survey = ml.open_survey(SHIPPED)
    raked = ml.rake(survey, read_margins(SHIPPED / "margins.csv").query("variable == 'region'"))
    tests = against_margins(raked).tests.set_index(["variable", "test"])
    assert tests.at[("region", "weighted"), "reason"] == "no_variance"
    assert np.isnan(tests.at[("region", "weighted"), "p"])


def people(**shares: int) -> ml.Survey:
    return ml.Survey.from_frame(pd.DataFrame({"sex": [level for level, n in shares.items() for _ in range(n)]}))


def margins(**shares: float) -> pd.DataFrame:
    return pd.DataFrame(
        [("sex", level, share) for level, share in shares.items()], columns=["variable", "level", "share"]
    )


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: against_margins(people(f=5, m=5)), "survey.yml names none"),
        (lambda: against_margins(people(f=5, m=5), margins(f=0.5, M=0.5)), "'sex' has no answer 'M'; did you mean 'm'"),
        (lambda: against_margins(people(f=5, m=5), margins(f=0.5, m=0.6)), "the shares of sex add up to 1.1"),
        (
            lambda: against_margins(people(f=5, m=5), margins(f=0.5, m=0.5).assign(variable="gender")),
            "there is no question 'gender'",
        ),
        (
            lambda: against_margins(people(f=5, m=5), margins(f=0.5, m=0.5).assign(variable="sex × sex")),
            "a margin crosses 'sex' with itself",
        ),
        (lambda: plot_margins(against_margins(people(f=50, m=50), margins(f=0.5, m=0.5)), "age"), "no such margin"),
    ],
)
def test_what_cannot_be_compared_is_refused(make: Callable[[], Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make()


def test_nobody_in_a_level_is_a_share_of_zero() -> None:
    survey = people(f=50, m=50)
    frame = survey.responses.assign(sex=pd.Categorical(["f"] * 100, ["f", "m"]))
    found = against_margins(ml.Survey(frame, survey.questionnaire, survey.about), margins(f=0.5, m=0.5))
    assert found.frame["sample"].tolist() == [1.0, 0.0]
    assert found.tests["p"].iloc[0] < 1e-6
    assert gated_margins(found)["n"].tolist() == [100, 0]
    blank = frame.assign(sex=pd.Categorical([None] * 100, ["f", "m"]))
    with pytest.raises(ValueError, match="nobody is in any level of sex"):
        against_margins(ml.Survey(blank, survey.questionnaire, survey.about), margins(f=0.5, m=0.5))


# ------------------------------------------------------------------------------------------------- what is shown


def test_few_respondents_are_hidden_and_do_not_come_out_by_subtraction() -> None:
    found = shipped()
    frame = gated_margins(found).set_index("level")
    assert found.frame.set_index("level").at["woman × 18_24", "n"] == 19
    hidden = frame.index[frame["status"] == "suppressed"]
    assert frame.at["woman × 18_24", "reason"] == "few"
    # of the women and of those aged 18 to 24, one more each
    assert sum(level.startswith("woman") for level in hidden) >= 2
    assert sum(level.endswith("18_24") for level in hidden) >= 2
    assert sum(level.startswith("man") for level in hidden) != 1
    assert frame.loc[hidden, ["n", "sample", "weighted", "difference", "contribution"]].isna().all(axis=None)
    assert frame.loc[hidden, "target"].notna().all()  # which is public
    tests = gated_fit(found)
    assert tests.loc[tests["variable"] == "gender × age_group", "p"].isna().all()
    assert tests.loc[tests["variable"] == "region", "p"].notna().all()
    text = table(found).text()
    assert "< 20" in text
    assert "47.7" not in text


@given(st.lists(st.integers(0, 90), min_size=2, max_size=8))
def test_hidden_levels_are_never_alone(sizes: list[int]) -> None:
    if sum(sizes) < 30:  # so few that the levels are texts
        return
    survey = people(**{f"l{i}": max(n, 1) for i, n in enumerate(sizes)})
    found = against_margins(survey, margins(**{f"l{i}": 1 / len(sizes) for i in range(len(sizes))}))
    gated = gated_margins(found)
    hidden = found.frame.loc[gated["reason"] != "", "n"]
    assert (hidden.sum() >= 20 and len(hidden) > 1) or hidden.empty or len(hidden) == len(gated)
    assert (gated["n"].dropna() >= 20).all()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_table_says_it_in_words(language: str) -> None:
    shown = table(shipped(language))
    assert len(shown.blocks) == 4
    text = shown.text()
    for key in ("margins_title", "margins_sample", "margins_weighted", "margins_target", "margins_test_weighted"):
        assert say(key, language) in text
    assert say("note_synthetic", language) in text
    assert "{" not in text
    assert "<table" in shipped(language)._repr_html_()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("variable", ["", "gender × age_group", "native_language"])
def test_no_text_leaves_the_figure_or_covers_another(language: str, variable: str) -> None:
    drawn: Any = plot_margins(shipped(language), variable)
    figure = figure_of(drawn)
    figure.canvas.draw()
    assert outside(figure) == []
    assert overlapping(figure) == []
    text = " ".join(t.get_text() for t in figure.findobj(Text))
    assert say("synthetic", language) in text
    assert say("margins_target", language) in text


def test_the_figure_has_no_number_that_is_hidden() -> None:
    drawn: Any = plot_margins(shipped(), "gender × age_group")
    gated = gated_margins(shipped()).query("variable == 'gender × age_group'")
    hollow = next(line for line in drawn.get_lines() if line.get_markerfacecolor() == "white" and len(line.get_xdata()))
    np.testing.assert_array_equal(hollow.get_xdata(), gated["sample"])
    assert np.isnan(hollow.get_xdata()).sum() == (gated["reason"] != "").sum()


# ----------------------------------------------------------------------------------------------------- the rules


def found(survey: ml.Survey, margins: pd.DataFrame | None = None) -> dict[str, list[Found]]:
    """What the rules about the whole file find, by rule."""
    out: dict[str, list[Found]] = {}
    for rule in rules(survey.questionnaire, survey.about, survey.responses.columns, margins):
        if isinstance(rule, Overall):
            out.setdefault(rule.id, []).extend(rule.found(survey.responses))
    return out


def extreme(survey: ml.Survey) -> list[int]:
    (rule,) = (r for r in rules(survey.questionnaire, survey.about, survey.responses.columns) if isinstance(r, Rule))
    positions = np.flatnonzero(rule.mask(survey.responses))
    if rule.told:
        assert len(rule.told(survey.responses, positions)) == len(positions)
    return positions.tolist()


def weighted(*weights: float, sex: str = "") -> ml.Survey:
    answers = list(sex or "f" * len(weights))
    return ml.Survey.from_frame(pd.DataFrame({"sex": answers, "w": list(weights)}), weight="w")


def test_the_shipped_surveys_have_nothing_to_be_found() -> None:
    survey = ml.open_survey(SHIPPED)
    assert not any(found(survey, read_margins(SHIPPED / "margins.csv")).values())
    assert extreme(survey) == []
    again = ml.open_survey(SHIPPED.parent / "programme_participants")
    assert not any(found(again).values())


def test_extreme_weights() -> None:
    assert extreme(weighted(*[1.0] * 50, 20.0, 0.1)) == [50], "a small weight harms nobody"
    assert extreme(weighted(*[1.0] * 50, 4.0, 0.3)) == []
    assert extreme(weighted(*[1.0] * 50, np.nan, 0, -1, np.inf)) == []  # of the rule `weight`


def test_the_effect_of_the_weights() -> None:
    assert found(weighted(*[1.0] * 50))["weight_effect"] == []
    (one,) = found(weighted(*[1.0] * 99, 50.0))["weight_effect"]
    assert one.value == "11.71"
    assert callable(one.detail)
    assert "8 respondents" in one.detail("en")


def totals(f: float, m: float) -> pd.DataFrame:
    return read_margins(pd.DataFrame({"variable": "sex", "level": ["f", "m"], "total": [f, m]}))


@pytest.mark.parametrize(
    ("weights", "off"),
    [([1.0] * 100, False), ([20.0] * 100, False), ([20.1] * 100, False), ([15.0] * 100, True), ([2.0] * 100, True)],
)
def test_the_sum_of_the_weights(weights: list[float], off: bool) -> None:
    survey = weighted(*weights, sex="f" * 50 + "m" * 50)
    assert bool(found(survey, totals(1000, 1000))["weight_sum"]) is off
    shares = read_margins(margins(f=0.5, m=0.5))
    assert "weight_sum" not in found(survey, shares)


def test_the_sample_off_its_margins() -> None:
    half = read_margins(margins(f=0.5, m=0.5))
    (one,) = found(people(f=700, m=300), half)["off_margins"]
    assert (one.variable, one.value) == ("sex", "0.700")
    assert callable(one.detail)
    assert one.detail("lv").startswith("vislielākā starpība ir kategorijai „f”: izlasē 70,0%, ģenerālkopā 50,0%")
    assert found(people(f=54, m=46), half)["off_margins"] == []  # below the threshold
    assert found(people(f=7, m=3), half)["off_margins"] == []  # by chance
    # the weights put it right
    survey = weighted(*[3.0] * 300, *[9.0] * 100, sex="f" * 300 + "m" * 100)
    assert found(survey, half)["off_margins"] == []


def test_a_crossed_margin_is_one_of_each_question_too() -> None:
    survey = ml.open_survey(SHIPPED)
    frame = survey.responses.copy()
    frame.loc[frame.index[:200], "gender"] = "man"  # no single age group is off by five points
    changed = ml.Survey(frame, survey.questionnaire, survey.about)
    hit = found(changed, read_margins(SHIPPED / "margins.csv"))["off_margins"]
    assert [one.variable for one in hit] == ["gender"]


def test_a_rule_that_is_off_is_not_tried() -> None:
    survey = people(f=700, m=300)
    about = survey.about.model_copy(update={"checks": type(survey.about.checks)(rules={"off_margins": "off"})})
    assert list(rules(survey.questionnaire, about, survey.responses.columns, read_margins(margins(f=0.5, m=0.5)))) == []


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"sex": [], "w": []}),
        pd.DataFrame({"sex": [None], "w": [None]}),
        pd.DataFrame({"sex": [1], "w": ["x"]}),
        pd.DataFrame({"sex": [True, False], "w": [np.inf, -1]}),
        pd.DataFrame({"sex": pd.to_datetime(["2021-01-01"]), "w": [1]}),
        pd.DataFrame({"other": [1]}),
    ],
)
def test_rules_stand_any_frame(frame: pd.DataFrame) -> None:
    survey = weighted(*[1.0] * 10)
    for rule in rules(survey.questionnaire, survey.about, ["sex", "w"], read_margins(margins(f=0.5, m=0.5))):
        assert not (rule.mask(frame).any() if isinstance(rule, Rule) else rule.found(frame))


# -------------------------------------------------------------------------------------------------- margins files

LEVELS = st.one_of(st.none(), st.sampled_from(["a", "b", "c"]))


@given(st.lists(st.tuples(LEVELS, LEVELS), min_size=1, max_size=30))
def test_levels_are_those_that_raking_knows(rows: list[tuple[str | None, str | None]]) -> None:
    frame = pd.DataFrame(rows, columns=["x", "y"]).astype("category")
    levels = ["a × a", "c × b", "b × b"]
    wanted = pd.Index(levels).get_indexer(pd.Index(crossed(frame, "x × y"), dtype=object))
    np.testing.assert_array_equal(level_codes(frame, "x × y", levels), wanted)
    np.testing.assert_array_equal(level_codes(frame.astype(object), "x × y", levels), wanted)


def test_the_shares_of_margins() -> None:
    shares = margin_shares(totals(300, 100))
    assert shares["sex"].to_dict() == {"f": 0.75, "m": 0.25}


def test_the_shipped_margins_are_made_again(tmp_path: Path) -> None:
    subprocess.run([sys.executable, SHIPPED / "make_survey.py", "--to", tmp_path], check=True, capture_output=True)
    assert (tmp_path / "margins.csv").read_bytes() == (SHIPPED / "margins.csv").read_bytes()
