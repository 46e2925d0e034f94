"""Gated estimates as tables: text and HTML in a notebook, Excel, HTML and CSV as files."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import singledispatch
from html import escape
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd
from tabulate import tabulate

from .estimate import Estimates
from .gate import Gated, gate
from .language import number, percent, say
from .sentences import bracketed, by_label, interval, item_label, level_label, notes, shown

SUPPRESSED = "–"
# the tables of other results
REGISTERED = (
    "tables_compare", "tables_cooccurrence", "tables_fieldwork", "tables_gains", "tables_outcomes", "tables_audit",
    "tables_recodes", "tables_codebook", "tables_cleaning", "tables_margins",
)  # fmt: skip


@dataclass(frozen=True)
class Block:
    """One table of texts: a title, column heads, rows that start with the item; and the columns that hold sentences."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    prose: tuple[int, ...] = ()


@dataclass(frozen=True)
class Table:
    """A result in words: a title (the question's wording), blocks, notes; and the gated numbers behind them."""

    title: str
    blocks: tuple[Block, ...]
    notes: tuple[str, ...]
    numbers: pd.DataFrame
    language: str

    def text(self) -> str:
        """As plain text."""
        parts = [self.title]
        for block in self.blocks:
            grid = tabulate(block.rows, block.head, "simple", disable_numparse=True)
            parts.append(f"{block.title}\n\n{grid}" if block.title else grid)
        return "\n\n".join([*parts, "\n".join(self.notes)])

    def html(self) -> str:
        """As HTML, without a style of its own."""
        parts = []
        for i, block in enumerate(self.blocks):
            caption = escape(" – ".join(filter(None, [self.title if i == 0 else "", block.title])))
            style = [
                ' style="text-align: left; white-space: normal"' * (j in block.prose) for j in range(len(block.head))
            ]
            cells = list(zip(style, block.head, strict=True))
            head = "".join(f'<th scope="col"{how}>{_lines(cell)}</th>' for how, cell in cells)
            rows = "".join(
                f'<tr><th scope="row">{escape(row[0])}</th>'
                + "".join(f"<td{how}>{_lines(c)}</td>" for how, c in zip(style[1:], row[1:], strict=True))
                + "</tr>"
                for row in block.rows
            )
            parts.append(
                f'<table class="motivlab"><caption>{caption}</caption><thead><tr>{head}</tr></thead>'
                f"<tbody>{rows}</tbody></table>"
            )
        parts.append('<p class="motivlab-notes">' + " ".join(escape(note) for note in self.notes) + "</p>")
        return "\n".join(parts)


def _lines(cell: str) -> str:
    """A cell as HTML: the group over its n, the share over its interval."""
    return escape(cell).replace("\n", "<br>").replace(" [", "<br>[")


@singledispatch
def table(thing: Any) -> Table:
    """A result as a table of texts; of estimates, the gated ones.

    Of estimates, the first block is the total: share, interval, n. Each breakdown is a block of its own, with a
    column per group and n in its head. Shares are whole percentages; a cell in brackets rests on few respondents, a
    dash on too few.

    Parameters
    ----------
    thing : Estimates, Gated, or another result

    Raises
    ------
    TypeError
        If the thing has no table.

    Examples
    --------
    >>> from motivlab.prevalence import prevalence
    >>> from motivlab.survey import Survey
    >>> survey = Survey.from_frame(pd.DataFrame({"worked": ["yes", "no", "no", "no"] * 15}))
    >>> table(prevalence(survey, "worked")).blocks[0].rows
    (('no', '75%', '62–85%', '60'), ('yes', '25%', '15–38%', '60'))
    """
    for module in REGISTERED:  # imported with the first result of theirs
        import_module(f"motivlab.{module}")
    made = table.dispatch(type(thing))
    if made is table.dispatch(object):
        raise TypeError(f"a {type(thing).__name__} has no table.")
    return made(thing)


@table.register(Estimates)
@table.register(Gated)
def _(estimates: Estimates | Gated) -> Table:
    gated = gate(estimates)
    e, language = gated.estimates, gated.estimates.language
    title = e.questionnaire[e.question].label(language)
    blocks = []
    for by, rows in gated.frame.groupby("by", sort=False):
        blocks.append(_breakdown(gated, str(by), rows) if by else _total(gated, rows))
    return Table(title, tuple(blocks), tuple(notes(gated)), gated.frame, language)


def _total(gated: Gated, rows: pd.DataFrame) -> Block:
    e, language = gated.estimates, gated.estimates.language
    published = "published" in rows and rows["published"].notna().any()
    value = say("share" if e.statistic == "share" else "statistic_value", language)
    head = ["", value, say("confidence", language, level=percent(e.confidence, language)), "n"]
    out = []
    for _, row in rows.iterrows():
        cells = [item_label(e, row["item"], row["net"])]
        if row["status"] == "suppressed":
            cells += [SUPPRESSED, SUPPRESSED, _n(gated, row)]
        else:
            cells += [bracketed(row, shown(row["estimate"], e)), interval(row, e), _n(gated, row)]
        if published:
            cells += [published_share(row, language), _apart(row, e)]
        out.append(tuple(cells))
    if published:
        head += [say("published", language), say("published_difference", language)]
    return Block("", tuple(head), tuple(out))


def _apart(row: Any, e: Estimates) -> str:
    """The difference from a published share with its interval, in percentage points; empty if there is none."""
    values = [row[c] for c in ("difference", "difference_low", "difference_high")]
    if row["status"] == "suppressed" or pd.isna(row["published"]) or pd.isna(values[0]):
        return ""
    point, low, high = (points(value, e.language) for value in values)
    return f"{point} [{low}; {high}]" if low and high else point


