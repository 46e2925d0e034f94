"""Figures of the time to an outcome: curves with their intervals, and how many are still followed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from .durations import HORIZONS, Durations
from .figures import tag_of
from .figures_rows import without_marks
from .gate_outcomes import gated_durations
from .language import NO_BREAK, number, percent, say
from .page import LINE, PAD, STYLE, WIDTH, Page, figure_of, palette, text_width, wrap
from .questionnaire import did_you_mean
from .sentences import bracketed
from .sentences_outcomes import breakdown_label, definition_label, group_label
from .tables_outcomes import durations_notes
from .thresholds import PROFILES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STYLES = ("-", "--", "-.", ":")  # more groups than these are drawn as panels
HEIGHT = 2.9  # inches of one axes for all groups
PANEL = 1.25
COLUMNS = 3
LABELS = 1.35  # inches at most for the names of the curves
SMALL = 8
ROW = SMALL * LINE / 72
GREY = "#777777"
TICKS = (28, 91, 182, 365, 730)  # days between ticks: the horizons of the summary


@dataclass(frozen=True)
class _Curve:
    """One group as it is drawn: its steps as long as enough are followed, and who is at risk at a day."""

    label: str
    steps: pd.DataFrame
    all_steps: pd.DataFrame

    @property
    def last(self) -> float:
        return float(self.steps["day"].iloc[-1])

    def at_risk(self, day: float) -> int:
        """How many are without the outcome and followed until a day."""
        later = self.all_steps.loc[self.all_steps["day"] >= day, "at_risk"]
        return int(later.iloc[0]) if len(later) else 0


def plot_survival(durations: Durations, by: str | None = None, days: int = HORIZONS[-1]) -> Axes | list[Axes]:
    """The share with an outcome by each day after leaving (1 less Kaplan and Meier's curve), with pointwise intervals.

    Below stands how many were still without it and followed. A curve ends where they are too few to be shown. Up to
    four groups differ in line style and colour and are named beside their curves; more are drawn as panels, each with
    the curve of all groups in grey.

    Parameters
    ----------
    durations : Durations
    by : str, optional
        One of its breakdowns; by default one curve is drawn, of everybody.
    days : int
        Up to which day after leaving; by default a year, the last horizon of the summary.

    Returns
    -------
    Axes, or list of Axes
        The latter for panels.

    Raises
    ------
    ValueError
        If there is no such breakdown, no group that may be shown, or ``days`` is below 1.

    Examples
    --------
    >>> from motivlab.durations import time_to_outcome
    >>> from motivlab.survey import open_survey
    >>> survey = open_survey("data/programme_participants", language="en")
    >>> axes = plot_survival(time_to_outcome(survey, "wide", by="gender"), "gender")
    >>> axes.get_xlabel()
    'Days after leaving'
    """
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    # or the inline backend of Jupyter, loaded with the first figure, loses its setting together with the style
    plt.install_repl_displayhook()
    known = durations.breakdowns
    if by is not None and by not in known:
        raise ValueError(
            f"by={by!r}: the durations are broken down by {', '.join(known) or 'nothing'}{did_you_mean(by, known)}"
        )
    if days < 1:
        raise ValueError(f"days is {days}. Give a number of days, 1 or more.")
    rows = gated_durations(durations)
    rows = rows[rows["by"] == (by or "")]
    shown = rows[rows["reason"] == ""]
    if shown.empty:
        raise ValueError(f"by={by!r}: no group may be shown. Choose another breakdown, or none.")
    curves = [_curve(durations, row, days) for _, row in shown.iterrows()]
    with mpl.rc_context(STYLE):
        if len(curves) > len(STYLES):
            return _panels(durations, by or "", rows, curves, days)
        return _one_axes(durations, by or "", rows, curves)


def _curve(durations: Durations, row: pd.Series, days: int) -> _Curve:
    """The curve of a gated group, in brackets where it rests on few."""
    frame, few = durations.frame, PROFILES[durations.about.gate].suppress_below
    own = frame[(frame["by"] == row["by"]) & (frame["level"] == row["level"])]
    enough = own[own["at_risk"] >= few]
    steps = enough[enough["day"] <= days]
    if (enough["day"] > days).any():  # it goes on to the edge
        steps = pd.concat([steps, steps.tail(1).assign(day=days)])
    return _Curve(bracketed(row, group_label(durations, row["by"], row["level"])), steps, own)


def _page(
    durations: Durations, by: str, gated: pd.DataFrame, labels: Sequence[Sequence[str]], height: float,
    band: bool, **more: Any,
) -> Page:  # fmt: skip
    language = durations.language
    few = PROFILES[durations.about.gate].suppress_below
    hidden = int(gated["reason"].isin(["few", "protect"]).sum())
    notes = [say("figure_hidden", language, n=hidden, few=few)] if hidden else []
    notes.append(say("figure_band" if band else "figure_thin", language))
    if few > 1:
        notes.append(say("figure_curve_ends", language, few=few))
    return Page(
        _title(durations), labels, [*notes, *without_marks(durations_notes(durations, gated, "×"))],
        height / len(labels), subtitle=breakdown_label(durations, by) if by else "",
        tag=tag_of(durations.about, language), **more,
    )  # fmt: skip


# ----------------------------------------------------------------------------------------------- all on one axes


def _one_axes(durations: Durations, by: str, rows: pd.DataFrame, curves: Sequence[_Curve]) -> Axes:
    language = durations.language
    labels = [wrap(curve.label, 1.6 * 72, SMALL) for curve in curves]
    table = sum(map(len, labels)) * ROW + 0.06 * len(labels)
    # between the axes and the table stand the ticks and the name of the axis
    band = by == "" or len(curves) <= 3
    page = _page(durations, by, rows, labels, HEIGHT + 0.5 + ROW + table - 0.34, band)
    figure = page.figure()
    left = max(page.left + 0.3, 0.75)
    names = [wrap(curve.label, LABELS * 72, SMALL) for curve in curves] if by else []
    right = max((text_width(line, SMALL, "normal") for lines in names for line in lines), default=0) / 72
    width = WIDTH - left - right - PAD - 0.3
    ax = _axes(page, figure, left, page.top, width, HEIGHT)
    end = max(max(curve.last for curve in curves), 1.0)
    top = _limits(ax, curves, end, language)
    for curve, line, colour in zip(curves, STYLES, palette(len(STYLES)), strict=False):
        _draw(ax, curve, line, colour, band)
    _name(ax, curves, names, top)
    ax.set_xlabel(say("figure_days", language), fontsize=SMALL)
    ax.set_ylabel("\n".join(wrap(say("figure_by_then", language), HEIGHT * 72, SMALL)), fontsize=SMALL)
    y = page.top + HEIGHT + 0.48
    page.text(figure, PAD, y, say("figure_at_risk", language), size=SMALL, color=GREY)
    y += ROW + 0.04
    for curve, lines in zip(curves, labels, strict=True):
        for i, text in enumerate(lines):
            page.text(figure, PAD, y + i * ROW, text, size=SMALL)
        _at_risk(page, figure, ax, curve, y, language, durations)
        y += len(lines) * ROW + 0.06
    figure.set_label(_label(durations, by))
    return ax


def _axes(page: Page, figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes at inches from the left and from the top."""
    box = (left / WIDTH, 1 - (top + height) / page.height, width / WIDTH, height / page.height)
    return figure.add_axes(box)


def _limits(ax: Axes, curves: Sequence[_Curve], end: float, language: str) -> float:
    """Limits and ticks of both axes; the end of the axis of shares."""
    from matplotlib.ticker import FuncFormatter

    highest = max(curve.steps[["estimate", "ci_high"]].max().max() for curve in curves)
    top = 1.0 if highest > 0.9 else max(float(np.ceil(highest * 10 + 1e-9) / 10), 0.1)
    ax.set_xlim(0, end)
    ax.set_ylim(0, top)
    inches = ax.get_position().width * WIDTH
    fitting = [step for step in TICKS if end / step * 0.5 <= inches] or [TICKS[-1] * np.ceil(end / TICKS[-1])]
    ax.set_xticks(_days(fitting[0], end))
    steps = [
        step
        for step in (0.1, 0.2, 0.25, 0.5)
        if top / step * 0.3 <= ax.get_position().height * figure_of(ax).get_figheight()
    ]
    ax.set_yticks(np.arange(0, top + 1e-9, steps[0] if steps else top))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value, language)))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: percent(value, language)))
    ax.tick_params(labelsize=SMALL)
    ax.grid(True, axis="both")
    return top


