"""The functions that expressions of a form may call, each over all rows at once.

A function of texts is worked out once per distinct value, or combination of values, of its arguments.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_DOWN, ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np

from .evaluate import Evaluator, Node
from .functions_repeats import Args, extreme, gathered, indexed_repeat, position
from .moments import day_text, formatted, number_of, part_of_day, time_text
from .patterns import PatternError, matcher
from .values import (
    Cells,
    Chosen,
    Members,
    Value,
    coded,
    filled,
    is_number,
    is_truth,
    numbers,
    texts,
    truths,
)

Function = tuple[int, int | None, Callable[[Evaluator, Args], Value]]

CONSTANT = (str, float, bool)
_FINISHED = "It has no meaning on a finished table."
MEANINGLESS = {
    "random": "random() gives another number each time.",
    "randomize": "randomize() gives another order each time.",
    "uuid": "uuid() gives another id each time.",
    "pulldata": "pulldata() reads a file that is not part of the survey.",
    "search": "search() reads a file that is not part of the survey.",
    "instance": "instance() reads a list that is not part of the survey.",
    "last-saved": "last-saved looks into the interview before, which only the device knows.",
    "property": "property() is known to the device only.",
    "version": "version() is known to the device only.",
    "jr:itext": "jr:itext() is a text in the language of the device.",
}


def call(ev: Evaluator, name: str, args: Args) -> Value:
    """The value of a function.

    Raises
    ------
    MeaninglessError
        If it has no meaning on a finished table.
    ExpressionError
        If nobody knows it.
    """
    if name in MEANINGLESS:
        raise ev.meaningless(f"{MEANINGLESS[name]} {_FINISHED}")
    if name not in FUNCTIONS:
        raise ev.error(f"the function {name}() is not known here. Known: {', '.join(FUNCTIONS)}.")
    return FUNCTIONS[name][2](ev, args)


# ------------------------------------------------------------------------------------------- functions of single values


def over(function: Callable[..., Any], *values: Value) -> Any:
    """A function of texts in each row, called once per distinct combination; a constant if all values are."""
    each = [coded(value) for value in values]
    lengths = [len(codes) for value, (codes, _) in zip(values, each, strict=True) if not isinstance(value, CONSTANT)]
    rows = min(lengths, default=1)
    if rows == 0:
        return np.array([], dtype=object)
    wide = [(codes, levels) for codes, levels in each if len(levels) > 1]
    places = wide[0][0] if wide else np.zeros(rows, dtype=np.intp)
    if len(wide) > 1:  # the combinations that occur, each as one number
        for codes, levels in wide[1:]:
            places = np.unique(places, return_inverse=True)[1] * len(levels) + codes
    _, first, places = np.unique(places, return_index=True, return_inverse=True)
    columns = [
        levels[codes[first] if len(levels) > 1 else np.zeros(len(first), dtype=np.intp)] for codes, levels in each
    ]
    found = [function(*row) for row in zip(*columns, strict=True)]
    if not lengths:
        return found[0]
    kind = type(found[0])
    return np.array(found, dtype=object if kind is str else kind)[places]


def _of_texts(function: Callable[..., Any], first_number: int = 9) -> Callable[[Evaluator, Args], Value]:
    """A function of texts, of which those from a place on are numbers."""

    def apply(ev: Evaluator, args: Args) -> Value:
        values = [ev.value(arg) for arg in args]
        return over(function, *values[:first_number], *map(numbers, values[first_number:]))

    return apply


def _number(text: str) -> float:
    """A number that was made a text."""
    return {"Infinity": np.inf, "-Infinity": -np.inf}.get(text) or number_of(text)


def _of_numbers(function: Callable[..., Any]) -> Callable[[Evaluator, Args], Value]:
    def apply(ev: Evaluator, args: Args) -> Value:
        values = [numbers(ev.value(arg)) for arg in args]
        with np.errstate(all="ignore"):
            out = function(*values)
        return out if isinstance(out, np.ndarray) else float(out)

    return apply


def _half_up(x: Any) -> Any:
    """The nearest whole number, of two the greater."""
    with np.errstate(invalid="ignore"):
        low = np.floor(x)
        out = low + (x - low >= 0.5)
    return out if isinstance(x, np.ndarray) else float(out)


def _round(ev: Evaluator, args: Args) -> Value:
    value = numbers(ev.value(args[0]))
    if len(args) == 1:
        return _half_up(value)
    return over(_rounded, value, numbers(ev.value(args[1])))


def _rounded(text: str, places: str) -> float:
    """Rounded in decimal, as a person reads the number: 1.005 to two places is 1.01."""
    number, digits = _number(text), _number(places)
    if number != number or digits != digits or abs(digits) > 30:
        return float("nan")
    if abs(number) == float("inf"):
        return number
    way = ROUND_HALF_DOWN if number < 0 else ROUND_HALF_UP
    step = Decimal(1).scaleb(-int(digits))
    shown = Decimal(text)
    return float((shown / step).to_integral_value(way) * step)


def _whole(text: str) -> int:
    """A number in a text as an index, cut off; 0 where there is none."""
    number = _number(text)
    return int(max(min(number, 2**31), -(2**31))) if number == number else 0


def _substr(text: str, start: str, end: str | None = None) -> str:
    return text[_whole(start) : None if end is None else _whole(end)]


def _substring(text: str, start: str, length: str | None = None) -> str:
    """XPath's: the first character is 1, and both numbers are rounded."""
    first = _half_up(_number(start))
    last = np.inf if length is None else first + _half_up(_number(length))
    return "".join(letter for place, letter in enumerate(text, 1) if first <= place < last)


