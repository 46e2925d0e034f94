"""The figure of a sample against known margins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .figures import tag_of
from .language import percent, say
from .margins import Margins
from .page import PAD, STYLE, WIDTH, Page, label_lines, palette
from .questionnaire import did_you_mean
from .sentences import level_label
from .tables_margins import gated_margins, margin_label, margin_notes, words_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEGEND = 0.2  # inches a line


def plot_margins(margins: Margins, variable: str = "") -> Axes:
    r"""A margin's levels: the share of the sample, unweighted (hollow) and weighted (filled), and of the population.

    Parameters
    ----------
    margins : Margins
    variable : str
        The margin; by default the first.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If there is no such margin.

    Examples
    --------
    >>> from motivlab.margins import against_margins
    >>> from motivlab.survey import open_survey
    >>> axes = plot_margins(against_margins(open_survey("data/discrimination_survey")), "native_language")
    >>> [label.get_text() for label in axes.get_yticklabels()]
    ['Latvian, n\xa0=\xa0634', 'Russian, n\xa0=\xa0325', '(Other language, n\xa0=\xa037)']
    """
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    plt.install_repl_displayhook()
    variable = variable or margins.variables[0]
    if variable not in margins.variables:
        near = did_you_mean(variable, margins.variables)
        raise ValueError(f"variable={variable!r}: no such margin{near} Use one of {', '.join(margins.variables)}.")
    frame, language = gated_margins(margins), margins.language
    rows = frame[frame["variable"] == variable].reset_index(drop=True)
    labels = [label_lines(_level(margins, row)) for _, row in rows.iterrows()]
    title = margin_label(margins, variable)
    weighted = bool(margins.about.design.weight)
    kinds = ("sample", "weighted", "target") if weighted else ("sample", "target")
    with mpl.rc_context(STYLE):
        page = Page(
            title, labels, list(margin_notes(margins, variable, "×")), 0.3,
            subtitle=say("margins_subtitle", language), tag=tag_of(margins.about, language), legend=len(kinds),
        )  # fmt: skip
        figure = page.figure()
        ax = page.axes(figure, 0, page.left, WIDTH - page.left - 0.5)
        handles = _marks(ax, rows, weighted)
        _share_axis(ax, rows, language)
        ax.set_yticks(range(len(labels)), ["\n".join(lines) for lines in labels])
        ax.set_ylim(len(labels) - 0.4, -0.6)
        ax.set_xlabel(say("margins_axis", language), fontsize=8)
        for i, (handle, kind) in enumerate(zip(handles, kinds, strict=True)):
            y = page.top - (len(kinds) - i) * LEGEND - 0.06
            figure.legend(
                [handle], [say(f"margins_{kind}", language)], loc="upper left",
                bbox_to_anchor=(PAD / WIDTH, 1 - y / page.height), frameon=False, borderaxespad=0, borderpad=0,
                handlelength=2.2, fontsize=8.5,
            )  # fmt: skip
        figure.set_label(title)
    return ax


def _level(margins: Margins, row: pd.Series) -> str:
    name = level_label(words_of(margins, row["variable"]), row["variable"], row["level"])
    if pd.isna(row["n"]):
        return name
    text = f"{name}, {say('n_equals', margins.language, n=int(row['n']))}"
    return f"({text})" if row["status"] == "bracketed" else text


def _marks(ax: Axes, rows: pd.DataFrame, weighted: bool) -> list[Any]:
    """The three marks of a level, a line from the sample to the population, and a cross for what is not shown."""
    ours, theirs = palette(2)
    y = np.arange(len(rows))
    best = rows["weighted" if weighted else "sample"].to_numpy(dtype=float)
    known = np.isfinite(best)
    ax.hlines(y[known], best[known], rows["target"].to_numpy()[known], color="#999999", linewidth=1.0, zorder=1)
    style: dict[str, Any] = {"linestyle": "none", "markersize": 7, "clip_on": False}
    (target,) = ax.plot(rows["target"], y, marker="D", color=theirs, markerfacecolor=theirs, zorder=2, **style)
    (sample,) = ax.plot(
        rows["sample"], y, marker="o", color=ours, markerfacecolor="white", markeredgewidth=1.5, zorder=3, **style
    )
    handles: list[Any] = [sample]
    if weighted:
        (filled,) = ax.plot(
            rows["weighted"], y, marker="o", color=ours, zorder=4, linestyle="none", markersize=4.5, clip_on=False
        )
        handles.append(filled)
    gone = np.flatnonzero(~known)
    ax.plot(np.zeros(len(gone)), gone, "x", color="black", markersize=5, clip_on=False)
    return [*handles, target]


def _share_axis(ax: Axes, rows: pd.DataFrame, language: str) -> None:
    from matplotlib.ticker import FuncFormatter

    highest = float(rows[["sample", "weighted", "target"]].max().max())
    top = 1.0 if highest > 0.9 else float(np.ceil(highest * 20 + 0.2) / 20)
    ax.set_xlim(0, top)
    ax.set_xticks(np.arange(0, top + 1e-9, 0.05 if top <= 0.4 else 0.1 if top <= 0.6 else 0.2))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: percent(value, language)))
    ax.tick_params(axis="x", labelsize=8)