def _days(step: float, end: float) -> npt.NDArray[np.float64]:
    """Ticks at whole steps; those of quarters and halves of a year so that 182 and 365 are among them."""
    if step == 91:
        return np.array(
            [day for i in range(int(end // 91) + 1) if (day := i // 4 * 365 + (0, 91, 182, 273)[i % 4]) <= end]
        )
    if step == 182:
        return np.array([day for i in range(int(end // 182) + 1) if (day := i // 2 * 365 + i % 2 * 182) <= end])
    return np.arange(0, end + 1e-9, step)


def _draw(ax: Axes, curve: _Curve, line: str, colour: Any, band: bool = True) -> None:
    steps = curve.steps
    day, share = steps["day"].to_numpy(), steps["estimate"].to_numpy()
    if band:
        low, high = steps["ci_low"].to_numpy(), steps["ci_high"].to_numpy()
        ax.fill_between(day, low, high, step="post", color=colour, alpha=0.16, linewidth=0, zorder=1)
    else:
        for bound in ("ci_low", "ci_high"):
            ax.step(day, steps[bound].to_numpy(), where="post", linestyle=line, color=colour, linewidth=0.5, zorder=2)
    ax.step(day, share, where="post", linestyle=line, color=colour, linewidth=1.8, zorder=3)


def _name(ax: Axes, curves: Sequence[_Curve], names: Sequence[Sequence[str]], top: float) -> None:
    """The names of the curves at the right, each at the height of its curve's end, or as near as there is room."""
    if not names:
        return
    inches = ax.get_position().height * figure_of(ax).get_figheight()
    ends = np.array([curve.steps["estimate"].iloc[-1] / top * inches for curve in curves])
    heights = np.array([len(lines) * ROW + 0.04 for lines in names])
    at = _apart(ends, heights, inches)
    for curve, lines, y, end, colour in zip(curves, names, at, ends, palette(len(STYLES)), strict=False):
        beside = (1 + 0.18 / (ax.get_position().width * WIDTH), y / inches)
        ax.annotate(
            "\n".join(lines), (curve.last, end / inches * top), beside,
            xycoords="data", textcoords="axes fraction", va="center", fontsize=SMALL, annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.7, "shrinkA": 1, "shrinkB": 1},
        )  # fmt: skip


def _apart(centres: npt.NDArray[np.float64], heights: npt.NDArray[np.float64], room: float) -> npt.NDArray[np.float64]:
    """Centres moved so that what is so high stands one above the other, within the room."""
    order = np.argsort(centres, kind="stable")
    at = centres.astype(float)
    below = 0.0
    for i in order:
        at[i] = max(at[i], below + heights[i] / 2)
        below = at[i] + heights[i] / 2
    above = room
    for i in order[::-1]:
        at[i] = min(at[i], above - heights[i] / 2)
        above = at[i] - heights[i] / 2
    return at


def _at_risk(
    page: Page, figure: Figure, ax: Axes, curve: _Curve, y: float, language: str, durations: Durations
) -> None:
    """How many are at risk at each tick, below it; of few only that they are."""
    box, (start, end) = ax.get_position(), ax.get_xlim()
    few = PROFILES[durations.about.gate].suppress_below
    for day in ax.get_xticks():
        n = curve.at_risk(day)
        text = number(n, language) if n >= few or few == 1 else f"<{NO_BREAK}{few}"
        x = (box.x0 + (day - start) / (end - start) * box.width) * WIDTH
        page.text(figure, x, y, text, size=SMALL - 0.5, ha="center")


def _title(durations: Durations) -> str:
    name = definition_label(durations, durations.definition)
    return say("durations_title", durations.language, definition=name)


def _label(durations: Durations, by: str) -> str:
    title = _title(durations)
    return f"{title} – {breakdown_label(durations, by)}" if by else title


# ------------------------------------------------------------------------------------------------------- panels


def _panels(durations: Durations, by: str, rows: pd.DataFrame, curves: Sequence[_Curve], days: int) -> list[Axes]:
    """A panel for each group, with its curve and, in grey, that of everybody."""
    language, left, gap = durations.language, 0.62, 0.45
    width = (WIDTH - left - PAD - 0.1 - gap * (COLUMNS - 1)) / COLUMNS
    heads = [wrap(curve.label, width * 72, 8.5) for curve in curves]
    head = max(map(len, heads)) * 8.5 * LINE / 72 + 0.06
    page = _page(
        durations,
        by,
        rows,
        [[" "]],
        PANEL + ROW + 0.12,
        True,
        rows=-(-len(curves) // COLUMNS),
        panel_head=head,
        legend=1,
    )
    figure = page.figure()
    gated = gated_durations(durations)
    everybody = _curve(durations, gated[gated["by"] == ""].iloc[0], days)
    end = max(curve.last for curve in curves)
    drawn = []
    for i, (curve, lines) in enumerate(zip(curves, heads, strict=True)):
        row, column = divmod(i, COLUMNS)
        top = page.top + row * page.step
        ax = _axes(page, figure, left + column * (width + gap), top, width, PANEL)
        _limits(ax, [*curves, everybody], end, language)
        _draw_all(ax, everybody, end)
        _draw(ax, curve, "-", palette(1)[0])
        ax.set_title("\n".join(lines), loc="left", fontsize=8.5)
        if column:
            ax.set_yticklabels([])
        _at_risk(page, figure, ax, curve, top + PANEL + 0.26, language, durations)
        drawn.append(ax)
    y = page.top - head - 0.26
    page.text(figure, PAD, y, say("figure_panel_axes", language), size=8.5)
    figure.set_label(_label(durations, by))
    return drawn


def _draw_all(ax: Axes, everybody: _Curve, end: float) -> None:
    steps = everybody.steps[everybody.steps["day"] <= end]
    ax.step(steps["day"], steps["estimate"], where="post", color=GREY, linestyle=(0, (4, 2)), linewidth=1.0, zorder=2)