def _translate(text: str, old: str, new: str) -> str:
    table: dict[int, str] = {}
    for place, letter in enumerate(old):
        table.setdefault(ord(letter), new[place : place + 1])
    return text.translate(table)


def _regex(ev: Evaluator, args: Args) -> Value:
    def matches(text: str, pattern: str) -> bool:
        try:
            return matcher(pattern)(text)
        except PatternError as error:
            raise ev.error(str(error)) from error

    return over(matches, *(ev.value(arg) for arg in args))


# ------------------------------------------------------------------------------------------------ conditions and choice


def _if(ev: Evaluator, args: Args) -> Value:
    return _either(truths(ev.value(args[0])), ev.value(args[1]), ev.value(args[2]))


def _coalesce(ev: Evaluator, args: Args) -> Value:
    out = ev.value(args[0])
    for arg in args[1:]:
        out = _either(filled(out), out, ev.value(arg))
    return out


def _either(condition: Any, one: Value, other: Value) -> Value:
    """One value where the condition holds, else the other: of the type of both, or text."""
    columns = all(isinstance(value, Cells) and (value.numeric or value.number) for value in (one, other))
    whole = columns and one.numeric and other.numeric
    if not (whole or (is_number(one) and is_number(other)) or (is_truth(one) and is_truth(other))):
        one, other = texts(one), texts(other)
    if not isinstance(condition, np.ndarray):
        return one if condition else other
    if columns:
        return Cells(np.where(condition, *((one.numbers, other.numbers) if whole else (one, other))), number=True)
    out: Any = np.where(condition, one, other)
    return out.astype(object) if out.dtype.kind in "UO" else out


def _once(ev: Evaluator, args: Args) -> Value:
    fresh = ev.value(args[0])
    if ev.this is None:
        return fresh
    own = ev.value(Node("this"))
    return _either(filled(own), own, fresh)


def _selected(ev: Evaluator, args: Args) -> Value:
    value = _chosen_column(ev, *args)
    if value is not None:
        return value
    one, other = ev.value(args[0]), ev.value(args[1])
    if isinstance(one, Chosen):
        if not isinstance(other, str):
            wanted = texts(other)
            return np.logical_or.reduce([one.hits[:, i] & (wanted == name) for i, name in enumerate(one.names)])
        name, choice = ev.name(args[0]), other.strip()
        if choice not in one.names and choice in ev.context.labels.get(name, (choice,)):
            raise ev.error(f"the question {name!r} has no choice {other!r} (no column '{name}/{other}').")
    return over(lambda text, choice: choice.strip() in text.split(), one, other)


