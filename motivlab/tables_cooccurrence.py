"""What is named together, past the gate, and as tables.

A combination is close to a person's whole answer. So here few respondents count on their own, not only a small base: a
combination that fewer than the profile's threshold named is put among the other combinations.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from .cooccurrence import JOINED, NO_CHOICE, OTHER, Cooccurrence, Partition
from .estimate import Estimates
from .gate import Gated, gate
from .language import number, percent, say
from .sentences import bracketed, by_label, interval, item_label, level_label, notes, p_text, shown
from .tables import SUPPRESSED, Block, Table, n_of, table
from .thresholds import PROFILES, Profile

# What a pair named by few may not tell, besides what the gate takes of any row.
_SECRET = ("k", "estimate", "se", "ci_low", "ci_high", "deff", "n_eff")
_OF_PAIRS = ("expected", "ratio", "ratio_low", "ratio_high", "difference", "difference_se", "difference_low",
             "difference_high", "t", "p", "p_adjusted", "phi")  # fmt: skip


@dataclass(frozen=True)
class GatedCooccurrence:
    """What may be shown of a co-occurrence.

    Attributes
    ----------
    numbers, mean, choices, pairs, combinations : Gated
        A row of ``numbers`` that would be tiny is put together with its neighbour, as ``3+`` or ``0-1``. Pairs that
        few named are suppressed, combinations that few named are in ``(other)``.
    members : dict of str to tuple of str
        The choices of each combination that is shown.
    merged : bool
        Whether a combination was put among the others because few named it.
    """

    numbers: Gated
    mean: Gated
    choices: Gated
    pairs: Gated
    combinations: Gated
    members: dict[str, tuple[str, ...]]
    merged: bool

    @property
    def language(self) -> str:
        """The language it is shown in."""
        return self.choices.estimates.language

    @property
    def profile(self) -> Profile:
        """The thresholds."""
        return self.choices.profile


def gate_cooccurrence(found: Cooccurrence) -> GatedCooccurrence:
    """Let through what may be shown of a co-occurrence.

    No number shown counts fewer than the threshold's respondents in a combination, nor does what is left of a number
    of choices, of a choice or of a pair when the combinations shown are taken off it. So a combination that many named
    may be among the others, too.

    Examples
    --------
    >>> from motivlab.cooccurrence import cooccurrence
    >>> from motivlab.survey import Survey
    >>> df = pd.DataFrame({"q/a": [1] * 70 + [0] * 40, "q/b": [0] * 40 + [1] * 60 + [0] * 10})
    >>> found = cooccurrence(Survey.from_frame(df), "q")
    >>> found.combinations.frame[["item", "k"]].values.tolist()
    [['a', 40], ['a + b', 30], ['b', 30], ['(none)', 10]]
    >>> gate_cooccurrence(found).combinations.frame[["item", "k"]].values.tolist()
    [['a', 40.0], ['a + b', 30.0], ['(other)', 40.0]]
    """
    least = PROFILES[found.choices.about.gate].suppress_below
    kept = replace(found.mean, interval="korn-graubard", statistic="share")
    numbers = _numbers(found.numbers, least)
    pairs = _pairs(gate(replace(found.choices, frame=found.pairs)), least)
    combined, merged = _combinations(found, numbers, pairs, least)
    return GatedCooccurrence(
        numbers=gate(replace(kept, frame=numbers.frame)),
        mean=gate(found.mean),
        choices=gate(found.choices),
        pairs=pairs,
        combinations=gate(replace(found.choices, frame=combined.frame)),
        members={item: found.members[item] for item in combined.items if item != OTHER},
        merged=merged,
    )


def _numbers(numbers: Partition, least: int) -> Partition:
    """Neighbours put together, from the top, until no number of choices is named by few."""
    k = numbers.solution.k[0]
    cells = [[i] for i in range(len(numbers.items))]

    def few(cell: list[int]) -> bool:
        return 0 < k[cell].sum() < least

    while len(cells) > 1 and few(cells[-1]):
        cells[-2:] = [cells[-2] + cells[-1]]
    i = 0
    while i < len(cells) - 1:
        if few(cells[i]):
            cells[i : i + 2] = [cells[i] + cells[i + 1]]
        else:
            i += 1
    while len(cells) > 1 and few(cells[-1]):
        cells[-2:] = [cells[-2] + cells[-1]]
    return numbers.merged([(_number_name(numbers.items, cell), cell) for cell in cells])


def _number_name(items: Sequence[str], cell: Sequence[int]) -> str:
    if len(cell) == 1:
        return items[cell[0]]
    return f"{items[cell[0]]}+" if cell[-1] == len(items) - 1 else f"{items[cell[0]]}-{items[cell[-1]]}"


def _pairs(gated: Gated, least: int) -> Gated:
    """Pairs, without those that few named together."""
    frame = gated.frame.copy()
    # under a threshold of 1 there is nobody to protect
    few = (frame["reason"] == "") & (frame["k"] < least) & (least > 1)
    frame.loc[few, ["status", "reason"]] = ["suppressed", "few"]
    hidden = frame["reason"] != ""
    columns = [c for c in (*_SECRET, *_OF_PAIRS) if c in frame]
    frame.loc[hidden, columns] = np.nan
    return replace(gated, estimates=replace(gated.estimates, frame=frame.assign(flagged=frame["flagged"] & ~few)))


def _combinations(found: Cooccurrence, numbers: Partition, pairs: Gated, least: int) -> tuple[Partition, bool]:
    """The combinations with those of few among the others, and whether there were any."""
    parts = found.combinations
    k = dict(zip(parts.items, parts.solution.k[0], strict=True))
    kept = [item for item in parts.items if item != OTHER and not 0 < k[item] < least]
    sums = list(_sums(found, numbers, pairs))
    while True:
        # what is left of a sum, when the combinations shown are taken off it
        left = (([i for i in kept if i in of], total - sum(k[i] for i in kept if i in of)) for total, of in sums)
        open_ones = next((inside for inside, rest in left if inside and 0.5 < rest < least), [])
        if not open_ones:
            break
        kept.remove(min(reversed(open_ones), key=lambda item: (item == NO_CHOICE, k[item])))
    merged = any(item not in kept for item in parts.items if item != OTHER)
    rest = [i for i, item in enumerate(parts.items) if item not in kept]
    at = {item: i for i, item in enumerate(parts.items)}
    return parts.merged([*((item, [at[item]]) for item in kept), *([(OTHER, rest)] if rest else [])]), merged


def _sums(found: Cooccurrence, numbers: Partition, pairs: Gated) -> Iterator[tuple[float, set[str]]]:
    """Every number shown that some combinations are part of: how many respondents, and which combinations."""
    members = {item: found.members.get(item, ()) for item in found.combinations.items if item != OTHER}
    yield float(found.combinations.solution.k[0].sum()), set(members)
    for name, k in zip(numbers.items, numbers.solution.k[0], strict=True):
        low, _, high = name.rstrip("+").partition("-")
        highest = len(found.choices.frame) if name.endswith("+") else int(high or low)
        yield float(k), {item for item, choices in members.items() if int(low) <= len(choices) <= highest}
    for choice, k in zip(found.choices.frame["item"], found.choices.frame["k"], strict=True):
        yield float(k), {item for item, choices in members.items() if choice in choices}
    together = pairs.frame[pairs.frame["reason"] == ""]
    for first, second, k in zip(together["first"], together["second"], together["k"], strict=True):
        yield float(k), {item for item, choices in members.items() if first in choices and second in choices}


# ------------------------------------------------------------------------------------------------------- words


def number_label(item: str, language: str) -> str:
    """How many choices, in words: ``3 or more``, ``0–1``."""
    if item.endswith("+"):
        return say("number_or_more", language, n=int(item[:-1]))
    return item.replace("-", "–")


def combination_label(gated: GatedCooccurrence, item: str) -> str:
    """The choices of a combination; one by itself says that it was the only one."""
    e = gated.choices.estimates
    if item == OTHER:
        return say("cooccurrence_other", e.language)
    choices = [item_label(e, choice) for choice in gated.members.get(item, ())]
    if not choices:
        return say("cooccurrence_none", e.language)
    return say("cooccurrence_alone", e.language, choice=choices[0]) if len(choices) == 1 else JOINED.join(choices)


def cooccurrence_notes(gated: GatedCooccurrence, figure: bool = False) -> list[str]:
    """What has to stand under the tables, or under the figure of the combinations."""
    language, profile = gated.language, gated.profile
    out = notes(gated.combinations if figure else gated.numbers, marks=not figure)
    own = []
    rows = gated.pairs.frame
    if not figure and (rows["reason"] == "").any():
        level = percent(gated.pairs.estimates.confidence, language)
        own.append(say("note_cooccurrence_pairs", language, level=level))
        if _all_named(gated):
            own.append(say("note_cooccurrence_named", language))
    if not figure and (rows["reason"] == "few").any():
        own.append(say("note_cooccurrence_pairs_few", language, n=profile.suppress_below))
    if gated.merged and (gated.combinations.frame["reason"] == "").any():
        own.append(say("note_cooccurrence_few", language, n=profile.suppress_below))
    return [*out[:-1], *own, out[-1]]


def _all_named(gated: GatedCooccurrence) -> bool:
    """Whether everybody in the base named at least one choice."""
    frame = gated.numbers.frame
    first = frame[frame["by"] == ""].iloc[0]
    return not (first["item"].startswith("0") and first["estimate"] > 0)


# ------------------------------------------------------------------------------------------------------- tables


@table.register(Cooccurrence)
@table.register(GatedCooccurrence)
def _table(found: Cooccurrence | GatedCooccurrence) -> Table:
    """How many choices, overall and by group; pairs; exact combinations."""
    gated = found if isinstance(found, GatedCooccurrence) else gate_cooccurrence(found)
    e, language = gated.choices.estimates, gated.language
    blocks = [_number_block(gated)]
    blocks += [_group_block(gated, by) for by in gated.numbers.estimates.breakdowns]
    blocks += [block for block in (_pair_block(gated), _combination_block(gated)) if block.rows]
    parts = {"number": gated.numbers, "mean": gated.mean, "pair": gated.pairs, "combination": gated.combinations}
    frames = [part.frame.assign(part=name) for name, part in parts.items()]
    numbers = pd.concat(frames, ignore_index=True)
    numbers.insert(0, "part", numbers.pop("part"))
    title = e.questionnaire[e.question].label(language)
    return Table(title, tuple(blocks), tuple(cooccurrence_notes(gated)), numbers, language)


def _head(e: Estimates, first: str = "share") -> tuple[str, ...]:
    level = percent(e.confidence, e.language)
    return ("", say(first, e.language), say("confidence", e.language, level=level), "n")


def _n(gated: GatedCooccurrence, row: Any) -> str:
    language = gated.language
    return f"< {number(gated.profile.suppress_below, language)}" if pd.isna(row["n"]) else number(row["n"], language)


def _row(gated: GatedCooccurrence, part: Gated, label: str, row: Any) -> tuple[str, ...]:
    if row["status"] == "suppressed":
        return label, SUPPRESSED, SUPPRESSED, _n(gated, row)
    e = part.estimates
    return label, bracketed(row, shown(row["estimate"], e)), interval(row, e), _n(gated, row)


def _cell(part: Gated, row: Any) -> str:
    if row["status"] == "suppressed":
        return SUPPRESSED
    e = part.estimates
    return f"{bracketed(row, shown(row['estimate'], e))} [{interval(row, e)}]"


def _number_block(gated: GatedCooccurrence) -> Block:
    language, numbers = gated.language, gated.numbers
    total = numbers.frame[numbers.frame["by"] == ""]
    rows = [_row(gated, numbers, number_label(row["item"], language), row) for _, row in total.iterrows()]
    rows.append(_row(gated, gated.mean, say("cooccurrence_mean", language), gated.mean.frame.iloc[0]))
    return Block(say("cooccurrence_numbers", language), _head(numbers.estimates), tuple(rows))


def _group_block(gated: GatedCooccurrence, by: str) -> Block:
    """A column per group: how many choices, and the mean number."""
    e, language = gated.numbers.estimates, gated.language
    rows, means = (part.frame[part.frame["by"] == by] for part in (gated.numbers, gated.mean))
    levels = list(dict.fromkeys(rows["level"]))
    head = ["", *(f"{level_label(e, by, x)}\n{n_of(gated.numbers, rows[rows['level'] == x])}" for x in levels)]
    out = []
    for item, part in rows.groupby("item", sort=False):
        cells = [_cell(gated.numbers, part[part["level"] == level].iloc[0]) for level in levels]
        out.append((number_label(str(item), language), *cells))
    cells = [_cell(gated.mean, means[means["level"] == level].iloc[0]) for level in levels]
    out.append((say("cooccurrence_mean", language), *cells))
    return Block(f"{say('cooccurrence_numbers', language)} – {by_label(e, by)}", tuple(head), tuple(out))


def _pair_block(gated: GatedCooccurrence) -> Block:
    """The pairs that may be shown, the most frequent first."""
    e, language = gated.pairs.estimates, gated.language
    rows = gated.pairs.frame[gated.pairs.frame["reason"] == ""]
    columns = ("cooccurrence_both", "cooccurrence_expected", "cooccurrence_ratio", "cooccurrence_p")
    head = [say(column, language) for column in columns]
    head[2] += f" [{say('confidence', language, level=percent(e.confidence, language))}]"
    out = []
    for _, row in rows.sort_values("estimate", ascending=False, kind="stable").iterrows():
        ratio = number(row["ratio"], language, 2) if np.isfinite(row["ratio"]) else SUPPRESSED
        if np.isfinite(row["ratio_low"]):
            low, high = (number(row[bound], language, 2) for bound in ("ratio_low", "ratio_high"))
            ratio += f" [{low}–{high}]"
        label = JOINED.join(item_label(e, row[side]) for side in ("first", "second"))
        expected = percent(row["expected"], language)
        out.append((label, _cell(gated.pairs, row), expected, ratio, p_text(row["p_adjusted"], language)))
    return Block(say("cooccurrence_pairs", language), ("", *head), tuple(out))


def _combination_block(gated: GatedCooccurrence) -> Block:
    part = gated.combinations
    if not gated.members:  # all that is left is "other combinations", which says nothing
        return Block("", (), ())
    rows = [_row(gated, part, combination_label(gated, row["item"]), row) for _, row in part.frame.iterrows()]
    return Block(say("cooccurrence_combinations", gated.language), _head(part.estimates), tuple(rows))
