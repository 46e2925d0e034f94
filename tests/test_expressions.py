"""Expressions of a form over a frame: known results, and agreement with the row-by-row reference."""

import math
import time
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from reference_evaluator import FUNCTIONS as REFERENCE_FUNCTIONS
from reference_evaluator import Reference, Row, rows_of
from surveys import REAL

from motivlab.evaluate import Context, Table
from motivlab.expressions import ExpressionError, MeaninglessError, parse_expression
from motivlab.functions import FUNCTIONS, MEANINGLESS
from motivlab.patterns import PatternError, matcher
from motivlab.questionnaire import Questionnaire

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
        ("age = 1", "'age' is not supported. A question is written ${age}"),
        ("${age} = ", "cannot be read"),
        ("", "cannot be read"),
        ("if(1, 2)", "if() takes 3 arguments, here 2"),
        ("selected(${met})", "selected() takes 2 arguments, here 1"),
        ("${day} > 'yesterday'", "'yesterday' is neither a number nor a date"),
        ("${age} = 1; 2", "cannot be read"),
    ],
)
def test_what_is_no_expression_is_refused_with_the_expression(text: str, said: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_expression(text)
    assert said in str(caught.value)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("shout(${age})", "the function shout() is not known here"),
        ("__import__('os')", "the function __import__() is not known here"),
        ("selected(${grounds}, 'zzz')", "has no choice 'zzz'"),
        ("${nope} = 1", "no column for the question 'nope'"),
        ("regex(${met}, '(?=a)')", "are not matched here"),
    ],
)
def test_what_cannot_be_worked_out_is_read_and_named_when_it_is_evaluated(text: str, said: str) -> None:
    expression = parse_expression(text)
    with pytest.raises(ExpressionError) as caught:
        expression.mask(FRAME)
    assert said in str(caught.value)
    assert not isinstance(caught.value, MeaninglessError)


@pytest.mark.parametrize(
    "text",
    ["random() > 0.5", "once(random()) > 1", "pulldata('f', 'a', 'b', 'c') = 'x'", "now() > 1", "position(..) = 1",
     "instance('towns')/root[1]/item[name = ${met}]/label = 'x'", "${last-saved#met} = 'yes'", "${age}/text() = 1",
     "uuid() = ''", "today() > '2020-01-01'", "if(${age} > 1, random(), 2) > 1"],
)  # fmt: skip
def test_what_has_no_meaning_on_a_finished_table_says_so(text: str) -> None:
    with pytest.raises(MeaninglessError):
        parse_expression(text).mask(FRAME, "age")


def test_names_and_choices_are_known_before_there_are_data() -> None:
    expression = parse_expression("${met} = 'yes' and selected(${grounds}, 'age') and ${met} != 'no'")
    assert expression.names == ("met", "grounds")
    assert set(expression.choices) == {("met", "yes"), ("grounds", "age"), ("met", "no")}
    filtered = parse_expression("region = ${met} and name != 'x'", choice_filter=True)
    assert filtered.columns == ("region", "name")