def _chosen_column(ev: Evaluator, question: Node, choice: Node) -> Any:
    """selected(${q}, 'a') by the one 0/1 column it needs."""
    if question.kind not in ("name", "this") or choice.kind != "text":
        return None
    name = ev.name(question)
    column = f"{name}/{choice.value.strip()}"
    if name in ev.frame or column not in ev.frame:
        return None
    return Cells(ev.frame[column]).numbers == 1


def _count_selected(ev: Evaluator, args: Args) -> Value:
    value = ev.value(args[0])
    return value.count if isinstance(value, Chosen) else over(lambda text: float(len(text.split())), value)


def _selected_at(text: str, place: str) -> str:
    found, index = text.split(), _whole(place)
    return found[index] if 0 <= index < len(found) else ""


def _choice_name(ev: Evaluator, args: Args) -> Value:
    if args[1].kind != "text" and args[1].kind != "name":
        raise ev.error("jr:choice-name() takes a value and the name of its question in quotes, '${q}'.")
    name = str(args[1].value).strip().removeprefix("${").removesuffix("}").strip().rpartition("/")[2]
    if name not in ev.context.labels:
        raise ev.error(f"jr:choice-name(): {name!r} is no question with choices.")
    labels = ev.context.labels[name]
    return over(lambda code: labels.get(code, ""), ev.value(args[0]))


# ----------------------------------------------------------------------------------------------------- dates and times


def _today(ev: Evaluator, args: Args) -> Value:
    for name in (ev.context.day, ev.context.time):
        if name:
            return over(_written_day, ev.question(name))
    raise ev.meaningless("the day of the interview is not known. Name its column in survey.yml, paradata: {day: ...}.")


def _written_day(text: str) -> str:
    """The day as it was written, whatever the time zone."""
    return day_text(text)


def _now(ev: Evaluator, args: Args) -> Value:
    if not ev.context.time:
        raise ev.meaningless(
            "the time of the interview is not known. Name its column in survey.yml, paradata: {end: ...}."
        )
    return over(time_text, ev.question(ev.context.time))


# ---------------------------------------------------------------------------------------------------- sets and repeats


def _concat(ev: Evaluator, args: Args) -> Value:
    return _joined(ev, "", args)


def _join(ev: Evaluator, args: Args) -> Value:
    between = ev.value(args[0])
    if not isinstance(between, str):
        raise ev.error("join() takes a text in quotes between the values, join(', ', ${q}).")
    return _joined(ev, between, args[1:])


def _joined(ev: Evaluator, between: str, args: Args) -> Value:
    parts: list[Value] = []
    missing: list[Any] = []  # where a repeat has no member there is nothing to put a separator to
    for arg in args:
        value = ev.any_value(arg)
        if isinstance(value, Members):
            import pandas as pd

            known = value.owner >= 0
            groups = pd.Series(texts(value.cells)[known], dtype=object).groupby(value.owner[known]).agg(between.join)
            per_owner = np.full(value.size, "", dtype=object)
            per_owner[groups.index.to_numpy(dtype=np.intp)] = groups.to_numpy(dtype=object)
            parts.append(value.spread(per_owner, ""))
            missing.append(value.total(np.ones(len(value.owner))) == 0)
        else:
            parts.append(value)
            missing.append(False)
    if len(parts) == 1:
        return texts(parts[0])
    if not any(isinstance(gone, np.ndarray) for gone in missing):
        return over(lambda *row: between.join(row), *parts)
    out, begun = np.full(len(ev.frame), "", dtype=object), np.zeros(len(ev.frame), dtype=bool)
    for part, gone in zip(parts, missing, strict=True):
        here = np.broadcast_to(~np.asarray(gone), len(ev.frame))
        text = np.broadcast_to(np.asarray(texts(part), dtype=object), len(ev.frame))
        out = np.where(here, out + np.where(begun, between, "").astype(object) + text, out)
        begun = begun | here
    return out


def _checklist(ev: Evaluator, args: Args) -> Value:
    least, most = (numbers(ev.value(arg)) for arg in args[:2])
    hits = sum(np.asarray(truths(ev.value(arg)), dtype=float) for arg in args[2:])
    return ((least < 0) | (hits >= least)) & ((most < 0) | (hits <= most))


def _boolean_from_string(text: str) -> bool:
    return text.lower() == "true" or text == "1"


def _normalize(text: str) -> str:
    return " ".join(text.split())


