"""Words about a programme's register: definitions, tests, notes; numbers in them have passed the gate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from .durations import Durations
from .language import NO_BREAK, number, percent, say
from .outcomes import Outcomes
from .parts import in_language
from .sentences import by_label, level_label, overlapping, p_text, quoted, source_line
from .thresholds import PROFILES

DASH = "–"  # as tables have it


def hidden_n(row: Any, result: Any) -> str:
    """The n of a group that is empty or not shown."""
    if row["reason"] == "few":
        return f"<{NO_BREAK}{number(PROFILES[result.about.gate].suppress_below, result.language)}"
    return number(row["n"], result.language) if np.isfinite(row["n"]) else DASH


def between(low: float, high: float, language: str) -> str:
    """From one share to another, ``38–52%``; empty where one does not exist."""
    if not (np.isfinite(low) and np.isfinite(high)):
        return ""
    first = percent(low, language).rstrip("% \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}")
    return f"{first}–{percent(high, language)}"


def p_of(p: float, language: str) -> str:
    """``p = 0.012`` or ``p < 0.001``."""
    text = p_text(p, language)
    return f"p{NO_BREAK}{text}" if text.startswith("<") else f"p{NO_BREAK}={NO_BREAK}{text}"


def definition_label(result: Outcomes | Durations, name: str) -> str:
    """The wording of a definition: as ``survey.yml`` has it, else its choices."""
    programme = result.about.programme
    label = in_language(programme.definitions[name].label, result.language) if programme else ""
    return label or choices_of(result, name)


def choices_of(result: Outcomes | Durations, name: str) -> str:
    """What a definition counts, in the wording of the choices."""
    programme = result.about.programme
    if programme is None:
        return name
    labels = {choice.name: choice.label(result.language) for choice in result.questionnaire[programme.outcome].choices}
    return ", ".join(labels.get(choice, choice) for choice in programme.definitions[name].choices)


def heterogeneity_words(row: Any, language: str) -> str:
    """A test of heterogeneity with its statistic."""
    if row.test == "chi2":
        return say("outcomes_test_chi2", language, statistic=number(row.statistic, language, 2), df=int(row.df))
    return say("outcomes_test_exact", language) if row.test == "exact" else say("outcomes_test_simulated", language)


def group_label(result: Any, by: str, level: str) -> str:
    """The wording of a group; every result has the questionnaire and the language that it is made of."""
    return level_label(result, by, level)


def breakdown_label(result: Any, by: str) -> str:
    """The wording of a breakdown, of any result, without a full stop: it goes on in the same line."""
    return by_label(result, by).rstrip(".")


def by_of(result: Any, by: str, definition: str = "") -> str:
    """A breakdown in quotation marks, with the definition where there are several."""
    several = definition and len(result.definitions) > 1
    return quoted(breakdown_label(result, by), result.language) + (
        f" ({definition_label(result, definition)})" if several else ""
    )


def register_notes(result: Any, rows: pd.DataFrame) -> Iterator[str]:
    """Of what is counted: overlapping groups, who is in none of them, and who is kept.

    Where groups are hidden, who is in none of them is not told: it would be less that is left for those.
    """
    language, least = result.language, PROFILES[result.about.gate].suppress_below
    yield say("note_measure", language, measure=say("measure_record", language))
    in_none = (
        result.left_out if isinstance(result.left_out, dict) else dict.fromkeys(result.breakdowns, result.left_out)
    )
    for by in (by for by in result.breakdowns if (rows["by"] == by).any()):
        overlap = overlapping(result, by)
        if overlap:
            yield say("note_overlapping", language, by=by_of(result, by))
        n = in_none.get(by, 0)
        if n >= least and (overlap or not rows.loc[rows["by"] == by, "reason"].isin(["few", "protect"]).any()):
            lost = overlap and isinstance(result, Durations)
            yield say("note_in_no_group" if lost else "outcomes_left_out", language, by=by_of(result, by), n=n)
    if getattr(result, "where", ""):
        yield say("note_where", language, where=result.where)


def gate_notes(result: Any, rows: pd.DataFrame, mark: str = DASH) -> Iterator[str]:
    """What brackets and dashes in gated rows of a programme's register mean."""
    language, profile = result.language, PROFILES[result.about.gate]
    least = profile.suppress_below
    if result.about.gate == "open":
        yield say("note_gate_open", language)
    if (rows["status"] == "bracketed").any():
        what = say("outcomes_brackets" if mark == DASH else "outcomes_hollow", language)
        yield say("outcomes_bracketed", language, mark=what, low=least, high=profile.bracket_below - 1)
    if (rows["reason"] == "few").any():
        yield say("outcomes_few", language, mark=mark, n=least)
    if (rows["reason"] == "protect").any():
        yield say("outcomes_protect", language, mark=mark, n=least)
    empty = rows[rows["reason"] == "empty"]
    if len(empty) and "level" in rows:
        names = [level_label(result, by, level) for by, level in zip(empty["by"], empty["level"], strict=True)]
        yield say("outcomes_empty", language, mark=mark, levels=", ".join(dict.fromkeys(names)))
    if result.about.gate != "open" and (rows["reason"] == "").all():
        yield say("outcomes_thresholds", language, n=least)


def source_notes(result: Any) -> Iterator[str]:
    """Whether the data are synthetic, and where they are from."""
    if result.about.synthetic:
        yield say("note_synthetic", result.language)
    yield source_line(result.about, result.language)


def digits(share: float, other: float) -> int:
    """So many that a share does not look like another one."""
    return 1 if round(share, 2) == round(other, 2) and share != other else 0


def told(n: int, result: Any) -> str:
    """A count; of few only that they are."""
    least = PROFILES[result.about.gate].suppress_below
    return f"<{NO_BREAK}{number(least, result.language)}" if 0 < n < least else number(n, result.language)
