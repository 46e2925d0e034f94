"""Figures of gains: means before and after, mean changes, more than two occasions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from .codes import choose
from .figures import tag_of
from .gains import Gains
from .gains_rows import (
    ABOVE,
    SMALL,
    Panel,
    draw_mark,
    dumbbells,
    ends_of,
    forest,
    name_marks,
    panel_of,
    panels_figure,
    value_axis,
)
from .gains_words import (
    directions_notes,
    directions_text,
    gains_notes,
    interval_names,
    listed,
    pairs_text,
    scale_text,
)
from .gated_gains import gated_gains, gated_occasions, measure_label, outcome_label
from .language import number, percent, say
from .measured import moments
from .page import LINE, PAD, STYLE, WIDTH, Page, palette, wrap
from .sentences import p_text
from .tables_attrition import change_label, moment_label
from .tables_gains import digits_of, estimate_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OCCASIONS_HEIGHT = 2.9  # inches


def plot_gains(
    gains: Gains, by: str | None = None, *, outcome: str | None = None, change: str | None = None
) -> Axes | list[Axes]:
    r"""The means before (hollow) and after (filled), and beside them the mean change with its interval.

    A row for each outcome; outcomes of different scales have panels of their own. Where participants also looked back
    ("then"), each row has a line for the change from then and one for the change from before. A cross says that a
    group has too few pairs to be shown.

    Parameters
    ----------
    gains : Gains
    by : str, optional
        One of its breakdowns: a row for each group of one outcome, below the total.
    outcome : str, optional
        This one alone. With ``by`` it is needed where there are several.
    change : str, optional
        This one alone, ``"later_1 - pre"``; by default those from before, or from then, to after.

    Returns
    -------
    Axes, or list of Axes
        The latter for several panels.

    Raises
    ------
    ValueError
        If there is no such breakdown, outcome or change, or ``by`` comes without an outcome.

    Examples
    --------
    >>> from .gains import gains
    >>> from .survey import open_survey
    >>> survey = open_survey("data/programme_participants", language="en")
    >>> axes = plot_gains(gains(survey))
    >>> [[label.get_text() for label in one.get_yticklabels()][0] for one in axes]
    ['Well-being', 'Knowing where to turn about own\nrights', 'Looking for work']
    """
    rows, language = _rows(gains, by, outcome, change), gains.language
    level, several = percent(gains.confidence, language), len(set(rows["change"])) > 1
    panels = []
    for part in _panels(rows):
        binary = bool(part["binary"].iloc[0])
        unit = say("plot_gains_change_points" if binary else "plot_gains_change", language, level=level)
        axis = scale_text(part.iloc[0], language, ("plot_gains_scale", "plot_gains_value", "plot_gains_share"))
        panels.append(panel_of(gains, part, by, _change, unit, axis, several))
    asked = dict.fromkeys(moment for name in rows["change"] for moment in name.split(" - "))
    order = [moment for moment in moments(gains.about.gains[rows["outcome"].iloc[0]]) if moment in asked]
    said = ", ".join(moment_label(gains, rows["outcome"].iloc[0], moment) for moment in order)
    subtitle = say("plot_gains_subtitle", language, moments=said)
    notes = [say("plot_gains_marks", language)]
    notes += gains_notes(gains, rows, by, "plot_gains_bracketed", interval_names(rows))

    def draw(ax: Axes, panel: Panel, at: list[list[float]], width: float) -> None:
        dumbbells(ax, panel, at, language)
        name_marks(ax, gains, panel, at, width)

    return panels_figure(gains, by, rows, panels, notes, subtitle, draw, ABOVE)


def plot_changes(
    gains: Gains, standardised: Literal[False, "d_z", "d_av"] = False, by: str | None = None, *,
    outcome: str | None = None, change: str | None = None,
) -> Axes | list[Axes]:  # fmt: skip
    """The mean changes with their intervals, and the shares of those who improved, stayed the same, got worse.

    Parameters
    ----------
    gains : Gains
    standardised : {False, "d_z", "d_av"}
        Changes in standard deviations, on one axis; else in the unit of their scale, each scale in a panel of its own.
        Outcomes that are yes or no have no standardised change and are left out.
    by, outcome, change
        As for :func:`plot_gains`.

    Returns
    -------
    Axes, or list of Axes
        The latter for several panels.

    Raises
    ------
    ValueError
        As for :func:`plot_gains`, and if no outcome has a standardised change.

    Examples
    --------
    >>> from .gains import gains
    >>> from .survey import open_survey
    >>> survey = open_survey("data/programme_participants", language="en")
    >>> axes = plot_changes(gains(survey), "d_av")
    >>> [label.get_text().split()[0] for label in axes.get_yticklabels()]
    ['Well-being', 'Knowing', 'Sense']
    """
    rows, language = _rows(gains, by, outcome, change), gains.language
    level, several = percent(gains.confidence, language), len(set(rows["change"])) > 1
    said = "; ".join(dict.fromkeys(change_label(gains, row["outcome"], row["change"]) for _, row in rows.iterrows()))
    unit, notes = say("plot_gains_directions", language), list[str]()
    columns = ("estimate", "ci_low", "ci_high")
    if standardised:
        choose(standardised=(standardised, ("d_z", "d_av")))
        rows, notes = _with_spread(gains, rows, standardised)
        subtitle = say("plot_changes_subtitle_d", language, d=standardised, changes=said, level=level)
        columns = (str(standardised), f"{standardised}_low", f"{standardised}_high")
        intervals = ["plot_gains_noncentral" if standardised == "d_z" else "plot_gains_bonett"]
        axis = say("plot_changes_d", language, d=standardised)
        panels = [panel_of(gains, rows, by, directions_text, unit, axis, several)]
    else:
        subtitle = say("plot_changes_subtitle", language, changes=said, level=level)
        intervals, panels = interval_names(rows), []
        keys = ("plot_changes_scale", "plot_changes_value", "plot_changes_points")
        for part in _panels(rows):
            axis = scale_text(part.iloc[0], language, keys)
            panels.append(panel_of(gains, part, by, directions_text, unit, axis, several))
    notes += [*directions_notes(gains, rows), *gains_notes(gains, rows, by, "plot_changes_bracketed", intervals)]

    def draw(ax: Axes, panel: Panel, at: list[list[float]], width: float) -> None:
        forest(ax, panel, at, columns, language)

    return panels_figure(gains, by, rows, panels, notes, subtitle, draw, 0.0)


def _with_spread(gains: Gains, rows: pd.DataFrame, d: str) -> tuple[pd.DataFrame, list[str]]:
    """The rows that have a standardised change, what it is, and which outcomes have none."""
    binary = rows["binary"].astype(bool)
    if binary.all():
        raise ValueError(
            f"standardised={d!r}: {', '.join(dict.fromkeys(rows['outcome']))}: the answer is yes or no, of which "
            "there is no standardised change. Leave out standardised."
        )
    notes = [say("plot_changes_d_z" if d == "d_z" else "plot_changes_d_av", gains.language)]
    if binary.any():
        without = listed((outcome_label(gains, name) for name in rows.loc[binary, "outcome"]), gains.language)
        notes.append(say("plot_changes_without", gains.language, outcomes=without))
    return rows[~binary], notes


def plot_occasions(gains: Gains, outcome: str | None = None) -> Axes:
    r"""The means at three or more occasions, as slopes from the first to each later one, with the change's interval.

    Not the same people are there at every occasion: each slope is of those who have both of its measurements, and so
    has a first mean of its own.

    Parameters
    ----------
    gains : Gains
    outcome : str, optional
        By default the first that has three occasions.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If there is no such outcome, or it has two occasions only.

    Examples
    --------
    >>> from .gains import gains
    >>> from .survey import open_survey
    >>> survey = open_survey("data/programme_participants", language="en")
    >>> axes = plot_occasions(gains(survey), "wellbeing")
    >>> [label.get_text().split("\n")[0] for label in axes.get_xticklabels()]
    ['before', 'after', 'later']
    """
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    plt.install_repl_displayhook()
    several = list(dict.fromkeys(gains.occasions["outcome"])) if len(gains.occasions) else []
    if outcome is not None:
        choose(outcome=(outcome, gains.outcomes))
    if not several or (outcome is not None and outcome not in several):
        raise ValueError(
            f"{outcome or 'gains'}: there are two occasions only. Name the later ones in survey.yml, under `later` of "
            "the outcome, or use plot_gains."
        )
    outcome, language = outcome or several[0], gains.language
    frame = gated_gains(gains)
    rows = frame[(frame["outcome"] == outcome) & (frame["by"] == "")].reset_index(drop=True)
    names = moments(gains.about.gains[outcome])
    left = PAD + 0.75
    width = WIDTH - left - 0.35
    ticks = _occasion_ticks(gains, rows, outcome, width / len(names) - 0.1)
    axis = scale_text(rows.iloc[0], language, ("plot_gains_scale", "plot_gains_value", "plot_gains_share"))
    level = percent(gains.confidence, language)
    said = "; ".join(say(key, language) for key in interval_names(rows))
    notes = [say("plot_gains_marks", language)]
    notes += [say("plot_occasions_interval", language, level=level, name=said)] if said else []
    notes += [*_occasions_test(gains, outcome), *gains_notes(gains, rows, None, "plot_gains_bracketed", [])]
    title = outcome_label(gains, outcome)
    below = max(text.count("\n") for text in ticks) * SMALL * LINE / 72
    with mpl.rc_context(STYLE):
        page = Page(title, [[""]], notes, OCCASIONS_HEIGHT + below - 0.3, tag=tag_of(gains.about, language),
                    subtitle=say("plot_occasions_subtitle", language))  # fmt: skip
        figure = page.figure()
        box = (left / WIDTH, 1 - (page.top + OCCASIONS_HEIGHT) / page.height, width / WIDTH)
        ax = figure.add_axes((*box, OCCASIONS_HEIGHT / page.height))
        ax.grid(True, axis="y")
        ax.grid(False, axis="x")
        _slopes(ax, rows, list(names))
        value_axis(ax, rows.iloc[0], [v for _, row in rows.iterrows() for v in _extent(row)], language, upright=True)
        ax.set_xlim(-0.5, len(names) - 0.5)
        ax.set_xticks(range(len(names)), ticks, fontsize=SMALL, linespacing=1.2)
        part = np.ptp(ax.get_ylim()) < float(rows["highest"].iloc[0]) - float(rows["lowest"].iloc[0])
        axis += " " + say("plot_occasions_part", language) if part else ""
        ax.set_ylabel("\n".join(wrap(axis, OCCASIONS_HEIGHT * 72, SMALL)), fontsize=SMALL)
        ax.tick_params(axis="y", labelsize=SMALL)
        figure.set_label(title)
    return ax


def _occasion_ticks(gains: Gains, rows: pd.DataFrame, outcome: str, room: float) -> list[str]:
    """Below each occasion: when, what was asked, the means, the change with its interval, the pairs."""
    out, of = [], {row["change"].split(" - ")[0]: row for _, row in rows.iterrows()}
    for moment, name in moments(gains.about.gains[outcome]).items():
        texts = [moment_label(gains, outcome, moment), measure_label(gains, name)]
        if (row := of.get(moment)) is not None:
            if not row["reason"]:
                texts += [f"{_mean(row, 'mean_pre', gains.language)} → {_mean(row, 'mean_post', gains.language)}",
                          _change(row, gains.language)]  # fmt: skip
            n = pairs_text(gains, row)
            texts += [f"× n {n}" if row["reason"] == "few" else say("n_equals", gains.language, n=n)] if n else ["×"]
        out.append("\n".join(line for text in texts for line in wrap(text, room * 72, SMALL)))
    return out


def _change(row: pd.Series, language: str) -> str:
    """A change with its interval; the head of its column names the unit."""
    return estimate_text(row, language, unit=False)


def _mean(row: pd.Series, column: str, language: str) -> str:
    return percent(row[column], language) if row["binary"] else number(row[column], language, digits_of(row))


def _occasions_test(gains: Gains, outcome: str) -> Iterator[str]:
    """The test over all occasions, where it may be shown."""
    frame = gated_occasions(gains)
    row = frame[(frame["outcome"] == outcome) & (frame["by"] == "")].iloc[0]
    if np.isfinite(row["p"]):
        p = p_text(row["p"], gains.language)
        yield say(
            f"plot_occasions_{row['test']}", gains.language, df=int(row["df"]), n=int(row["n_complete"]),
            statistic=number(row["statistic"], gains.language, 1), p=f"p {p}" if p.startswith("<") else f"p = {p}",
        )  # fmt: skip


def _extent(row: pd.Series) -> tuple[float, ...]:
    """The means of a slope, and the ends of its bar."""
    return row["mean_pre"], row["mean_post"], row["mean_pre"] + row["ci_low"], row["mean_pre"] + row["ci_high"]


def _slopes(ax: Axes, rows: pd.DataFrame, names: list[str]) -> None:
    """A line from the first measurement to each later one, of its own pairs; bars say how sure the change is."""
    (colour,) = palette(1)
    for i, (_, row) in enumerate(rows.iterrows()):
        first, later = (names.index(moment) for moment in reversed(row["change"].split(" - ")))
        if row["reason"]:
            continue
        style = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (5, 2, 1, 2)))[i % 4]
        ax.plot([first, later], [row["mean_pre"], row["mean_post"]], color=colour, linestyle=style, linewidth=1.6)
        if np.isfinite(row["ci_low"]):
            below, above = row["estimate"] - row["ci_low"], row["ci_high"] - row["estimate"]
            ax.errorbar(later, row["mean_post"], [[below], [above]], color="black", elinewidth=1.2, capsize=7, zorder=5)
        for moment, mean, after in ends_of(row):
            draw_mark(ax, moment, names.index(moment), mean, after)


# ------------------------------------------------------------------------------------------------- what is drawn


def _rows(gains: Gains, by: str | None, outcome: str | None, change: str | None) -> pd.DataFrame:
    """The gated rows of a figure, the total first."""
    frame = gated_gains(gains)
    if by and by not in gains.breakdowns:
        raise ValueError(f"by={by!r}: the gains are broken down by {', '.join(gains.breakdowns) or 'nothing'}.")
    if outcome is not None:
        choose(outcome=(outcome, gains.outcomes))
    elif by and len(gains.outcomes) > 1:
        raise ValueError(f"by={by!r} shows one outcome. Name it: outcome= one of {', '.join(gains.outcomes)}.")
    frame = frame[frame["by"].isin(["", by or ""])]
    if outcome is not None:
        frame = frame[frame["outcome"] == outcome]
    known = list(dict.fromkeys(frame["change"]))
    if change is not None:
        choose(change=(change, known))
    usual = [name for name in known if name.startswith("post - ")] if change is None else [change]
    return frame[frame["change"].isin(usual)].reset_index(drop=True)


def _panels(rows: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The rows of each scale; a scale without known ends is like no other."""
    ends = rows["lowest"].astype(float) + rows["highest"].astype(float)
    own = rows["outcome"].where(ends.isna(), "")
    for _, part in rows.groupby(["lowest", "highest", "binary", own], sort=False, dropna=False):
        yield part
