"""Where respondents break the rules of a question: codes, types, limits, routing, sets, what is calculated.

Each rule is a function of a frame and a question; :data:`METHODS` names those that are registered with Pandera, and
:func:`as_statistics` and :func:`as_question` are what a schema in a file holds of the question.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from .codes import as_days, as_numbers, as_texts
from .expressions import Mask, parse_expression
from .questionnaire import NUMBER_TYPES, Choice, Question, Repeat
from .rules import answered, chosen, coded, empty, is_in, numbers, remember

if TYPE_CHECKING:
    from .evaluate import Context

Test = Callable[[pd.DataFrame, Question, "Context | None"], Mask]


def holds(frame: pd.DataFrame, text: str, this: str, context: Context | None = None) -> Mask:
    """Where an expression is true; during a check it is evaluated once for all questions that have it in common."""

    def make() -> Mask:
        return parse_expression(text).mask(frame, this, context)

    return remember(frame, ("holds", text, this if "." in text else ""), make)


def routed(frame: pd.DataFrame, question: Question, context: Context | None = None) -> Mask:
    """Where routing puts a question to a respondent; during a check it is found out once."""

    def make() -> Mask:
        out = np.ones(len(frame), dtype=bool)
        for text in conditions(question):
            out &= holds(frame, text, question.name, context)
        return out

    return remember(frame, ("routed", question.name), make)


def unknown_code(frame: pd.DataFrame, question: Question, context: Context | None = None) -> Mask:
    """A code that is no choice."""
    return ~is_in(frame, question.name, ["", *(choice.name for choice in question.choices)])


def wrong_type(frame: pd.DataFrame, question: Question, context: Context | None = None) -> Mask:
    """No number, date, time or place, where the question asks for one."""
    name, kind = question.name, KIND_OF.get(question.type, question.type)
    column = frame[name]
    if column.dtype.kind == ("M" if kind in ("date", "dateTime") else "i" if kind in NUMBER_TYPES else ""):
        return np.zeros(len(frame), dtype=bool)
    if kind in NUMBER_TYPES and column.dtype.kind == "f":
        good = _is_number(numbers(frame, name), kind)
        return ~good & ~is_in(frame, name, ["", *question.missing_codes]) if not good.all() else ~good
    values = coded(frame, name)
    good = WELL_FORMED[kind](values.levels) | np.isin(values.levels, ["", *question.missing_codes])
    return np.asarray(~good[values.places])


def out_of_range(frame: pd.DataFrame, question: Question, context: Context | None = None) -> Mask:
    """Outside the limits of a ``range``, or between its steps where it names them."""
    low, high = question.limits
    values = numbers(frame, question.name)
    out = (values < (-np.inf if low is None else low)) | (values > (np.inf if high is None else high))
    if step := _step(question):
        with np.errstate(invalid="ignore"):
            steps = (values - (low or 0)) / step
            out |= np.abs(steps - np.round(steps)) > 1e-9 * np.maximum(np.abs(steps), 1)
    return out & ~is_in(frame, question.name, question.missing_codes) if out.any() else out


def constraint(frame: pd.DataFrame, question: Question, context: Context | None = None) -> Mask:
    """An answer that its constraint does not allow."""
    return answered(frame, question) & ~holds(frame, question.constraint, question.name, context)


def answered_not_asked(frame: pd.DataFrame, question: Question, context: Context | None = None) -> Mask:
    """Something is entered, though routing did not put the question."""
    return ~empty(frame, question) & ~routed(frame, question, context)


def asked_not_answered(frame: pd.DataFrame, question: Question, context: Context | None = None) -> Mask:
    """Nothing is entered, though routing put the question, or it is required."""
    out = empty(frame, question) & routed(frame, question, context)
    when = required(question)
    if isinstance(when, str) and not conditions(question):
        out &= holds(frame, when, question.name, context)
    return out


def exclusive(frame: pd.DataFrame, question: Question, context: Context | None = None) -> Mask:
    """A choice that stands alone, or a missing reason, together with others.

    A missing reason is chosen in its own column, or its code stands in others; 0 beside it is no other.
    """
    alone = np.zeros(len(frame), dtype=bool)
    count = np.zeros(len(frame), dtype=np.int16)
    columns = [column for column in question.columns if column in frame]
    for choice in question.choices:
        if (column := question.column(choice)) in frame:
            hit = chosen(frame, column)
            if choice.missing:
                hit = hit | _code_in(frame, columns, choice.name)
            count += hit
            if choice.exclusive or choice.missing:
                alone |= hit
    for code in question.missing_codes:
        if f"{question.name}/{code}" not in frame:
            hit = _code_in(frame, columns, code)
            count += hit
            alone |= hit
    return alone & (count > 1)


def _code_in(frame: pd.DataFrame, columns: Iterable[str], code: str) -> Mask:
    """Where one of the columns holds a code, which is looked for only where it is a value of the column at all."""
    out = np.zeros(len(frame), dtype=bool)
    for column in columns if code not in ("0", "1") else ():
        found = coded(frame, column)
        if (hit := found.among([code]))[:-1].any():
            out |= hit[found.places]
    return out


def partly_answered(frame: pd.DataFrame, question: Question, context: Context | None = None) -> Mask:
    """One column of a multiple response question (``extra["column"]``) is blank, another is not; for a few respondents.

    See :func:`left_blank`.
    """
    left = left_blank(frame, question, context).get(question.extra["column"])
    return np.zeros(len(frame), dtype=bool) if left is None or left.many else left.mask


@dataclass(frozen=True, eq=False)
class Left:
    """Where one column of a multiple response question is blank beside others that are filled in.

    Attributes
    ----------
    mask : ndarray of bool
    put : int
        Respondents with an answer to the question.
    """

    mask: Mask
    put: int

    @property
    def many(self) -> bool:
        """More than 20 respondents, and 5 % of those with an answer: the form did not have this choice for them."""
        return int(self.mask.sum()) > max(FEW, FEW_SHARE * self.put)


FEW, FEW_SHARE = 20, 0.05


def left_blank(frame: pd.DataFrame, question: Question, context: Context | None = None) -> dict[str, Left]:
    """The columns of a multiple response question that are blank beside others; not where they were not offered."""

    def make() -> dict[str, Left]:
        blank = {column: is_in(frame, column, [""]) for column in question.columns if column in frame}
        first = next(iter(blank.values()), None)
        if all(np.array_equal(mask, first) for mask in blank.values()):  # type: ignore[arg-type]
            return {}
        given = ~np.logical_and.reduce(list(blank.values())) & routed(frame, question, context)
        left = {column: mask & given for column, mask in blank.items()}
        if question.choice_filter:
            offered = question.offered(frame, context)
            left = {column: mask & offered[column[len(question.name) + 1 :]] for column, mask in left.items()}
        return {column: Left(mask, int(given.sum())) for column, mask in left.items() if mask.any()}

    return remember(frame, ("left_blank", question.name), make)


def other_without_text(frame: pd.DataFrame, question: Question, context: Context | None = None) -> Mask:
    """The choice "other" is made, and the text that goes with it is blank; ``question`` is the one for the text."""
    return (
        holds(frame, question.extra["other"], question.name, context)
        & empty(frame, question)
        & routed(frame, question, context)
    )


def text_without_other(frame: pd.DataFrame, question: Question, context: Context | None = None) -> Mask:
    """A text that goes with "other", which is not chosen; ``question`` is the one for the text."""
    return answered(frame, question) & ~holds(frame, question.extra["other"], question.name, context)


def not_offered(frame: pd.DataFrame, question: Question, context: Context | None = None) -> Mask:
    """A choice that ``choice_filter`` did not offer."""
    out = np.zeros(len(frame), dtype=bool)
    for name, offered in question.offered(frame, context).items():
        if question.type == "select_one":
            out |= is_in(frame, question.name, [name]) & ~offered
        elif (column := f"{question.name}/{name}") in frame:
            out |= chosen(frame, column) & ~offered
    return out


def calculation(frame: pd.DataFrame, question: Question, context: Context | None = None) -> Mask:
    """A calculated value that is not what its formula gives; numbers are equal within 1e-9 of their size."""
    given = coded(frame, question.name)
    there = ~given.isin(["", *question.missing_codes])
    if conditions(question):
        there &= routed(frame, question, context)
    if not there.any():
        return there
    made = pd.Series(question.calculated(frame, context))
    x, y = numbers(frame, question.name), as_numbers(made)
    with np.errstate(invalid="ignore"):
        size = np.maximum(np.abs(x), np.abs(y))
        same = (x == y) | (np.isfinite(size) & (np.abs(x - y) <= 1e-9 * size))
    look = there & ~same
    if look.any():
        texts = given.texts()[look]
        wanted = as_texts(made[look])
        same[look] = texts == wanted
        if made.dtype.kind == "f":  # what is no number, a device writes so
            same[look] |= (texts == "NaN") & np.isnan(y[look])
        if made.dtype.kind == "b":  # XForms writes a condition as a word
            same[look] |= np.char.lower(texts.astype(str)) == np.where(made[look], "true", "false")
    return there & ~same


@dataclass(frozen=True)
class Method:
    """A rule that is registered with Pandera: the test, and what it has to be told of the question."""

    test: Test
    statistics: tuple[str, ...]
    whole: bool = True  # a check of the whole frame, not of a column


METHODS: Mapping[str, Method] = {
    "unknown_code": Method(unknown_code, ("question", "type", "codes", "missing"), whole=False),
    "wrong_type": Method(wrong_type, ("question", "type", "missing"), whole=False),
    "out_of_range": Method(out_of_range, ("question", "type", "missing", "parameters"), whole=False),
    "constraint": Method(constraint, ("question", "type", "codes", "missing", "constraint")),
    "answered_not_asked": Method(answered_not_asked, ("question", "type", "codes", "missing", "relevant")),
    "asked_not_answered": Method(asked_not_answered, ("question", "type", "codes", "missing", "relevant", "required")),
    "exclusive": Method(exclusive, ("question", "type", "codes", "missing", "alone")),
    "partly_answered": Method(
        partly_answered,
        ("question", "type", "codes", "missing", "relevant", "attributes", "choice_filter", "column"),
    ),
    "not_offered": Method(not_offered, ("question", "type", "codes", "missing", "attributes", "choice_filter")),
    "other_without_text": Method(other_without_text, ("question", "type", "missing", "relevant", "other")),
    "text_without_other": Method(text_without_other, ("question", "type", "missing", "other")),
    "calculation": Method(calculation, ("question", "type", "missing", "relevant", "calculation")),
}
_EXTRA = ("parameters", "required", "other", "calculation", "choice_filter", "column")


def as_statistics(question: Question, keys: Iterable[str]) -> dict[str, Any]:
    """What a check is told of a question, in plain values; what is empty is left out.

    Examples
    --------
    >>> as_statistics(Question("age", "integer", constraint=". > 17"), ("question", "type", "missing", "constraint"))
    {'question': 'age', 'type': 'integer', 'constraint': '. > 17'}
    """
    asked = conditions(question)
    known: dict[str, Any] = {
        "question": question.name,
        "type": question.type,
        "codes": [choice.name for choice in question.choices],
        "missing": dict(question.missing_codes),
        "alone": [choice.name for choice in question.choices if choice.exclusive],
        "attributes": {choice.name: dict(choice.extra) for choice in question.choices if choice.extra},
        "relevant": " and ".join(asked if len(asked) < 2 else [f"({text})" for text in asked]),
        "constraint": question.constraint,
        **{key: question.extra.get(key, "") for key in _EXTRA},
    }
    return {key: known[key] for key in keys if known[key]}


def as_question(
    question: str,
    type: str,  # noqa: A002 - as XLSForm names it
    codes: Iterable[str] | None = None,
    missing: Mapping[str, str] | None = None,
    alone: Iterable[str] | None = None,
    relevant: str | None = None,
    constraint: str | None = None,
    attributes: Mapping[str, Mapping[str, str]] | None = None,
    **extra: Any,
) -> Question:
    """The question that :func:`as_statistics` told of."""
    reasons, single = dict(missing or {}), set(alone or ())
    more = attributes or {}
    choices = tuple(
        Choice(code, missing=reasons.get(code, ""), exclusive=code in single, extra=more.get(code, {}))
        for code in codes or ()
    )
    return Question(
        question, type, choices=choices, relevant=relevant or "", constraint=constraint or "",
        missing={} if choices else reasons, extra={key: value for key, value in extra.items() if value},
    )  # fmt: skip


def conditions(question: Question | Repeat) -> list[str]:
    """The texts of all conditions under which a question, or a repeat, is asked."""
    return [text for text in (*(group.relevant for group in question.groups), question.relevant) if text]


def required(question: Question) -> bool | str:
    """Whether an answer is required: yes, no, or an expression that says when."""
    said = str(question.extra.get("required", "")).strip()
    if said.lower() in ("", "no", "false", "false()", "0"):
        return False
    return said.lower() in ("yes", "true", "true()", "1") or said


# What a device fills in has the form of:
KIND_OF = {"start": "dateTime", "end": "dateTime", "today": "date", "start-geopoint": "geopoint"}


def _step(question: Question) -> float:
    """The step of a ``range``, 0 where it names none."""
    found = re.search(r"\bstep\s*=\s*(\d*\.?\d+)", question.extra.get("parameters", ""))
    return float(found[1]) if found else 0.0


def _is_number(values: npt.NDArray[np.float64], kind: str) -> Mask:
    return np.isfinite(values) & (values == np.floor(values)) if kind == "integer" else np.isfinite(values)


def _is_moment(levels: npt.NDArray[np.object_]) -> Mask:
    texts = pd.Series(levels, dtype="str")
    read = pd.to_datetime(texts, format="ISO8601", errors="coerce", utc=True)
    return np.asarray(read.notna() & (texts.str.len() >= len("2021-10-31")), dtype=bool)


def _is_place(levels: npt.NDArray[np.object_], most: int = 0) -> Mask:
    """Points of latitude, longitude and perhaps height and accuracy, parted by semicolons."""
    return np.array([_are_points(str(level), most) for level in levels], dtype=bool)


def _are_points(text: str, most: int) -> bool:
    points = [point.split() for point in text.strip().strip(";").split(";")]
    values = [as_numbers(point) for point in points if len(point) in (2, 3, 4)]
    good = all(not np.isnan(v).any() and abs(v[0]) <= 90 and abs(v[1]) <= 180 for v in values)
    return good and len(values) == len(points) and (not most or len(points) <= most)


def _matches(pattern: str) -> Callable[[npt.NDArray[np.object_]], Mask]:
    return lambda levels: np.asarray(pd.Series(levels, dtype="str").str.fullmatch(pattern), dtype=bool)


WELL_FORMED: Mapping[str, Callable[[npt.NDArray[np.object_]], Mask]] = {
    **{kind: partial(lambda kind, levels: _is_number(as_numbers(levels), kind), kind) for kind in NUMBER_TYPES},
    "date": lambda levels: ~np.isnat(as_days(levels)),
    "dateTime": _is_moment,
    "time": _matches(r"([01]?\d|2[0-4]):[0-5]\d(:[0-5]\d([.,]\d+)?)?\s*(Z|[+-]\d{2}(:?\d{2})?)?"),
    "geopoint": partial(_is_place, most=1),
    "geotrace": _is_place,
    "geoshape": _is_place,
}
