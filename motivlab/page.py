"""The page of a figure: its words laid out in inches, its style, its colours, and files with stable bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
WIDTH = 7.4  # inches, the text width of an A4 page with slightly narrow margins
LABEL_WIDTH = 2.5
PAD = 0.12
LINE = 1.35  # line height, in font sizes


@lru_cache(maxsize=65536)
def text_width(text: str, size: float, weight: str) -> float:
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
            if line and text_width(longer, size, weight) > width:
                lines.append(line)
                line = word
            else:
                line = longer
        lines.append(line)
    return lines


def label_lines(text: str) -> list[str]:
    """The label of a row, broken into lines."""
    return wrap(text, LABEL_WIDTH * 72, 9)


def label_column(labels: Sequence[Sequence[str]]) -> float:
    """The width of the rows' labels, in inches from the left edge of the page to the axes."""
    return PAD + max(text_width(line, 9, "normal") for lines in labels for line in lines) / 72 + 0.12


def palette(n: int) -> list[Any]:
    """Colours that the colour-blind can tell apart, the darkest first."""
    import seaborn as sns

    # blue, vermilion, green, ... of the colour-blind-safe set, the darkest first so that grey shades differ
    colours = sns.color_palette("colorblind", 10)
    order = (0, 3, 2, 4, 1, 7, 9, 8)
    return [colours[order[i % len(order)]] for i in range(n)]


class Page:
    """A figure whose height follows from its text: title on top, axes below, legend, notes.

    Parameters
    ----------
    title, subtitle, tag : str
        The tag stands in a box at the top, "synthetic data"; both others may be empty.
    labels : sequence of sequence of str
        The lines of the label of each row of an axes, from the top.
    notes : sequence of str
    row_height : float
        Inches; more where a label needs it.
    rows : int
        How many axes stand one below the other.
    legend : int
        Lines of it.
    panel_head : float
        Inches above each axes.
    """

    def __init__(
        self,
        title: str,
        labels: Sequence[Sequence[str]],
        notes: Sequence[str],
        row_height: float,
        *,
        subtitle: str = "",
        tag: str = "",
        rows: int = 1,
        legend: int = 0,
        panel_head: float = 0.0,
    ):
        room = (WIDTH - 2 * PAD) * 72
        self.left = label_column(labels)
        self.tag = tag
        self.title = wrap(title, room, 11, "bold")
        self.subtitle = wrap(subtitle, room, 9.5) if subtitle else []
        self.notes = wrap(" ".join(notes), room, 7.5)
        tallest = max(len(lines) for lines in labels)
        self.axes_height = len(labels) * max(row_height, tallest * 9 * LINE / 72 + 0.05) + 0.1
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