FUNCTIONS: dict[str, Function] = {
    # conditions
    "true": (0, 0, lambda ev, args: True),
    "false": (0, 0, lambda ev, args: False),
    "not": (1, 1, lambda ev, args: np.logical_not(truths(ev.value(args[0])))),
    "boolean": (1, 1, lambda ev, args: truths(ev.value(args[0]))),
    "boolean-from-string": (1, 1, _of_texts(_boolean_from_string)),
    "if": (3, 3, _if),
    "coalesce": (2, None, _coalesce),
    "once": (1, 1, _once),
    "checklist": (3, None, _checklist),
    "regex": (2, 2, _regex),
    "contains": (2, 2, _of_texts(lambda text, part: part in text)),
    "starts-with": (2, 2, _of_texts(lambda text, part: text.startswith(part))),
    "ends-with": (2, 2, _of_texts(lambda text, part: text.endswith(part))),
    # choices
    "selected": (2, 2, _selected),
    "is-selected": (2, 2, _selected),
    "count-selected": (1, 1, _count_selected),
    "selected-at": (2, 2, _of_texts(_selected_at, 1)),
    "jr:choice-name": (2, 2, _choice_name),
    # texts
    "string": (1, 1, lambda ev, args: texts(ev.value(args[0]))),
    "string-length": (1, 1, _of_texts(lambda text: float(len(text)))),
    "concat": (1, None, _concat),
    "join": (2, None, _join),
    "substr": (2, 3, _of_texts(_substr, 1)),
    "substring": (2, 3, _of_texts(_substring, 1)),
    "substring-before": (2, 2, _of_texts(lambda text, part: text.partition(part)[0] if part and part in text else "")),
    "substring-after": (2, 2, _of_texts(lambda text, part: text.partition(part)[2] if part else text)),
    "translate": (3, 3, _of_texts(_translate)),
    "normalize-space": (1, 1, _of_texts(_normalize)),
    "upper-case": (1, 1, _of_texts(str.upper)),
    "lower-case": (1, 1, _of_texts(str.lower)),
    # numbers
    "number": (1, 1, _of_numbers(lambda x: x)),
    "int": (1, 1, _of_numbers(np.trunc)),
    "round": (1, 2, _round),
    "floor": (1, 1, _of_numbers(np.floor)),
    "ceiling": (1, 1, _of_numbers(np.ceil)),
    "abs": (1, 1, _of_numbers(np.abs)),
    "pow": (2, 2, _of_numbers(np.float_power)),
    "sqrt": (1, 1, _of_numbers(np.sqrt)),
    "exp": (1, 1, _of_numbers(np.exp)),
    "exp10": (1, 1, _of_numbers(lambda x: np.float_power(10.0, x))),
    "log": (1, 1, _of_numbers(np.log)),
    "log10": (1, 1, _of_numbers(np.log10)),
    "sin": (1, 1, _of_numbers(np.sin)),
    "cos": (1, 1, _of_numbers(np.cos)),
    "tan": (1, 1, _of_numbers(np.tan)),
    "asin": (1, 1, _of_numbers(np.arcsin)),
    "acos": (1, 1, _of_numbers(np.arccos)),
    "atan": (1, 1, _of_numbers(np.arctan)),
    "atan2": (2, 2, _of_numbers(np.arctan2)),
    "pi": (0, 0, lambda ev, args: float(np.pi)),
    # dates and times
    "today": (0, 0, _today),
    "now": (0, 0, _now),
    "date": (1, 1, _of_texts(day_text)),
    "date-time": (1, 1, _of_texts(time_text)),
    "decimal-date-time": (1, 1, _of_numbers(lambda x: x)),
    "decimal-time": (1, 1, _of_texts(part_of_day)),
    "format-date": (2, 2, _of_texts(formatted)),
    "format-date-time": (2, 2, _of_texts(formatted)),
    # sets and repeats
    "count": (1, 1, gathered("count")),
    "count-non-empty": (1, 1, gathered("count-non-empty")),
    "sum": (1, 1, gathered("sum")),
    "min": (1, None, extreme(np.fmin)),
    "max": (1, None, extreme(np.fmax)),
    "position": (0, 1, position),
    "indexed-repeat": (3, 7, indexed_repeat),
}
