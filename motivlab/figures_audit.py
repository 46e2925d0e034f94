"""Figures of the audit: how many checks hold, and published shares with the intervals that their numbers allow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .audit import SEVERITIES, Audit
from .audit_read import Row
from .figures_rows import GAP, GREY, LEGEND, SMALL, Dots, Mark, Panel, draw_dots, draw_legend, share_scale
from .language import known, number, percent, say
from .page import LINE, PAD, STYLE, WIDTH, Page, label_lines, palette, text_width, wrap
from .pooled import wilson
from .questionnaire import did_you_mean
from .sentences import quoted
from .tables_audit import date_text, definition_label, said, summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KINDS = ("contradiction", "note", "read", "hold")  # from the left; what is wrong starts at the axis
HATCHES = ("", "////", "....", "")
LABEL = 3.0  # inches of a label: a line each, so that the figure has room on a page
SLACK = 0.08  # inches: letters are drawn a little wider than they are measured
FOOTNOTES = 8  # contradictions that are told in words


def plot_audit(audit: Audit) -> Axes:
    r"""How many checks of each rule hold, contradict, are to be known, or are left to people.

    Parameters
    ----------
    audit : Audit

    Returns
    -------
    Axes
        A bar for each rule of which there is a check, those with most contradictions on top; the counts stand at the
        right.

    Raises
    ------
    ValueError
        If no check could be made.

    Examples
    --------
    >>> from motivlab.audit import audit_published
    >>> axes = plot_audit(audit_published("data/published"))
    >>> [label.get_text().replace("\n", " ") for label in axes.get_yticklabels()][:2]
    ['The same in several places', 'Numbers of projects as typed']
    """
    import matplotlib as mpl
    import matplotlib.pyplot as plt
    from matplotlib.patches import Patch
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    plt.install_repl_displayhook()
    language, counts = audit.language, rule_counts(audit)
    if not counts:
        raise ValueError("no check could be made of these figures. Columns that rules read are in `audit_published`.")
    labels = [label_lines(say(f"audit_rule_{rule}", language)) for rule in counts]
    heads = [wrap(say(f"audit_figure_{kind}", language), 60, SMALL) for kind in KINDS]
    columns = [[number(of[kind], language) if of[kind] else "–" for of in counts.values()] for kind in KINDS]
    with mpl.rc_context(STYLE):
        page = Page(
            say("audit_title", language), labels,
            [say("audit_figure_order", language), say("audit_note_scope", language), _source(audit, [])], 0.24,
            subtitle=summary(audit), legend=len(KINDS), panel_head=_head_height(heads),
        )  # fmt: skip
        figure = page.figure()
        widths = _widths(heads, columns)
        left = page.left + SLACK
        ax = page.axes(figure, 0, left, WIDTH - left - 0.1 - sum(widths) - GAP * len(widths) - PAD)
        before = np.zeros(len(counts))
        dark, red = palette(2)
        colours = (red, "white", "white", "#d0d0d0")
        handles = []
        for kind, hatch, colour in zip(KINDS, HATCHES, colours, strict=True):
            size = np.array([of[kind] for of in counts.values()], float)
            style: Any = {
                "hatch": hatch,
                "facecolor": colour,
                "edgecolor": dark if hatch else "black",
                "linewidth": 0.6,
            }
            ax.barh(np.arange(len(counts)), size, left=before, height=0.66, **style)
            before += size
            handles.append(Patch(label=say(f"audit_figure_{kind}", language), **style))
        ax.set_yticks(range(len(counts)), ["\n".join(lines) for lines in labels])
        ax.set_ylim(len(counts) - 0.4, -0.6)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value, language)))
        ax.tick_params(axis="x", labelsize=SMALL)
        ax.set_xlabel(say("audit_figure_rules", language), fontsize=SMALL)
        _beside(page, figure, heads, columns, widths)
        for i, handle in enumerate(handles):
            y = page.top - _head_height(heads) - (len(KINDS) - i) * LEGEND - 0.06
            figure.legend(
                handles=[handle], loc="upper left", bbox_to_anchor=(PAD / WIDTH, 1 - y / page.height), frameon=False,
                borderaxespad=0, borderpad=0, handlelength=2.2, fontsize=8.5,
            )  # fmt: skip
        figure.set_label(say("audit_title", language))
    return ax


def rule_counts(audit: Audit) -> dict[str, dict[str, int]]:
    """By rule, the number of checks that contradict, are to be known, are read, hold; most contradictions first."""
    counts: dict[str, dict[str, int]] = {}
    for check in audit.made:
        counts.setdefault(check.rule, dict.fromkeys(KINDS, 0))[check.severity or "hold"] += 1
    order = sorted(counts, key=lambda rule: [-counts[rule][kind] for kind in KINDS])
    return {rule: counts[rule] for rule in order}


# ------------------------------------------------------------------------------------------------ published shares


@dataclass(frozen=True)
class Share:
    """A published share that can be drawn: its row, k, n, and whether k is not stated but the nearest to the share."""

    row: Row
    k: float
    n: float
    computed: bool


def plot_published(
    audit: Audit, measure: str | None = None, label: str | None = None, confidence: float = 0.95
) -> Axes:
    """Published shares with the intervals that their n allows, those of one definition under one heading.

    Parameters
    ----------
    audit : Audit
    measure : str, optional
        A value of the column ``measure``; also those that go on from it (``success``: ``success_annual``, too).
        By default every share of every table.
    label : str, optional
        The column whose text stands beside a dot. By default place and period (``geography``, ``period_start``,
        ``period_end``) where a row has both, else ``statement``, or the ``quote``.
    confidence : float

    Returns
    -------
    Axes
        A dot for each row with ``n`` and ``k``, or ``n`` and ``share``: k of n with Wilson's interval, both written
        beside it. Headings are the definitions (``definition``), or the measures, or the tables of rows without one.
        A row that a contradiction names has another shape, and a note with its number that says it. Plans, bounds,
        round numbers and shares without n are not drawn but counted in a note.

    Raises
    ------
    ValueError
        If there is no such measure or column, or no share with its n.

    Examples
    --------
    >>> from motivlab.audit import audit_published
    >>> axes = plot_published(audit_published("data/published"), "success")
    >>> [text.get_text() for text in axes.get_figure().texts if text.get_text() == "91 of 176"]
    ['91 of 176']
    """
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    plt.install_repl_displayhook()
    language = audit.language
    rows = _chosen(audit, measure)
    if label is not None and not any(row.text(label) for row in rows):
        columns = dict.fromkeys(column for row in rows for column in row.cells)
        raise ValueError(
            f"label={label!r}: no row has that{did_you_mean(label, columns)} Use one of {', '.join(columns)}."
        )
    shares, not_drawn = _shares(rows)
    if not shares:
        raise ValueError("no row has n and k, or n and share, that are neither planned nor bounds. Add n to the table.")
    groups = _groups(shares)
    drawn = [share for group in groups.values() for share in group]
    told, notes = _contradictions(audit, [share.row for share in drawn])
    room = 0.96 * (WIDTH - 2 * PAD) * 72  # bold letters are drawn a little wider than they are measured
    slots: list[tuple[list[str], Share | None]] = []  # the lines of a label or heading, and the share of the former
    for group, own in groups.items():
        if len(groups) > 1:
            slots.append((wrap(_heading(group, language), room, 9, "bold"), None))
        slots += [([_label(share.row, label, language)], share) for share in own]
    columns_, heads = _numbers(slots, told, language)
    widths = _widths(heads, columns_)
    marks = [Mark(say("audit_figure_plain", language), {"color": palette(2)[0], "marker": "o"}),
             Mark(say("audit_figure_named", language), {"color": palette(2)[1], "marker": "D"})]  # fmt: skip
    marks = marks if told else []
    with mpl.rc_context(STYLE):
        page = Page(
            say("audit_figure_published", language), [lines if share else [""] * len(lines) for lines, share in slots],
            [*_notes(audit, groups, not_drawn, confidence), *notes, "\n" + _source(audit, drawn)], 0.22,
            subtitle=_subtitle(groups, language), legend=len(marks), panel_head=_head_height(heads),
        )  # fmt: skip
        figure = page.figure()
        left = page.left + SLACK
        ax = page.axes(figure, 0, left, WIDTH - left - 0.1 - sum(widths) - GAP * len(widths) - PAD)
        panel = _dots(slots, told, confidence)
        for dots in panel.dots:
            draw_dots(ax, dots)
        ax.set_yticks(range(len(slots)), ["\n".join(lines) if share else "" for lines, share in slots])
        ax.set_ylim(len(slots) - 0.4, -0.6)
        share_scale(language)(ax, [panel])
        ax.tick_params(axis="x", labelsize=SMALL)
        ax.set_xlabel(say("axis_share_unweighted", language, level=percent(confidence, language)), fontsize=SMALL)
        _beside(page, figure, heads, columns_, widths)
        _headings(page, figure, ax, slots)
        draw_legend(page, figure, marks, _head_height(heads))
        figure.set_label(say("audit_figure_published", language))
    return ax


def _chosen(audit: Audit, measure: str | None) -> list[Row]:
    """The rows that state a share or a number of cases, but for shares of money and of totals."""
    stating = [
        row
        for row in audit.figures.rows.values()
        if (row.number("k") is not None or row.number("share") is not None) and row.text("part_as") != "share"
    ]
    if measure is None:
        return stating
    rows = [row for row in stating if row.text("measure") == measure or row.text("measure").startswith(f"{measure}_")]
    if not rows:
        there = list(dict.fromkeys(row.text("measure") for row in stating if row.text("measure")))
        raise ValueError(
            f"measure={measure!r}: no row with a share has it{did_you_mean(measure, there)} "
            f"Use one of {', '.join(there) or 'none: the column measure is missing'}."
        )
    return rows


def _shares(rows: Sequence[Row]) -> tuple[list[Share], dict[str, int]]:
    """What can be drawn, and how many rows cannot for which reason."""
    shares, left = [], dict.fromkeys(("planned", "no_n", "bound", "impossible"), 0)
    for row in rows:
        n, k, share = row.number("n"), row.number("k"), row.number("share")
        cases = k if k is not None else float(round(share * n)) if share is not None and n is not None else None
        if row.yes("planned"):
            left["planned"] += 1
        elif n is None or cases is None:
            left["no_n"] += 1
        elif not row.exact:
            left["bound"] += 1
        elif n == 0 or not 0 <= cases <= n:
            left["impossible"] += 1
        else:
            shares.append(Share(row, cases, n, k is None))
    return shares, left


def _groups(shares: Sequence[Share]) -> dict[tuple[str, str], list[Share]]:
    """By definition; without one by measure, survey or table. Those with a definition first."""
    groups: dict[tuple[str, str], list[Share]] = {}
    for share in shares:
        row = share.row
        kinds = ((kind, row.text(kind)) for kind in ("definition", "measure", "survey"))
        groups.setdefault(next((kind for kind in kinds if kind[1]), ("table", row.table)), []).append(share)
    return dict(sorted(groups.items(), key=lambda item: item[0][0] != "definition"))


def _heading(group: tuple[str, str], language: str) -> str:
    kind, code = group
    if kind == "definition":
        text = definition_label(code, language)
        return text[:1].upper() + text[1:]
    return quoted(code.replace("_", " "), language)


def _subtitle(groups: dict[tuple[str, str], list[Share]], language: str) -> str:
    """The definition where there is only one; none where headings tell them."""
    if len(groups) > 1:
        return ""
    kind = next(iter(groups))
    undefined = "" if kind[0] == "definition" else say("audit_figure_undefined_all", language)
    return " – ".join(filter(None, ["" if kind[0] == "table" else _heading(kind, language), undefined]))


def _label(row: Row, label: str | None, language: str) -> str:
    place, period = _place(row, language), _period(row, language)
    if label is None:
        columns = (f"statement_{language}", f"item_{language}", "statement", "item", "quote")
        stated = next((text for column in columns if (text := row.text(column))), "")
        text = f"{place}, {period}" if place and period else stated
    else:
        text = row.text(label)
    first, *more = wrap(f"{row.id} {text}".strip(), LABEL * 72 - text_width(" …", 9, "normal"), 9)
    return f"{first.rstrip(',:;')} …" if more else first


def _place(row: Row, language: str) -> str:
    """Where, without what stands after a colon or in brackets."""
    places = row.text("geography").split(":")[0].split(" (")[0].split(" + ")
    keys = [f"audit_place_{place.casefold()}" for place in places]
    return " + ".join(say(key, language) if known(key) else place for key, place in zip(keys, places, strict=True))


def _period(row: Row, language: str) -> str:
    ends = dict.fromkeys(filter(None, (row.text("period_start"), row.text("period_end"))))
    return date_text("–".join(ends), language)


def _contradictions(audit: Audit, rows: Sequence[Row]) -> tuple[dict[str, list[int]], list[str]]:
    """The numbers of the contradictions that name a row, and each in words."""
    told: dict[str, list[int]] = {}
    notes: list[str] = []
    drawn = {row.id for row in rows}
    found = audit.findings[audit.findings["severity"] == "contradiction"].to_dict("records")
    found = [finding for finding in found if drawn & set(str(finding["rows"]).split())]
    for i, finding in enumerate(found, start=1):
        for id_ in drawn & set(str(finding["rows"]).split()):
            told.setdefault(id_, []).append(min(i, FOOTNOTES + 1))
        if i <= FOOTNOTES:
            notes.append(f"\n{i}. {said(finding, audit.language)}")
    if len(found) > FOOTNOTES:
        more = say("audit_takeaway_more", audit.language, n=len(found) - FOOTNOTES)
        notes.append(f"\n{FOOTNOTES + 1}. {more}")
    return {id_: list(dict.fromkeys(numbers)) for id_, numbers in told.items()}, notes


def _numbers(
    slots: Sequence[tuple[list[str], Share | None]], told: dict[str, list[int]], language: str
) -> tuple[list[list[str]], list[list[str]]]:
    """The columns at the right, share, k of n and the notes on a row, and their heads."""
    shown, counts, numbered = [], [], []
    for _, share in slots:
        if share is None:
            shown.append("")
            counts.append("")
            numbered.append("")
            continue
        k = number(share.k, language)
        k = say("audit_figure_about", language, k=k) if share.computed else k
        shown.append(percent(share.k / share.n, language))
        counts.append(say("audit_figure_k_of_n", language, k=k, n=number(share.n, language)))
        numbered.append(", ".join(map(str, told.get(share.row.id, []))))
    columns = {"share": shown, "audit_figure_k_head": counts, "audit_figure_footnote": numbered}
    columns = {key: column for key, column in columns.items() if any(column)}
    return list(columns.values()), [wrap(say(key, language), 80, SMALL) for key in columns]


def _dots(slots: Sequence[tuple[list[str], Share | None]], told: dict[str, list[int]], confidence: float) -> Panel:
    k, n = (np.array([getattr(share, name) if share else np.nan for _, share in slots]) for name in ("k", "n"))
    named = np.array([share is not None and share.row.id in told for _, share in slots])
    known_ = np.isfinite(n)
    low, high = np.full(len(n), np.nan), np.full(len(n), np.nan)
    low[known_], high[known_] = wilson(k[known_], n[known_], confidence)
    solid, value = np.zeros(len(n), dtype=bool), k / n
    series = []
    for which, marker, colour in ((~named, "o", palette(2)[0]), (named, "D", palette(2)[1])):
        own = [np.where(which, part, np.nan) for part in (value, low, high)]
        series.append(Dots(own[0], own[1], own[2], solid, colour, marker))
    return Panel(tuple(series))


def _notes(
    audit: Audit, groups: dict[tuple[str, str], list[Share]], left: dict[str, int], confidence: float
) -> list[str]:
    language = audit.language
    shares = [share for group in groups.values() for share in group]
    notes = [say("audit_figure_wilson", language, level=percent(confidence, language))]
    notes += [say("audit_figure_about_note", language)] if any(share.computed for share in shares) else []
    notes += [say("audit_figure_groups", language)] if len(groups) > 1 else []
    undefined = len(groups) > 1 and any(kind != "definition" for kind, _ in groups)
    notes += [say("audit_figure_undefined", language)] if undefined else []
    notes += [say("audit_figure_survey", language)] if any(share.row.text("survey") for share in shares) else []
    several = any(share.row.text("response") in ("multiple", "items") for share in shares)
    notes += [say("audit_figure_sets", language)] if several else []
    if sum(left.values()):
        why = ", ".join(say(f"audit_left_{reason}", language, n=n) for reason, n in left.items() if n)
        notes.append(say("audit_figure_left", language, n=sum(left.values()), why=why))
    if not any(check.severity == SEVERITIES[0] for check in audit.made):
        notes.append(say("audit_note_none", language))
    return notes


def _source(audit: Audit, shares: Sequence[Share]) -> str:
    """The documents that rows are quoted from, by their titles; of a table of a user's own, the table."""
    rows = [share.row for share in shares] or list(audit.figures.rows.values())
    titles = {}
    described = audit.tables.get("documents")
    if described is not None and {"file", "title"} <= set(described):
        titles = dict(zip(described["file"], described["title"], strict=True))
    files = dict.fromkeys(row.text("source_file") or row.table for row in rows)
    source = "; ".join(titles.get(file) or file for file in files)
    return say("note_source", audit.language, source=f"{source}.")