# XPath 1.0 and the ODK XForms specification, https://getodk.github.io/xforms-spec/#xpath-functions; nan is not a number
KNOWN: list[tuple[str, Any]] = [
    ("1 + 2 * 3 - 4 div 2", 5.0), ("7 mod 3", 1.0), ("-7 mod 3", -1.0), ("1 div 0", math.inf), ("0 div 0", math.nan),
    ("-(2 + 3)", -5.0), ("--3", 3.0), ("(2 > 1) = true()", True), ("'a' + 1", math.nan), ("'5' + 1", 6.0),
    ("true()", True), ("not('')", True), ("not('0')", False), ("not(0)", True), ("boolean('false')", True),
    ("boolean(0 div 0)", False), ("number('')", math.nan), ("number('') = number('')", False),
    ("number('') != number('')", True), ("'' = 0", False), ("true() = 'x'", True), ("true() + true()", 2.0),
    ("'1' = '1.0'", False), ("'1' = 1.0", True), ("'10' > '9'", True), ("string(3.0)", "3"), ("string(0.1)", "0.1"),
    ("string(1 div 3)", "0.3333333333333333"), ("string(true())", "true"), ("string(number('x'))", "NaN"),
    ("concat(1, 'a', true())", "1atrue"), ("string-length('Rīga')", 4.0), ("number('2021-10-31')", 18931.0),
    ("number('1970-01-01T12:00:00+02:00')", 10 / 24), ("'2021-10-31' - '2021-10-30'", 1.0),
    ("'2021-10-31' > '2021-10-30'", True), ("date('2021-10-31') + 1", 18932.0), ("date(18931)", "2021-10-31"),
    ("date('2021-10-31T23:30:00.000+03:00')", "2021-10-31"), ("date('no')", ""), ("date('2021-02-30')", ""),
    ("date-time('2021-10-31T08:00:00')", "2021-10-31T08:00:00.000+00:00"), ("decimal-date-time('1970-01-02')", 1.0),
    ("decimal-time('18:00:00.000+02:00')", 0.75), ("format-date('2003-03-02', '%b %e, %Y')", "Mar 2, 2003"),
    ("format-date-time('2003-03-02T04:05:06', '%y%m%d %H:%M:%S %a')", "030302 04:05:06 Sun"),
    ("format-date('', '%Y')", ""), ("int(2.9)", 2.0), ("int(-2.9)", -2.0), ("int('')", math.nan),
    ("round(2.5)", 3.0), ("round(-2.5)", -2.0), ("round(1.005, 2)", 1.01), ("round(33.33, -1)", 30.0),
    ("round(-1.45, 1)", -1.4), ("round('')", math.nan), ("floor(-1.5)", -2.0), ("ceiling(-1.5)", -1.0),
    ("abs(-3)", 3.0), ("pow(2, 10)", 1024.0), ("sqrt(-1)", math.nan), ("min(3, '', 2)", 2.0),
    ("max('', 'x')", math.nan), ("max(-5, -3)", -3.0), ("if('' , 1, 2)", 2.0), ("if(0, 'a', 'b')", "b"),
    ("if(true(), 1, 'x')", "1"),
    ("coalesce('', 'b')", "b"), ("coalesce('a', 'b')", "a"), ("coalesce('', '')", ""),
    ("selected('a b', 'b')", True), ("selected('ab', 'b')", False), ("selected('', '')", False),
    ("count-selected('a b  c ')", 3.0), ("count-selected('')", 0.0), ("selected-at('a b', 1)", "b"),
    ("selected-at('a b', 2)", ""), ("selected-at('a b', -1)", ""), ("substr('hello', 1, 3)", "el"),
    ("substr('hello', -2)", "lo"), ("substr('hello', 2)", "llo"), ("substring('12345', 2, 3)", "234"),
    ("substring('12345', 1.5, 2.6)", "234"), ("substring('12345', 0, 3)", "12"), ("substring('12345', 2)", "2345"),
    ("substring-before('a-b', '-')", "a"), ("substring-after('a-b', '-')", "b"), ("substring-after('ab', '-')", ""),
    ("translate('bar', 'abc', 'AB')", "BAr"), ("normalize-space('  a  b ')", "a b"), ("upper-case('ā')", "Ā"),
    ("contains('abc', 'b')", True), ("starts-with('abc', 'ab')", True), ("ends-with('abc', 'bc')", True),
    ("contains('abc', '')", True), ("regex('0123', '[0-9]{4}')", True), ("regex('x0123', '[0-9]{4}')", False),
    ("boolean-from-string('1')", True), ("boolean-from-string('yes')", False),
    ("checklist(1, 2, true(), 'x', 0)", True),
    ("join(' ', 'a', 'b')", "a b"), ("once('a')", "a"), ("exp10(2)", 100.0), ("log10(100)", 2.0),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), KNOWN)
def test_functions_give_what_the_specification_says(text: str, expected: Any) -> None:
    frame = pd.DataFrame({"q": [1, 2]})
    found = parse_expression(text).values(frame).tolist()
    assert found == pytest.approx([expected] * 2, nan_ok=True) if isinstance(expected, float) else [expected] * 2
    assert type(found[0]) is type(expected)
    name = text.partition("(")[0]
    if name in REFERENCE_FUNCTIONS or "(" not in text:
        said = Reference(text).values([Row({})])[0]
        assert said == (pytest.approx(expected, nan_ok=True) if isinstance(expected, float) else expected)


