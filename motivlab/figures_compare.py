"""Figures of adjusted comparisons and of weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .adjusted import Adjusted
from .figures import tag_of
from .language import number, percent, say
from .page import PAD, STYLE, WIDTH, Page, label_lines, palette, wrap
from .questionnaire import did_you_mean
from .sentences import by_label, item_label, level_label, quoted
from .tables import table
from .tables_compare import adjusted_notes, gated_adjusted, words_of
from .weights import WeightSummary

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEGEND = 0.2  # inches a line
WEIGHTS_HEIGHT = 2.6


def plot_adjusted(result: Adjusted, item: str | None = None) -> Axes:
    """One item's shares in every group, unadjusted beside adjusted, with intervals.

    Parameters
    ----------
    result : Adjusted
    item : str, optional
        By default the first that has a model.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If there is no such item, or none has a model.

    Examples
    --------
    >>> from motivlab.adjusted import adjusted
    >>> from motivlab.survey import Survey
    >>> df = pd.DataFrame({"met": list("ynn") * 40, "sex": list("ffmm") * 30, "job": list("aaabbbab") * 15})
    >>> axes = plot_adjusted(adjusted(Survey.from_frame(df), "met", on="job", given="sex", item="y"))
    >>> [label.get_text().split(",")[0] for label in axes.get_yticklabels()]
    ['a', 'b']
    """
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    plt.install_repl_displayhook()
    e, language, frame = words_of(result), result.language, gated_adjusted(result)
    fitted = list(dict.fromkeys(frame.loc[np.isfinite(frame["adjusted"]), "item"]))
    if item is None and not fitted:
        raise ValueError(f"no item of {result.question!r} has a model that may be shown.")
    item = item or fitted[0]
    rows = frame[frame["item"] == item]
    if rows.empty:
        items = list(dict.fromkeys(frame["item"]))
        raise ValueError(f"item={item!r}: there is none such{did_you_mean(item, items)} Use one of {', '.join(items)}.")
    rows = rows[rows["reason"] != "empty"].reset_index(drop=True)
    labels = [label_lines(_group(result, row)) for _, row in rows.iterrows()]
    name = item_label(e, item, bool(rows["net"].iloc[0]))
    wording = e.questionnaire[result.question].label(language)
    title = f"{wording} – {quoted(name, language)}"
    subtitle = f"{by_label(e, result.on)} – {say('adjusted_given', language, given=_given(result))}"
    with mpl.rc_context(STYLE):
        page = Page(
            title,
            labels,
            list(adjusted_notes(result, "×", item))[1:],
            0.42,
            subtitle=subtitle,
            tag=tag_of(e.about, language),
            legend=2,
        )
        figure = page.figure()
        ax = page.axes(figure, 0, page.left, WIDTH - page.left - 0.5)
        handles = [_shares(ax, rows, "unadjusted", -0.15, "D", palette(2)[1]),
                   _shares(ax, rows, "adjusted", 0.15, "o", palette(2)[0])]  # fmt: skip
        _suppressed(ax, rows)
        _share_axis(ax, rows, language)
        ax.set_yticks(range(len(labels)), ["\n".join(lines) for lines in labels])
        ax.set_ylim(len(labels) - 0.4, -0.6)
        axis = "axis_share" if result.about.design.weight else "axis_share_unweighted"
        ax.set_xlabel(say(axis, language, level=percent(result.confidence, language)), fontsize=8)
        for i, (handle, key) in enumerate(zip(handles, ("unadjusted", "adjusted"), strict=True)):
            y = page.top - (2 - i) * LEGEND - 0.06
            figure.legend(
                [handle], [say(key, language)], loc="upper left", bbox_to_anchor=(PAD / WIDTH, 1 - y / page.height),
                frameon=False, borderaxespad=0, borderpad=0, handlelength=2.2, fontsize=8.5,
            )  # fmt: skip
        figure.set_label(title)
    return ax


def _group(result: Adjusted, row: pd.Series) -> str:
    e, language = words_of(result), result.language
    n = "" if pd.isna(row["n"]) else ", " + say("n_equals", language, n=int(row["n"]))
    return level_label(e, result.on, row["level"]) + n


def _given(result: Adjusted) -> str:
    form, language = result.questionnaire, result.language
    return "; ".join(quoted(form[name].label(language), language) for name in result.given)


def _shares(ax: Axes, rows: pd.DataFrame, kind: str, offset: float, marker: str, colour: Any) -> Any:
    """Dots with intervals; hollow where they rest on few respondents."""
    y = np.arange(len(rows)) + offset
    value, low, high = (rows[f"{kind}{part}"].to_numpy(dtype=float) for part in ("", "_low", "_high"))
    hollow = rows["status"].to_numpy() == "bracketed"
    known = np.isfinite(low) & np.isfinite(high)
    ax.hlines(y[known], low[known], high[known], color=colour, linewidth=1.6, zorder=2)
    for part, face in ((~hollow, colour), (hollow, "white")):
        ax.plot(
            value[part], y[part], linestyle="none", marker=marker, markersize=6, markeredgecolor=colour,
            markerfacecolor=face, markeredgewidth=1.4, zorder=3, clip_on=False,
        )  # fmt: skip
    (handle,) = ax.plot([], [], marker, linestyle="-", color=colour, markersize=6, linewidth=1.6)
    return handle


def _suppressed(ax: Axes, rows: pd.DataFrame) -> None:
    """A cross for a group that may not be shown, or has no model."""
    gone = np.flatnonzero(rows["unadjusted"].isna() & rows["adjusted"].isna())
    ax.plot(np.zeros(len(gone)), gone, "x", color="black", markersize=5, clip_on=False)


def _share_axis(ax: Axes, rows: pd.DataFrame, language: str) -> None:
    from matplotlib.ticker import FuncFormatter

    columns = [f"{kind}{part}" for kind in ("unadjusted", "adjusted") for part in ("", "_high")]
    highest = rows[columns].max().max()
    top = 1.0 if not np.isfinite(highest) or highest > 0.9 else max(float(np.ceil(highest * 10) / 10), 0.1)
    ax.set_xlim(0, top)
    ax.set_xticks(np.arange(0, top + 1e-9, 0.1 if top <= 0.6 else 0.2))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: percent(value, language)))
    ax.tick_params(axis="x", labelsize=8)


def plot_weights(summary: WeightSummary) -> Axes:
    """The distribution of the weights, as the share of respondents with that weight or less; before and after.

    Examples
    --------
    >>> from motivlab.survey import Survey
    >>> from motivlab.weights import weight_summary
    >>> df = pd.DataFrame({"q": list("aabb"), "w": [1.0, 1.0, 1.0, 3.0]})
    >>> axes = plot_weights(weight_summary(Survey.from_frame(df, weight="w")))
    >>> axes.get_xscale()
    'log'
    """
    import matplotlib as mpl
    import matplotlib.pyplot as plt
    from matplotlib.ticker import FuncFormatter, NullLocator

    plt.install_repl_displayhook()
    language, shown = summary.language, table(summary)
    with mpl.rc_context(STYLE):
        stages = list(summary.relative)
        page = Page(
            shown.title, [[percent(1.0, language)]], shown.notes, WEIGHTS_HEIGHT, legend=len(stages),
            tag=tag_of(summary.about, language),
        )  # fmt: skip
        figure = page.figure()
        left = page.left + 0.4
        ax = page.axes(figure, 0, left, WIDTH - left - 0.4)
        ax.grid(True, axis="both")
        colours = palette(2)
        last = {"before": ("--", colours[1]), "after": ("-", colours[0]), "now": ("-", colours[0])}
        for i, stage in enumerate(stages):
            line, colour = last[stage]
            weight = summary.relative[stage]
            share = np.arange(1, len(weight) + 1) / len(weight)
            (handle,) = ax.step(weight, share, where="post", linestyle=line, color=colour, linewidth=1.6)
            of = summary.frame[summary.frame["stage"] == stage].iloc[0]
            label = say(
                "weights_legend", language, stage=say(f"weights_{stage}", language), deff=_two(of["deff"], language),
                n=round(of["n_eff"]),
            )  # fmt: skip
            y = page.top - (len(stages) - i) * LEGEND - 0.06
            figure.legend(
                [handle], [label], loc="upper left", bbox_to_anchor=(PAD / WIDTH, 1 - y / page.height), frameon=False,
                borderaxespad=0, borderpad=0, handlelength=2.6, fontsize=8.5,
            )  # fmt: skip
        ends = [weight[at] for weight in summary.relative.values() for at in (0, -1)]
        ax.set_xscale("log")
        ax.set_xlim(min(ends) / 1.15, max(ends) * 1.15)
        ax.set_ylim(0, 1.02)
        low, high = ax.get_xlim()
        # the labels of 1 and 2 stand a third of a decade apart: where there is no room for both, powers of ten alone
        room = (WIDTH - left - 0.4) / np.log10(high / low)
        steps = (1, 2, 5) if 0.3 * room > 0.5 else (1,)
        ticks = [t for power in range(-4, 5) for step in steps if low <= (t := step * 10.0**power) <= high]
        ax.set_xticks(ticks, [_plain(t, language) for t in ticks])
        ax.xaxis.set_minor_locator(NullLocator())
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: percent(value, language)))
        ax.tick_params(labelsize=8)
        ax.set_xlabel(say("weights_axis", language), fontsize=8)
        ax.set_ylabel("\n".join(wrap(say("weights_axis_share", language), WEIGHTS_HEIGHT * 72, 8)), fontsize=8)
        figure.set_label(shown.title)
    return ax


def _two(value: float, language: str) -> str:
    return number(value, language, 2)


def _plain(value: float, language: str) -> str:
    """A tick of a logarithmic axis with as many decimals as it has."""
    return number(value, language, 0 if value >= 1 else len(f"{value:g}") - 2)
