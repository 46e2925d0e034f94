"""Expressions of a form evaluated slowly: one row at a time, in plain Python, from its own reading of the text.

What :mod:`motivlab.evaluate` works out for all rows at once has to agree with this. Nothing is imported from there.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

import pandas as pd


@dataclass(frozen=True)
class Cell:
    """An answer: its text, and whether the question asks for a number."""

    text: str
    number: bool = False


@dataclass
class Row:
    """A respondent or a member: the answers, the row above, the members by repeat, and which member it is."""

    cells: dict[str, Cell]
    above: Row | None = None
    members: dict[str, list[Row]] = field(default_factory=dict)
    repeat: str = ""
    position: int = 0


def rows_of(frame: pd.DataFrame) -> list[Row]:
    """The rows of a frame, the 0/1 columns of a multiple response question as one text."""
    out = []
    for values in frame.itertuples(index=False, name=None):
        cells: dict[str, Cell] = {}
        chosen: dict[str, list[str]] = {}
        for column, value in zip(frame.columns, values, strict=True):
            name, slash, choice = column.partition("/")
            if slash:
                chosen.setdefault(name, [])
                if not pd.isna(value) and float(value) == 1:
                    chosen[name].append(choice)
            else:
                cells[column] = _cell(value, frame[column].dtype)
        for name, names in chosen.items():
            cells.setdefault(name, Cell(" ".join(names)))
        out.append(Row(cells))
    return out


def _cell(value: Any, dtype: Any) -> Cell:
    number = dtype.kind in "iufb" and not isinstance(dtype, pd.CategoricalDtype)
    if pd.isna(value):
        return Cell("", number)
    if isinstance(value, (pd.Timestamp, datetime)):
        return Cell(value.strftime("%Y-%m-%d"))
    if isinstance(value, bool):
        return Cell(str(int(value)), number)
    if isinstance(value, (int, float)) or number:
        return Cell(to_text(float(value)), number)
    return Cell(str(value), number)


# ------------------------------------------------------------------------------------------------------------- reading

TOKEN = re.compile(
    r"""\s*(?:(?P<string>"[^"]*"|'[^']*')|\$\{\s*(?P<ref>[^}]*?)\s*\}|(?P<number>\d+\.?\d*|\.\d+)"""
    r"""|(?P<op><=|>=|!=|\.\.|[-=<>+*(),./|])|(?P<word>[^\W\d][\w.:-]*))""",
)


def tokens(text: str) -> list[tuple[str, str]]:
    """The text cut into pieces."""
    out, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = TOKEN.match(text, at)
        if not match:
            raise ValueError(f"cannot read {text[at:]!r}")
        kind = str(match.lastgroup)
        out.append((kind, match[kind][1:-1] if kind == "string" else match[kind]))
        at = match.end()
    return [*out, ("end", "")]


class Reader:
    """Recursive descent, one method for each level of precedence."""

    def __init__(self, text: str) -> None:
        self.left = tokens(text)

    def take(self, *values: str) -> str | None:
        kind, value = self.left[0]
        if kind in ("op", "word") and value in values:
            self.left.pop(0)
            return value
        return None

    def chain(self, below: Any, *values: str) -> Any:
        out = below()
        while operator := self.take(*values):
            out = (operator, out, below())
        return out

    def whole(self) -> Any:
        out = self.either()
        if self.left[0][0] != "end":
            raise ValueError(f"what is {self.left[0][1]!r}")
        return out

    def either(self) -> Any:
        return self.chain(self.both, "or")

    def both(self) -> Any:
        return self.chain(self.equal, "and")

    def equal(self) -> Any:
        return self.chain(self.order, "=", "!=")

    def order(self) -> Any:
        return self.chain(self.plus, "<", "<=", ">", ">=")

    def plus(self) -> Any:
        return self.chain(self.times, "+", "-")

    def times(self) -> Any:
        return self.chain(self.minus, "*", "div", "mod")

    def minus(self) -> Any:
        return ("minus", self.minus()) if self.take("-") else self.single()

    def single(self) -> Any:
        kind, value = self.left.pop(0)
        if kind == "string":
            return ("value", value)
        if kind == "number":
            return ("value", float(value))
        if kind == "ref":
            return ("name", value)
        if value == ".":
            return ("this",)
        if value == "..":
            last = ".."
            while self.take("/"):
                last = self.left.pop(0)[1]
            return ("parent",) if last == ".." else ("name", last)
        if value == "(":
            out = self.either()
            self.left.pop(0)
            return out
        if kind == "word" and self.take("("):
            args = []
            while not self.take(")"):
                args.append(self.either())
                self.take(",")
            return ("call", value, args)
        if kind == "word":
            return ("column", value)
        raise ValueError(f"what is {value!r}")


