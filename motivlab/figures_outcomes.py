"""Figures of programme outcomes: rates with intervals, funnel, caterpillar and differences between groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .codes import choose
from .figures import tag_of
from .figures_rows import (
    GREY,
    SMALL,
    Dots,
    Mark,
    Panel,
    Words,
    difference_scale,
    draw_legend,
    name_points,
    rows_figure,
    share_scale,
    without_marks,
)
from .gate_outcomes import gated_outcomes, gated_pooling
from .language import number, percent, say
from .outcomes import Outcomes
from .page import PAD, STYLE, WIDTH, Page, palette
from .pooled import FUNNEL, funnel_limits
from .questionnaire import did_you_mean
from .sentences import bracketed, p_text, quoted
from .sentences_outcomes import breakdown_label, by_of, definition_label, group_label, hidden_n
from .tables import points
from .tables_outcomes import outcomes_notes
from .thresholds import PROFILES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHAPES = "osD^vP"  # of definitions
FUNNEL_HEIGHT = 3.6
OUTSIDE = {"": "o", "low": "v", "high": "^", "very_low": "X", "very_high": "X"}
TOTAL_LINE = {"color": GREY, "linestyle": (0, (4, 2)), "linewidth": 1.1}


def plot_outcomes(result: Outcomes, by: str | None = None, rate: str = "enrolled") -> Axes | list[Axes]:
    """Outcome rates as dots with their Wilson intervals, and how many of how many beside them.

    Definitions are not compared: each has a panel and a shape of its own. A hollow dot or brackets say that a rate
    rests on few participants, a cross that it is not shown.

    Parameters
    ----------
    result : Outcomes
    by : str, optional
        One of its breakdowns: a row for each group below the total, which a vertical line goes on from. Without one,
        a row for each rate: of all who enrolled, of those who left, of those who completed.
    rate : {"enrolled", "exited", "completed"}
        Of whom, in a breakdown.

    Returns
    -------
    Axes, or list of Axes
        The latter for several definitions.

    Raises
    ------
    ValueError
        If the result has no such breakdown or rate.

    Examples
    --------
    >>> from motivlab.outcomes import outcomes
    >>> from motivlab.survey import open_survey
    >>> survey = open_survey("data/programme_participants", language="en")
    >>> axes = plot_outcomes(outcomes(survey, "wide", by="gender"), "gender")
    >>> [label.get_text() for label in axes.get_yticklabels()]
    ['Total', 'Woman', 'Man']
    """
    _require(result, by, rate)
    language, frame = result.language, gated_outcomes(result)
    rows = frame[frame["by"] == ""] if by is None else frame[frame["by"].isin(["", by]) & (frame["rate"] == rate)]
    panels, labels = [], []
    several = len(result.definitions) > 1
    for name, shape, colour in zip(result.definitions, SHAPES, palette(len(SHAPES)), strict=False):
        own = rows[rows["definition"] == name]
        labels = [_of(row["rate"], language) if by is None else _group(result, row) for _, row in own.iterrows()]
        words = (_each(own, lambda row: bracketed(row, percent(row["estimate"], language))), _counts(result, own))
        total = np.nan if by is None else own["estimate"].iloc[0]
        dots = (_dots(own, "estimate", "ci_low", "ci_high", colour, shape), _dots(own, "high_bound", "", "", GREY, "|"))
        head = definition_label(result, name) if several else ""
        panels.append(Panel(dots, words, head, total))
    around = Words(
        say("figure_outcomes", language),
        _subtitle(result, by, "" if several else result.definitions[0], rate if by else ""),
        tag_of(result.about, language), _axis(result),
        outcomes_notes(result, rows, "×"), (say("share", language), say("outcomes_k_of_n", language)),
    )  # fmt: skip
    legend = [] if by is None else [Mark(say("total", language), TOTAL_LINE)]
    if (rows["unknown"] > 0).any():
        legend.append(Mark(say("figure_all_unknown", language), {"color": GREY, "marker": "|", "linestyle": "none"}))
    axes = rows_figure(around, labels, panels, share_scale(language), legend)
    return axes if several else axes[0]


def plot_caterpillar(result: Outcomes, by: str, rate: str = "enrolled", definition: str | None = None) -> Axes:
    """The groups of a breakdown in the order of their partially pooled rates, beside those observed.

    The pooled rate of a group is drawn to the mean of all the more, the smaller it is, so that small groups do not
    stand first and last by chance alone.

    Parameters
    ----------
    result : Outcomes
    by : str
    rate : {"enrolled", "exited", "completed"}
    definition : str, optional
        By default the first of the result.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If the result has no such breakdown, rate or definition, or its groups overlap or may not be shown.

    Examples
    --------
    >>> from motivlab.outcomes import outcomes
    >>> from motivlab.survey import open_survey
    >>> survey = open_survey("data/programme_participants", language="en")
    >>> axes = plot_caterpillar(outcomes(survey, "wide", by="gender"), "gender")
    >>> [label.get_text() for label in axes.get_yticklabels()]
    ['Woman', 'Man']
    """
    name = _require(result, by, rate, definition, pooled=True)
    language, frame = result.language, gated_outcomes(result)
    rows = frame[(frame["by"] == by) & (frame["rate"] == rate) & (frame["definition"] == name)]
    rows = rows.sort_values("pooled", ascending=False, kind="stable", na_position="last")
    if rows["pooled"].isna().all():
        raise ValueError(f"by={by!r}: no group has a pooled rate that may be shown. Choose another breakdown.")
    dark, light = palette(2)
    raw = _dots(rows, "estimate", "", "", light, "D", 0.16)
    pooled = _dots(rows, "pooled", "pooled_low", "pooled_high", dark, "o", -0.16)
    fitted = gated_pooling(result)
    fitted = fitted[(fitted["by"] == by) & (fitted["rate"] == rate) & (fitted["definition"] == name)].iloc[0]
    words = (
        _each(rows, lambda row: bracketed(row, percent(row["pooled"], language))),
        _each(rows, lambda row: bracketed(row, percent(row["estimate"], language))), _counts(result, rows),
    )  # fmt: skip
    notes = [say("outcomes_pooling", language)]
    if fitted["pooling"] == "complete":
        notes.append(say("outcomes_pooling_complete", language, by=by_of(result, by)))
    around = Words(
        say("figure_caterpillar", language),
        _subtitle(result, by, name, rate),
        tag_of(result.about, language), _axis(result),
        [*notes, *_superpopulation(result), *outcomes_notes(result, rows, "×", interval=False)],
        (say("outcomes_pooled", language), say("figure_observed", language), say("outcomes_k_of_n", language)),
    )  # fmt: skip
    legend = [
        Mark(say("figure_pooled_mark", language, level=percent(result.confidence, language)),
             {"color": dark, "marker": "o"}),
        Mark(say("figure_observed_mark", language),
             {"color": light, "marker": "D", "linestyle": "none"}),
        Mark(say("figure_centre", language, share=percent(fitted["centre"], language)), TOTAL_LINE),
    ]  # fmt: skip
    labels = [_group(result, row) for _, row in rows.iterrows()]
    panel = Panel((pooled, raw), words, line=float(fitted["centre"]))
    return rows_figure(around, labels, [panel], share_scale(language), legend, 0.36)[0]


def plot_differences(result: Outcomes, by: str, rate: str = "enrolled", definition: str | None = None) -> Axes:
    """How far the rate of each group is from that of everybody else, or of the reference, with Newcombe's interval.

    Parameters
    ----------
    result : Outcomes
    by : str
    rate : {"enrolled", "exited", "completed"}
    definition : str, optional
        By default the first of the result.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If the result has no such breakdown, rate or definition, or no difference that may be shown.

    Examples
    --------
    >>> from motivlab.outcomes import outcomes
    >>> from motivlab.survey import open_survey
    >>> survey = open_survey("data/programme_participants", language="en")
    >>> axes = plot_differences(outcomes(survey, "wide", by="gender"), "gender")
    >>> [label.get_text() for label in axes.get_yticklabels()]
    ['Woman', 'Man']
    """
    name = _require(result, by, rate, definition)
    language, frame = result.language, gated_outcomes(result)
    reference = result.reference.get(by, "")
    rows = frame[(frame["by"] == by) & (frame["rate"] == rate) & (frame["definition"] == name)]
    rows = rows[rows["level"] != reference] if reference else rows
    if rows["difference"].isna().all():
        raise ValueError(f"by={by!r}: no group has a difference that may be shown. Choose another breakdown.")
    words = (
        _each(rows, lambda row: bracketed(row, points(row["difference"], language)), "difference"),
        _each(rows, lambda row: f"[{points(row['difference_low'], language)}; "
                                f"{points(row['difference_high'], language)}]", "difference"),
        _each(rows, lambda row: p_text(row["p_adjusted"], language), "p_adjusted"), _counts(result, rows),
    )  # fmt: skip
    level = percent(result.confidence, language)
    title = say("figure_differences", language)
    if reference:
        other = quoted(group_label(result, by, reference), language)
        title = say("figure_differences_reference", language, reference=other)
    around = Words(
        title, _subtitle(result, by, name, rate),
        tag_of(result.about, language), say("figure_points", language, level=level),
        [say("outcomes_difference_test", language, correction=say(f"correction_{result.correction}", language)),
         *_superpopulation(result), *outcomes_notes(result, rows, "×", interval=False)],
        (say("figure_difference", language), say("confidence", language, level=level),
         say("figure_p_adjusted", language), say("outcomes_k_of_n", language)),
    )  # fmt: skip
    dots = _dots(rows, "difference", "difference_low", "difference_high", palette(1)[0], "o")
    labels = [_group(result, row) for _, row in rows.iterrows()]
    return rows_figure(around, labels, [Panel((dots,), words, line=0.0)], difference_scale(language))[0]


# ---------------------------------------------------------------------------------------------------------- funnel


def plot_funnel(result: Outcomes, by: str, definition: str | None = None) -> Axes:
    """The rates of the enrolled against the size of the groups, with the limits between which chance leaves them.

    Groups outside the limits differ in shape and are named. Groups that may not be shown are not drawn; a note counts
    them.

    Parameters
    ----------
    result : Outcomes
    by : str
    definition : str, optional
        By default the first of the result.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If the result has no such breakdown or definition, or its groups overlap or may not be shown.

    References
    ----------
    Spiegelhalter, D. J. (2005). Funnel plots for comparing institutional performance. Statistics in Medicine 24,
    1185-1202.

    Examples
    --------
    >>> from motivlab.outcomes import outcomes
    >>> from motivlab.survey import open_survey
    >>> survey = open_survey("data/programme_participants", language="en")
    >>> axes = plot_funnel(outcomes(survey, "wide", by="gender"), "gender")
    >>> axes.get_xlabel()
    'Participants in the group (n)'
    """
    import matplotlib as mpl
    import matplotlib.pyplot as plt
    from matplotlib.ticker import FuncFormatter

    plt.install_repl_displayhook()
    name = _require(result, by, "enrolled", definition, pooled=True)
    language = result.language
    rows, centre = _funnel_rows(result, by, name)
    drawn = rows[rows["reason"] == ""].reset_index(drop=True)
    legend = _funnel_legend(drawn, centre, language)
    hidden = int((rows["reason"] != "").sum())
    few = PROFILES[result.about.gate].suppress_below
    notes = [say("figure_funnel_chance", language, low=percent(0.95, language), high=percent(0.998, language, 1))]
    notes += [say("figure_hidden", language, n=hidden, few=few)] if hidden else []
    with mpl.rc_context(STYLE):
        page = Page(
            say("figure_funnel", language), [[percent(1.0, language)]],
            [*notes, *without_marks(outcomes_notes(result, rows, "×", interval=False))], FUNNEL_HEIGHT,
            subtitle=_subtitle(result, by, name, "enrolled"),
            tag=tag_of(result.about, language), legend=max(map(len, legend)),
        )  # fmt: skip
        figure = page.figure()
        left = page.left + 0.3
        ax = page.axes(figure, 0, left, WIDTH - left - 0.2)
        ax.grid(True, axis="both")
        _funnel_range(ax, drawn, centre)
        _funnel_limits(ax, centre)
        _funnel_points(ax, drawn)
        outside = (drawn["flag"] != "").to_numpy()
        names = [_group(result, row) if out else "" for out, (_, row) in zip(outside, drawn.iterrows(), strict=True)]
        name_points(ax, drawn["n"].to_numpy(dtype=float), drawn["estimate"].to_numpy(dtype=float), names)
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value, language)))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: percent(value, language)))
        ax.tick_params(labelsize=SMALL)
        ax.set_xlabel(say("figure_group_size", language), fontsize=SMALL)
        ax.set_ylabel(say("figure_rate", language), fontsize=SMALL)
        for part, at in zip(legend, (PAD, WIDTH / 2), strict=True):
            draw_legend(page, figure, part, left=at, lines=max(map(len, legend)))
        figure.set_label(f"{say('figure_funnel', language)} – {_subtitle(result, by, name, 'enrolled')}")
    return ax


def _funnel_rows(result: Outcomes, by: str, definition: str) -> tuple[pd.DataFrame, float]:
    """The gated groups with their flags, and the rate of all that are shown, so that no hidden one is told of."""
    frame = gated_outcomes(result)
    rows = frame[(frame["by"] == by) & (frame["rate"] == "enrolled") & (frame["definition"] == definition)]
    rows = rows[rows["reason"] != "empty"]
    shown = rows[rows["reason"] == ""]
    if shown.empty:
        raise ValueError(f"by={by!r}: no group may be shown. Choose another breakdown.")
    centre = float(shown["k"].sum() / shown["n"].sum())
    inner, outer = funnel_limits(rows["n"].fillna(0), centre, FUNNEL)
    rate = rows["estimate"].to_numpy()
    flag = np.select(
        [rate < outer[0], rate > outer[1], rate < inner[0], rate > inner[1]],
        ["very_low", "very_high", "low", "high"],
        "",
    )
    return rows.assign(flag=flag), centre


def _funnel_legend(rows: pd.DataFrame, centre: float, language: str) -> tuple[list[Mark], list[Mark]]:
    """What the lines are, and what the shapes that are there say."""
    inner, outer = (percent(level, language, digits) for level, digits in zip(FUNNEL, (0, 1), strict=True))
    lines = [
        Mark(say("figure_overall", language, share=percent(centre, language)), {"color": GREY}),
        Mark(say("figure_limits", language, level=inner), {"color": GREY, "linestyle": "--", "linewidth": 1.1}),
        Mark(say("figure_limits", language, level=outer), {"color": GREY, "linestyle": ":", "linewidth": 1.1}),
    ]
    there = set(rows["flag"])
    words = {
        "": say("figure_within", language), "high": say("figure_above", language, level=inner),
        "low": say("figure_below", language, level=inner), "very": say("figure_outside", language, level=outer),
    }  # fmt: skip
    groups = {"": {""}, "high": {"high"}, "low": {"low"}, "very": {"very_high", "very_low"}}
    marks = [
        Mark(words[key], {**_shape(min(flags)), "linestyle": "none"}) for key, flags in groups.items() if flags & there
    ]
    return lines, marks


def _shape(flag: str) -> dict[str, Any]:
    """Marker and colour of a group in the funnel; outside the outer limits it is largest."""
    inside, outside = palette(2)
    return {
        "marker": OUTSIDE[flag], "color": outside if flag else inside, "markersize": 8 if "very" in flag else 6.5,
        "markeredgewidth": 1.2,
    }  # fmt: skip


def _funnel_range(ax: Axes, rows: pd.DataFrame, centre: float) -> None:
    n, rate = rows["n"].to_numpy(dtype=float), rows["estimate"].to_numpy(dtype=float)
    low, high = min(rate.min(), centre), max(rate.max(), centre)
    ax.set_xlim(0, n.max() * 1.1)
    ax.set_ylim(max(np.floor(low * 10 - 1) / 10, 0) - 0.02, min(np.ceil(high * 10 + 1) / 10, 1) + 0.02)
    for axis, (first, last) in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim())):
        axis.set_ticks([tick for tick in axis.get_ticklocs() if max(first, 0) <= tick <= last])


def _funnel_limits(ax: Axes, centre: float) -> None:
    """The overall rate and the limits around it, at every whole number of people."""
    n = np.arange(1, int(ax.get_xlim()[1]) + 1)
    inner, outer = funnel_limits(n, centre, FUNNEL)
    for (low, high), shade, line in ((outer, "#f2f2f2", ":"), (inner, "#e6e6e6", "--")):
        ax.fill_between(n, low, high, color=shade, linewidth=0, zorder=0)
        ax.plot(n, low, n, high, linestyle=line, color=GREY, linewidth=1.1, zorder=1)
    ax.axhline(centre, color=GREY, linewidth=1.6, zorder=1)


def _funnel_points(ax: Axes, rows: pd.DataFrame) -> None:
    for flag, own in rows.groupby("flag", sort=True):
        hollow = (own["status"] == "bracketed").to_numpy()
        style = _shape(str(flag))
        for part, face in ((~hollow, style["color"]), (hollow, "white")):
            ax.plot(
                own["n"].to_numpy()[part], own["estimate"].to_numpy()[part], **style, linestyle="none",
                markerfacecolor=face, zorder=3, clip_on=False,
            )  # fmt: skip


# ----------------------------------------------------------------------------------------------------------- words


def _require(result: Outcomes, by: str | None, rate: str, definition: str | None = None, pooled: bool = False) -> str:
    """The definition that is drawn; the breakdown, rate and definition must be there."""
    if by is not None and by not in result.breakdowns:
        known = ", ".join(result.breakdowns) or "nothing"
        raise ValueError(f"by={by!r}: the outcomes are broken down by {known}{did_you_mean(by, result.breakdowns)}")
    if pooled and by in result.overlapping:
        raise ValueError(f"by={by!r}: its groups overlap, and are no sample of groups. Use plot_outcomes.")
    choose(rate=(rate, result.rates))
    if definition is None:
        return result.definitions[0]
    choose(definition=(definition, result.definitions))
    return definition


def _of(rate: str, language: str) -> str:
    """Of whom a rate is, as the start of a row."""
    return say(f"outcomes_{rate}", language)


def _subtitle(result: Outcomes, by: str | None, definition: str, rate: str) -> str:
    """Breakdown, definition, of whom; empty is what does not apply."""
    words = [breakdown_label(result, by) if by else "", definition and definition_label(result, definition)]
    words.append(rate and _of(rate, result.language))
    shown = [word for word in words if word]
    # what follows goes on in the same line
    return " – ".join([*shown[:1], *(word[:1].lower() + word[1:] for word in shown[1:])])


def _group(result: Outcomes, row: pd.Series) -> str:
    return group_label(result, row["by"], row["level"])


def _superpopulation(result: Outcomes) -> list[str]:
    """What an interval is about where everybody is counted."""
    return [say("outcomes_complete", result.language)] if result.complete else []


def _axis(result: Outcomes) -> str:
    return say("axis_share_unweighted", result.language, level=percent(result.confidence, result.language))


def _each(rows: pd.DataFrame, text: Any, needed: str = "estimate") -> tuple[str, ...]:
    """A text per row, empty where its number is not shown."""
    return tuple("" if pd.isna(row[needed]) else text(row) for _, row in rows.iterrows())


def _counts(result: Outcomes, rows: pd.DataFrame) -> tuple[str, ...]:
    """How many of how many; of a group of few only that it is."""
    return tuple(
        say("outcomes_of", result.language, k=int(row["k"]), n=int(row["n"])) if pd.notna(row["k"])
        else hidden_n(row, result)
        for _, row in rows.iterrows()
    )  # fmt: skip


def _dots(rows: pd.DataFrame, value: str, low: str, high: str, colour: Any, marker: str, offset: float = 0.0) -> Dots:
    """Dots of three columns of gated rows; without an interval where its columns are not named."""
    none = np.full(len(rows), np.nan)
    x, left, right = (rows[column].to_numpy(dtype=float) if column else none for column in (value, low, high))
    return Dots(x, left, right, (rows["status"] == "bracketed").to_numpy(), colour, marker, offset)
