"""Counting the responses to a question for a codebook, and hiding what would expose somebody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from .codes import as_days, as_numbers, as_texts
from .expressions import ExpressionError, Mask
from .questionnaire import NUMBER_TYPES, Choice, Question

Kind = Literal["answer", "answered", "refused", "dont_know", "not_asked", "invalid", "unknown", "blank", "passed"]
PERCENTILES = (5, 25, 50, 75, 95)


@dataclass(frozen=True)
class Cell:
    """How many respondents gave one code, or stand in one other state.

    Attributes
    ----------
    code : str
        The code in the data; empty for ``answered`` (any number, date or text, at least one choice of a
        ``select_multiple``), ``unknown`` (a code that the questionnaire does not know), ``blank`` (no answer) and
        ``passed`` (a blank of whom routing passes by).
    kind : str
        ``answer``, a missing reason, or one of the four above.
    n : int, optional
        None where it is hidden.
    """

    code: str
    kind: Kind
    n: int | None


def conditions(question: Question) -> tuple[str, ...]:
    """The conditions under which a question is asked, those of its groups first, as the form has them."""
    return tuple(filter(None, (*(group.relevant for group in question.groups), question.relevant)))


def together(texts: Sequence[str]) -> str:
    """Conditions that hold together, as one."""
    return texts[0] if len(texts) == 1 else " and ".join(f"({text})" for text in texts)


def hidden(
    n: Sequence[int] | npt.NDArray[Any],
    least: int,
    forced: Sequence[bool] | Mask = (),
    free: Sequence[bool] | Mask = (),
) -> npt.NDArray[np.bool_]:
    """Which counts of a complete count are hidden, so that none comes out by subtraction from their known sum.

    Those of 1 to ``least`` - 1 respondents; if there are any, then the smallest others until at least two are hidden,
    with at least ``least`` respondents and on average two in each. Where that cannot be had, all are, zeros too.

    Parameters
    ----------
    n : sequence of int
    least : int
    forced : sequence of bool, optional
        Counts that have to be hidden whatever they are.
    free : sequence of bool, optional
        Counts that may be small: they are hidden only to protect others.

    Examples
    --------
    >>> hidden([5, 30, 60, 0], 20).tolist()
    [True, True, False, False]
    """
    counts = np.asarray(n, dtype=int)
    none = np.zeros(len(counts), dtype=bool)
    may = ~np.asarray(free, dtype=bool) if len(free) else ~none
    out = (counts > 0) & (((counts < least) & may) | (np.asarray(forced, dtype=bool) if len(forced) else none))
    if not out.any():
        return out
    for i in [-1, *np.argsort(counts, kind="stable")]:
        if i >= 0:
            out[i] |= counts[i] > 0
        if out.sum() > 1 and counts[out].sum() >= max(least, 2 * out.sum()):
            return out
    return ~none


@dataclass(frozen=True)
class Count:
    """The responses to one question: the cell of each, and of a ``select_multiple`` what was chosen.

    ``names`` are code and kind of each cell, the last two ``blank`` and ``passed``; ``place`` the cell of each
    respondent; ``chosen`` a mask per answer.
    """

    names: tuple[tuple[str, Kind], ...]
    place: npt.NDArray[np.intp]
    chosen: tuple[tuple[Choice, Mask], ...] = ()
    values: npt.NDArray[np.float64] | None = None
    known: bool = True  # whether routing could be evaluated
    shut: tuple[str, ...] = ()  # the choices whose count is hidden
    out: npt.NDArray[np.bool_] | None = None  # the cells that are hidden


def hidden_choices(tops: list[int], answered: int, shut: bool, count: Count, least: int) -> npt.NDArray[np.bool_]:
    """Which counts of choices are hidden: few chose it, or few of those who answered did not."""
    n = np.asarray(tops, dtype=int)
    apart = sum(not choice.exclusive for choice, _ in count.chosen) <= 1  # they do not overlap, and add up
    if shut and (apart or answered < least):
        return np.ones(len(n), dtype=bool)
    rest = answered - n
    out = ((n > 0) & (n < least)) | ((rest < least) & (rest > (-1 if shut else 0)))
    if apart:
        out |= hidden([*tops, max(answered - sum(tops), 0)], least, [*out, False])[:-1]
    return np.asarray(out)


def gives_away(counted: Mapping[str, Count], expression: Any, asked: Mask) -> bool:
    """Whether a question asked of these would tell apart counts that are hidden in the question it depends on."""
    for name in expression.names:
        count = counted.get(name)
        if count is None or count.out is None:
            continue
        rows = count.out[count.place]
        if count.chosen:
            named = [choice for of, choice in expression.choices if of == name]
            if any(choice in count.shut for choice in named) or (not named and count.shut):
                rows = rows | (count.place == [kind for _, kind in count.names].index("answered"))
        if rows.any() and asked[rows].any() and not asked[rows].all():
            return True
    return False


def _levels(column: pd.Series) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.object_]]:
    """Each respondent's position among the different values, the last of which is the blank, and these as codes."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes, values = column.cat.codes.to_numpy().astype(np.intp), column.cat.categories.to_series()
    else:
        codes, found = pd.factorize(column)
        values = pd.Series(found)
    return codes, np.append(as_texts(values), "")


