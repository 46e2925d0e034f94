"""The value of a form's expression over a table: every row at once, in the types that XPath 1.0 has.

A question is kept as its column (:class:`Cells`, :class:`Chosen`) until a number, a text or a truth is asked of it; an
answer is turned into one once per distinct value, never once per respondent. The questions of a repeat, seen from
outside, are :class:`Members`. Constants stay what they are: a float, a str, a bool.

Source: XPath 1.0 with the deviations of the ODK XForms specification, https://getodk.github.io/xforms-spec/, and where
it leaves a choice, what JavaRosa (ODK Collect, KoboCollect) does: ``sum``, ``min`` and ``max`` pass over blanks, and a
question for a number is false as a condition where it is 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .codes import as_numbers, as_texts
from .moments import number_of, text_of

if TYPE_CHECKING:
    import pandas as pd

Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.float64]
Texts = npt.NDArray[np.object_]
Places = npt.NDArray[np.intp]
Value = Any  # float, str, bool, an array of one of them, Cells, Chosen or Members

COMPARE = {
    "=": np.equal, "!=": np.not_equal, "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal,
}  # fmt: skip
ARITHMETIC = {"+": np.add, "-": np.subtract, "*": np.multiply, "div": np.divide, "mod": np.fmod}


class ExpressionError(ValueError):
    """An expression that cannot be read, or cannot be evaluated over the table it is given."""


class MeaninglessError(ExpressionError):
    """An expression that a device can answer while it asks, but nobody can on a finished table."""


@dataclass(frozen=True)
class Node:
    """One part of a parsed expression.

    Attributes
    ----------
    kind : str
        ``text``, ``number``, ``name`` (a question), ``this``, ``column`` (of a choice), ``parent``, ``call``,
        ``and``, ``or``, ``compare``, ``arithmetic``, ``minus``, ``path`` (that no table has).
    value : str, float or tuple of str
        The constant, the name, the function or the operators.
    args : tuple of Node
    """

    kind: str
    value: Any = None
    args: tuple[Node, ...] = ()


@dataclass(frozen=True, eq=False)
class Table:
    """The members of a repeat, or the respondents, as a table.

    Attributes
    ----------
    frame : DataFrame
        Codes, one row per member.
    identity : str
        The column with the members' ids.
    above : Table, optional
        The table of those they belong to, whose ids stand in the column of its ``identity``.
    """

    frame: pd.DataFrame
    identity: str
    above: Table | None = None


@dataclass(frozen=True, eq=False)
class Context:
    """What an expression may ask for beyond the row it is evaluated in.

    Attributes
    ----------
    identity : str
        The id column of the frame.
    day, time : str
        The columns with the day, and with day and time, of the interview: ``today()`` and ``now()``.
    repeats : mapping of str to Table
        Every repeat, also those inside another.
    above : Table, optional
        The table that the frame's rows belong to, if they are members of a repeat.
    labels : mapping of str to mapping of str to str
        Question to choice to wording, for ``jr:choice-name()``.
    numbers : set of str
        The questions for a number: their cells are read one by one, so that a text in one changes no other.
    """

    identity: str = ""
    day: str = ""
    time: str = ""
    repeats: Mapping[str, Table] = field(default_factory=dict)
    above: Table | None = None
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    numbers: frozenset[str] = frozenset()

    def within(self, repeat: str) -> Context:
        """The context of the rows of a repeat's own table."""
        table = self.repeats[repeat]
        return Context(table.identity, self.day, self.time, self.repeats, table.above, self.labels, self.numbers)


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


# ---------------------------------------------------------------------------------------------------------- evaluation


