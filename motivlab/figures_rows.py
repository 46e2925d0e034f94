"""Parts of figures: rows of dots with intervals and columns of words, legends, names of points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .language import percent
from .page import LINE, PAD, STYLE, WIDTH, Page, figure_of, label_lines, text_width, wrap
from .tables import points

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = npt.NDArray[np.float64]

ROW = 0.26  # inches
SMALL = 8
LEGEND = 0.2  # inches a line
GAP = 0.14
GREY = "#555555"
HEAD_WIDTH = 1.15  # inches at most for the head of a column of words


@dataclass(frozen=True)
class Dots:
    """One dot with its interval for each row; NaN where a row has none.

    Attributes
    ----------
    value, low, high : ndarray of float
    hollow : ndarray of bool
    colour : str or tuple
    marker : str
    offset : float
        Rows downwards, so that two series stand beside each other.
    """

    value: Floats
    low: Floats
    high: Floats
    hollow: npt.NDArray[np.bool_]
    colour: Any
    marker: str = "o"
    offset: float = 0.0


@dataclass(frozen=True)
class Panel:
    """One axes of rows.

    Attributes
    ----------
    dots : tuple of Dots
    words : tuple of tuple of str
        Columns at the right, each with a text per row.
    head : str
        What stands above it.
    line : float
        Where a vertical line is drawn; NaN for none.
    """

    dots: tuple[Dots, ...]
    words: tuple[tuple[str, ...], ...] = ()
    head: str = ""
    line: float = np.nan


@dataclass(frozen=True)
class Mark:
    """One entry of a legend: its text, and the style of the line that stands before it."""

    label: str
    style: dict[str, Any]


@dataclass(frozen=True)
class Words:
    """The words around the axes of a figure; ``heads`` are those of the columns at the right."""

    title: str
    subtitle: str
    tag: str
    axis: str
    notes: Sequence[str]
    heads: tuple[str, ...] = ()


def rows_figure(
    words: Words,
    labels: Sequence[str],
    panels: Sequence[Panel],
    scale: Callable[[Axes, Sequence[Panel]], None],
    legend: Sequence[Mark] = (),
    row_height: float = ROW,
) -> list[Axes]:
    """Draw rows of dots with intervals, in panels one below the other.

    Gains, outcomes and differences of either are drawn by it. A row without any dot has a cross at the left edge.

    Parameters
    ----------
    words : Words
    labels : sequence of str
        Of the rows, from the top; the same in every panel.
    panels : sequence of Panel
    scale : callable
        Sets limits, ticks and their format: :func:`share_scale`, :func:`difference_scale` or another.
    legend : sequence of Mark
    row_height : float
        Inches.

    Returns
    -------
    list of Axes
        One for each panel.

    Examples
    --------
    >>> dots = Dots(*(np.array(part) for part in ([0.1, np.nan], [0.0, np.nan], [0.2, np.nan], [False, False])), "k")
    >>> words = Words("Differences", "", "", "Percentage points", [])
    >>> (axes,) = rows_figure(words, ["Women", "Men"], [Panel((dots,), line=0.0)], difference_scale("en"))
    >>> [label.get_text() for label in axes.get_yticklabels()]
    ['Women', 'Men']
    """
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    # or the inline backend of Jupyter, loaded with the first figure, loses its setting together with the style
    plt.install_repl_displayhook()
    lines = [label_lines(label) for label in labels]
    heads = [wrap(head, HEAD_WIDTH * 72, SMALL) for head in words.heads]
    widths = [_column(i, head, panels) for i, head in enumerate(heads)]
    above = max((len(head) for head in heads), default=0) * SMALL * LINE / 72
    titled = 9 * LINE / 72 if any(panel.head for panel in panels) else 0.0
    with mpl.rc_context(STYLE):
        page = Page(
            words.title, lines, words.notes, row_height, subtitle=words.subtitle, tag=words.tag, rows=len(panels),
            legend=len(legend), panel_head=max(above, titled),
        )  # fmt: skip
        figure = page.figure()
        width = WIDTH - page.left - 0.1 - sum(widths) - GAP * len(widths) - PAD
        drawn = []
        for i, panel in enumerate(panels):
            ax = page.axes(figure, i, page.left, width)
            for dots in panel.dots:
                draw_dots(ax, dots)
            _crosses(ax, panel)
            if np.isfinite(panel.line):
                ax.axvline(panel.line, color=GREY, linestyle=(0, (4, 2)), linewidth=1.1, zorder=1)
            ax.set_yticks(range(len(labels)), ["\n".join(own) for own in lines])
            ax.set_ylim(len(labels) - 0.4, -0.6)
            scale(ax, panels)
            ax.tick_params(axis="x", labelsize=SMALL)
            if panel.head:
                head = panel.head[:1].upper() + panel.head[1:]
                y = page.top + i * page.step - 0.05
                figure.text(PAD / WIDTH, 1 - y / page.height, head, fontsize=9, weight="bold", va="bottom")
            _columns(page, figure, i, page.left + width + 0.1, panel, heads, widths)
            drawn.append(ax)
        below = page.top + (len(panels) - 1) * page.step + page.axes_height + 0.24
        spare = width - text_width(words.axis, SMALL, "normal") / 72
        page.text(figure, page.left + max(spare, 0.0) / 2, below, words.axis, size=SMALL)
        draw_legend(page, figure, legend, max(above, titled))
        figure.set_label(" – ".join(filter(None, [words.title, words.subtitle])))
    return drawn


def draw_dots(ax: Axes, dots: Dots) -> None:
    """Dots with intervals, hollow where a row rests on few."""
    y = np.arange(len(dots.value)) + dots.offset
    known = np.isfinite(dots.low) & np.isfinite(dots.high)
    ax.hlines(y[known], dots.low[known], dots.high[known], color=dots.colour, linewidth=1.6, zorder=2)
    there = np.isfinite(dots.value)
    for part, face in ((there & ~dots.hollow, dots.colour), (there & dots.hollow, "white")):
        ax.plot(
            dots.value[part], y[part], linestyle="none", marker=dots.marker, markersize=6, markeredgecolor=dots.colour,
            markerfacecolor=face, markeredgewidth=1.4, zorder=3, clip_on=False,
        )  # fmt: skip


def _crosses(ax: Axes, panel: Panel) -> None:
    """A cross at the left edge in every row without a dot."""
    gone = np.flatnonzero(np.logical_and.reduce([~np.isfinite(dots.value) for dots in panel.dots]))
    ax.plot(
        np.zeros(len(gone)), gone, "x", color="black", markersize=5, clip_on=False,
        transform=ax.get_yaxis_transform(),
    )  # fmt: skip


def _column(i: int, head: Sequence[str], panels: Sequence[Panel]) -> float:
    """The width of a column of words, in inches."""
    return max(text_width(text, SMALL, "normal") for text in [*head, *(t for p in panels for t in p.words[i])]) / 72


def _columns(
    page: Page,
    figure: Figure,
    row: int,
    left: float,
    panel: Panel,
    heads: Sequence[Sequence[str]],
    widths: Sequence[float],
) -> None:
    """The words at the right of a panel, right-aligned below their heads."""
    top = page.top + row * page.step
    for head, texts, width in zip(heads, panel.words, widths, strict=True):
        left += width
        y = top - len(head) * SMALL * LINE / 72 - 0.02
        for line in head:
            page.text(figure, left, y, line, size=SMALL, color=GREY, ha="right")
            y += SMALL * LINE / 72
        span = len(texts) + 0.2  # the axes run from -0.6 to -0.4 below the last row
        for at, text in enumerate(texts):
            middle = top + (at + 0.6) / span * page.axes_height
            figure.text(left / WIDTH, 1 - middle / page.height, text, fontsize=SMALL, va="center", ha="right")
        left += GAP


def draw_legend(
    page: Page, figure: Figure, legend: Sequence[Mark], head: float = 0.0, left: float = PAD, lines: int = 0
) -> None:
    """Entries of a legend one below the other, above the axes and what stands directly above them."""
    from matplotlib.lines import Line2D

    y = page.top - head - (lines or len(legend)) * LEGEND - 0.06
    for mark in legend:
        handle = Line2D([], [], **{"linewidth": 1.6, "markersize": 6, "markeredgewidth": 1.4, **mark.style})
        figure.legend(
            [handle], [mark.label], loc="upper left", bbox_to_anchor=(left / WIDTH, 1 - y / page.height), frameon=False,
            borderaxespad=0, borderpad=0, handlelength=2.2, fontsize=8.5,
        )  # fmt: skip
        y += LEGEND


def _values(panels: Sequence[Panel]) -> Floats:
    parts = [part for p in panels for dots in p.dots for part in (dots.value, dots.low, dots.high)]
    every = np.concatenate([*parts, [p.line for p in panels]])
    return every[np.isfinite(every)]


def _ticks(ax: Axes, low: float, high: float, steps: Sequence[float], label: float) -> None:
    """Ticks with at least ``label`` inches for each."""
    ax.set_xlim(low, high)
    inches = ax.get_position().width * figure_of(ax).get_figwidth()
    fitting = [step for step in steps if (high - low) / step * label <= inches]
    step = fitting[0] if fitting else steps[-1]
    first = np.ceil(low / step - 1e-9)
    ax.set_xticks(np.arange(first, high / step + 1e-9) * step + 0.0)  # + 0: no negative zero


def share_scale(language: str) -> Callable[[Axes, Sequence[Panel]], None]:
    """From 0 to the end of the longest interval, in percent."""
    from matplotlib.ticker import FuncFormatter

    def scale(ax: Axes, panels: Sequence[Panel]) -> None:
        values = _values(panels)
        highest = values.max() if len(values) else 1.0
        top = 1.0 if highest > 0.9 else max(float(np.ceil(highest * 10 + 1e-9) / 10), 0.1)
        _ticks(ax, 0.0, top, (0.1, 0.2, 0.25, 0.5), 0.5)
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: percent(value, language)))

    return scale


def difference_scale(language: str) -> Callable[[Axes, Sequence[Panel]], None]:
    """Differences of shares in percentage points, with the 0."""
    from matplotlib.ticker import FuncFormatter

    def scale(ax: Axes, panels: Sequence[Panel]) -> None:
        values = np.append(_values(panels), 0.0)
        low, high = np.floor(values.min() * 20 - 0.5) / 20, np.ceil(values.max() * 20 + 0.5) / 20
        _ticks(ax, float(low), float(high), (0.05, 0.1, 0.2, 0.25, 0.5), 0.42)
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: points(value, language) if value else "0"))

    return scale


def without_marks(notes: Sequence[str], mark: str = "×") -> list[str]:
    """Notes less those of a mark that the figure does not have."""
    return [note for note in notes if not note.startswith(mark)]


def name_points(ax: Axes, x: Floats, y: Floats, names: Sequence[str]) -> None:
    """The names of points beside them, each where it covers no point and no other name; nothing of an empty name."""
    page = figure_of(ax)
    box = ax.get_position()
    wide, tall = box.width * page.get_figwidth() * 72, box.height * page.get_figheight() * 72  # points
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    across, along = (x - left) / (right - left) * wide, (y - low) / (high - low) * tall
    taken = [(a - 5, b - 5, a + 5, b + 5) for a, b in zip(across, along, strict=True)]
    for i, name in enumerate(names):
        if not name:
            continue
        lines = wrap(name, 130, SMALL)
        width, height = max(text_width(line, SMALL, "normal") for line in lines), len(lines) * SMALL * 1.25
        shifts = [
            (dx, dy) for far in (9, 18, 32, 50) for dx in (far, -far) for dy in (0.0, far * 0.8, -far * 0.8)
        ]  # fmt: skip
        boxes = []
        for dx, dy in shifts:
            start, middle = across[i] + dx - (0 if dx > 0 else width), along[i] + dy
            boxes.append((start, middle - height / 2, start + width, middle + height / 2))
        cost = [
            sum(_shared(one, other) for other in taken)
            + 1e4 * bool(one[0] < 2 or one[2] > wide or one[1] < 2 or one[3] > tall)
            for one in boxes
        ]
        best = int(np.argmin(cost))
        taken.append(boxes[best])
        line = {"arrowstyle": "-", "color": GREY, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 3}
        ax.annotate(
            "\n".join(lines), (x[i], y[i]), shifts[best], textcoords="offset points", va="center", fontsize=SMALL,
            ha="left" if shifts[best][0] > 0 else "right", zorder=4,
            arrowprops=line if abs(shifts[best][0]) > 9 else None,
            bbox={"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 0.5},
        )  # fmt: skip


def _shared(one: Sequence[float], other: Sequence[float]) -> float:
    """The area that two boxes share."""
    across = min(one[2], other[2]) - max(one[0], other[0])
    along = min(one[3], other[3]) - max(one[1], other[1])
    return max(across, 0.0) * max(along, 0.0)