def count_answers(question: Question, frame: pd.DataFrame, context: Any) -> Count | None:
    """Every respondent's cell; None where the responses have no column of the question."""
    columns = [column for column in question.columns if column in frame]
    if not columns:
        return None
    multiple = question.type == "select_multiple"
    answers = question.answers if question.type == "select_one" else ()
    names: list[tuple[str, Kind]] = [(choice.name, "answer") for choice in answers]
    names += [] if question.type == "select_one" else [("", "answered")]
    names += [(code, reason) for code, reason in question.missing_codes.items()]  # type: ignore[misc]
    names += [("", "unknown"), ("", "blank"), ("", "passed")]
    at = {code: i for i, (code, _) in enumerate(names) if code}
    unknown, blank, passed = len(names) - 3, len(names) - 2, len(names) - 1
    values: npt.NDArray[np.float64] | None = None
    chosen: list[tuple[Choice, Mask]] = []
    if multiple:
        place, chosen = _multiple(question, frame, at, unknown, blank)
    else:
        codes, levels = _levels(frame[question.name])
        if question.type == "select_one":
            other = np.full(len(levels), unknown)
        elif question.type in NUMBER_TYPES:
            other = np.where(np.isfinite(as_numbers(levels)), 0, unknown)
        elif question.type == "date":
            other = np.where(~np.isnat(as_days(levels)), 0, unknown)
        else:
            other = np.zeros(len(levels), dtype=int)
        cell = np.array([blank if text == "" else at.get(text, i) for text, i in zip(levels, other, strict=True)])
        place = cell[codes]
        if question.type in NUMBER_TYPES or question.type == "date":
            numbers = as_numbers(levels) if question.type != "date" else as_days(levels).astype("int64").astype(float)
            values = numbers[codes][place == 0]
    try:
        routed = question.routed(frame, context)
    except (ExpressionError, KeyError):  # no meaning on a finished table: then a blank is only a blank
        return Count(tuple(names), place, tuple(chosen), values, known=not conditions(question))
    place = np.where((place == blank) & ~routed, passed, place)
    return Count(tuple(names), place, tuple(chosen), values)


def _multiple(
    question: Question, frame: pd.DataFrame, at: Mapping[str, int], unknown: int, blank: int
) -> tuple[npt.NDArray[np.intp], list[tuple[Choice, Mask]]]:
    place = np.full(len(frame), blank)
    reason, given = np.full(len(frame), blank), np.zeros(len(frame), dtype=bool)
    chosen: list[tuple[Choice, Mask]] = []
    for choice in question.answers:
        if question.column(choice) not in frame:
            continue
        codes, levels = _levels(frame[question.column(choice)])
        value = as_numbers(levels)
        ticked = (value == 1)[codes]
        chosen.append((choice, ticked))
        given |= ((value == 1) | (value == 0))[codes]
        why = np.array(
            [blank if t == "" or v in (0, 1) else at.get(t, unknown) for t, v in zip(levels, value, strict=True)]
        )
        reason = np.minimum(reason, why[codes])
    some = np.logical_or.reduce([mask for _, mask in chosen])
    for choice in question.choices:
        if choice.missing and question.column(choice) in frame:
            hit = (as_numbers(frame[question.column(choice)]) == 1) & ~some
            reason, given = np.where(hit, np.minimum(reason, at[choice.name]), reason), given & ~hit
    place = np.where(given, 0, reason)
    return place, chosen


def percentiles(values: npt.NDArray[np.float64], question: Question, least: int) -> dict[int, str]:
    """Percentiles that are an answer given, of enough respondents on either side; long numbers to three digits."""
    ordered, found = np.sort(values), {}
    for p in PERCENTILES:
        if len(ordered) * min(p, 100 - p) / 100 < least:
            continue
        value = float(ordered[int(np.ceil(len(ordered) * p / 100)) - 1])
        if question.type == "date":
            found[p] = str(np.datetime64(int(value), "D"))
        elif value != int(value) or abs(value) >= 10_000:
            found[p] = f"{float(f'{value:.3g}'):,.10g}".replace(",", "")
        else:
            found[p] = str(int(value))
    return found