class Evaluator:
    """One expression over one frame."""

    def __init__(
        self,
        text: str,
        frame: pd.DataFrame,
        this: str | None = None,
        context: Context | None = None,
        choice: Mapping[str, str] | None = None,
    ) -> None:
        self.text = text
        self.frame = frame
        self.this = this
        self.context = context or Context()
        self.choice = choice
        self.found: dict[str, Cells | Chosen | Members] = {}

    def error(self, words: str) -> ExpressionError:
        """An error that names the expression."""
        return ExpressionError(f"{self.text!r}: {words}")

    def meaningless(self, words: str) -> MeaninglessError:
        """The same, of what has no meaning on a finished table."""
        return MeaninglessError(f"{self.text!r}: {words}")

    def mask(self, root: Node) -> Mask:
        """Where the expression is true."""
        return np.broadcast_to(truths(self.value(root)), (len(self.frame),)).astype(bool)

    def column(self, root: Node) -> Numbers | Texts | Mask:
        """The expression's value in each row."""
        value = self.value(root)
        if isinstance(value, (Cells, Chosen)):
            value = value.numbers if value.numeric else value.texts
        if not isinstance(value, np.ndarray):
            value = np.array([value], dtype=object if isinstance(value, str) else None)
        return np.broadcast_to(value, (len(self.frame),)).copy()

    def value(self, node: Node) -> Value:
        """The value of a part; a set of members is refused, since it is no single value."""
        value = self.any_value(node)
        if isinstance(value, Members):
            raise self.error(
                f"{node.value!r} is a question of a repeat and has several values here. "
                "Use sum(), count(), min(), max(), join() or indexed-repeat()."
            )
        return value

    def any_value(self, node: Node) -> Value:
        """The value of a part; of a question of a repeat that is seen from outside, its members."""
        value = self._raw(node)
        return value.item() if isinstance(value, np.generic) else value

    def _raw(self, node: Node) -> Value:
        from .functions import call

        kind = node.kind
        if kind in ("text", "number"):
            return node.value
        if kind in ("name", "this"):
            return self.question(self.name(node))
        if kind in ("and", "or"):
            join = np.logical_and if kind == "and" else np.logical_or
            out = truths(self.value(node.args[0]))
            for arg in node.args[1:]:
                out = join(out, truths(self.value(arg)))
            return out
        if kind == "compare":
            return compare(node.value, self.value(node.args[0]), self.value(node.args[1]))
        if kind == "arithmetic":
            out = numbers(self.value(node.args[0]))
            for operator, arg in zip(node.value, node.args[1:], strict=True):
                with np.errstate(all="ignore"):
                    out = ARITHMETIC[operator](out, numbers(self.value(arg)))
            return out if isinstance(out, np.ndarray) else float(out)
        if kind == "minus":
            return -numbers(self.value(node.args[0]))
        if kind == "call":
            return call(self, node.value, node.args)
        if kind == "column" and self.choice is not None:
            return self.choice.get(node.value, "")
        if kind == "column":
            raise self.error(f"{node.value!r} is no question here. Write ${{{node.value}}}.")
        raise self.meaningless(f"the path {node.value} leads out of what a table holds.")

    def name(self, node: Node) -> str:
        """The question that ``${name}`` or ``.`` stands for."""
        if node.kind == "this":
            if self.this is None:
                raise self.error("'.' has no meaning here. Name the question, ${name}.")
            return self.this
        return str(node.value)

    # ------------------------------------------------------------------------------------------------ where a name is

    def question(self, name: str) -> Cells | Chosen | Members:
        """The question of a name: in the row, in the row above, or in the rows of a repeat."""
        if name not in self.found:
            self.found[name] = self._find(name)
        return self.found[name]

    def _find(self, name: str) -> Cells | Chosen | Members:
        number = name in self.context.numbers
        if (cells := _cells(self.frame, name, number)) is not None:
            return cells
        places, table = np.arange(len(self.frame)), self.context.above
        inner = self.frame
        while table is not None:
            places = _through(places, owners(inner, table.identity, table.frame))
            if (cells := _cells(table.frame, name, number)) is not None:
                return cells.take(places)
            inner, table = table.frame, table.above
        if name in self.context.repeats:
            return self.members(name, Cells(np.ones(len(self.context.repeats[name].frame))))
        for repeat, table in self.context.repeats.items():
            if (cells := _cells(table.frame, name, number)) is not None:
                return self.members(repeat, cells)
        raise self.error(f"there is no column for the question {name!r}.")

    def chain(self, table: Table | None = None) -> list[tuple[str, pd.DataFrame]]:
        """The id columns and frames from a table, or from the row, up to the respondents."""
        if table is None:
            out, above = [(self.context.identity, self.frame)], self.context.above
        else:
            out, above = [(table.identity, table.frame)], table.above
        while above is not None:
            out.append((above.identity, above.frame))
            above = above.above
        # The frame that is evaluated may hold fewer rows than the one the context was made of.
        return [(name, self.frame if name == self.context.identity else frame) for name, frame in out]

    def members(self, repeat: str, cells: Cells | Chosen, below: str = "") -> Members:
        """The members of a repeat that share the nearest owner with the row.

        Of a repeat that the row itself is in, all members of its parent are meant.
        """
        table = self.context.repeats[repeat]
        own, theirs = self.chain(), self.chain(table)
        outer = {name for name, _ in self.chain(self.context.repeats[below or repeat])[1:]}
        shared = next((name for name, _ in own if name in outer), None)
        if shared is None:
            raise self.error(f"the members of {repeat!r} cannot be linked to the rows of the table.")
        (rows, frame), (owner, _) = climb(own, shared), climb(theirs, shared)
        return Members(cells, owner, len(frame), rows)


def climb(chain: list[tuple[str, pd.DataFrame]], to: str) -> tuple[Places, pd.DataFrame]:
    """The place, in the frame of an id, that each row of the first frame belongs to; and that frame."""
    name, frame = chain[0]
    places = np.arange(len(frame))
    for above, outer in chain[1:]:
        if name == to:
            break
        places = _through(places, owners(frame, above, outer))
        name, frame = above, outer
    return places, frame


def owners(frame: pd.DataFrame, column: str, above: pd.DataFrame) -> Places:
    """Where each row's owner stands in the table above, -1 if it is not there; of ids that repeat, the first."""
    import pandas as pd

    if column not in frame or column not in above:
        raise ExpressionError(f"there is no column {column!r} that links the members of a repeat to their owners.")
    ids = pd.Index(as_texts(above[column]))
    first = ~ids.duplicated()
    found = ids[first].get_indexer(as_texts(frame[column]))
    return np.where(found < 0, -1, np.flatnonzero(first)[found]) if len(ids) else np.full(len(frame), -1)


def _through(places: Places, onward: Places) -> Places:
    """Two steps as one; -1 stays -1."""
    return np.append(onward, -1)[places]


def _cells(frame: pd.DataFrame, name: str, number: bool = False) -> Cells | Chosen | None:
    if name in frame:
        return Cells(frame[name], number)
    columns = [c for c in frame.columns if isinstance(c, str) and c.startswith(f"{name}/")]
    if not columns:
        return None
    hits = np.column_stack([as_numbers(frame[column]) == 1 for column in columns])
    return Chosen(hits, [column[len(name) + 1 :] for column in columns])
