"""The value of a form's expression over a table: every row at once, in the types that XPath 1.0 has.

What the values are, and how one type is turned into another, is :mod:`motivlab.values`.

Source: XPath 1.0 with the deviations of the ODK XForms specification, https://getodk.github.io/xforms-spec/, and where
it leaves a choice, what JavaRosa (ODK Collect, KoboCollect) does: ``sum``, ``min`` and ``max`` pass over blanks, and a
question for a number is false as a condition where it is 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from .codes import as_numbers, as_texts
from .values import Cells, Chosen, Mask, Members, Numbers, Places, Texts, Value, compare, numbers, truths

if TYPE_CHECKING:
    import pandas as pd

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
