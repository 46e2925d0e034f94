"""The values that a form's expression is worked out in: columns, sets of choices, members of a repeat, constants.

A question is kept as its column (:class:`Cells`, :class:`Chosen`) until a number, a text or a truth is asked of it; an
answer is turned into one once per distinct value, never once per respondent. The questions of a repeat, seen from
outside, are :class:`Members`. Constants stay what they are: a float, a str, a bool. What is compared and turned into
what is XPath 1.0's, with the deviations that :mod:`motivlab.evaluate` names.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .codes import as_numbers, as_texts
from .moments import number_of, text_of

if TYPE_CHECKING:
    pass

Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.float64]
Texts = npt.NDArray[np.object_]
Places = npt.NDArray[np.intp]
Value = Any  # float, str, bool, an array of one of them, Cells, Chosen or Members

COMPARE = {
    "=": np.equal, "!=": np.not_equal, "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal,
}  # fmt: skip


# ------------------------------------------------------------------------------------------------------------- columns


class Cells:
    """A question with a column of its own.

    Of a question for a number (``number``) whose column is text for something else in it, each cell that is a number
    counts as one.
    """

    def __init__(self, column: Any, number: bool = False) -> None:
        import pandas as pd

        self.series = column if isinstance(column, pd.Series) else pd.Series(column)
        self.number = number and not self.numeric

    @property
    def numeric(self) -> bool:
        """Whether its blanks are no texts."""
        return self.series.dtype.kind in "iufb"

    @cached_property
    def coded(self) -> tuple[Places, Texts]:
        """Places into the distinct texts, of which the last is the blank."""
        import pandas as pd

        if isinstance(self.series.dtype, pd.CategoricalDtype):
            codes, levels = self.series.cat.codes.to_numpy(), as_texts(self.series.cat.categories)
        else:
            try:
                codes, uniques = pd.factorize(self.series)
                levels = as_texts(pd.Series(uniques, dtype=self.series.dtype))
            except TypeError:  # a cell that is a list or the like
                codes, levels = pd.factorize(as_texts(self.series))
        if self.number:
            known = as_numbers(levels)
            levels = np.where(np.isnan(known), levels, as_texts(known))
        return codes.astype(np.intp), np.append(levels, "").astype(object)

    @cached_property
    def texts(self) -> Texts:
        """The codes as text, ``""`` where blank."""
        codes, levels = self.coded
        return levels[codes]

    @cached_property
    def numbers(self) -> Numbers:
        """The codes as numbers, NaN where they are none; a date is its days since 1970-01-01."""
        if self.numeric:
            return as_numbers(self.series)
        codes, levels = self.coded
        return np.array([number_of(level) for level in levels])[codes]

    @property
    def truths(self) -> Mask:
        """A number that is not 0, any other answer."""
        if self.numeric:
            return truths(self.numbers)
        codes, levels = self.coded
        true = levels != ""
        if self.number:
            true &= as_numbers(levels) != 0
        return np.asarray(true[codes])

    def take(self, places: Places) -> Cells:
        """The cells of other rows, blank where a place is -1."""
        return Cells(self.series.reset_index(drop=True).reindex(places).reset_index(drop=True), self.number)


class Chosen:
    """A multiple response question without a column of its own: its 0/1 columns, in the order of the table."""

    numeric = False

    def __init__(self, hits: npt.NDArray[np.bool_], names: list[str]) -> None:
        self.hits, self.names = hits, names

    @property
    def count(self) -> Numbers:
        """How many are chosen."""
        return self.hits.sum(axis=1).astype(float)

    @cached_property
    def texts(self) -> Texts:
        """The value as XForms has it: the chosen names, separated by spaces."""
        out = np.full(len(self.hits), "", dtype=object)
        for place, name in enumerate(self.names):
            hit = self.hits[:, place]
            out[hit] = np.where(out[hit] == "", "", out[hit] + " ") + name
        return out

    @property
    def coded(self) -> tuple[Places, Texts]:
        """Places into the distinct texts."""
        return coded(self.texts)

    @property
    def numbers(self) -> Numbers:
        """The texts as numbers: of a single choice that is one."""
        return numbers(self.texts)

    @property
    def truths(self) -> Mask:
        """Whether anything is chosen."""
        return np.asarray(self.hits.any(axis=1))

    def take(self, places: Places) -> Chosen:
        """The cells of other rows, blank where a place is -1."""
        return Chosen(self.hits[places] & (places >= 0)[:, None], self.names)


@dataclass(frozen=True, eq=False)
class Members:
    """A question of a repeat seen from outside: for each row no, one or several values.

    Attributes
    ----------
    cells : Cells or Chosen
        The value of every member.
    owner : array of int
        The member's place among ``size`` owners, -1 if it has none.
    rows : array of int
        The owner of each row of the frame, -1 if it has none.
    """

    cells: Cells | Chosen
    owner: Places
    size: int
    rows: Places

    def spread(self, per_owner: Any, blank: Any) -> Any:
        """What was worked out per owner, in the rows of the frame."""
        return np.append(per_owner, blank)[self.rows]

    def total(self, weights: Any) -> Numbers:
        """The sum over the members, in the rows of the frame."""
        known = self.owner >= 0
        sums = np.bincount(self.owner[known], weights=np.asarray(weights, dtype=float)[known], minlength=self.size)
        return np.asarray(self.spread(sums, 0.0))


# ----------------------------------------------------------------------------------------- one type turned into another


def coded(value: Value) -> tuple[Places, Texts]:
    """Places into distinct texts."""
    import pandas as pd

    if isinstance(value, (Cells, Chosen)):
        return value.coded
    if not isinstance(value, np.ndarray):
        return np.zeros(1, dtype=np.intp), np.array([text_of(value)], dtype=object)
    codes, uniques = pd.factorize(value, use_na_sentinel=False)
    return codes, np.array([text_of(one) for one in uniques.tolist()], dtype=object)


def texts(value: Value) -> Any:
    """The value as text: a str, or an array of them."""
    if isinstance(value, (Cells, Chosen)):
        return value.texts
    if not isinstance(value, np.ndarray):
        return text_of(value)
    if value.dtype == object:
        return value
    codes, levels = coded(value)
    return levels[codes]


def numbers(value: Value) -> Any:
    """The value as number: a float, or an array of them."""
    if isinstance(value, (Cells, Chosen)):
        return value.numbers
    if isinstance(value, str):
        return number_of(value)
    if isinstance(value, np.ndarray) and value.dtype == object:
        codes, levels = coded(value)
        return np.array([number_of(level) for level in levels], dtype=float)[codes]
    return value.astype(float) if isinstance(value, np.ndarray) else float(value)


def truths(value: Value) -> Any:
    """The value as a condition: a number that is not 0, a text that is not empty."""
    if isinstance(value, (Cells, Chosen)):
        return value.truths
    if isinstance(value, np.ndarray):
        return (
            value if value.dtype == bool else value != "" if value.dtype == object else (value != 0) & (value == value)
        )
    return value != "" if isinstance(value, str) else bool(value) and value == value


def is_truth(value: Value) -> bool:
    """Whether it is of the type of true() and false()."""
    return isinstance(value, (bool, np.bool_)) or (isinstance(value, np.ndarray) and value.dtype == bool)


def is_number(value: Value) -> bool:
    """Whether it is a number that was worked out; the column of a question is none."""
    return isinstance(value, float) or (isinstance(value, np.ndarray) and value.dtype == float)


def compare(symbol: str, one: Value, other: Value) -> Any:
    """``=``, ``!=`` and the order, as XPath 1.0 has them: booleans before numbers before texts."""
    by = COMPARE[symbol]
    if symbol in ("=", "!="):
        if is_truth(one) or is_truth(other):
            return by(truths(one), truths(other))
        if not (is_number(one) or is_number(other)):
            return _equal_texts(one, other) == (symbol == "=")
    for column, constant, turned in ((one, other, False), (other, one, True)):
        if isinstance(column, Cells) and not column.numeric and not isinstance(constant, (np.ndarray, Cells, Chosen)):
            fixed = numbers(constant)
            if column.series.dtype.kind == "M":  # many different ones, which need no reading
                each = as_numbers(column.series)
                return np.asarray(by(fixed, each) if turned else by(each, fixed))
            codes, levels = column.coded
            each = np.array([number_of(level) for level in levels])
            return np.asarray(by(fixed, each) if turned else by(each, fixed))[codes]
    return by(numbers(one), numbers(other))


def _equal_texts(one: Value, other: Value) -> Any:
    """Where two texts are the same, without building those of a column where that can be spared."""
    if isinstance(other, Cells):
        one, other = other, one
    if isinstance(one, Cells) and isinstance(other, str):
        if one.numeric:
            known = number_of(other)
            if other == "":
                return np.isnan(one.numbers)
            return one.numbers == known if text_of(known) == other else np.zeros(len(one.series), dtype=bool)
        codes, levels = one.coded
        return (levels == other)[codes]
    if isinstance(one, Cells) and isinstance(other, Cells) and one.numeric and other.numeric:
        a, b = one.numbers, other.numbers
        return (a == b) | (np.isnan(a) & np.isnan(b))
    return (
        np.equal(texts(one), texts(other))
        if isinstance(one, str) and isinstance(other, str)
        else (np.asarray(texts(one) == texts(other)))
    )


def filled(value: Value) -> Any:
    """Where there is a value: neither blank nor no number."""
    if isinstance(value, (Cells, Chosen)):
        return ~np.isnan(value.numbers) if value.numeric else texts(value) != ""
    return value == value if is_number(value) else True if is_truth(value) else value != ""