# ---------------------------------------------------------------------------------------------------------- conversion


def to_number(value: Any) -> float:
    if isinstance(value, Cell):
        value = value.text
    if isinstance(value, (bool, float)):
        return float(value)
    value = value.strip()
    if re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", value, re.ASCII):
        return float(value)
    if re.match(r"\d{4}-", value):
        at = to_moment(value)
        if at is not None:
            return (at - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(days=1)
    return math.nan


def to_text(value: Any) -> str:
    if isinstance(value, Cell):
        return value.text
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if math.isnan(value):
            return "NaN"
        if math.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
        return f"{Decimal(repr(value)):f}".removesuffix(".0") if value else "0"
    return str(value)


def to_truth(value: Any) -> bool:
    if isinstance(value, Cell):
        if value.number:
            return bool(value.text) and float(value.text) != 0
        return value.text != ""
    if isinstance(value, float):
        return value != 0 and not math.isnan(value)
    return bool(value)


def to_moment(text: str) -> datetime | None:
    text = text.strip()
    try:
        if re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", text, re.ASCII):
            return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=round(float(text) * 86400000))
        if not re.match(r"\d{4}-\d\d-\d\d($|[T ]\d\d:\d\d)", text, re.ASCII):
            return None
        at = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def half_up(number: float, digits: int = 0) -> float:
    if math.isnan(number) or math.isinf(number):
        return number
    exact = Decimal(repr(number)) * Decimal(10) ** digits
    low = exact.to_integral_value(ROUND_FLOOR)
    out = low if exact - low < Decimal("0.5") else exact.to_integral_value(ROUND_CEILING)
    return float(out / Decimal(10) ** digits)


# ---------------------------------------------------------------------------------------------------------- evaluation


