"""The sheet of findings for the fieldwork company, as Excel, HTML and CSV, and the cleaning as a table."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .cleaning import Cleaning
from .cleaning_log import ACTIONS, LOG_COLUMNS, guarded
from .codes import as_texts
from .language import number, say
from .questionnaire import MISSING_REASONS, Questionnaire
from .sentences import cleaned_line
from .survey import all_repeats
from .tables import CREATED, Block, Table, table

if TYPE_CHECKING:
    from .checking import CheckReport

FILLED_IN = ("answer", "action", "reason", "by", "date")
# Column of the sheet: its width in characters. What a person reads first, what only the program reads last.
SHEET = {
    "respondent": 12, "interviewer": 12, "day": 11, "severity": 12, "wording": 32, "variable": 14, "value": 14,
    "label": 16, "message": 40, "answer": 17, "action": 14, "reason": 22, "by": 14, "date": 11, "rule": 19, "row": 8,
}  # fmt: skip
WHERE_KNOWN = ("interviewer", "day", "label")
COLOURS = {"error": "#F8CBAD", "warning": "#FFE699", "note": "#DDEBF7"}
TO_FILL = "#FFFFCC"
MOST_ROWS = 1_048_575  # that a sheet of Excel holds below its head
LINE = 14  # points
MOST_LINES = 27  # a row of Excel is at most 409 points high
LONGEST = 32_000  # characters of a cell


def fieldwork_sheet(report: CheckReport) -> pd.DataFrame:
    """The findings as a sheet to be answered: the columns of a log, and what helps whoever answers.

    Parameters
    ----------
    report : CheckReport

    Returns
    -------
    DataFrame of str
        A row per finding that needs an answer, notes are left out. ``row``, ``respondent``, ``variable``, ``wording``
        (of the question, in the language of the report), ``value``, ``rule``, ``message``, the empty ``answer``,
        ``action``, ``reason``, ``by`` and ``date``; ``severity``, ``label`` (the value in words), ``interviewer``,
        ``day``. An identifier stays as masked as the report has it.

    Examples
    --------
    >>> from motivlab.survey import Survey
    >>> survey = Survey.from_frame(pd.DataFrame({"id": [1, 2, 2], "sex": ["f", "m", "f"]}), respondent_id="id")
    >>> fieldwork_sheet(survey.check())[["row", "respondent", "rule"]].to_numpy().tolist()
    [['2', '2', 'id_duplicate'], ['3', '2', 'id_duplicate']]
    """
    found = report.findings[report.findings["severity"] != "note"]
    names = ["respondent", "variable", "value", "rule", "severity", "message", "interviewer", "day"]
    out = pd.DataFrame({name: as_texts(found[name]) if name in found else "" for name in names}, dtype=object)
    out["row"] = as_texts(found.index)
    words = {pair: _words(*pair, report) for pair in dict.fromkeys(zip(out["variable"], out["value"], strict=True))}
    pairs = list(zip(out["variable"], out["value"], strict=True))
    out["wording"] = pd.Series([words[pair][0] for pair in pairs], dtype=object)
    out["label"] = pd.Series([words[pair][1] for pair in pairs], dtype=object)
    out[list(FILLED_IN)] = ""
    return out[[*LOG_COLUMNS, "severity", "label", "interviewer", "day"]]


def _words(variable: str, value: str, report: CheckReport) -> tuple[str, str]:
    """The wording of a variable's question, and of its value; empty where there is none."""
    form: Questionnaire = report.questionnaire
    first, _, rest = variable.partition("/")
    for repeat in all_repeats(form):
        if repeat.name == first and rest:
            form, variable = repeat.form, rest
    name, _, choice = (variable, "", "") if variable in form else variable.partition("/")
    if name not in form:
        return "", ""
    question, language = form[name], report.language
    labels = {one.name: one.label(language) for one in question.choices}
    if choice:
        return f"{question.label(language)} – {labels.get(choice, choice)}", ""
    codes = value.split() if question.type == "select_multiple" else [value]
    known = [labels[code] for code in codes if code in labels]
    return question.label(language), "; ".join(known) if len(known) == len(codes) else ""


def write_findings(report: CheckReport, file: Path) -> None:
    """Write the findings of a check as .xlsx or .csv, to be answered and read back, or .html; they name respondents.

    Raises
    ------
    ValueError
        If there are more findings than a sheet of Excel has rows.
    """
    sheet = fieldwork_sheet(report)
    if file.suffix == ".csv":
        guard = {column: [guarded(text) for text in sheet[column]] for column in sheet}
        pd.DataFrame(guard, columns=list(sheet)).to_csv(file, index=False, lineterminator="\n")
    elif file.suffix == ".html":
        file.write_text(_page(report, sheet), encoding="utf-8")
    else:
        _book(report, sheet, file)


