"""Figures of gated estimates: dots with intervals, the words around them, and files with stable bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .estimate import Estimates
from .gate import Gated, gate
from .language import percent, say
from .published import has_published
from .sentences import bracketed, by_label, item_label, level_label, notes
from .tables import n_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# What makes the same figure the same bytes, on any machine: a font that comes with matplotlib, paths for text in SVG.
STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "svg.hashsalt": "motivlab",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "x",
    "grid.color": "#d9d9d9",
    "grid.linewidth": 0.6,
    "ytick.left": False,
    "figure.dpi": 100,
}
MARKERS = "osD^vPX*"
PUBLISHED_MARKERS = {"exact": "D", "at_least": ">"}
MAX_COLOURS = 3  # more groups than this are drawn as panels

WIDTH = 7.4  # inches, the text width of an A4 page with slightly narrow margins
LABEL_WIDTH = 2.5
PAD = 0.12
LINE = 1.35  # line height, in font sizes


@dataclass(frozen=True)
class Series:
    """One group of a figure: its label with n, and its rows in the order of the items."""

    label: str
    rows: pd.DataFrame


def plot_prevalence(
    estimates: Estimates | Gated, by: str = "", *, ax: Axes | None = None, panels: bool | None = None
) -> Axes | list[Axes]:
    """Prevalence as ordered dots with their intervals.

    Items are ordered by their total share; nets and missing reasons are left out. A dot is hollow where the result
    rests on few respondents, and absent where it is suppressed, which a cross says. Groups differ in colour and in
    marker; more than three are drawn as panels. Published figures that stand beside the estimates are drawn as
    diamonds in the figure of the total. The notes below name base, weight, thresholds and source, and a figure of
    synthetic data says so on its face.

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
            ax.set_title("\n".join(filter(None, [_title(gated, by), _tag(gated)])), loc="left")
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
    """The items from the largest to the smallest total share, and the rows of every group in that order."""
    frame = gated.frame
    total = frame[frame["by"] == ""].set_index("item")["estimate"]
    items = list(total.sort_values(ascending=False, kind="stable", na_position="last").index)
    series = []
    for level, rows in frame[frame["by"] == by].groupby("level", sort=False):
        label = f"{level_label(gated.estimates, by, str(level))}, {n_of(gated, rows)}"
        series.append(Series(label, rows.set_index("item").loc[items]))
    return items, series


def _tag(gated: Gated) -> str:
    """What a figure of synthetic data says on its face."""
    return say("synthetic", gated.estimates.language) if gated.estimates.about.synthetic else ""


def _title(gated: Gated, by: str) -> str:
    e = gated.estimates
    title = e.questionnaire[e.question].label(e.language)
    return f"{title}\n{by_label(e, by)}" if by else title


def _draw(
    ax: Axes, gated: Gated, items: Sequence[str], series: Sequence[Series], shared: pd.DataFrame | None = None
) -> None:
    """Dots and intervals of some groups on one Axes, first item on top; ``shared`` rows set the range of x."""
    e = gated.estimates
    colours = _palette(len(series))
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
    ax.set_yticks(range(len(items)), ["\n".join(_item_lines(gated.estimates, item)) for item in items])
    ax.set_ylim(len(items) - 0.4, -0.6)
    highest = rows[["estimate", "ci_high", *(["published"] if "published" in rows else [])]].max().max()
    top = 1.0 if not np.isfinite(highest) or highest > 0.9 else np.ceil(highest * 10) / 10
    ax.set_xlim(0, top)
    inches = ax.get_position().width * figure_of(ax).get_figwidth()
    fitting = [step for step in (0.1, 0.2, 0.25, 0.5) if top / step * 0.5 <= inches]  # half an inch a label
    ax.set_xticks(np.arange(0, top + 1e-9, fitting[0] if fitting else top))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: percent(value, language)))
    ax.tick_params(axis="x", labelsize=8)


def _palette(n: int) -> list[Any]:
    import seaborn as sns

    # blue, vermilion, green, ... of the colour-blind-safe set, the darkest first so that grey shades differ
    colours = sns.color_palette("colorblind", 10)
    order = (0, 3, 2, 4, 1, 7, 9, 8)
    return [colours[order[i % len(order)]] for i in range(n)]


# ------------------------------------------------------------------------------------------------------- layout


@lru_cache(maxsize=65536)
def _text_width(text: str, size: float, weight: str) -> float:
    """The width of a line of text, in points."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextToPath

    font = FontProperties(family="DejaVu Sans", size=size, weight=weight)
    width, _, _ = TextToPath().get_text_width_height_descent(text, font, ismath=False)
    return float(width)


def wrap(text: str, width: float, size: float, weight: str = "normal") -> list[str]:
    """Text broken into lines no wider than ``width`` points, measured in the font it is drawn in."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split(" "):  # a no-break space holds its words together
            longer = f"{line} {word}".strip()
            if line and _text_width(longer, size, weight) > width:
                lines.append(line)
                line = word
            else:
                line = longer
        lines.append(line)
    return lines