class Reference:
    """An expression, row by row."""

    def __init__(self, text: str, this: str = "", day: str = "", labels: Any = None, inside: Any = None) -> None:
        self.tree = Reader(text).whole()
        self.this, self.day, self.labels = this, day, labels or {}
        self.choice: dict[str, str] = {}
        self.inside: dict[str, set[str]] = inside or {}  # the names in each repeat, the repeat's own among them

    def mask(self, rows: list[Row], choice: dict[str, str] | None = None) -> list[bool]:
        self.choice = choice or {}
        return [to_truth(self.value(self.tree, row)) for row in rows]

    def values(self, rows: list[Row]) -> list[Any]:
        out = []
        for row in rows:
            value = self.value(self.tree, row)
            if isinstance(value, Cell):
                value = to_number(value) if value.number else value.text
            out.append(value)
        return out

    def find(self, name: str, row: Row) -> Any:
        """One cell, or the cells of the members."""
        at: Row | None = row
        while at is not None:
            if name in at.cells:
                return at.cells[name]
            at = at.above
        at = row
        while at is not None:
            for repeat in at.members:
                if name in self.inside[repeat]:
                    return self.below(name, repeat, at)
            at = at.above
        raise KeyError(name)

    def below(self, name: str, repeat: str, row: Row) -> list[Cell]:
        members = row.members[repeat]
        if name == repeat:
            return [Cell("1", True)] * len(members)
        out = []
        for member in members:
            if name in member.cells:
                out.append(member.cells[name])
            for inner in member.members:
                if name in self.inside[inner]:
                    out += self.below(name, inner, member)
        return out

    def value(self, node: Any, row: Row) -> Any:
        kind = node[0]
        if kind == "value":
            return node[1]
        if kind == "name":
            return self.find(node[1], row)
        if kind == "this":
            return self.find(self.this, row)
        if kind == "column":
            return self.choice.get(node[1], "")
        if kind == "minus":
            return -to_number(self.value(node[1], row))
        if kind == "call":
            return self.call(node[1], node[2], row)
        one, other = self.value(node[1], row), self.value(node[2], row)
        if kind == "and":
            return to_truth(one) and to_truth(other)
        if kind == "or":
            return to_truth(one) or to_truth(other)
        if kind in ("=", "!="):
            if isinstance(one, bool) or isinstance(other, bool):
                same = to_truth(one) == to_truth(other)
            elif isinstance(one, float) or isinstance(other, float):
                same = to_number(one) == to_number(other)
            else:
                same = to_text(one) == to_text(other)
            return same == (kind == "=")
        a, b = to_number(one), to_number(other)
        if kind in ("<", "<=", ">", ">="):
            return {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[kind]
        return arithmetic(kind, a, b)

    def call(self, name: str, args: list[Any], row: Row) -> Any:
        if name == "position":
            return float(row.position)
        if name == "indexed-repeat":
            return self.indexed(args, row)
        if name == "jr:choice-name":
            question = args[1][1].removeprefix("${").removesuffix("}")
            return self.labels[question].get(to_text(self.value(args[0], row)), "")
        if name == "today":
            cell = self.find(self.day, row)
            return cell.text[:10] if to_moment(cell.text) else ""
        values = [self.value(arg, row) for arg in args]
        if name == "once":
            own = self.find(self.this, row) if self.this else Cell("")
            return values[0] if not self.this else either(own.text != "", own, values[0])
        if name in ("min", "max"):
            found = [to_number(v) for value in values for v in (value if isinstance(value, list) else [value])]
            found = [number for number in found if not math.isnan(number)]
            return (min if name == "min" else max)(found) if found else math.nan
        if name in ("count", "count-non-empty", "sum"):
            cells = values[0] if isinstance(values[0], list) else [values[0]]
            if name == "count":
                return float(len(cells))
            if name == "count-non-empty":
                return float(sum(not empty(cell) for cell in cells))
            numbers = [to_number(cell) for cell in cells]
            return float(sum(number for number in numbers if not math.isnan(number)))
        if name in ("concat", "join"):
            between = to_text(values.pop(0)) if name == "join" else ""
            return between.join(to_text(v) for value in values for v in (value if isinstance(value, list) else [value]))
        return FUNCTIONS[name](*values)

    def indexed(self, args: list[Any], row: Row) -> Cell:
        at: Row | None = row
        while at is not None and args[1][1] not in at.members:
            at = at.above
        for repeat, index in zip(args[1::2], args[2::2], strict=True):
            place = to_number(self.value(index, row))
            place = max(int(place), 1) if not math.isnan(place) else -1
            found = [member for member in (at.members[repeat[1]] if at else []) if member.position == place]
            at = found[0] if found else None
        return at.cells[args[0][1]] if at else Cell("")


def empty(value: Any) -> bool:
    return math.isnan(value) if isinstance(value, float) else not isinstance(value, bool) and to_text(value) == ""


def either(condition: bool, one: Any, other: Any) -> Any:
    chosen = one if condition else other
    same = any(isinstance(one, kind) and isinstance(other, kind) for kind in (bool, float))
    columns = isinstance(one, Cell) and isinstance(other, Cell) and one.number and other.number
    return chosen if same or columns else to_text(chosen)


def coalesce(*values: Any) -> Any:
    out = values[0]
    for value in values[1:]:
        out = either(not empty(out), out, value)
    return out


def arithmetic(sign: str, a: float, b: float) -> float:
    if sign in "+-*":
        return {"+": a + b, "-": a - b, "*": a * b}[sign]
    if math.isnan(a) or math.isnan(b):
        return math.nan
    if sign == "mod":
        return math.fmod(a, b) if b and not math.isinf(a) else math.nan
    if b == 0:
        return math.nan if a == 0 else math.copysign(math.inf, a) * math.copysign(1, b)
    return a / b


def power(a: float, b: float) -> float:
    try:
        out = a**b
    except ZeroDivisionError:
        return math.inf if not (b % 2 == 1 and math.copysign(1, a) < 0) else -math.inf
    except OverflowError:
        return math.inf if a > 0 or b % 2 == 0 else -math.inf
    return math.nan if isinstance(out, complex) else out


def whole(value: Any) -> int:
    number = to_number(value)
    return 0 if math.isnan(number) else int(max(min(number, 2**31), -(2**31)))


def substring(text: str, start: float, length: float | None = None) -> str:
    first = half_up(start)
    last = math.inf if length is None else first + half_up(length)
    return "".join(c for i, c in enumerate(text) if i + 1 >= first and i + 1 < last)


def part_of_day(text: str) -> float:
    found = re.fullmatch(r"(\d\d):(\d\d)(?::(\d\d(?:\.\d+)?))?(?:Z|[+-]\d\d(?::?\d\d)?)?", text.strip(), re.ASCII)
    if found:
        return (int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3] or 0)) / 86400
    at = to_moment(text)
    if at is None:
        return math.nan
    return (at.hour * 3600 + at.minute * 60 + at.second + at.microsecond / 1e6) / 86400