def test_a_bare_value_is_a_condition() -> None:
    frame = pd.DataFrame(
        {"n": [0.0, 2.0, np.nan], "t": ["0", "", None], "c": pd.Categorical(["a", None, "a"]), "q/a": [0, 1, None]}
    )
    masks = {text: parse_expression(text).mask(frame).tolist() for text in ("${n}", "${t}", "${c}", "${q}", "1", "''")}
    assert masks == {
        "${n}": [False, True, False], "${t}": [True, False, False], "${c}": [True, False, True],
        "${q}": [False, True, False], "1": [True] * 3, "''": [False] * 3,
    }  # fmt: skip


# --------------------------------------------------------------------------------- agreement with the slow evaluator


def same(found: Any, said: list[Any]) -> None:
    """A blank that is a number that could not be worked out is as good as an empty text."""
    assert len(found) == len(said)
    for one, other in zip(found.tolist(), said, strict=True):
        blank = [value == "" or (isinstance(value, float) and math.isnan(value)) for value in (one, other)]
        if not all(blank):
            assert one == (pytest.approx(other, rel=1e-12) if isinstance(other, float) else other)


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    """Columns of every kind; each value may be blank."""
    n = draw(st.integers(0, 6))

    def column(values: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(st.none() | values, min_size=n, max_size=n))

    texts = st.sampled_from(TEXTS)
    numbers = st.integers(-5, 120)
    return pd.DataFrame(
        {
            "cat": pd.Categorical(column(st.sampled_from("ab1")), categories=["a", "b", "1", "3"]),
            "int": pd.array(column(numbers), dtype="Int8"),
            "dec": pd.array(column(numbers.map(lambda x: x / 4)), dtype="Float64").to_numpy(float, na_value=np.nan),
            "txt": pd.Series(column(texts), dtype=object),
            "str": pd.Series(column(texts), dtype="str"),
            "day": pd.to_datetime(pd.Series(column(st.dates(pd.Timestamp("1990-01-01").date())), dtype=object)),
            "many/a": pd.array(column(st.integers(0, 1)), dtype="Int8"),
            "many/b": np.array(column(st.integers(0, 1)), dtype=float),
            "empty": np.full(n, np.nan),
            "none": pd.Series([None] * n, dtype=object),
        }
    )


TEXTS = ["", "a", "b", "a b", "3", "-2.5", "Rīga", "2021-10-31", "2021-10-31T10:20:30.250+02:00", "08:30", " b  a",
         "1e3"]  # fmt: skip
ATOMS = ["${cat}", "${int}", "${dec}", "${txt}", "${str}", "${day}", "${many}", "${empty}", "${none}", ".",
         "0", "1", "2.5", "18", "100", "true()", "false()", *(f"'{text}'" for text in TEXTS)]  # fmt: skip
