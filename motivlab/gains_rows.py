"""Rows of gains: labels at the left, marks on axes of one scale each, changes in words at the right."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .figures import tag_of
from .gains import Gains
from .gains_words import pairs_text
from .gated_gains import outcome_label
from .language import number, percent, say
from .page import LINE, PAD, STYLE, WIDTH, Page, label_column, label_lines, palette, text_width, wrap
from .sentences import by_label, level_label
from .tables import points
from .tables_attrition import change_label, moment_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LINE_HEIGHT = 0.24  # inches for one change
SMALL = 8
GREY = "#555555"
GAP = 0.16
HEAD = 1.4  # inches at most for the head of a column of words
BELOW = 0.54  # inches of ticks and their label
ABOVE = 0.34  # inches of the names of the first row's marks
MARKERS = {"pre": "o", "then": "^", "post": "s"}  # later ones: diamonds


@dataclass(frozen=True)
class Panel:
    """Rows on one axis: of each a label and one or more changes; ``words`` are the columns at the right."""

    labels: list[list[str]]
    changes: list[list[pd.Series]]
    words: list[list[tuple[str, ...]]]
    heads: list[list[str]]
    axis: str


Draw = Callable[["Axes", Panel, list[list[float]], float], None]


def panel_of(
    gains: Gains, rows: pd.DataFrame, by: str | None, text: Callable[[pd.Series, str], str], head: str, axis: str,
    several: bool,
) -> Panel:  # fmt: skip
    """The rows of one axis; ``several`` has each change named."""
    of: Any = gains
    language = gains.language
    labels, changes, words = [], [], []
    for (outcome, of_by, level), part in rows.groupby(["outcome", "by", "level"], sort=False):
        own = [row for _, row in part.iterrows()]
        label = level_label(of, str(of_by), str(level)) if by else outcome_label(gains, str(outcome))
        labels.append(label_lines(label))
        changes.append(own)
        cells = []
        for at, row in enumerate(own):
            name = (change_label(gains, row["outcome"], row["change"]),) if several else ()
            cells.append((*name, text(row, language), "" if at else pairs_text(gains, row)))
        words.append(cells)
    heads = [*([""] if several else []), head, say("plot_gains_pairs", language)]
    return Panel(labels, changes, words, [wrap(own, HEAD * 72, SMALL) for own in heads], axis)


def panels_figure(
    gains: Gains, by: str | None, rows: pd.DataFrame, panels: Sequence[Panel], notes: Sequence[str], subtitle: str,
    draw: Draw, above: float,
) -> Axes | list[Axes]:  # fmt: skip
    """The panels one below the other, each as high as its rows are."""
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    # or the inline backend of Jupyter, loaded with the first figure, loses its setting together with the style
    plt.install_repl_displayhook()
    of: Any = gains
    one = len(set(rows["outcome"])) == 1
    title = outcome_label(gains, rows["outcome"].iloc[0]) if one else say("plot_gains_title", gains.language)
    title += f" – {by_label(of, by)}" if by else ""
    columns = [_column(panel) for panel in panels]
    heads = [[] if i and panel.heads == panels[0].heads else panel.heads for i, panel in enumerate(panels)]
    widths = [max(own) for own in zip(*columns, strict=True)]
    heights = [[_height(lines, len(own)) for lines, own in zip(p.labels, p.changes, strict=True)] for p in panels]
    tops = [max(above, max(map(len, own), default=0) * SMALL * LINE / 72) + 0.04 for own in heads]
    total = sum(sum(own) for own in heights) + sum(tops) + BELOW * (len(panels) - 1)
    labels = [lines for panel in panels for lines in panel.labels]
    widest = max((line for lines in labels for line in lines), key=lambda line: text_width(line, 9, "normal"))
    with mpl.rc_context(STYLE):
        # one row as high as all of them: what stands in it is laid out here
        page = Page(title, [[widest]], notes, total - 0.1, subtitle=subtitle, tag=tag_of(gains.about, gains.language))
        figure, left = page.figure(), label_column(labels)
        width = WIDTH - left - 0.12 - sum(widths) - GAP * len(widths) - PAD
        made, y = [], page.top
        for panel, own, top, head_of in zip(panels, heights, tops, heads, strict=True):
            y += top
            ends = np.cumsum([0.0, *own])
            at = [
                [float(ends[i] + own[i] / 2 + (j - (len(c) - 1) / 2) * LINE_HEIGHT) for j in range(len(c))]
                for i, c in enumerate(panel.changes)
            ]
            height = float(ends[-1])
            box = (left / WIDTH, 1 - (y + height) / page.height, width / WIDTH, height / page.height)
            ax = figure.add_axes(box)
            ax.set_ylim(height, 0)
            ax.set_yticks([float(np.mean(one)) for one in at], ["\n".join(lines) for lines in panel.labels])
            draw(ax, panel, at, width)
            gone = [
                y_of for i, c in enumerate(panel.changes) for y_of, row in zip(at[i], c, strict=True) if row["reason"]
            ]
            ax.plot(np.zeros(len(gone)), gone, "x", color="black", markersize=5, clip_on=False,
                    transform=ax.get_yaxis_transform())  # fmt: skip
            ax.tick_params(axis="x", labelsize=SMALL)
            ax.set_xlabel("\n".join(wrap(panel.axis, (width + 0.4) * 72, SMALL)), fontsize=SMALL)
            _write(page, figure, left + width + 0.12, y, panel, head_of, at, widths)
            made.append(ax)
            y += height + BELOW
        figure.set_label(" – ".join([title, subtitle]))
    return made[0] if len(made) == 1 else made


def _write(
    page: Page, figure: Figure, x: float, y: float, panel: Panel, heads: Sequence[list[str]], at: list[list[float]],
    widths: Sequence[float],
) -> None:  # fmt: skip
    """The columns of words at the right of a panel, right-aligned below their heads."""
    for i, width in enumerate(widths):
        x += width
        for k, line in enumerate(reversed(heads[i]) if heads else []):
            page.text(figure, x, y - (k + 1) * SMALL * LINE / 72 - 0.02, line, size=SMALL, color=GREY, ha="right")
        for own, words in zip(at, panel.words, strict=True):
            for down, cells in zip(own, words, strict=True):
                figure.text(x / WIDTH, 1 - (y + down) / page.height, cells[i], fontsize=SMALL, va="center", ha="right")
        x += GAP


def _height(lines: Sequence[str], changes: int) -> float:
    return max(len(lines) * 9 * LINE / 72, changes * LINE_HEIGHT) + 0.08


def _column(panel: Panel) -> list[float]:
    """The widths of the columns at the right, in inches."""
    cells = [cells for own in panel.words for cells in own]
    return [
        max(text_width(text, SMALL, "normal") for text in [*head, *(own[i] for own in cells)]) / 72
        for i, head in enumerate(panel.heads)
    ]


# ------------------------------------------------------------------------------------------------------- the marks


def ends_of(row: pd.Series) -> Iterator[tuple[str, float, bool]]:
    """The two measurements of a change: moment, mean, whether it is the later one."""
    later, first = row["change"].split(" - ")
    yield first, row["mean_pre"], False
    yield later, row["mean_post"], True


def draw_mark(ax: Axes, moment: str, x: float, y: float, later: bool) -> None:
    """A shape for each moment; hollow and larger for the earlier one, so that the later may lie in it."""
    (colour,) = palette(1)
    size = (5.5 if moment in MARKERS else 4.8) if later else 8
    ax.plot(
        [x], [y], MARKERS.get(moment, "D"), markersize=size, color=colour, markeredgewidth=1.5,
        markerfacecolor=colour if later else "white", clip_on=False, zorder=4 if later else 3,
    )  # fmt: skip


def dumbbells(ax: Axes, panel: Panel, at: list[list[float]], language: str) -> None:
    """A line from the earlier mean to the later one; where they are alike, the later lies in the earlier."""
    (colour,) = palette(1)
    means = []
    for row, y in drawn(panel, at):
        ax.plot([row["mean_pre"], row["mean_post"]], [y, y], color=colour, linewidth=1.8, alpha=0.55, zorder=2)
        for moment, mean, later in ends_of(row):
            draw_mark(ax, moment, mean, y, later)
            means.append(mean)
    value_axis(ax, panel.changes[0][0], means, language)


def drawn(panel: Panel, at: list[list[float]]) -> list[tuple[pd.Series, float]]:
    """The changes that may be shown, and where."""
    return [
        (row, y) for own, ys in zip(panel.changes, at, strict=True) for row, y in zip(own, ys, strict=True)
        if not row["reason"]
    ]  # fmt: skip


def value_axis(ax: Axes, row: pd.Series, means: Sequence[float], language: str, upright: bool = False) -> None:
    """The whole scale; upright, or where its ends are not known, from the lowest mean to the highest."""
    low, high = float(row["lowest"]), float(row["highest"])
    known = np.array([mean for mean in means if np.isfinite(mean)])
    if upright and np.isfinite(low + high) and len(known):
        # slopes need room: at least a quarter of the scale
        room = max(float(np.ptp(known)) * 0.3, (high - low) / 8)
        low, high = max(low, float(known.min()) - room), min(high, float(known.max()) + room)
    elif not np.isfinite(low + high):
        ends = known if len(known) else np.array([0.0, 1.0])
        room = max(float(np.ptp(ends)) * 0.15, abs(float(ends.mean())) * 0.05, 0.1)
        low, high = float(ends.min()) - room, float(ends.max()) + room
    shown = percent if row["binary"] else _plain
    ticks = _ticks(low, high, 5)
    labels = [shown(tick, language) for tick in ticks]
    if upright:
        ax.set_ylim(low, high)
        ax.set_yticks(ticks, labels)
    else:
        ax.set_xlim(low, high)
        ax.set_xticks(ticks, labels)


def _ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers within the limits."""
    from matplotlib.ticker import MaxNLocator

    values = MaxNLocator(nbins=most, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    slack = 1e-9 * (high - low)
    return [float(value) for value in values if low - slack <= value <= high + slack]


def _plain(value: float, language: str) -> str:
    """A tick with as many decimals as it has."""
    text = f"{abs(value):.6g}"
    told = number(abs(value), language, len(text.partition(".")[2]) if "e" not in text else 0)
    return f"−{told}" if value < 0 and float(text) else told


def name_marks(ax: Axes, gains: Gains, panel: Panel, at: list[list[float]], width: float) -> None:
    """The names of the first row's marks above it, apart from each other, with a line down to each."""
    shown = drawn(panel, at)
    if not shown:
        return
    top = shown[0][0]
    first = [(row, y) for row, y in shown if (row["outcome"], row["level"]) == (top["outcome"], top["level"])]
    marks: dict[str, tuple[float, float]] = {}
    for row, y in first:
        for moment, mean, _ in ends_of(row):
            marks.setdefault(moment, (mean, y))
    low, high = ax.get_xlim()
    order = sorted(marks, key=lambda moment: marks[moment][0])
    names = [moment_label(gains, top["outcome"], moment) for moment in order]
    wanted = [(marks[moment][0] - low) / (high - low) * width for moment in order]
    centres = _apart(wanted, [text_width(name, SMALL, "normal") / 72 for name in names], width)
    for moment, name, x in zip(order, names, centres, strict=True):
        mean, y = marks[moment]
        place = low + x / width * (high - low)
        line = {"arrowstyle": "-", "color": GREY, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 1}
        ax.annotate(
            name, (mean, y - 0.06), (place, -0.12), ha="center", va="bottom", fontsize=SMALL, color=GREY,
            annotation_clip=False, arrowprops=line,
        )  # fmt: skip


def _apart(wanted: Sequence[float], widths: Sequence[float], room: float) -> list[float]:
    """The centres of texts side by side, as near as can be to where they are wanted."""
    gap, last = 0.1, len(wanted) - 1
    out = [min(max(at, width / 2), room - width / 2) for at, width in zip(wanted, widths, strict=True)]
    for i in range(1, len(out)):  # to the right, away from the one before; a shift shared by both
        over = out[i - 1] + (widths[i - 1] + widths[i]) / 2 + gap - out[i]
        if over > 0:
            out[:i] = [x - over / 2 for x in out[:i]]
            out[i] += over / 2
    shift = max(widths[0] / 2 - out[0], 0.0) - max(out[last] + widths[last] / 2 - room, 0.0)
    return [x + shift for x in out]


def forest(ax: Axes, panel: Panel, at: list[list[float]], columns: tuple[str, str, str], language: str) -> None:
    """Dots with intervals and the line of no change; hollow where they rest on few."""
    (colour,) = palette(1)
    value, low, high = columns
    ends = [0.0]
    for row, y in drawn(panel, at):
        if np.isfinite(row[low]) and np.isfinite(row[high]):
            ax.hlines(y, row[low], row[high], color=colour, linewidth=1.6, zorder=2)
            ends += [row[low], row[high]]
        if np.isfinite(row[value]):
            marker = "^" if row["change"].endswith("then") else "o"
            face = "white" if row["status"] == "bracketed" else colour
            ax.plot([row[value]], [y], marker, markersize=6, color=colour, markerfacecolor=face, markeredgewidth=1.4,
                    clip_on=False, zorder=3)  # fmt: skip
            ends.append(row[value])
    ax.axvline(0, color=GREY, linestyle=(0, (4, 2)), linewidth=1.1, zorder=1)
    row = panel.changes[0][0]
    share = value == "estimate" and bool(row["binary"])
    span = float(np.ptp(ends))
    room = 0.08 * span if span else 0.05 if share else 0.5
    low_end, high_end = min(ends) - room, max(ends) + room
    ax.set_xlim(low_end, high_end)

    def label(x: float) -> str:
        if abs(x) < 1e-9:
            return "0"
        return points(x, language) if share else ("+" if x > 0 else "") + _plain(x, language)

    ticks = _ticks(low_end, high_end, 4)
    ax.set_xticks(ticks, [label(tick) for tick in ticks])