def _item_lines(e: Estimates, item: str) -> list[str]:
    return wrap(item_label(e, item), LABEL_WIDTH * 72, 9)


def _label_column(gated: Gated, items: Sequence[str]) -> float:
    """The width of the items' labels, in inches from the left edge of the page to the axes."""
    lines = [line for item in items for line in _item_lines(gated.estimates, item)]
    return PAD + max(_text_width(line, 9, "normal") for line in lines) / 72 + 0.12


class _Page:
    """A figure whose height follows from its text: title on top, axes below, legend, notes."""

    def __init__(
        self,
        gated: Gated,
        by: str,
        items: Sequence[str],
        rows: int,
        row_height: float,
        legend: int,
        panel_head: float = 0.0,
    ):
        e = gated.estimates
        self.left = _label_column(gated, items)
        room = (WIDTH - 2 * PAD) * 72
        self.tag = _tag(gated)
        self.title = wrap(_title(gated, by).split("\n")[0], room, 11, "bold")
        self.subtitle = wrap(by_label(e, by), room, 9.5) if by else []
        self.notes = wrap(" ".join(notes(gated, marks=False)), room, 7.5)
        tallest = max(len(_item_lines(e, item)) for item in items)
        self.axes_height = len(items) * max(row_height, tallest * 9 * LINE / 72 + 0.05) + 0.1
        self.top = PAD + (0.24 if self.tag else 0) + len(self.title) * 11 * LINE / 72
        self.top += len(self.subtitle) * 9.5 * LINE / 72 + legend * 0.2 + 0.1 + panel_head
        self.bottom = 0.54 + len(self.notes) * 7.5 * LINE / 72 + PAD
        self.step = self.axes_height + 0.34 + panel_head  # from one row of axes to the next
        self.height = self.top + self.axes_height + (rows - 1) * self.step + self.bottom

    def figure(self) -> Figure:
        """The figure with its words, and no axes yet."""
        import matplotlib.pyplot as plt

        figure = plt.figure(figsize=(WIDTH, self.height))
        y = PAD
        if self.tag:
            self.text(figure, WIDTH - PAD, y, self.tag, size=8, weight="bold", ha="right", color="#a40000",
                      bbox={"boxstyle": "square,pad=0.25", "facecolor": "white", "edgecolor": "#a40000"})  # fmt: skip
            y += 0.24
        for line in self.title:
            self.text(figure, PAD, y, line, size=11, weight="bold")
            y += 11 * LINE / 72
        for line in self.subtitle:
            self.text(figure, PAD, y, line, size=9.5)
            y += 9.5 * LINE / 72
        y = self.height - PAD - len(self.notes) * 7.5 * LINE / 72
        for line in self.notes:
            self.text(figure, PAD, y, line, size=7.5, color="#444444")
            y += 7.5 * LINE / 72
        return figure

    def text(self, figure: Figure, x: float, y: float, text: str, size: float, **style: Any) -> None:
        """Text at inches from the left and from the top."""
        figure.text(x / WIDTH, 1 - y / self.height, text, fontsize=size, va="top", **style)

    def axes(self, figure: Figure, row: int, left: float, width: float) -> Axes:
        """Axes of one row of the page, at inches."""
        below = self.top + row * self.step + self.axes_height
        box = (left / WIDTH, 1 - below / self.height, width / WIDTH, self.axes_height / self.height)
        return figure.add_axes(box)


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
    for one, marker, colour in zip(series, MARKERS, _palette(len(series)), strict=False):
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
    page = _Page(gated, by, items, 1, 0.26 + 0.13 * (len(series) - 1), len(legend))
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
    width = (WIDTH - _label_column(gated, items) - 0.5 - gap * (columns - 1)) / columns
    heads = [wrap(one.label, width * 72, 8.5) for one in series]
    page = _Page(gated, by, items, -(-len(series) // columns), 0.25, 0, max(map(len, heads)) * 8.5 * LINE / 72 + 0.1)
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


# -------------------------------------------------------------------------------------------------------- files


def figure_of(drawn: Axes | Iterable[Axes] | Figure) -> Figure:
    """The figure that Axes, or the first of several, stand in."""
    from matplotlib.figure import Figure

    if isinstance(drawn, Figure):
        return drawn
    first = drawn if hasattr(drawn, "get_figure") else next(iter(drawn))
    figure = first.get_figure(root=True)
    if figure is None:
        raise ValueError("the Axes have been removed from their figure.")
    return figure


def write_figure(drawn: Axes | Iterable[Axes] | Figure, file: Path) -> None:
    """Write a figure as .svg, .png (300 dpi) or .pdf; the same figure gives the same bytes."""
    import matplotlib as mpl

    metadata: dict[str, Any] = {
        ".svg": {"Date": None, "Creator": None},
        ".png": {"Software": None},
        ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    }[file.suffix]
    with mpl.rc_context(STYLE):
        figure_of(drawn).savefig(file, dpi=300, metadata=metadata)
