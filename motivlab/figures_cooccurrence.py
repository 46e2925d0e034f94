"""The figure of the combinations: a matrix of dots, each combination's share above it, each choice's at its left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .cooccurrence import NO_CHOICE, OTHER, Cooccurrence
from .figures import tag_of
from .gate import Gated
from .language import NO_BREAK, percent, say
from .page import LINE, PAD, STYLE, WIDTH, Page, palette, text_width, wrap
from .sentences import bracketed, interval, item_label, shown
from .tables_cooccurrence import GatedCooccurrence, combination_label, cooccurrence_notes, gate_cooccurrence

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LABELS = 1.95  # inches at most for the labels of the choices
TOTALS = 1.35  # inches of the choices' shares
ABOVE = 1.55  # inches of the combinations' shares
ROW = 0.25
COLUMN = 0.52  # inches at most for a combination
GAP = 0.3
SMALL = 7.5
PALE = "#d0d0d0"
STRIPE = "#f3f3f3"


def plot_upset(found: Cooccurrence | GatedCooccurrence) -> list[Axes]:
    """The exact combinations of choices, as an UpSet figure of dots with intervals.

    A column per combination: filled dots say which choices it is made of, the dot above is the share of those who
    named exactly these. At the left is the share of each choice, named alone or with others. Combinations that few
    respondents named are among the other combinations, whose share is given in words, as that of those who named none.
    Hollow dots rest on few respondents.

    Parameters
    ----------
    found : Cooccurrence

    Returns
    -------
    list of Axes
        The combinations' shares, the choices' shares, the matrix.

    References
    ----------
    Lex, A., Gehlenborg, N., Strobelt, H., Vuillemot, R. and Pfister, H. (2014). UpSet: visualization of intersecting
    sets. IEEE Transactions on Visualization and Computer Graphics 20, 1983-1992.

    Examples
    --------
    >>> from motivlab.cooccurrence import cooccurrence
    >>> from motivlab.survey import Survey
    >>> df = pd.DataFrame({"q/a": [1] * 90 + [0] * 60, "q/b": [0] * 40 + [1] * 80 + [0] * 30})
    >>> axes = plot_upset(cooccurrence(Survey.from_frame(df), "q"))
    >>> [label.get_text() for label in axes[1].get_yticklabels()]
    ['a', 'b']
    """
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    # or the inline backend of Jupyter, loaded with the first figure, loses its setting together with the style
    plt.install_repl_displayhook()
    gated = found if isinstance(found, GatedCooccurrence) else gate_cooccurrence(found)
    with mpl.rc_context(STYLE):
        return _drawn(gated)


def _drawn(gated: GatedCooccurrence) -> list[Axes]:
    e, language = gated.choices.estimates, gated.language
    choices = gated.choices.frame.sort_values("estimate", ascending=False, kind="stable", na_position="last")
    sets = gated.combinations.frame[gated.combinations.frame["reason"] == ""]
    if not any(gated.members.values()):  # no combination is left to be drawn
        sets = sets.iloc[:0]
    labels = [wrap(item_label(e, item), LABELS * 72, 9) for item in choices["item"]]
    left = PAD + max(text_width(line, 9, "normal") for lines in labels for line in lines) / 72 + 0.12
    start = left + TOTALS + GAP
    column = min(COLUMN, (WIDTH - PAD - 0.1 - start) / max(len(sets), 1))
    rest = sets[sets["item"].isin([NO_CHOICE, OTHER])]
    upright = {row["item"]: _upright(gated, row, column) for _, row in rest.iterrows()}
    longest = max((text_width(line, SMALL, "normal") for lines in upright.values() for line in lines), default=0) / 72
    row = max(ROW, max(map(len, labels)) * 9 * LINE / 72 + 0.05, (longest + 0.1) / len(labels))
    page = Page(
        e.questionnaire[e.question].label(language), labels, cooccurrence_notes(gated, figure=True), row,
        tag=tag_of(e.about, language), panel_head=ABOVE + GAP,
    )  # fmt: skip
    figure = page.figure()
    matrix = page.axes(figure, 0, start, column * max(len(sets), 1))
    totals = page.axes(figure, 0, left, TOTALS)
    upper = (page.top - GAP, column * max(len(sets), 1))
    above = figure.add_axes(
        (start / WIDTH, 1 - upper[0] / page.height, upper[1] / WIDTH, ABOVE / page.height), sharex=matrix
    )
    _totals(totals, gated.choices, choices, labels)
    if len(sets):
        _matrix(matrix, gated, list(choices["item"]), list(sets["item"]), upright)
        _shares(above, gated.combinations, sets, column)
    else:
        for ax in (matrix, above):
            ax.set_axis_off()
        width = (WIDTH - PAD - start) * 72
        for i, line in enumerate(wrap(say("takeaway_none", language), width, 9)):
            page.text(figure, start, page.top - GAP - ABOVE + i * 9 * LINE / 72, line, size=9)
    _captions(figure, page, gated, start)
    figure.set_label(e.questionnaire[e.question].label(language))
    return [above, totals, matrix]


def _upright(gated: GatedCooccurrence, row: pd.Series, column: float) -> list[str]:
    """What stands in a column without dots, with its share: one line, or two where there is room."""
    e = gated.combinations.estimates
    share = f"{bracketed(row, shown(row['estimate'], e))} [{interval(row, e)}]".replace(" ", NO_BREAK)
    label = combination_label(gated, row["item"])
    return [label, share] if column >= 0.34 else [f"{label}: {share}"]


def _matrix(ax: Axes, gated: GatedCooccurrence, items: list[str], sets: list[str], upright: dict[str, Any]) -> None:
    (colour,) = palette(1)
    for y in range(0, len(items), 2):
        ax.axhspan(y - 0.5, y + 0.5, color=STRIPE, linewidth=0, zorder=0)
    for x, item in enumerate(sets):
        if item in upright:
            ax.text(
                x, (len(items) - 1) / 2, "\n".join(upright[item]), rotation=90, ha="center", va="center",
                fontsize=SMALL, linespacing=1.15, zorder=4,
            )  # fmt: skip
            continue
        hit = np.array([choice in gated.members[item] for choice in items])
        at = np.arange(len(items))
        ax.plot(np.full((~hit).sum(), x), at[~hit], "o", color=PALE, markersize=5, zorder=2)
        ax.plot(np.full(hit.sum(), x), at[hit], "-o", color=colour, markersize=6.6, linewidth=1.8, zorder=3)
    ax.set_xlim(-0.5, max(len(sets), 1) - 0.5)
    ax.set_ylim(len(items) - 0.5, -0.5)
    ax.grid(False)
    ax.tick_params(bottom=False, labelbottom=False, labelleft=False)
    ax.spines["bottom"].set_visible(False)


def _marks(ax: Axes, rows: pd.DataFrame, upright: bool) -> None:
    """Dots with intervals along one axis; a cross for what is suppressed."""
    (colour,) = palette(1)
    at = np.arange(len(rows))
    value, low, high = (rows[c].to_numpy(dtype=float) for c in ("estimate", "ci_low", "ci_high"))
    told, hollow = rows["reason"].to_numpy() == "", rows["status"].to_numpy() == "bracketed"
    known = told & np.isfinite(low) & np.isfinite(high)
    lines = ax.vlines if upright else ax.hlines
    lines(at[known], low[known], high[known], color=colour, linewidth=1.6, zorder=2)
    style: dict[str, Any] = {"linestyle": "none", "color": colour, "clip_on": False, "zorder": 3}
    for part, face in ((told & ~hollow, colour), (told & hollow, "white")):
        x, y = (at[part], value[part]) if upright else (value[part], at[part])
        ax.plot(x, y, marker="o", markersize=5, markerfacecolor=face, markeredgewidth=1.4, **style)
    if not upright:
        ax.plot(np.zeros((~told).sum()), at[~told], marker="x", markersize=5, **style)


def _top(rows: pd.DataFrame) -> float:
    """The end of an axis of shares."""
    highest = rows[["estimate", "ci_high"]].max().max()
    return 1.0 if not np.isfinite(highest) or highest > 0.9 else float(np.ceil(highest * 10) / 10)


def _totals(ax: Axes, gated: Gated, rows: pd.DataFrame, labels: Sequence[Sequence[str]]) -> None:
    from matplotlib.ticker import FuncFormatter

    _marks(ax, rows, upright=False)
    ax.set_yticks(range(len(rows)), ["\n".join(lines) for lines in labels])
    ax.set_ylim(len(rows) - 0.5, -0.5)
    top = _top(rows)
    ax.set_xlim(0, top)
    fitting = [step for step in (0.1, 0.2, 0.25, 0.5) if top / step * 0.42 <= TOTALS]
    ax.set_xticks(np.arange(0, top + 1e-9, fitting[0] if fitting else top))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: percent(value, gated.estimates.language)))
    ax.tick_params(axis="x", labelsize=8)


def _shares(ax: Axes, gated: Gated, rows: pd.DataFrame, column: float) -> None:
    """The shares of the combinations, with their values; upright text where a column is narrow."""
    from matplotlib.ticker import FuncFormatter

    language = gated.estimates.language
    # "other" and "none" would set the scale, and have their shares beside their names
    rows = rows[~rows["item"].isin([NO_CHOICE, OTHER])]
    _marks(ax, rows, upright=True)
    texts = [bracketed(row, percent(row["estimate"], language)) for _, row in rows.iterrows()]
    widest = max((text_width(text, SMALL, "normal") for text in texts), default=0) / 72
    turned = widest + 0.03 > column
    for x, (text, (_, row)) in enumerate(zip(texts, rows.iterrows(), strict=True)):
        ends = [end for end in (row["estimate"], row["ci_high"]) if np.isfinite(end)]
        ax.annotate(
            text, (x, max(ends)), (0, 4), textcoords="offset points", ha="center", va="bottom", fontsize=SMALL,
            rotation=90 if turned else 0,
        )  # fmt: skip
    top = _top(rows)
    # room for the value above the highest interval
    ax.set_ylim(0, top / (1 - ((widest if turned else SMALL / 72) + 0.1) / ABOVE))
    steps = [step for step in (0.05, 0.1, 0.2, 0.25, 0.5) if top / step <= 5]
    ax.set_yticks(np.arange(0, top + 1e-9, steps[0]))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: percent(value, language)))
    ax.tick_params(axis="y", labelsize=8)
    ax.tick_params(axis="x", bottom=False, labelbottom=False)
    ax.grid(False, axis="x")
    ax.grid(True, axis="y")


def _captions(figure: Figure, page: Page, gated: GatedCooccurrence, start: float) -> None:
    """What the two axes of shares are, beside the one and above the other; what share it is, below."""
    e, language = gated.choices.estimates, gated.language
    room = start - PAD - 0.5  # the labels of the upper axis stand there
    lines = wrap(say("cooccurrence_exact", language), room * 72, 8.5, "bold")
    for i, line in enumerate(lines):
        page.text(figure, PAD, page.top - GAP - ABOVE + i * 8.5 * LINE / 72, line, size=8.5, weight="bold")
    lines = wrap(say("cooccurrence_choice", language), room * 72, 8.5, "bold")
    for i, line in enumerate(lines):
        y = page.top - 0.08 - (len(lines) - i) * 8.5 * LINE / 72
        page.text(figure, PAD, y, line, size=8.5, weight="bold")
    key = "axis_share" if e.about.design.weight else "axis_share_unweighted"
    label = say(key, language, level=percent(e.confidence, language))
    page.text(figure, PAD, page.top + page.axes_height + 0.3, label, size=8)