BY_ARGUMENTS = {
    1: ["not", "boolean", "boolean-from-string", "string", "string-length", "normalize-space", "upper-case", "number",
        "int", "round", "floor", "ceiling", "abs", "date", "date-time", "decimal-date-time", "decimal-time",
        "count-selected", "sum", "count", "count-non-empty", "min", "max", "concat", "once"],
    2: ["coalesce", "contains", "starts-with", "ends-with", "selected", "selected-at", "substr", "substring",
        "substring-before", "substring-after", "min", "max", "concat"],
    3: ["if", "coalesce", "substr", "substring", "translate", "concat", "checklist", "max"],
}  # fmt: skip


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Larger expressions of smaller ones."""
    called = st.sampled_from([(k, name) for k, names in BY_ARGUMENTS.items() for name in names])
    return st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "div", "mod"]), inner).map(
            lambda p: f"({p[0]} {p[1]} {p[2]})"
        ),
        st.tuples(inner, st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), inner).map(lambda p: f"({' '.join(p)})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        inner.map(lambda one: f"-{one}"),
        st.tuples(called, inner, inner, inner).map(lambda p: f"{p[0][1]}({', '.join(p[1 : p[0][0] + 1])})"),
        st.tuples(inner, st.sampled_from(["%Y-%m", "%e.%n.%y", "%H:%M:%S"])).map(
            lambda p: f"format-date-time({p[0]}, '{p[1]}')"
        ),
        st.tuples(inner, st.sampled_from(["[0-9]+", "(a|b)*", "^a.*$", "[^0-9]{1,3}"])).map(
            lambda p: f"regex({p[0]}, '{p[1]}')"
        ),
        st.tuples(inner, st.sampled_from(["', '", "''"]), inner).map(lambda p: f"join({p[1]}, {p[0]}, {p[2]})"),
    )


EXPRESSIONS = st.recursive(st.sampled_from(ATOMS), grown, max_leaves=6)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=EXPRESSIONS, frame=frames())
def test_all_rows_at_once_give_what_each_row_gives(text: str, frame: pd.DataFrame) -> None:
    try:
        expression = parse_expression(text)
    except ExpressionError as error:
        assume("neither a number nor a date" not in str(error))
        raise
    reference, rows = Reference(text, "txt"), rows_of(frame)
    try:
        said = reference.values(rows)
    except OverflowError:
        assume(False)
    same(expression.values(frame, "txt"), said)
    assert expression.mask(frame, "txt").tolist() == reference.mask(rows)


@settings(max_examples=60, deadline=None)
@given(frame=frames(), one=st.sampled_from(ATOMS), other=st.sampled_from(ATOMS))
@pytest.mark.parametrize("name", ["pow", "sqrt", "sin", "log10", "round"])
def test_functions_of_numbers_give_what_each_row_gives(name: str, frame: pd.DataFrame, one: str, other: str) -> None:
    text = f"{name}({one}, {other})" if name in ("pow", "round") else f"{name}({one})"
    try:
        said = Reference(text, "txt").values(rows_of(frame))
    except (OverflowError, ValueError):
        assume(False)
    same(parse_expression(text).values(frame, "txt"), said)


def test_every_function_is_compared_or_listed() -> None:
    """What the reference does not know stands in the table of known results, or among the repeats."""
    others = {text.partition("(")[0] for text, _ in KNOWN}
    repeats = {"position", "indexed-repeat", "jr:choice-name", "now", "today", "is-selected"}
    rest = {"exp", "log", "cos", "tan", "asin", "acos", "atan", "atan2"}  # NumPy's own
    inside = {"once", "min", "max", "sum", "count", "count-non-empty", "concat", "join"}
    assert set(FUNCTIONS) == set(REFERENCE_FUNCTIONS) | (others & set(FUNCTIONS)) | repeats | rest | inside
    assert not set(FUNCTIONS) & set(MEANINGLESS)


# ------------------------------------------------------------------------------------------------------------- repeats

RESPONDENTS = pd.DataFrame({"id": ["R1", "R2", "R3"], "town": ["a", "b", "a"], "size": [2.0, 1.0, 0.0]})
MEMBERS = pd.DataFrame(
    {
        "member_id": ["R1/1", "R1/2", "R2/1", "X/1"],
        "id": ["R1", "R1", "R2", "X"],
        "age": pd.array([40, None, 9, 1], dtype="Int8"),
        "sex": pd.Categorical(["f", "m", "f", "m"]),
        "lang/lv": [1, 0, 1, 0],
        "lang/ru": [1, 1, 0, 0],
    }
)
JOBS = pd.DataFrame(
    {"job_id": ["R1/1/1", "R1/1/2", "R2/1/1"], "member_id": ["R1/1", "R1/1", "R2/1"], "hours": [10.0, 20.0, 5.0]}
)
TOP = Table(RESPONDENTS, "id")
MEMBER = Table(MEMBERS, "member_id", TOP)
CONTEXT = Context(
    "id", repeats={"member": MEMBER, "job": Table(JOBS, "job_id", MEMBER)}, labels={"town": {"a": "Abava"}}
)


INSIDE = {"member": {"member", "age", "sex", "lang", "job", "hours"}, "job": {"job", "hours"}}


def linked() -> dict[str, list[Row]]:
    """The same tables as rows that know their members."""
    tables = {"": rows_of(RESPONDENTS), "member": rows_of(MEMBERS), "job": rows_of(JOBS)}
    for name, inside, column in (("", "member", "id"), ("member", "job", "member_id")):
        for row in tables[name]:
            row.members[inside] = []
            for member in tables[inside]:
                if member.cells[column].text == row.cells[column].text:
                    row.members[inside].append(member)
                    member.above, member.repeat = row, inside
                    member.position = len(row.members[inside])
    return tables


@pytest.mark.parametrize(
    "text",
    ["count(${member})", "sum(${age})", "max(${age})", "min(${age}, 10)", "count-non-empty(${age})", "count(${job})",
     "join(', ', ${sex})", "concat(${sex})", "sum(${hours})", "join('+', 'x', ${lang})", "sum(${size})",
     "indexed-repeat(${age}, ${member}, 1)", "indexed-repeat(${sex}, ${member}, 2)", "count(${member}) = ${size}",
     "indexed-repeat(${hours}, ${member}, 1, ${job}, 2)", "jr:choice-name(${town}, '${town}')",
     "indexed-repeat(${lang}, ${member}, ${size})", "max(${age}) > 18 and ${town} = 'a'"],
)  # fmt: skip
def test_a_repeat_is_seen_from_its_respondent(text: str) -> None:
    said = Reference(text, labels=CONTEXT.labels, inside=INSIDE).values(linked()[""])
    same(parse_expression(text).values(RESPONDENTS, context=CONTEXT), said)


@pytest.mark.parametrize(
    "text",
    ["${town}", "../town = 'a'", "${age} > 18 and ${town} = 'a'", "position(..)", "count(${member})", "count(${job})",
     "sum(${hours})", "indexed-repeat(${age}, ${member}, position(..) - 1)", "indexed-repeat(${age}, ${member}, 1)",
     "sum(${age})", "../../size", "selected(${lang}, 'ru')", "current()/../age"],
)  # fmt: skip
def test_a_member_sees_itself_its_respondent_and_the_others(text: str) -> None:
    rows = linked()["member"][:3]  # the fourth has no respondent
    reference = Reference(text.replace("current()/", ""), inside=INSIDE)
    same(parse_expression(text).values(MEMBERS, context=CONTEXT.within("member"))[:3], reference.values(rows))


def test_members_of_nobody_and_values_that_are_several() -> None:
    inside = CONTEXT.within("member")
    assert parse_expression("${town}").values(MEMBERS, context=inside)[3] == ""
    assert parse_expression("count(${member})").values(MEMBERS, context=inside)[3] == 0
    with pytest.raises(ExpressionError, match="has several values here"):
        parse_expression("${age} > 18").mask(RESPONDENTS, context=CONTEXT)
    assert parse_expression("position(..)").values(JOBS, context=CONTEXT.within("job")).tolist() == [1, 2, 1]
    found = parse_expression("sum(${age})").values(RESPONDENTS.iloc[[1]], context=CONTEXT)
    assert found.tolist() == [9]  # fewer rows than the context was made of


def test_today_is_the_day_of_the_interview() -> None:
    frame = pd.DataFrame({"when": ["2021-10-31T23:10:00.000+02:00", "2021-11-02", None], "born": ["1990-10-31"] * 3})
    context = Context(day="when")
    assert parse_expression("today()").values(frame, context=context).tolist() == ["2021-10-31", "2021-11-02", ""]
    age = parse_expression("int((today() - ${born}) div 365.25)").values(frame, context=context)
    assert age[:2].tolist() == [31, 31]
    assert np.isnan(age[2])
    with pytest.raises(MeaninglessError, match="time of the interview"):
        parse_expression("now() > ${born}").mask(frame, context=context)
    assert parse_expression("now() > ${born}").mask(frame, context=Context(time="when")).tolist() == [True, True, False]


# ------------------------------------------------------------------------------------------------------ a real form

KOBO = REAL / "kobo_household"


@pytest.fixture(scope="module")
def kobo() -> tuple[Questionnaire, pd.DataFrame]:
    """A form that was fielded, and its export: blanks are NA, the columns of choices are TRUE and FALSE."""
    if not KOBO.exists():
        pytest.skip("the real data, ../shared/real/kobo_household, is not here")
    form = Questionnaire.read(KOBO)
    raw = pd.read_csv(KOBO / "raw_data.csv", dtype=str, keep_default_na=False, encoding="utf-8")
    raw = raw.mask(raw.isin(["NA", ""]))
    columns: dict[str, Any] = {}
    for question in form:
        if question.type == "select_multiple":
            for choice in question.choices:
                cells = raw.get(f"{question.name}.{choice.name}")
                columns[question.column(choice)] = (
                    np.full(len(raw), np.nan) if cells is None else cells.map({"TRUE": 1.0, "FALSE": 0.0})
                )
        elif question.type not in ("note", "start"):  # R left out the columns in which nothing stood
            cells = raw.get(question.name, pd.Series([None] * len(raw), dtype=object))
            columns[question.name] = cells
            if question.type in ("integer", "decimal"):
                columns[question.name] = pd.to_numeric(cells)
            elif question.choices:
                codes = [choice.name for choice in question.choices]
                unknown = sorted({*cells.dropna()} - {*codes})
                columns[question.name] = pd.Categorical(cells, categories=[*codes, *unknown])
    return form, pd.DataFrame(columns)


def test_every_expression_of_the_form_agrees_with_the_reference(kobo: tuple[Questionnaire, pd.DataFrame]) -> None:
    form, frame = kobo
    context = Context(labels={q.name: {c.name: c.label("en") for c in q.choices} for q in form if q.choices})
    rows = rows_of(frame)
    assert len(rows) == 632
    counts = {"relevant": 0, "constraint": 0}
    relevant = {(q.name, q.relevant) for q in form if q.relevant}
    relevant |= {(f"group {g.name}", g.relevant) for q in form for g in q.groups if g.relevant}
    constraint = {(q.name, q.constraint) for q in form if q.constraint}
    true = 0
    for kind, pairs in (("relevant", relevant), ("constraint", constraint)):
        for name, text in sorted(pairs):
            mask = parse_expression(text).mask(frame, name, context)
            assert mask.tolist() == Reference(text, name).mask(rows), (name, text)
            counts[kind] += 1
            true += int(mask.sum())
    assert counts == {"relevant": 174, "constraint": 81}
    assert 0 < true < 632 * 255


def test_a_choice_filter_offers_what_the_reference_offers(kobo: tuple[Questionnaire, pd.DataFrame]) -> None:
    form, frame = kobo
    question = next(question for question in form if question.choice_filter)
    towns = [choice.extra.get("filter") for choice in question.choices]
    frame = frame.assign(neighbourhood=np.resize(np.array(towns, dtype=object), len(frame)))  # the export's are masked
    offered, rows = question.offered(frame), rows_of(frame)
    assert list(offered) == [choice.name for choice in question.choices]
    reference = Reference(question.choice_filter)
    for choice in question.choices[::25]:
        assert offered[choice.name].tolist() == reference.mask(rows, dict(choice.extra))
    assert sum(int(mask.sum()) for mask in offered.values()) > 0


# ---------------------------------------------------------------------------------------------------------- hard cases


@pytest.mark.parametrize(
    "text",
    ["(" * 10_000 + "1" + ")" * 10_000, "not(" * 5_000 + "1" + ")" * 5_000, "1" + " + 1" * 250_000, "'" + "a" * 10**6,
     "a" * 10**6, "-" * 30_000 + "1", "${" * 10_000, "(" * 30_000, "if(1,2," * 4_000],
)  # fmt: skip
def test_an_endless_expression_ends_at_once(text: str) -> None:
    start = time.perf_counter()
    with pytest.raises(ExpressionError) as caught:
        parse_expression(text)
    assert len(str(caught.value)) < 1_000
    assert time.perf_counter() - start < 5


def test_a_long_chain_of_conditions_is_no_fault() -> None:
    text = " or ".join(f"${{age}} = {i}" for i in range(1_000))
    assert parse_expression(text).mask(FRAME).tolist() == [True, True, False]
    assert parse_expression("1" + " + 1" * 5_000).values(FRAME).tolist() == [5_001.0] * 3


def test_a_pattern_takes_time_by_the_length_of_the_text() -> None:
    start = time.perf_counter()
    frame = pd.DataFrame({"q": ["a" * 20_000 + "!", "aaa", None]})
    assert parse_expression("regex(${q}, '(a+)+')").mask(frame).tolist() == [False, True, False]
    assert parse_expression("regex(${q}, '(a|aa|a*)*b?')").mask(frame).tolist() == [False, True, True]
    assert time.perf_counter() - start < 5
    for pattern in ("(a", "[a", "a{9999999}", "\\1", "(?<=a)b", "*", "\\p{Nope}", "((a{99}){99}){99}"):
        with pytest.raises(PatternError):
            matcher(pattern)


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("\\p{L}+", "Ķīpsala", "Rīga1"), ("[\\p{Lu} ]*", "ĀB C", "Āb"), ("\\d{3}-?\\w", "123-a", "123-ā"),
        ("(?i)rīga", "RĪGA", "R"), ("\\Qa.b\\E+", "a.bb", "axb"), ("[^\\s]+@[a-z.]+", "a@b.lv", "a b@c"),
        ("^(LV-)?[0-9]{4}$", "LV-1010", "LV1010"), ("\\p{IsCyrillic}+", "Рига", "Riga"), ("[a-c-]+", "a-c", "d"),
    ],
)  # fmt: skip
def test_patterns_are_those_of_java(pattern: str, yes: str, no: str) -> None:
    assert matcher(pattern)(yes)
    assert not matcher(pattern)(no)


@pytest.mark.parametrize("dtype", ["object", "str", "Int8", "float64", "category", "datetime64[us]", "boolean"])
@pytest.mark.parametrize("rows", [0, 1, 3])
def test_blank_columns_of_any_type_are_blank(dtype: str, rows: int) -> None:
    frame = pd.DataFrame({"q": pd.Series([None] * rows, dtype=dtype)})
    for text in ("${q} = 'a'", "${q} > 1", "selected(${q}, 'a')", "${q}", "${q} + 1 = 2", "contains(${q}, 'a')",
                 "if(${q} = '', ${q}, 'x') != ''", "regex(${q}, 'a')"):  # fmt: skip
        assert parse_expression(text).mask(frame, "q").tolist() == [False] * rows, text
    for text in ("${q} = ''", "not(${q})", "string-length(${q}) = 0", "${q} != 1"):
        assert parse_expression(text).mask(frame, "q").tolist() == [True] * rows, text


def test_a_categorical_is_compared_by_its_codes() -> None:
    codes = np.random.default_rng(1).integers(0, 5, 1_000_000)
    frame = pd.DataFrame({"q": pd.Categorical.from_codes(codes, list("abcde"))})
    start = time.perf_counter()
    masks = [parse_expression(text).mask(frame) for text in ("selected(${q}, 'a')", "${q} = 'a'", "${q} != 'a'")]
    assert time.perf_counter() - start < 1
    assert (masks[0] == (codes == 0)).all()
    assert (masks[0] == masks[1]).all()
    assert (masks[1] != masks[2]).all()


@pytest.mark.parametrize("text", ["${a}", "${a} = ${b}", "${a} = 2", "${a} = '0.5'", "if(${b} > 1, ${a}, ${b})",
                                  "coalesce(${a}, ${b}) = ${b}", "string-length(${a}) = 1", "${a} < ${b}"])  # fmt: skip
def test_a_number_beside_a_text_in_its_column_is_a_number_still(text: str) -> None:
    cells, other = ["2.0", "0", "0.50", "1e0", None], [2, 0, 0.5, 3, 1]
    clean = pd.DataFrame({"a": pd.to_numeric(pd.Series(cells)), "b": other})
    dirty = pd.DataFrame({"a": pd.Series([*cells, "abc"], dtype="str"), "b": [*other, 4]})
    context = Context(numbers=frozenset({"a", "b"}))
    expression = parse_expression(text)
    assert expression.mask(dirty, context=context)[:-1].tolist() == expression.mask(clean).tolist()


def test_a_text_in_a_column_of_numbers_is_an_answer() -> None:
    frame = pd.DataFrame({"a": ["abc", "0", None]})
    context = Context(numbers=frozenset({"a"}))
    assert parse_expression("${a}").mask(frame, context=context).tolist() == [True, False, False]
    assert parse_expression("${a}").mask(frame).tolist() == [True, True, False]  # of a text, "0" is an answer
    assert parse_expression("${a} = ''").mask(frame, context=context).tolist() == [False, False, True]
