"""The words around gains in a figure: what was measured when, changes with their intervals, notes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from .gains import Gains
from .gated_gains import outcome_label, overlapping_groups
from .language import number, percent, say
from .sentences import by_label, level_label, quoted, source_line
from .tables_attrition import bracketed as in_brackets
from .thresholds import PROFILES


def directions_text(row: pd.Series, language: str) -> str:
    """The shares of those who improved, stayed the same, got worse, ``66 / 9 / 25``."""
    if row["reason"]:
        return ""
    shares = " / ".join(number(100 * row[part], language) for part in ("improved", "same", "worse"))
    return in_brackets(row, shares)


def pairs_text(gains: Gains, row: pd.Series) -> str:
    """How many pairs a row has, ``< 20`` where it is not told."""
    if row["reason"] == "few":
        return f"< {PROFILES[gains.about.gate].suppress_below}"
    return number(row["n_paired"], gains.language) if np.isfinite(row["n_paired"]) else ""


def scale_text(row: pd.Series, language: str, keys: Sequence[str]) -> str:
    """What an axis is: a scale with its ends, a value, or a share; the keys of these three phrases."""
    bounded, free, share = keys
    if row["binary"]:
        return say(share, language)
    low, high = float(row["lowest"]), float(row["highest"])
    if not np.isfinite(low + high):
        return say(free, language)
    return say(bounded, language, low=f"{low:g}", high=f"{high:g}")


def listed(labels: Iterable[str], language: str) -> str:
    """Labels in quotation marks, with commas."""
    return ", ".join(quoted(label, language) for label in dict.fromkeys(labels))


def directions_notes(gains: Gains, rows: pd.DataFrame) -> Iterator[str]:
    """What counts as improved."""
    language, any_change = gains.language, False
    for outcome in dict.fromkeys(rows["outcome"]):
        instrument, row = gains.about.gains[outcome], rows[rows["outcome"] == outcome].iloc[0]
        label = quoted(outcome_label(gains, outcome), language)
        if instrument.smallest and not row["binary"]:
            value = number(instrument.smallest, language, 0 if float(instrument.smallest).is_integer() else 2)
            yield say("plot_changes_smallest", language, outcome=label, value=value)
        else:
            any_change = True
    if any_change:
        yield say("plot_changes_any", language)


def interval_names(rows: pd.DataFrame) -> list[str]:
    """The intervals of the mean changes that are shown."""
    told = rows.loc[rows["reason"] == "", "test"]
    return [f"plot_gains_{name}" for name in ("paired_t", "mcnemar", "design_t") if (told == name).any()]


def gains_notes(
    gains: Gains, rows: pd.DataFrame, by: str | None, bracketed: str, intervals: Sequence[str]
) -> Iterator[str]:
    """What has to stand under a figure of gains: n, interval, weights, gate, that nothing was compared, source.

    Parameters
    ----------
    gains : Gains
    rows : DataFrame
        The gated rows that are shown.
    by : str or None
    bracketed, intervals : str, sequence of str
        Keys of phrases: what brackets mean, which intervals there are.
    """
    of: Any = gains
    language, profile = gains.language, PROFILES[gains.about.gate]
    if rows["change"].str.contains("then").any():
        yield say("plot_gains_then_is", language)
    lower = [outcome_label(gains, o) for o in rows["outcome"] if gains.about.gains[o].better == "lower"]
    if lower:
        yield say("plot_gains_lower", language, outcome=listed(lower, language))
    total = rows[(rows["by"] == "") & rows["n_paired"].notna()]
    if len(total):
        ends = dict.fromkeys(number(n, language) for n in (total["n_paired"].min(), total["n_paired"].max()))
        yield say("plot_gains_n_of", language, paired="–".join(ends), n=int(total["n"].max()))
    else:
        yield say("plot_gains_n", language)
    if gains.where:
        yield say("note_where", language, where=gains.where)
    if by and overlapping_groups(gains, by):
        yield say("note_overlapping", language, by=quoted(by_label(of, by), language))
    weight = gains.about.design.weight
    yield say("note_weighted", language, weight=weight) if weight else say("note_unweighted", language)
    if intervals:
        names = "; ".join(say(key, language) for key in intervals)
        yield say("note_interval", language, level=percent(gains.confidence, language), name=names)
    left_out = gains.left_out.get(by, 0) if by else 0
    if left_out and (left_out >= profile.suppress_below or gains.about.gate == "open"):
        key = "note_in_no_group" if by and overlapping_groups(gains, by) else "note_left_out"
        yield say(key, language, by=quoted(by_label(of, str(by)), language), n=left_out)
    if gains.about.gate == "open":
        yield say("note_gate_open", language)
    if (rows["status"] == "bracketed").any():
        yield say(bracketed, language, low=profile.suppress_below, high=profile.bracket_below - 1)
    hidden = set(rows["reason"])
    if "few" in hidden:
        yield say("plot_gains_few", language, n=profile.suppress_below)
    if "protect" in hidden:
        yield say("plot_gains_protect", language)
    if "nonresponse" in hidden:
        yield say("plot_gains_no_pairs", language)
    if "empty" in hidden:
        empty = rows[rows["reason"] == "empty"]
        names = ", ".join(
            dict.fromkeys(level_label(of, b, level) for b, level in zip(empty["by"], empty["level"], strict=True))
        )
        yield say("note_empty", language, mark="×", levels=names)
    if hidden == {""} and gains.about.gate != "open":
        yield say("plot_gains_gate", language, n=profile.suppress_below)
    yield say("note_no_comparison" if gains.versus.empty else "plot_gains_participants", language)
    if gains.about.synthetic:
        yield say("note_synthetic", language)
    yield source_line(gains.about, language)