def points(difference: float, language: str) -> str:
    """A difference of shares in percentage points, with its sign; empty where there is none."""
    if pd.isna(difference):
        return ""
    size = abs(difference) * 100
    text = number(size, language, 0 if size >= 0.95 else 1)
    return text if float(f"{size:.1f}") == 0 else ("+" if difference > 0 else "−") + text


def published_share(row: Any, language: str) -> str:
    """A published share as its source has it, "at least" included; empty if there is none."""
    if pd.isna(row["published"]):
        return ""
    share = percent(row["published"], language)
    return say("published_at_least", language, share=share) if row["qualifier"] == "at_least" else share


def _breakdown(gated: Gated, by: str, rows: pd.DataFrame) -> Block:
    e = gated.estimates
    levels = list(dict.fromkeys(rows["level"]))
    head = ["", *(f"{level_label(e, by, level)}\n{n_of(gated, rows[rows['level'] == level])}" for level in levels)]
    out = []
    for (item, net), part in rows.groupby(["item", "net"], sort=False):
        of_level = {row["level"]: row for _, row in part.iterrows()}
        out.append((item_label(e, str(item), bool(net)), *(_cell(of_level[level], e) for level in levels)))
    return Block(by_label(e, by), tuple(head), tuple(out))


def _cell(row: Any, e: Estimates) -> str:
    if row["status"] == "suppressed":
        return SUPPRESSED
    within = interval(row, e)
    return bracketed(row, shown(row["estimate"], e)) + (f" [{within}]" if within else "")


def _n(gated: Gated, row: Any) -> str:
    language = gated.estimates.language
    if pd.isna(row["n"]):
        return f"< {number(gated.profile.suppress_below, language)}"
    return number(row["n"], language)


def n_of(gated: Gated, rows: pd.DataFrame) -> str:
    """The n of some rows: ``n = 270``, a range where items differ, ``n < 20`` where it may not be told."""
    language = gated.estimates.language
    n = rows.loc[rows["n"].notna() & (rows["reason"] != "empty"), "n"]
    if n.empty:
        few = (rows["reason"] == "few").any()
        return say("n_below", language, n=gated.profile.suppress_below) if few else say("n_equals", language, n=0)
    if n.min() == n.max():
        return say("n_equals", language, n=int(n.min()))
    return say("n_range", language, low=int(n.min()), high=int(n.max()))


# ------------------------------------------------------------------------------------------------------- files

CREATED = dt.datetime(2000, 1, 1)  # noqa: DTZ001 - XlsxWriter takes naive times only; a fixed date, so that the same input gives the same bytes


def write_table(made: Table, file: Path) -> None:
    """Write a table as .xlsx, .html or .csv; the last holds the gated numbers, unrounded."""
    if file.suffix == ".xlsx":
        _workbook(file, lambda book: _table_sheets(book, made))
    elif file.suffix == ".html":
        head = f'<!doctype html><html lang="{made.language}"><meta charset="utf-8"><title>{escape(made.title)}</title>'
        file.write_text(f"{head}\n{made.html()}\n</html>\n", encoding="utf-8")
    else:
        made.numbers.to_csv(file, index=False, lineterminator="\n")


def _workbook(file: Path, fill: Callable[[Any], None]) -> None:
    import xlsxwriter

    book = xlsxwriter.Workbook(str(file), {"nan_inf_to_errors": False, "strings_to_formulas": False})
    book.set_properties({"created": CREATED})
    fill(book)
    book.close()


def _table_sheets(book: Any, made: Table) -> None:
    language = made.language
    bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
    head = book.add_format({"bold": True, "text_wrap": True, "bottom": 1, "align": "right", "valign": "bottom"})
    item = book.add_format({"text_wrap": True, "valign": "top"})
    cell = book.add_format({"align": "right", "valign": "top", "text_wrap": True})
    sheet = book.add_worksheet(say("sheet_table", language))
    sheet.set_column(0, 0, 46)
    sheet.set_column(1, max(len(block.head) for block in made.blocks), 17)
    for j in {j for block in made.blocks for j in block.prose}:
        sheet.set_column(j, j, 46)
    sheet.merge_range(0, 0, 0, 6, made.title, bold)
    sheet.set_row(0, 15 * (1 + len(made.title) // 100))
    row = 2
    for block in made.blocks:
        if block.title:
            sheet.write_string(row, 0, block.title, bold)
            row += 1
        for j, text in enumerate(block.head):
            sheet.write_string(row, j, text, head)
        for i, texts in enumerate(block.rows, start=row + 1):
            for j, text in enumerate(texts):
                sheet.write_string(i, j, text, cell if j and j not in block.prose else item)
        row += len(block.rows) + 2
    for note in made.notes:
        sheet.write_string(row, 0, note)
        row += 1
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    _frame_sheet(book, say("sheet_numbers", language), made.numbers, 12)
    last = book.add_worksheet(say("sheet_notes", language))
    last.set_column(0, 0, 110)
    for i, note in enumerate((made.title, *made.notes)):
        last.write_string(i, 0, note, item)


def _frame_sheet(book: Any, name: str, frame: pd.DataFrame, width: int) -> None:
    sheet = book.add_worksheet(name)
    head = book.add_format({"bold": True, "bottom": 1})
    sheet.set_column(0, len(frame.columns) - 1, width)
    for j, column in enumerate(frame.columns):
        sheet.write_string(0, j, str(column), head)
        for i, value in enumerate(frame[column], start=1):
            if isinstance(value, str):
                sheet.write_string(i, j, value)
            elif not pd.isna(value) and value not in (math.inf, -math.inf):
                sheet.write(i, j, value.item() if hasattr(value, "item") else value)
    sheet.freeze_panes(1, 0)
    if len(frame):
        sheet.autofilter(0, 0, len(frame), len(frame.columns) - 1)