def formatted(text: str, pattern: str) -> str:
    at = to_moment(text)
    if at is None:
        return ""
    for sign, shown in (
        ("%Y", f"{at.year:04}"), ("%y", f"{at.year:04}"[2:]), ("%m", f"{at.month:02}"), ("%n", f"{at.month}"),
        ("%d", f"{at.day:02}"), ("%e", f"{at.day}"), ("%H", f"{at.hour:02}"), ("%h", f"{at.hour}"),
        ("%M", f"{at.minute:02}"), ("%S", f"{at.second:02}"), ("%b", at.strftime("%b")), ("%a", at.strftime("%a")),
    ):  # fmt: skip
        pattern = pattern.replace(sign, shown)
    return pattern


def moment_text(value: Any, time: bool) -> str:
    at = to_moment(to_text(value))
    return "" if at is None else at.isoformat(timespec="milliseconds") if time else at.date().isoformat()


def selected_at(value: Any, place: Any) -> str:
    names, index = to_text(value).split(), whole(place)
    return names[index] if 0 <= index < len(names) else ""


def checklist(least: Any, most: Any, *values: Any) -> bool:
    hits = sum(map(to_truth, values))
    low, high = to_number(least), to_number(most)
    return (low < 0 or hits >= low) and (high < 0 or hits <= high)


def translate(text: str, old: str, new: str) -> str:
    return "".join(c if c not in old else new[old.index(c) : old.index(c) + 1] for c in text)


def of(function: Any, valid: Any = lambda x: True) -> Any:
    return lambda v: math.nan if math.isnan(x := to_number(v)) or not valid(x) else function(x)


t, n = to_text, to_number
FUNCTIONS: dict[str, Any] = {
    "true": lambda: True,
    "false": lambda: False,
    "not": lambda v: not to_truth(v),
    "boolean": to_truth,
    "boolean-from-string": lambda v: t(v).lower() in ("true", "1"),
    "if": lambda c, one, other: either(to_truth(c), one, other),
    "coalesce": coalesce,
    "checklist": checklist,
    "regex": lambda v, p: re.fullmatch(t(p), t(v), re.ASCII) is not None,
    "contains": lambda v, p: t(p) in t(v),
    "starts-with": lambda v, p: t(v)[: len(t(p))] == t(p),
    "ends-with": lambda v, p: t(p) == "" or t(v)[-len(t(p)) :] == t(p),
    "selected": lambda v, p: f" {t(p).strip()} " in f" {' '.join(t(v).split())} " and t(p).strip() != "",
    "count-selected": lambda v: float(len(t(v).split())),
    "selected-at": selected_at,
    "string": t,
    "string-length": lambda v: float(len(t(v))),
    "substr": lambda v, a, b=None: t(v)[whole(a) : None if b is None else whole(b)],
    "substring": lambda v, a, b=None: substring(t(v), n(a), None if b is None else n(b)),
    "substring-before": lambda v, p: t(v)[: max(t(v).find(t(p)), 0)],
    "substring-after": lambda v, p: t(v)[t(v).find(t(p)) + len(t(p)) :] if t(p) in t(v) else "",
    "translate": lambda v, a, b: translate(t(v), t(a), t(b)),
    "normalize-space": lambda v: re.sub(r"\s+", " ", t(v).strip()),
    "upper-case": lambda v: t(v).upper(),
    "lower-case": lambda v: t(v).lower(),
    "number": n,
    "int": lambda v: x if math.isnan(x := n(v)) or math.isinf(x) else float(math.trunc(x)),
    "round": lambda v, d=0.0: half_up(n(v), int(n(d))) if abs(n(d)) <= 30 else math.nan,
    "floor": lambda v: x if math.isnan(x := n(v)) or math.isinf(x) else float(math.floor(x)),
    "ceiling": lambda v: x if math.isnan(x := n(v)) or math.isinf(x) else float(math.ceil(x)),
    "abs": lambda v: abs(n(v)),
    "pow": lambda a, b: power(n(a), n(b)),
    "sqrt": of(math.sqrt, lambda x: x >= 0),
    "sin": of(math.sin, math.isfinite),
    "log10": lambda v: -math.inf if n(v) == 0 else of(math.log10, lambda x: x > 0)(v),
    "pi": lambda: math.pi,
    "date": lambda v: moment_text(v, False),
    "date-time": lambda v: moment_text(v, True),
    "decimal-date-time": n,
    "decimal-time": lambda v: part_of_day(t(v)),
    "format-date": lambda v, p: formatted(t(v), t(p)),
    "format-date-time": lambda v, p: formatted(t(v), t(p)),
}