# --------------------------------------------------------------------------------------------------- at the right


def _head_height(heads: Sequence[Sequence[str]]) -> float:
    return max(map(len, heads)) * SMALL * LINE / 72


def _widths(heads: Sequence[Sequence[str]], columns: Sequence[Sequence[str]]) -> list[float]:
    """The widths of columns of words, in inches."""
    return [
        max(text_width(text, SMALL, "normal") for text in [*head, *column]) / 72
        for head, column in zip(heads, columns, strict=True)
    ]


def _beside(
    page: Page,
    figure: Figure,
    heads: Sequence[Sequence[str]],
    columns: Sequence[Sequence[str]],
    widths: Sequence[float],
) -> None:
    """Columns of words at the right edge, right-aligned below their heads."""
    right = WIDTH - PAD
    for head, column, width in reversed(list(zip(heads, columns, widths, strict=True))):
        y = page.top - len(head) * SMALL * LINE / 72 - 0.02
        for line in head:
            page.text(figure, right, y, line, size=SMALL, color=GREY, ha="right")
            y += SMALL * LINE / 72
        for at, text in enumerate(column):
            figure.text(right / WIDTH, _middle(page, at, len(column)), text, fontsize=SMALL, va="center", ha="right")
        right -= width + GAP


def _middle(page: Page, at: int, rows: int) -> float:
    """Where a row is on the page: the axes run from -0.6 to -0.4 below the last."""
    return 1 - (page.top + (at + 0.6) / (rows + 0.2) * page.axes_height) / page.height


def _headings(page: Page, figure: Figure, ax: Axes, slots: Sequence[tuple[list[str], Share | None]]) -> None:
    """The headings between the rows, over the grid."""
    for at, (lines, share) in enumerate(slots):
        if share is None:
            ax.axhspan(at - (0.6 if at == 0 else 0.5), at + 0.5, facecolor="white", edgecolor="none", zorder=1)
            figure.text(
                PAD / WIDTH, _middle(page, at, len(slots)), "\n".join(lines), fontsize=9, weight="bold", va="center",
                linespacing=1.1,
            )  # fmt: skip
