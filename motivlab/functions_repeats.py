"""The functions of expressions that look into repeats: sums and counts over members, positions, indexed-repeat()."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .codes import as_texts
from .evaluate import Evaluator, Node, climb
from .values import (
    Members,
    Numbers,
    Places,
    Value,
    filled,
    numbers,
)

Args = tuple[Node, ...]


def gathered(function: str) -> Callable[[Evaluator, Args], Value]:
    """count, count-non-empty and sum: of the members of a repeat, or of one question."""

    def apply(ev: Evaluator, args: Args) -> Value:
        value = ev.any_value(args[0])
        cells = value.cells if isinstance(value, Members) else value
        if function == "sum":
            found = numbers(cells)
            found = np.where(np.isnan(found), 0.0, found)
        elif function == "count":
            found = np.ones(len(value.owner) if isinstance(value, Members) else 1)
        else:
            found = np.asarray(filled(cells), dtype=float)
        if isinstance(value, Members):
            return value.total(found)
        return found if found.ndim and function != "count" else float(found.flat[0])

    return apply


def extreme(pick: Any) -> Callable[[Evaluator, Args], Value]:
    """Min and max: of what there is, blanks aside."""

    def apply(ev: Evaluator, args: Args) -> Value:
        found: list[Any] = []
        for arg in args:
            value = ev.any_value(arg)
            if not isinstance(value, Members):
                found.append(numbers(value))
                continue
            best = np.full(value.size, np.nan)
            known = value.owner >= 0
            pick.at(best, value.owner[known], numbers(value.cells)[known])
            found.append(value.spread(best, np.nan))
        out = found[0]
        for other in found[1:]:
            out = pick(out, other)
        return out if isinstance(out, np.ndarray) else float(out)

    return apply


def position(ev: Evaluator, args: Args) -> Value:
    """``position(..)``: which member of its owner each row is, from 1."""
    if ev.context.above is None:
        raise ev.meaningless("position() counts the members of a repeat; this is not inside one.")
    chain = ev.chain()
    up = 0
    if args and args[0].kind == "parent":
        up = min(args[0].value, len(chain) - 1) - 1
        if up and len(chain) > 2:
            raise ev.meaningless("'../..' may be a group or the outer repeat. Use position(..) in a calculation there.")
    elif args:
        raise ev.error("position() takes '..'.")
    elif not args:
        raise ev.meaningless("position() has no meaning outside a path. Use position(..).")
    return positions(chain[up][1], chain[up][0], chain[up + 1][0])


def positions(frame: Any, identity: str, above: str) -> Numbers:
    """Which member of its owner each row is, from 1: as its id says, ``R1/2``, else in the order of the table."""
    import pandas as pd

    if identity in frame:
        said = pd.Series(as_texts(frame[identity]), dtype="str").str.extract(r"/(\d+)$")[0]
        if len(said) and bool(said.notna().all()):
            return np.asarray(said.astype(float))
    order = pd.Series(as_texts(frame[above])).groupby(as_texts(frame[above])).cumcount()
    return order.to_numpy(dtype=float) + 1


def indexed_repeat(ev: Evaluator, args: Args) -> Value:
    """``indexed-repeat(${q}, ${repeat}, n)``: the answer of the n-th member."""
    pairs = [(ev.name(args[i]), numbers(ev.value(args[i + 1]))) for i in range(1, len(args) - 1, 2)]
    name = ev.name(args[0])
    for repeat, _ in pairs:
        if repeat not in ev.context.repeats:
            raise ev.error(f"indexed-repeat(): there is no table of a repeat {repeat!r}.")
    inner = next((one for one, table in ev.context.repeats.items() if _holds(table.frame, name)), "")
    if not inner:
        raise ev.error(f"there is no column for the question {name!r}.")
    cells = Evaluator(ev.text, ev.context.repeats[inner].frame).question(name)
    members = ev.members(inner, cells, pairs[0][0])  # type: ignore[arg-type]  # its own frame: never Members
    chain = ev.chain(ev.context.repeats[inner])
    keys, wanted = members.owner.astype(float), members.rows.astype(float)
    for repeat, index in pairs:
        level = [identity for identity, _ in chain].index(ev.context.repeats[repeat].identity)
        theirs = positions(chain[level][1], chain[level][0], chain[level + 1][0])
        places = _up(chain, level)
        at = np.append(theirs, np.nan)[places]
        which = np.broadcast_to(np.maximum(np.trunc(index), 1), len(ev.frame))
        scale = max(np.nanmax(at, initial=1), np.nanmax(which, initial=1)) + 1
        keys, wanted = keys * scale + at, wanted * scale + which
    import pandas as pd

    known = pd.Index(np.where((members.owner < 0) | np.isnan(keys), np.arange(-len(keys), 0) - 1.0, keys))
    first = ~known.duplicated()
    places = known[first].get_indexer(np.where((members.rows < 0) | np.isnan(wanted), -0.5, wanted))
    return cells.take(np.append(np.flatnonzero(first), -1)[places])  # type: ignore[union-attr]


def _up(chain: list[tuple[str, Any]], level: int) -> Places:
    return climb(chain[: level + 1], chain[level][0])[0]


def _holds(frame: Any, name: str) -> bool:
    return name in frame or any(isinstance(c, str) and c.startswith(f"{name}/") for c in frame.columns)
