"""Where the texts of a figure are: on the page, and apart from each other."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox


def outside(figure: Figure) -> list[str]:
    """Texts that stick out of the page."""
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    page = figure.bbox
    out = []
    for text in figure.findobj(Text):
        if not text.get_visible() or not text.get_text().strip():
            continue
        box = text.get_window_extent(renderer)
        if box.x0 < page.x0 - 1 or box.x1 > page.x1 + 1 or box.y0 < page.y0 - 1 or box.y1 > page.y1 + 1:
            out.append(text.get_text())
    return out


def overlapping(figure: Figure) -> list[tuple[str, str]]:
    """Pairs of texts that cover each other: the words of the page, legends, and the labels of axes and ticks."""
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    texts = [*figure.texts, *(text for legend in figure.legends for text in legend.get_texts())]
    for ax in figure.axes:
        texts += [*_inside(ax.get_xticklabels(), ax.bbox), *_inside(ax.get_yticklabels(), ax.bbox)]
        texts += [ax.xaxis.label, ax.yaxis.label]
    boxes = [(t.get_text(), t.get_window_extent(renderer)) for t in texts if t.get_text().strip() and t.get_visible()]
    return [
        (one, other)
        for i, (one, a) in enumerate(boxes)
        for other, b in boxes[i + 1 :]
        if not (a.x1 <= b.x0 + 1 or b.x1 <= a.x0 + 1 or a.y1 <= b.y0 + 1 or b.y1 <= a.y0 + 1)
    ]


def _inside(labels: list[Text], axes: Bbox) -> list[Text]:
    """Tick labels within the limits of the axes; others are not drawn."""
    centres = [text.get_window_extent().get_points().mean(axis=0) for text in labels]
    return [
        text
        for text, (x, y) in zip(labels, centres, strict=True)
        if axes.x0 - 1 <= x <= axes.x1 + 1 or axes.y0 - 1 <= y <= axes.y1 + 1
    ]


def words_on(figure: Figure) -> str:
    """All the texts of a figure, their lines put together again."""
    return " ".join(line for text in [*figure.texts, *figure.findobj(Text)] for line in text.get_text().split("\n"))
