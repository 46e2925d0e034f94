"""Prevalence by hand: bases, nets, item non-response, breakdowns, and what is refused."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from surveys import CHOICES, HEAD, ROWS, SURVEY, YML

import motivlab as ml

Small = Callable[..., Path]


def total(estimates: "ml.Estimates") -> pd.DataFrame:  # type: ignore[name-defined]
    frame = estimates.frame
    return frame[frame["by"] == ""].set_index("item")


# Of seven respondents (weights 1 2 1 1 1 1 1): five were asked for grounds; one of them refused, one named none.
def test_asked_is_whoever_was_asked_and_answered(small: Small) -> None:
    rows = total(ml.prevalence(ml.open_survey(small()), "grounds"))
    assert rows["base"].unique().tolist() == ["asked"]
    assert rows["n"].tolist() == [4] * 6
    assert rows["k"].to_dict() == {"age": 2, "gender": 1, "other": 1, "none": 1, "any": 3, "two_or_more": 1}
    expected = {"age": 3 / 5, "gender": 2 / 5, "other": 1 / 5, "none": 1 / 5, "any": 4 / 5, "two_or_more": 2 / 5}
    assert rows["estimate"].to_dict() == pytest.approx(expected)
    assert rows["net"].tolist() == [False] * 4 + [True] * 2


def test_all_is_every_respondent(small: Small) -> None:
    rows = total(ml.prevalence(ml.open_survey(small()), "grounds", base="all"))
    assert rows["n"].tolist() == [7] * 6
    assert rows["estimate"].to_dict() == pytest.approx(
        {"age": 3 / 8, "gender": 2 / 8, "other": 1 / 8, "none": 1 / 8, "any": 4 / 8, "two_or_more": 2 / 8}
    )


def test_any_is_whoever_named_something(small: Small) -> None:
    rows = total(ml.prevalence(ml.open_survey(small()), "grounds", base="any"))
    assert "none" not in rows.index
    assert rows["n"].tolist() == [3] * 5
    assert rows["estimate"].to_dict() == pytest.approx(
        {"age": 3 / 4, "gender": 2 / 4, "other": 1 / 4, "any": 1, "two_or_more": 2 / 4}
    )


def test_missing_answers_stay_visible_with_their_reasons(small: Small) -> None:
    survey = ml.open_survey(small())
    columns = ["asked", "missing", "refused", "dont_know", "invalid", "no_answer", "not_asked"]
    grounds = total(ml.prevalence(survey, "grounds")).loc["age"]
    assert grounds[columns].tolist() == [5, 1, 1, 0, 0, 0, 2]
    assert grounds["missing_share"] == pytest.approx(0.2)
    met = total(ml.prevalence(survey, "met")).loc["yes"]
    assert met[columns].tolist() == [7, 1, 0, 1, 0, 0, 0]
    blank = ml.open_survey(small(rows=(*ROWS[:6], "7,1,f,20,yes,,,,,,,2021-10-07")))
    assert total(ml.prevalence(blank, "grounds")).loc["age"][columns].tolist() == [5, 2, 1, 0, 0, 1, 2]


def test_a_choice_left_blank_counts_for_itself_only(small: Small) -> None:
    survey = ml.open_survey(small(rows=("1,1,f,30,yes,1,,0,0,0,,2021-10-04", *ROWS[1:])))
    rows = total(ml.prevalence(survey, "grounds"))
    assert rows.loc[["age", "gender", "any", "two_or_more"], "n"].tolist() == [4, 3, 4, 3]
    assert rows.loc["gender", ["missing", "refused", "no_answer"]].tolist() == [2, 1, 1]


def test_a_code_for_not_asked_in_the_cells(small: Small) -> None:
    choices = CHOICES.replace("grounds,ref,", "grounds,-9,Nejautāja,Not asked,Не задан,not_asked,\ngrounds,ref,")
    rows = (*ROWS[:2], "3,1,f,50,no,-9,-9,-9,-9,,,2021-10-05", *ROWS[3:])
    survey = SURVEY.replace("${met} = 'yes'", "")
    coded = total(ml.prevalence(ml.open_survey(small(rows=rows, choices=choices, survey=survey)), "grounds"))
    routed = total(ml.prevalence(ml.open_survey(small()), "grounds"))
    pd.testing.assert_frame_equal(coded, routed)


def test_an_answer_of_somebody_not_asked_does_not_count(small: Small) -> None:
    rows = (*ROWS[:2], "3,1,f,50,no,1,0,0,0,,,2021-10-05", *ROWS[3:])
    pd.testing.assert_frame_equal(
        ml.prevalence(ml.open_survey(small(rows=rows)), "grounds").frame,
        ml.prevalence(ml.open_survey(small()), "grounds").frame,
    )


def test_breakdowns_in_turn_and_crossed(small: Small) -> None:
    survey = ml.open_survey(small())
    turn = ml.prevalence(survey, "grounds", by=["sex", "met"])
    assert turn.breakdowns == ("sex", "met")
    crossed = ml.prevalence(survey, "met", by=[("sex", "met")])
    assert crossed.frame["by"].unique().tolist() == ["", "sex × met"]
    assert crossed.frame["level"].unique().tolist() == ["", "f × yes", "f × no", "m × yes", "m × no"]
    rows = crossed.frame[(crossed.frame["item"] == "yes") & (crossed.frame["by"] != "")].set_index("level")
    assert rows["n"].to_dict() == {"f × yes": 2, "f × no": 1, "m × yes": 3, "m × no": 0}
    assert np.isnan(rows.loc["m × no", "estimate"])
    assert turn.frame.loc[turn.frame["level"] == "no", "n"].tolist() == [0] * 6  # nobody there, and a row says so


def test_respondents_in_no_group_are_counted(small: Small) -> None:
    estimates = ml.prevalence(ml.open_survey(small()), "sex", by="met")
    assert estimates.left_out == {"met": 1}


def test_where_reads_a_missing_number_as_blank(small: Small) -> None:
    survey = ml.open_survey(small())
    assert total(ml.prevalence(survey, "sex", where="${age} < 35"))["n"].tolist() == [2, 2]  # without the -8


def test_nets_of_a_single_response_question(small: Small) -> None:
    rows = total(ml.prevalence(ml.open_survey(small()), "met", nets={"either": ["yes", "no"]}))
    assert rows.loc["either", "estimate"] == 1
    assert rows["net"].tolist() == [False, False, True]


def test_the_identity_of_the_bases(shipped: ml.Survey) -> None:
    shares = {base: total(ml.prevalence(shipped, "grounds", base=base)) for base in ("all", "any")}  # type: ignore[arg-type]
    exposed = shares["all"].loc["any", "estimate"]
    named = shares["any"]["estimate"]
    np.testing.assert_allclose(named * exposed, shares["all"].loc[named.index, "estimate"], rtol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"question": "ground"}, "there is no question 'ground'; did you mean 'grounds'?"),
        ({"question": "age"}, "question 'age' is of type integer, it has no choices"),
        ({"base": "asking"}, "base is 'asking'. Use one of all, asked, any"),
        ({"interval": "wald"}, "interval is 'wald'. Use one of korn-graubard, wilson, logit"),
        ({"confidence": 95}, "confidence is 95"),
        ({"by": "other"}, "by='other': it is a text question"),
        ({"by": ["gender"]}, "there is no question 'gender'"),
        ({"by": ["sex", "sex"]}, "'sex' is there twice"),
        ({"by": [("sex", "sex")]}, "('sex', 'sex') is there twice"),
        ({"where": "${sex} = 'w'"}, "'w' is no choice of 'sex'"),
        ({"where": "${six} = 'f'"}, "refers to 'six', which is no question; did you mean 'sex'?"),
        ({"where": "age > 3"}, "'age' is not supported"),
        ({"nets": {"any": ["age"]}}, "a net has a name of its own"),
        ({"nets": {"x": ["agee"]}}, "a net has a name of its own and choices of 'grounds'"),
    ],
)
def test_what_cannot_be_done_says_why(small: Small, arguments: dict[str, object], said: str) -> None:
    survey = ml.open_survey(small())
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is what is tested
        ml.prevalence(survey, **({"question": "grounds"} | arguments))  # type: ignore[arg-type]
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "head", "said"),
    [
        ((ROWS[0].replace(",f,", ",x,"), *ROWS[1:]), HEAD, "row 2, respondent 1: sex is 'x', which is none of f, m"),
        ((ROWS[0].replace(",1,0,0,0,0,", ",3,0,0,0,0,"), *ROWS[1:]), HEAD, "row 2, respondent 1: grounds/age is '3'"),
        (ROWS, HEAD.replace("grounds/other", "grounds/othr"), "the column 'grounds/other' of question 'grounds' is"),
        (ROWS, HEAD.replace("sex", "gender"), "the column 'sex' is missing"),
    ],
)
def test_data_that_cannot_be_used_names_row_variable_and_value(
    small: Small, rows: tuple[str, ...], head: str, said: str
) -> None:
    survey = ml.open_survey(small(rows=rows, head=head, yml=YML))
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is what is tested
        ml.prevalence(survey, "grounds", by="sex")
    assert said in str(caught.value)
    assert "responses.csv" in str(caught.value)


def overlapping_groups(n: int = 300) -> pd.DataFrame:
    random = np.random.default_rng(4)
    return pd.DataFrame(
        {"y": random.choice(["a", "b"], n), "g/x": random.integers(0, 2, n), "g/z": random.integers(0, 2, n),
         "sex": random.choice(["f", "m"], n), "w": random.uniform(0.5, 2, n)}
    )  # fmt: skip


def test_overlapping_groups_are_each_a_domain_of_the_full_design() -> None:
    survey = ml.Survey.from_frame(overlapping_groups(), weight="w")
    estimates = ml.prevalence(survey, "y", by=["g", ("sex", "g")])
    columns = ["n", "k", "estimate", "se", "ci_low", "ci_high", "df", "deff"]
    for choice in ("x", "z"):
        for by, level, where in (
            ("g", choice, f"selected(${{g}}, '{choice}')"),
            ("sex × g", f"m × {choice}", f"selected(${{g}}, '{choice}') and ${{sex}} = 'm'"),
        ):
            kept = estimates.frame[(estimates.frame["by"] == by) & (estimates.frame["level"] == level)]
            alone = ml.prevalence(survey, "y", where=where).frame
            np.testing.assert_allclose(kept[columns].to_numpy(dtype=float), alone[columns].to_numpy(dtype=float))
    nowhere = ((survey.responses["g/x"] == 0) & (survey.responses["g/z"] == 0)).sum()
    assert estimates.left_out == {"g": nowhere, "sex × g": nowhere}
    assert "The groups of “g” overlap" in repr(estimates)
    assert f"In none of the groups of “g”: {nowhere}." in repr(estimates)


def test_overlapping_groups_are_not_compared_with_each_other_nor_crossed_twice() -> None:
    frame = overlapping_groups().rename(columns={"g/x": "h/x", "g/z": "h/z"})
    survey = ml.Survey.from_frame(frame.assign(**{"g/x": frame["h/x"], "g/z": frame["h/z"]}))
    with pytest.raises(ValueError, match="g and h both have overlapping groups"):
        ml.prevalence(survey, "y", by=[("g", "h")])
    with pytest.raises(ValueError, match="Its groups overlap"):
        ml.compare(survey, "y", "g")