def _shown_columns(sheet: pd.DataFrame) -> list[str]:
    """The columns of the sheet, without those of which nothing is known."""
    return [column for column in SHEET if column not in WHERE_KNOWN or (sheet[column] != "").any()]


# ------------------------------------------------------------------------------------------------------- Excel


def _book(report: CheckReport, sheet: pd.DataFrame, file: Path) -> None:
    import xlsxwriter

    if len(sheet) > MOST_ROWS:
        raise ValueError(f"{len(sheet):,} findings: a sheet of Excel holds {MOST_ROWS:,}. Write them as .csv.")
    plain = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(str(file), {**plain, "default_date_format": "yyyy-mm-dd"})
    book.set_properties({"created": CREATED})
    _sheet_to_fill(book, sheet, report.language)
    _sheet_summary(book, report)
    _sheet_how(book, report.language)
    book.close()


def _sheet_to_fill(book: Any, sheet: pd.DataFrame, language: str) -> None:
    page = book.add_worksheet(say("sheet_findings", language))
    head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "border": 1, "bg_color": "#D9D9D9"})
    cell = {"text_wrap": True, "valign": "top", "border": 1, "border_color": "#BFBFBF", "num_format": "@"}
    plain, grey = book.add_format(cell), book.add_format(cell | {"font_color": "#808080"})
    fill = book.add_format(cell | {"bg_color": TO_FILL})
    fill_head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "border": 1, "bg_color": "#FFD966"})
    day = book.add_format(cell | {"bg_color": TO_FILL, "num_format": "yyyy-mm-dd"})
    by_severity = {name: book.add_format(cell | {"bg_color": colour}) for name, colour in COLOURS.items()}
    columns = _shown_columns(sheet)
    for j, column in enumerate(columns):
        page.set_column(j, j, SHEET[column])
        page.write_string(0, j, say(f"log_{column}", language), fill_head if column in FILLED_IN else head)
    severities = sheet["severity"].tolist()
    words = {severity: say(f"severity_{severity}", language) for severity in set(severities)}
    for j, column in enumerate(columns):
        for i, text in enumerate(sheet[column].tolist(), start=1):
            if column in FILLED_IN:
                page.write_blank(i, j, None, day if column == "date" else fill)
            elif column in ("severity", "message"):
                shown = words[text] if column == "severity" else text
                page.write_string(i, j, shown[:LONGEST], by_severity[severities[i - 1]])
            elif text:
                page.write_string(i, j, text[:LONGEST], grey if column in ("rule", "row") else plain)
            else:
                page.write_blank(i, j, None, plain)
    # what is wrapped needs its height said, since only Excel finds it by itself
    lengths = {column: sheet[column].str.len().to_numpy() for column in columns if column not in FILLED_IN}
    lines = np.max([np.ceil(length * 1.15 / SHEET[column]) for column, length in lengths.items()], axis=0, initial=1)
    for i, high in enumerate(lines.tolist(), start=1):
        page.set_row(i, LINE * min(high, MOST_LINES))
    page.set_row(0, 2 * LINE)
    last, action = max(len(sheet), 1), columns.index("action")
    choice = {
        "validate": "list", "source": [say(f"action_{name}", language) for name in ACTIONS],
        "error_title": say("log_action", language), "error_message": say("fieldwork_action_told", language),
    }  # fmt: skip
    page.data_validation(1, action, last, action, choice)
    page.freeze_panes(1, 1)
    page.autofilter(0, 0, last, len(columns) - 1)
    _printable(page, say("sheet_findings", language))


def _printable(page: Any, title: str) -> None:
    page.set_landscape()
    page.set_paper(9)  # A4
    page.fit_to_pages(1, 0)
    page.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    page.repeat_rows(0)
    page.set_footer(f"&L{title}&R&P / &N")


def _sheet_summary(book: Any, report: CheckReport) -> None:
    language = report.language
    page = book.add_worksheet(say("sheet_summary", language))
    bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
    head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
    wrapped = {"text_wrap": True, "valign": "top"}
    cell = book.add_format(wrapped)
    coloured = {name: book.add_format(wrapped | {"bg_color": colour}) for name, colour in COLOURS.items()}
    page.merge_range(0, 0, 0, 3, report.headline, bold)
    page.set_row(0, 32)
    shown = report.shown()
    for j, column in enumerate(shown):
        page.set_column(j, j, {0: 44, 1: 16, 2: 60}.get(j, 13))
        page.write_string(2, j, str(column), head)
    for i, (severity, row) in enumerate(zip(report.summary["severity"], shown.to_numpy().tolist(), strict=True), 3):
        for j, value in enumerate(row):
            if isinstance(value, str):
                page.write_string(i, j, value[:LONGEST], coloured[severity] if j == 1 else cell)
            else:
                page.write_number(i, j, int(value), cell)
    if notes := int((report.findings["severity"] == "note").sum()):
        page.write_string(len(shown) + 4, 0, say("fieldwork_notes", language, n=notes))
    page.freeze_panes(3, 0)
    _printable(page, say("sheet_summary", language))


