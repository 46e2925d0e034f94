"""Figures of gated estimates: dots with intervals, the words around them, and files with stable bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .about import About
from .estimate import Estimates
from .gate import Gated, gate
from .language import percent, say
from .page import LINE, PAD, STYLE, WIDTH, Page, figure_of, label_column, label_lines, palette, wrap
from .published import has_published
from .sentences import bracketed, by_label, item_label, level_label, notes
from .tables import n_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKERS = "osD^vPX*"
PUBLISHED_MARKERS = {"exact": "D", "at_least": ">"}
MAX_COLOURS = 3  # more groups than this are drawn as panels


@dataclass(frozen=True)
class Series:
    """One group of a figure: its label with n, and its rows in the order of the items."""

    label: str
    rows: pd.DataFrame


def plot_prevalence(
    estimates: Estimates | Gated, by: str = "", *, ax: Axes | None = None, panels: bool | None = None
) -> Axes | list[Axes]:
    """Prevalence as ordered dots with their intervals.

    Items are ordered by their total share, the answers of a scale as in the questionnaire; nets and missing reasons
    are left out. A dot is hollow where the result rests on few respondents, and absent where it is suppressed,
    which a cross says. Groups differ in colour and in marker; more than three are drawn as panels. Published
    figures that stand beside the estimates are drawn as diamonds in the figure of the total. The notes below name
    base, weight, thresholds and source, and a figure of synthetic data says so on its face.

    Parameters
    ----------
    estimates : Estimates or Gated
        Of one question, so that one axis never holds two measure types.
    by : str
        One of the breakdowns in the estimates; by default the total is drawn.
    ax : Axes, optional
        Draw there, with title and legend. The notes are then not drawn: hand them on with
        :func:`motivlab.sentences.notes`.
    panels : bool, optional
        A panel for each group, or a colour for each; by default by their number.

    Returns
    -------
    Axes, or list of Axes
        The latter for panels.

    Raises
    ------
    ValueError
        If the estimates have no such breakdown, panels are asked for on one Axes, or there are more groups than
        markers to tell them apart.

    Examples
    --------
    >>> from motivlab.prevalence import prevalence
    >>> from motivlab.survey import Survey
    >>> survey = Survey.from_frame(pd.DataFrame({"worked": ["yes", "no", "no"] * 30}))
    >>> axes = plot_prevalence(prevalence(survey, "worked"))
    >>> [label.get_text() for label in axes.get_yticklabels()]
    ['no', 'yes']
    """
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    # or the inline backend of Jupyter, loaded with the first figure, loses its setting together with the style
    plt.install_repl_displayhook()
    gated = gate(estimates)
    known = gated.estimates.breakdowns
    if by and by not in known:
        raise ValueError(f"by={by!r}: the estimates are broken down by {', '.join(known) or 'nothing'}.")
    gated = _drawn(gated, by)
    items, series = _series(gated, by)
    panels = (len(series) > MAX_COLOURS and ax is None) if panels is None else panels
    if panels and ax is not None:
        raise ValueError("panels need a figure of their own: leave out ax, or panels.")
    if not panels and len(series) > len(MARKERS):
        raise ValueError(
            f"by={by!r}: {len(series)} groups cannot be told apart on one Axes, {len(MARKERS)} can. Use panels."
        )
    with mpl.rc_context(STYLE):
        if ax is not None:
            _draw(ax, gated, items, series)
            ax.set_title(
                "\n".join(filter(None, [_title(gated, by), tag_of(gated.estimates.about, gated.estimates.language)])),
                loc="left",
            )
            marks = _legend(gated, by, series)
            ax.legend([_handle(ax, mark) for mark in marks], [mark.label for mark in marks], frameon=False)
            return ax
        return _panel_figure(gated, by, items, series) if panels else _single_figure(gated, by, items, series)


def _drawn(gated: Gated, by: str) -> Gated:
    """Only what the figure shows, and the total that its items are ordered by, so that the notes speak of no more."""
    e = gated.estimates
    frame = e.frame[e.frame["by"].isin(["", by]) & ~e.frame["net"].astype(bool)]
    if by and "published" in frame:
        frame = frame.drop(columns=[c for c in frame if c.startswith("published") or c == "qualifier"])
    return replace(gated, estimates=replace(e, frame=frame, left_out={k: n for k, n in e.left_out.items() if k == by}))


def _series(gated: Gated, by: str) -> tuple[list[str], list[Series]]:
    """The items and the rows of every group, from the largest to the smallest total share; of a scale, in its order."""
    frame, e = gated.frame, gated.estimates
    total = frame[frame["by"] == ""].set_index("item")["estimate"]
    rating = any(i.design == "global_rating" and i.question == e.question for i in e.about.gains.values())
    if not rating and not any(choice.neutral for choice in e.questionnaire[e.question].choices):
        total = total.sort_values(ascending=False, kind="stable", na_position="last")
    items = list(total.index)
    series = []
    for level, rows in frame[frame["by"] == by].groupby("level", sort=False):
        label = f"{level_label(gated.estimates, by, str(level))}, {n_of(gated, rows)}"
        series.append(Series(label, rows.set_index("item").loc[items]))
    return items, series


def tag_of(about: About, language: str) -> str:
    """What a figure of synthetic data says on its face."""
    return say("synthetic", language) if about.synthetic else ""


def _title(gated: Gated, by: str) -> str:
    e = gated.estimates
    title = e.questionnaire[e.question].label(e.language)
    return f"{title}\n{by_label(e, by)}" if by else title


def _draw(
    ax: Axes, gated: Gated, items: Sequence[str], series: Sequence[Series], shared: pd.DataFrame | None = None
) -> None:
    """Dots and intervals of some groups on one Axes, first item on top; ``shared`` rows set the range of x."""
    e = gated.estimates
    colours = palette(len(series))
    step = 0.0 if len(series) == 1 else 0.62 / (len(series) - 1) if len(series) > 2 else 0.36
    offsets = (np.arange(len(series)) - (len(series) - 1) / 2) * step
    for one, offset, colour, marker in zip(series, offsets, colours, MARKERS, strict=False):
        y = np.arange(len(items)) + offset
        shown = one.rows["reason"].to_numpy() == ""
        hollow = one.rows["status"].to_numpy() == "bracketed"
        x = one.rows["estimate"].to_numpy(dtype=float)
        low, high = one.rows["ci_low"].to_numpy(dtype=float), one.rows["ci_high"].to_numpy(dtype=float)
        known = shown & np.isfinite(low) & np.isfinite(high)
        ax.hlines(y[known], low[known], high[known], color=colour, linewidth=1.6, zorder=2)
        for part, face in ((shown & ~hollow, colour), (shown & hollow, "white")):
            ax.plot(
                x[part], y[part], linestyle="none", marker=marker, markersize=6.2, markeredgecolor=colour,
                markerfacecolor=face, markeredgewidth=1.4, zorder=3, clip_on=False,
            )  # fmt: skip
        ax.plot(np.full((~shown).sum(), 0.0), y[~shown], "x", color=colour, markersize=5, clip_on=False, zorder=3)
        if len(series) == 1:
            _value_labels(ax, one.rows, x, high, y, e.language)
    if has_published(e) and len(series) == 1 and not series[0].rows["by"].any():
        for qualifier, marker in PUBLISHED_MARKERS.items():
            rows = np.flatnonzero(series[0].rows["qualifier"] == qualifier)
            ax.plot(
                series[0].rows["published"].to_numpy(dtype=float)[rows], rows, linestyle="none", marker=marker,
                markersize=8.5, markerfacecolor="none", markeredgecolor="black", markeredgewidth=1.0, zorder=4,
            )  # fmt: skip
    _axes(ax, gated, items, pd.concat([one.rows for one in series]) if shared is None else shared)


def _value_labels(ax: Axes, rows: pd.DataFrame, x: Any, high: Any, y: Any, language: str) -> None:
    """The share beside each dot, to the right of its interval, in brackets where it rests on few respondents."""
    for (_, row), value, end, at in zip(rows.iterrows(), x, high, y, strict=True):
        if row["reason"] != "":
            continue
        text = bracketed(row, percent(value, language))
        right = np.nanmax([value, end, row.get("published", np.nan)])
        ax.annotate(text, (right, at), (6, 0), textcoords="offset points", va="center", fontsize=8)


def _axes(ax: Axes, gated: Gated, items: Sequence[str], rows: pd.DataFrame) -> None:
    from matplotlib.ticker import FuncFormatter

    language = gated.estimates.language
    ax.set_yticks(range(len(items)), ["\n".join(lines) for lines in _labels(gated, items)])
    ax.set_ylim(len(items) - 0.4, -0.6)
    highest = rows[["estimate", "ci_high", *(["published"] if "published" in rows else [])]].max().max()
    top = 1.0 if not np.isfinite(highest) or highest > 0.9 else np.ceil(highest * 10) / 10
    ax.set_xlim(0, top)
    inches = ax.get_position().width * figure_of(ax).get_figwidth()
    fitting = [step for step in (0.1, 0.2, 0.25, 0.5) if top / step * 0.5 <= inches]  # half an inch a label
    ax.set_xticks(np.arange(0, top + 1e-9, fitting[0] if fitting else top))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: percent(value, language)))
    ax.tick_params(axis="x", labelsize=8)


# ------------------------------------------------------------------------------------------------------- layout


def _labels(gated: Gated, items: Sequence[str]) -> list[list[str]]:
    return [label_lines(item_label(gated.estimates, item)) for item in items]


def _page(
    gated: Gated, by: str, items: Sequence[str], rows: int, row_height: float, legend: int, panel_head: float = 0.0
) -> Page:
    e = gated.estimates
    return Page(
        _title(gated, by).split("\n")[0], _labels(gated, items), notes(gated, marks=False), row_height,
        subtitle=by_label(e, by) if by else "", tag=tag_of(e.about, e.language), rows=rows, legend=legend,
        panel_head=panel_head,
    )  # fmt: skip


@dataclass(frozen=True)
class _Mark:
    """One line of a legend."""

    label: str
    marker: str
    colour: Any
    filled: bool = True
    line: str = "-"


def _handle(ax: Axes, mark: _Mark) -> Any:
    """A line without data, as the legend shows it."""
    face = mark.colour if mark.filled else "none"
    (handle,) = ax.plot(
        [], [], mark.marker, linestyle=mark.line, color=mark.colour, markerfacecolor=face, markersize=6.4
    )
    handle.set_linewidth(1.6)
    return handle


def _legend(gated: Gated, by: str, series: Sequence[Series]) -> list[_Mark]:
    """The groups, a cross for one that is suppressed altogether; and the published figures."""
    marks = []
    for one, marker, colour in zip(series, MARKERS, palette(len(series)), strict=False):
        gone = bool((one.rows["reason"] != "").all())
        marks.append(_Mark(one.label, "x" if gone else marker, colour, line="none" if gone else "-"))
    frame, language = gated.frame, gated.estimates.language
    if by or not has_published(gated.estimates):
        return marks
    for qualifier, marker in PUBLISHED_MARKERS.items():
        for source in dict.fromkeys(frame.loc[frame["qualifier"] == qualifier, "published_source"]):
            word = say("published" if qualifier == "exact" else "published_minimum", language)
            marks.append(_Mark(f"{word}: {source}", marker, "black", filled=False, line="none"))
    return marks


def _single_figure(gated: Gated, by: str, items: Sequence[str], series: Sequence[Series]) -> Axes:
    legend = _legend(gated, by, series)
    page = _page(gated, by, items, 1, 0.26 + 0.13 * (len(series) - 1), len(legend))
    figure = page.figure()
    ax = page.axes(figure, 0, page.left, WIDTH - page.left - 0.5)
    _draw(ax, gated, items, series)
    ax.set_xlabel(_x_label(gated), fontsize=8)
    y = page.top - len(legend) * 0.2 - 0.06
    for mark in legend:
        handle = _handle(ax, mark)
        figure.legend(
            [handle], [mark.label], loc="upper left", bbox_to_anchor=(PAD / WIDTH, 1 - y / page.height), frameon=False,
            borderaxespad=0, borderpad=0, handlelength=2.2, fontsize=8.5,
        )  # fmt: skip
        y += 0.2
    figure.set_label(_title(gated, by).replace("\n", " – "))
    return ax


def _panel_figure(gated: Gated, by: str, items: Sequence[str], series: Sequence[Series]) -> list[Axes]:
    columns = 2 if len(series) <= 4 else 3
    gap = 0.42
    width = (WIDTH - label_column(_labels(gated, items)) - 0.5 - gap * (columns - 1)) / columns
    heads = [wrap(one.label, width * 72, 8.5) for one in series]
    page = _page(gated, by, items, -(-len(series) // columns), 0.25, 0, max(map(len, heads)) * 8.5 * LINE / 72 + 0.1)
    figure = page.figure()
    shared = pd.concat([one.rows for one in series])
    out: list[Axes] = []
    for i, one in enumerate(series):
        row, column = divmod(i, columns)
        ax = page.axes(figure, row, page.left + column * (width + gap), width)
        _draw(ax, gated, items, [one], shared)
        ax.set_title("\n".join(heads[i]), loc="left", fontsize=8.5)
        if column:
            ax.set_yticklabels([])
        if i + columns < len(series):
            ax.set_xticklabels([])
        out.append(ax)
    figure.text(page.left / WIDTH, (page.bottom - 0.44) / page.height, _x_label(gated), fontsize=8, va="bottom")
    figure.set_label(_title(gated, by).replace("\n", " – "))
    return out


def _x_label(gated: Gated) -> str:
    e = gated.estimates
    key = "axis_share" if e.about.design.weight else "axis_share_unweighted"
    return say(key, e.language, level=percent(e.confidence, e.language))
