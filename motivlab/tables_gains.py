"""Gains as tables; all numbers pass the gate first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from .gains import Gains
from .gate import judged, protected
from .gated_gains import gated_gains, gated_occasions, measure_label, outcome_label, overlapping_groups
from .language import number, percent, say
from .measured import SHIFT
from .sentences import by_label, level_label, p_text, quoted
from .tables import SUPPRESSED, Block, Table, points, table
from .tables_attrition import (
    INDENT,
    MARK,
    Cells,
    bracketed,
    change_label,
    digits_for,
    ending,
    gate_notes,
    moment_label,
    plus,
    weighting,
)
from .thresholds import PROFILES

AT_END = 0.15  # a share at an end of the scale from which on it is marked


def gated_versus(result: Gains) -> pd.DataFrame:
    """Participants against the comparison group, as far as it may be shown.

    Returns
    -------
    DataFrame
        ``result.versus`` with ``status`` and ``reason``, and NaN where the participants are hidden in
        :func:`motivlab.gated_gains.gated_gains`, or fewer than 20 pairs are in the comparison group; or where one of
        them could be had by subtraction.
    """
    frame, profile = result.versus, PROFILES[result.about.gate]
    keys = ["outcome", "change", "by", "level"]
    told = gated_gains(result).set_index(keys)
    rows = pd.MultiIndex.from_frame(frame[keys])
    passed = judged(
        frame[keys].assign(n=frame["n_comparison"], asked=frame["n_comparison"], missing_share=0.0), profile
    )
    for by in result.breakdowns:
        if not overlapping_groups(result, by):
            inside = passed["by"] == by
            passed.loc[inside] = protected(passed[inside], profile, ("outcome", "change"))
    ours = told["reason"].reindex(rows).to_numpy()
    reason = np.where(ours != "", ours, passed["reason"])
    bracketed = (told["status"].reindex(rows).to_numpy() == "bracketed") | (passed["status"] == "bracketed")
    status = np.where(reason != "", "suppressed", np.where(bracketed, "bracketed", "shown"))
    out = frame.assign(status=status, reason=reason)
    numbers = [c for c in frame.columns if c not in keys]
    out[numbers] = out[numbers].astype(float)
    out.loc[reason != "", numbers] = np.nan
    return out


@table.register(Gains)
def _gains(result: Gains) -> Table:
    """Of the total blocks for means, shares, size and direction, scale ends and n; then one block per breakdown."""
    frame, language = gated_gains(result), result.language
    total = frame[frame["by"] == ""]
    plain, binary = total[~total["binary"].astype(bool)], total[total["binary"].astype(bool)]
    blocks = [_means(result, plain)] if len(plain) else []
    blocks += [_shares(result, binary)] if len(binary) else []
    blocks += [_size(result, total)]
    blocks += [_ends(result, plain)] if plain[["floor_pre", "ceiling_pre"]].notna().any(axis=None) else []
    blocks.append(_counts(result, total))
    blocks += [_groups(result, by, frame[frame["by"] == by]) for by in result.breakdowns]
    blocks += [_occasions(result)] if len(result.occasions) else []
    blocks += [_versus(result)] if len(result.versus) else []
    title = say("gains_title_pre_post", language)
    if result.design == "retro_pre_post":
        asked = any(result.about.gains[name].pre for name in result.outcomes)
        title = say("gains_title_retro_pre", language) if asked else say("gains_title_retro", language)
    if len(result.outcomes) == 1:
        title = f"{outcome_label(result, result.outcomes[0])} – {title}"
    return Table(title, tuple(blocks), tuple(gains_notes(result, frame)), frame, language)


# ------------------------------------------------------------------------------------------------------- wordings


def row_label(result: Gains, outcome: str, change: str) -> str:
    """The outcome and, where it has several, the change."""
    label = outcome_label(result, outcome)
    several = result.frame.loc[result.frame["outcome"] == outcome, "change"].drop_duplicates()
    return f"{label}: {change_label(result, outcome, change)}" if len(several) > 1 else label


def digits_of(row: Any) -> int:
    """How many decimals a mean of the scale has, by its greatest value."""
    return digits_for(row[c] for c in ("lowest", "highest", "mean_pre", "mean_post"))


def change_text(row: Any, language: str, column: str = "estimate", unit: bool = True) -> str:
    """A change in the unit of the scale, of a 0/1 outcome in percentage points, with its sign."""
    if not row["binary"]:
        return plus(row[column], language, digits_of(row))
    text = points(row[column], language)
    return say("gains_points", language, size=text) if unit else text


def change_interval(row: Any, language: str) -> str:
    """The bounds of the change, ``+7.7; +9.0``; empty where it has none."""
    if not (np.isfinite(row["ci_low"]) and np.isfinite(row["ci_high"])):
        return ""
    return "; ".join(change_text(row, language, column, unit=False) for column in ("ci_low", "ci_high"))


def _number(value: float, language: str, digits: int) -> str:
    return number(value, language, digits) if np.isfinite(value) else ""


def _share(value: float, language: str) -> str:
    return percent(value, language) if np.isfinite(value) else ""


def _level(row: Any, language: str, column: str) -> str:
    """A mean, or the share of ones."""
    return _share(row[column], language) if row["binary"] else _number(row[column], language, digits_of(row))


def estimate_text(row: Any, language: str, unit: bool = True) -> str:
    """A mean change with its interval, in brackets if it rests on few; empty where it is hidden."""
    if not np.isfinite(row["estimate"]):
        return ""
    within = change_interval(row, language)
    return bracketed(row, change_text(row, language, unit=unit)) + (f" [{within}]" if within else "")


def few_or(row: Any, column: str, least: int, language: str) -> str:
    """A number of people; how many at most where they are few, a dash where it may not be told."""
    if np.isfinite(row[column]):
        return number(row[column], language)
    return f"< {number(least, language)}" if row["reason"] == "few" else SUPPRESSED


def _block(
    result: Gains, title: str, head: Sequence[str], rows: pd.DataFrame, cells: Callable[[Any], Cells],
    name: Callable[[Any], str] | None = None, people: Sequence[int] = (),
) -> Block:  # fmt: skip
    """A block with a row for each row; of a suppressed one dashes, and in the columns ``people`` what n may be told."""
    out = []
    least = PROFILES[result.about.gate].suppress_below
    for _, row in rows.iterrows():
        label = name(row) if name else row_label(result, row["outcome"], row["change"])
        if row["status"] == "suppressed":
            dashes = [SUPPRESSED] * (len(head) - 1)
            for i in people:
                dashes[i] = few_or(row, "n_paired", least, result.language)
            out.append((label, *dashes))
        else:
            out.append((label, *cells(row)))
    return Block(title, tuple(head), tuple(out))


def _level_of(result: Gains) -> str:
    return percent(result.confidence, result.language)


# ---------------------------------------------------------------------------------------------------------- blocks


def _means(result: Gains, rows: pd.DataFrame) -> Block:
    language = result.language

    def cells(row: Any) -> Cells:
        places = digits_of(row)
        means = [bracketed(row, _number(row[f"mean_{at}"], language, places)) for at in ("pre", "post")]
        spread = [_number(row[f"sd_{at}"], language, places) for at in ("pre", "post")]
        p = [p_text(row[name], language) for name in ("p", "p_adjusted")]
        return (means[0], spread[0], means[1], spread[1], estimate_text(row, language),
                number(row["n_paired"], language), *p)  # fmt: skip

    head = (
        "", say("gains_mean_before", language), say("gains_sd", language), say("gains_mean_after", language),
        say("gains_sd", language), say("gains_mean_change", language, level=_level_of(result)),
        say("gains_pairs", language), "p", say("compare_p_adjusted", language),
    )  # fmt: skip
    return _block(result, say("gains_block_means", language), head, rows, cells, people=(5,))


def _shares(result: Gains, rows: pd.DataFrame) -> Block:
    language = result.language

    def cells(row: Any) -> Cells:
        return (
            bracketed(row, _share(row["mean_pre"], language)), bracketed(row, _share(row["mean_post"], language)),
            estimate_text(row, language, unit=False), number(row["n_paired"], language),
            p_text(row["p_mcnemar"], language), p_text(row["p_adjusted"], language),
        )  # fmt: skip

    head = (
        "", say("gains_share_before", language), say("gains_share_after", language),
        say("gains_points_change", language, level=_level_of(result)), say("gains_pairs", language),
        say("gains_p_mcnemar", language), say("compare_p_adjusted", language),
    )  # fmt: skip
    return _block(result, say("gains_block_shares", language), head, rows, cells, people=(3,))


def _size(result: Gains, rows: pd.DataFrame) -> Block:
    """d, ranks, and who improved: of the response shift nobody, which is no change of theirs."""
    language, level = result.language, _level_of(result)

    def d(row: Any, name: str) -> str:
        if not np.isfinite(row[name]):
            return ""
        ends = [row[f"{name}_low"], row[f"{name}_high"]]
        within = "; ".join(plus(end, language) for end in ends) if np.isfinite(ends).all() else ""
        return bracketed(row, plus(row[name], language)) + (f" [{within}]" if within else "")

    def cells(row: Any) -> Cells:
        shares = [_share(row[name], language) for name in ("improved", "same", "worse")]
        rank = plus(row["rank_biserial"], language) if np.isfinite(row["rank_biserial"]) else ""
        return (d(row, "d_z"), d(row, "d_av"), rank, p_text(row["p_wilcoxon"], language),
                *(["", "", ""] if row["change"] == SHIFT else (bracketed(row, share) for share in shares)))  # fmt: skip

    head = (
        "", say("gains_d_z", language, level=level), say("gains_d_av", language, level=level),
        say("gains_rank_biserial", language), say("gains_p_wilcoxon", language), say("gains_improved", language),
        say("gains_same", language), say("gains_worse", language),
    )  # fmt: skip
    return _block(result, say("gains_block_size", language), head, rows, cells)


def _ends(result: Gains, rows: pd.DataFrame) -> Block:
    language = result.language
    columns = ("floor_pre", "floor_post", "ceiling_pre", "ceiling_post")

    def cells(row: Any) -> Cells:
        marks = [MARK if row[c] >= AT_END else "" for c in columns]
        shares = [_share(row[c], language) for c in columns]
        return tuple(bracketed(row, share) + mark for share, mark in zip(shares, marks, strict=True))

    head = (
        "", say("gains_lowest_before", language), say("gains_lowest_after", language),
        say("gains_highest_before", language), say("gains_highest_after", language),
    )  # fmt: skip
    return _block(result, say("gains_block_ends", language), head, rows[rows["change"] != SHIFT], cells)


def _counts(result: Gains, rows: pd.DataFrame) -> Block:
    language = result.language

    def cells(row: Any) -> Cells:
        return tuple(number(row[c], language) for c in ("n", "n_pre", "n_post", "n_paired"))

    head = (
        "", say("gains_n", language), say("gains_n_before", language), say("gains_n_after", language),
        say("gains_pairs", language),
    )  # fmt: skip
    return _block(
        result, say("gains_block_n", language), head, rows[rows["change"] != SHIFT], cells, people=(0, 1, 2, 3)
    )


def _groups(result: Gains, by: str, rows: pd.DataFrame) -> Block:
    """The groups of a breakdown, under a line for each change where there are several."""
    language = result.language

    def cells(row: Any) -> Cells:
        shares = [_share(row[name], language) for name in ("improved", "worse")]
        return (
            *(bracketed(row, _level(row, language, name)) for name in ("mean_pre", "mean_post")),
            estimate_text(row, language), number(row["n_paired"], language), p_text(row["p_adjusted"], language),
            *(["", ""] if row["change"] == SHIFT else (bracketed(row, share) for share in shares)),
        )  # fmt: skip

    head = (
        "", say("gains_before", language), say("gains_after", language),
        say("gains_change", language, level=_level_of(result)), say("gains_pairs", language),
        say("compare_p_adjusted", language), say("gains_improved", language), say("gains_worse", language),
    )  # fmt: skip
    words: Any = result
    several = len(rows[["outcome", "change"]].drop_duplicates()) > 1

    def name(row: Any) -> str:
        return (INDENT if several else "") + level_label(words, by, row["level"])

    out: list[Cells] = []
    for (outcome, change), part in rows.groupby(["outcome", "change"], sort=False):
        if several:
            out.append((row_label(result, outcome, change), *[""] * (len(head) - 1)))
        out += _block(result, "", head, part, cells, name, (3,)).rows
    return Block(by_label(words, by), head, tuple(out))


def _grouped(result: Gains, row: Any, label: str) -> str:
    """The label of a row, with its group if it is one."""
    words: Any = result
    return f"{INDENT}{level_label(words, row['by'], row['level'])}" if row["by"] else label


def _occasions(result: Gains) -> Block:
    language, frame = result.language, gated_occasions(result)
    moments = [c.removeprefix("mean_") for c in frame if c.startswith("mean_")]
    longest = max(result.outcomes, key=lambda name: len(result.about.gains[name].later))
    total = result.frame[result.frame["by"] == ""].drop_duplicates("outcome").set_index("outcome")

    def cells(row: Any) -> Cells:
        one = {**total.loc[row["outcome"]], **row}
        means = [bracketed(row, _level(one, language, f"mean_{name}")) for name in moments]
        means = [SUPPRESSED] * len(means) if _tells_of_few(result, row) else means
        n = row["n_any" if row["test"] == "mixed" else "n_complete"]
        tested = f"{number(row['statistic'], language, 2)} ({number(row['df'], language)})"
        return (*means, number(n, language), say(f"gains_test_{row['test']}", language),
                tested if np.isfinite(row["statistic"]) else "", p_text(row["p"], language))  # fmt: skip

    head = (
        "",
        *(moment_label(result, longest, name) for name in moments),
        "n",
        say("gains_test", language),
        say("gains_chi2", language),
        "p",
    )
    return _block(
        result, say("gains_block_occasions", language), head, frame, cells,
        lambda row: _grouped(result, row, outcome_label(result, row["outcome"])),
    )  # fmt: skip


def _tells_of_few(result: Gains, row: Any) -> bool:
    """Whether means of those with all occasions, beside those of all pairs, would tell of the few between."""
    keys = ["outcome", "by", "level"]
    pairs = result.frame.loc[(result.frame[keys] == row[keys]).all(axis=1), "n_paired"] - row["n_complete"]
    return row["test"] != "mixed" and bool(((pairs > 0) & (pairs < PROFILES[result.about.gate].suppress_below)).any())


def _versus(result: Gains) -> Block:
    language, frame = result.language, gated_versus(result)
    known = result.frame.set_index(["outcome", "change", "by", "level"])

    def cells(row: Any) -> Cells:
        one = known.loc[tuple(row[key] for key in ("outcome", "change", "by", "level"))]
        of = {**one[["binary", "lowest", "highest", "mean_pre", "mean_post"]], **row, "estimate": row["difference"]}
        sides = [
            f"{bracketed(row, change_text(of, language, side))} ({number(row[f'n_{side}'], language)})"
            for side in ("participants", "comparison")
        ]
        return (*sides, estimate_text(of, language), p_text(row["p"], language))

    head = (
        "", say("gains_participants", language), say("gains_comparison", language),
        say("gains_versus", language, level=_level_of(result)), "p",
    )  # fmt: skip
    return _block(
        result, say("gains_block_versus", language), head, frame, cells,
        lambda row: _grouped(result, row, row_label(result, row["outcome"], row["change"])),
    )  # fmt: skip


# ----------------------------------------------------------------------------------------------------------- notes


def gains_notes(result: Gains, frame: pd.DataFrame) -> Iterator[str]:
    """What has to stand under the table of gains."""
    language, about, level = result.language, result.about, _level_of(result)
    instruments = {name: about.gains[name] for name in result.outcomes}
    yield say("note_measure", language, measure=say("measure_reported_gain", language))
    yield say("gains_note_change", language)
    if lower := [quoted(outcome_label(result, n), language) for n, i in instruments.items() if i.better == "lower"]:
        yield say("gains_note_lower", language, outcomes=", ".join(lower))
    for size in sorted({i.smallest for i in instruments.values() if i.smallest}):
        named = [quoted(outcome_label(result, n), language) for n, i in instruments.items() if i.smallest == size]
        yield say("gains_note_smallest", language, size=number(size, language, 0 if size % 1 == 0 else 2),
                  outcomes=", ".join(named))  # fmt: skip
    if (frame["change"] == SHIFT).any():
        yield say("gains_note_shift", language)
    if named := [quoted(measure_label(result, n), language) for i in instruments.values() for n in i.later]:
        yield say("gains_note_later", language, labels=", ".join(dict.fromkeys(named)))
    if (~frame["binary"].astype(bool)).any():
        yield say("gains_note_d", language)
        yield say("gains_note_ranks", language)
    family = ", ".join(quoted(outcome_label(result, name), language) for name in result.family)
    correction = say(f"correction_{result.correction}", language)
    yield say("gains_note_adjusted", language, correction=correction, family=family)
    key = "gains_note_design_interval" if result.weighted else "gains_note_plain_interval"
    yield say(key, language, level=level)
    yield weighting(result)
    shown = frame[frame["reason"] == ""]
    still = shown[(shown["k_improved"] + shown["k_worse"] == 0) & (shown["estimate"] == 0) & (shown["p"] == 1)]
    if len(still):
        yield say("gains_note_nobody", language, rows=_named(result, still))
    alike = shown[shown["p"].isna() & (shown["se"] == 0)]
    if len(alike):
        yield say("gains_note_alike", language, rows=_named(result, alike))
    ends = frame.loc[frame["by"] == "", ["floor_pre", "ceiling_pre", "floor_post", "ceiling_post"]]
    if (ends >= AT_END).any(axis=None):
        yield say("gains_note_ends", language, share=percent(AT_END, language))
    yield say("gains_note_blank", language)
    reasons = [frame[["by", "level", "status", "reason"]]]
    if len(result.occasions):
        yield say("gains_note_occasions", language)
        reasons.append(gated_occasions(result))
        if any(_tells_of_few(result, row) for _, row in result.occasions.iterrows()):
            yield say("gains_note_protected", language, mark=SUPPRESSED)
    if len(result.versus):
        reasons.append(gated_versus(result))
    yield from _breakdown_notes(result)
    yield from gate_notes(result, pd.concat([part[["by", "level", "status", "reason"]] for part in reasons]))
    yield say("gains_note_versus" if len(result.versus) else "note_no_comparison", language)
    yield from ending(result)


def _named(result: Gains, rows: pd.DataFrame) -> str:
    words: Any = result
    names = []
    for _, row in rows.iterrows():
        group = f" ({level_label(words, row['by'], row['level'])})" if row["by"] else ""
        names.append(row_label(result, row["outcome"], row["change"]) + group)
    return "; ".join(dict.fromkeys(names))


def _breakdown_notes(result: Gains) -> Iterator[str]:
    words: Any = result
    language, least = result.language, PROFILES[result.about.gate].suppress_below
    if result.where:
        yield say("note_where", language, where=result.where)
    for by in result.breakdowns:
        if overlapping_groups(result, by):
            yield say("note_overlapping", language, by=quoted(by_label(words, by), language))
    for by, n in result.left_out.items():
        if n >= least:
            key = "note_in_no_group" if overlapping_groups(result, by) else "note_left_out"
            yield say(key, language, by=quoted(by_label(words, by), language), n=n)