def _sheet_how(book: Any, language: str) -> None:
    page = book.add_worksheet(say("sheet_how", language))
    page.set_column(0, 0, 110)
    text = book.add_format({"text_wrap": True, "valign": "top"})
    for i, line in enumerate(how_to_fill(language)):
        page.write_string(i, 0, line, text)
        page.set_row(i, LINE * (1.4 + len(line) // 115))
    _printable(page, say("sheet_how", language))


def how_to_fill(language: str) -> list[str]:
    """How the sheet of findings is filled in, a line a thought.

    Examples
    --------
    >>> how_to_fill("en")[3]
    'drop interview: the whole interview cannot be used. A reason is required.'
    """
    heads = {column: say(f"log_{column}", language) for column in FILLED_IN}
    reasons = ", ".join(say(f"missing_{reason}", language) for reason in MISSING_REASONS)
    word = {action: say(f"action_{action}", language) for action in ACTIONS}
    return [
        say("fieldwork_how", language, sheet=say("sheet_findings", language)),
        say("fieldwork_change", language, word=word["change"], answer=heads["answer"]),
        say("fieldwork_missing", language, word=word["missing"], answer=heads["answer"], reasons=reasons),
        say("fieldwork_drop", language, word=word["drop"]),
        say("fieldwork_keep", language, word=word["keep"]),
        say("fieldwork_by", language, by=heads["by"], date=heads["date"]),
        say("fieldwork_open", language),
        say("fieldwork_confidential", language),
    ]


# ------------------------------------------------------------------------------------------------------- HTML


_STYLE = """\
body{font:14px/1.4 "DejaVu Sans",Arial,sans-serif;margin:1.5em;color:#222}
table{border-collapse:collapse;margin:1em 0}caption{text-align:left;font-weight:bold;padding:.3em 0}
th,td{border:1px solid #bfbfbf;padding:.3em .5em;text-align:left;vertical-align:top}
thead th{background:#d9d9d9;position:sticky;top:0}
""" + "".join(f".{name}{{background:{colour}}}" for name, colour in COLOURS.items())


def _page(report: CheckReport, sheet: pd.DataFrame) -> str:
    """The summary and the findings as one page without anything from elsewhere."""
    language, title = report.language, say("sheet_findings", report.language)
    columns = [column for column in _shown_columns(sheet) if column not in FILLED_IN]
    shown = sheet.assign(severity=[say(f"severity_{severity}", language) for severity in sheet["severity"]])
    parts = [
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8"><title>{escape(title)}</title>',
        f"<style>{_STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1><p>{escape(report.headline)}</p>",
        _html(say("sheet_summary", language), list(report.shown()), report.shown().astype(str).to_numpy().tolist(),
              report.summary["severity"]),
        _html(title, [say(f"log_{c}", language) for c in columns], shown[columns].to_numpy().tolist(),
              sheet["severity"]),
        f"<p>{escape(say('fieldwork_confidential', language))}</p></body></html>\n",
    ]  # fmt: skip
    return "\n".join(parts)


def _html(caption: str, heads: list[str], rows: list[list[str]], severities: Iterable[str]) -> str:
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    body = "\n".join(
        f'<tr class="{severity}">' + "".join(f"<td>{escape(text)}</td>" for text in row) + "</tr>"
        for severity, row in zip(severities, rows, strict=True)
    )
    return f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>"


# -------------------------------------------------------------------------------------------------- the cleaning


@table.register(Cleaning)
def _cleaning(cleaning: Cleaning) -> Table:
    """A row per action; then the same by rule. Counts only: who it was stands in the record."""
    language, counts = cleaning.language, cleaning.counts
    rows = tuple((say(f"cleaning_{action}", language), number(n, language)) for action, n in counts.items())
    blocks = [Block("", (say("cleaning_action", language), say("cleaning_count", language)), rows)]
    numbers = pd.crosstab(cleaning.record["rule"], cleaning.record["action"]).reindex(columns=ACTIONS, fill_value=0)
    if len(numbers):
        head = ("", *(say(f"cleaning_{action}", language) for action in ACTIONS))
        by_rule = tuple(
            (say(f"rule_{rule}", language) if rule else say("cleaning_no_rule", language),
             *(number(int(n), language) for n in row))
            for rule, row in zip(numbers.index, numbers.to_numpy(), strict=True)
        )  # fmt: skip
        blocks.append(Block(say("cleaning_by_rule", language), head, by_rule))
    notes = [cleaned_line(cleaning.survey)] if len(cleaning.record) else []
    if cleaning.done:
        notes.append(say("cleaning_done_already", language, n=cleaning.done))
    notes.append(cleaning.report.headline)
    numbers = numbers.reset_index().rename_axis(columns=None)
    return Table(say("cleaning_title", language), tuple(blocks), tuple(filter(None, notes)), numbers, language)
