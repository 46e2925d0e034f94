"""Expressions of a form as masks."""

import numpy as np
import pandas as pd
import pytest

from motivlab.expressions import ExpressionError, parse_expression

FRAME = pd.DataFrame(
    {
        "met": pd.Categorical(["yes", "no", None]),
        "age": pd.array([17, 18, None], dtype="Int8"),
        "grounds/age": [1, 0, None],
        "grounds/other": [1, 1, None],
        "day": pd.to_datetime(["2021-10-05", "2021-11-01", None]),
        "code": pd.Categorical(["1", "2", "10"]),
        "Q1$2": [1.0, 2.0, np.nan],
    }
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${met} = 'yes'", [True, False, False]),
        ("${met} != 'yes'", [False, True, True]),
        ("${met} = ''", [False, False, True]),
        ("'yes' = ${met}", [True, False, False]),
        ("${age} >= 18", [False, True, False]),
        ("${age} < 18 or ${age} > 100", [True, False, False]),
        ("${age} != 18", [True, False, True]),  # a blank is NaN, and NaN differs from everything, as in XPath
        ("${age} > -5", [True, True, False]),
        (". <= 17", [True, False, False]),
        ("not(${age} >= 18)", [True, False, True]),
        ("selected(${grounds}, 'age')", [True, False, False]),
        ("selected(${met}, 'no')", [False, True, False]),
        ("${grounds} = 'age other'", [True, False, False]),
        ("${grounds} = ''", [False, False, True]),
        ("${day} <= '2021-10-31'", [True, False, False]),
        ("${code} > 1", [False, True, True]),
        ("${code} = 10", [False, False, True]),
        ("${met} = 'yes' and ${age} < 18 or ${code} = '2'", [True, True, False]),
        ("${Q1$2} = 2", [False, True, False]),
        ("${met} = '${age}'", [False, False, False]),
    ],
)
def test_a_mask_follows_xpath(text: str, expected: list[bool]) -> None:
    assert parse_expression(text).mask(FRAME, "age").tolist() == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("count-selected(${grounds}) > 1", "count-selected"),
        ("${age} + 1 = 3", "'+' is not supported"),
        ("${age} div 2 = 3", "'div' is not supported"),
        ("today() > ${day}", "today"),
        ("age = 1", "'age' is not supported"),
        ("${age}", "a value stands where a condition should"),
        ("(${age} = 1) = (${age} = 2)", "joined by 'and' and 'or'"),
        ("selected(${met}, ${age})", "selected() takes a question and a choice"),
        ("${age} = ", "cannot be read"),
        ("", "cannot be read"),
        ("${day} > 'yesterday'", "'yesterday' is neither a number nor a date"),
        ("__import__('os')", "cannot be read"),
        ("${age}/text() = 1", "'/' is not supported"),
    ],
)
def test_what_is_outside_the_subset_is_refused_with_the_expression(text: str, said: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_expression(text)
    assert said in str(caught.value)
    assert repr(text) in str(caught.value)


def test_a_question_without_a_column_is_named() -> None:
    with pytest.raises(ExpressionError, match="no column for the question 'nope'"):
        parse_expression("${nope} = 1").mask(FRAME)
    with pytest.raises(ExpressionError, match="no choice 'zzz'"):
        parse_expression("selected(${grounds}, 'zzz')").mask(FRAME)


def test_names_and_choices_are_known_before_there_are_data() -> None:
    expression = parse_expression("${met} = 'yes' and selected(${grounds}, 'age') and ${met} != 'no'")
    assert expression.names == ("met", "grounds")
    assert set(expression.choices) == {("met", "yes"), ("grounds", "age"), ("met", "no")}
