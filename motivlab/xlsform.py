"""XLSForm sheets: a questionnaire in, a questionnaire out.

A questionnaire is a folder with ``survey.csv``, ``choices.csv`` and, if there is one, ``settings.csv``, or an .xlsx
workbook with the sheets of those names. Four columns are added to the standard ones and ignored by other tools:
``missing``, ``exclusive`` and ``neutral`` on the choices sheet, and ``missing`` on the survey sheet for questions that
have no choices (``-9=not_asked -8=refused``).
"""

from __future__ import annotations

import csv
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .expressions import ExpressionError, parse_expression
from .files import refuse_separators
from .questionnaire import (
    CHOICE_TYPES,
    MISSING_REASONS,
    TYPES,
    Choice,
    Group,
    Question,
    Questionnaire,
    QuestionnaireError,
    check_references,
    did_you_mean,
)

MARKS = ("exclusive", "neutral")  # columns of the choices sheet that hold yes or nothing
Row = tuple[int, dict[str, str]]  # the row's number in the file, and its cells by column


@dataclass(frozen=True)
class _Sheet:
    """One sheet as text: where it is, its columns, its rows."""

    where: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    def error(self, row: int, words: str) -> QuestionnaireError:
        return QuestionnaireError(f"{self.where}, row {row}: {words}")


def read_sheets(path: Path) -> Questionnaire:
    """Read a folder of sheets or a workbook; see :meth:`Questionnaire.read`."""
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such questionnaire. Give a folder with survey.csv, or an .xlsx file.")
    survey = _sheet(path, "survey", ("type", "name"))
    choices = _sheet(path, "choices", ("list_name", "name"), needed=False)
    settings_sheet = _sheet(path, "settings", (), needed=False)
    settings = dict(settings_sheet.rows[0][1]) if settings_sheet.rows else {}
    languages = _languages((*survey.columns, *choices.columns), survey.where)
    default = settings.get("default_language", "")
    first = _language_code(default) if _language_code(default) in languages else next(iter(languages), "")
    order = [first, *(code for code in languages if code != first)]
    lists = _choice_lists(choices, languages, order)
    questions = tuple(_questions(survey, choices.where, lists, languages, order))
    if not questions:
        raise QuestionnaireError(f"{survey.where}: it holds no question. Add a row for each question.")
    _validate_expressions(questions, survey)
    return Questionnaire(questions, languages, settings)


def _sheet(path: Path, name: str, required: tuple[str, ...], needed: bool = True) -> _Sheet:
    """One sheet of a folder of .csv files or of a workbook."""
    if path.is_dir():
        file = path / f"{name}.csv"
        where = str(file)
        if not file.exists():
            if needed:
                raise FileNotFoundError(
                    f"{file}: no such file. A questionnaire folder holds survey.csv and choices.csv."
                )
            return _Sheet(where, (), ())
        table = _csv_rows(file)
    else:
        where = f"{path}, sheet {name!r}"
        found = _xlsx_rows(path, name)
        if found is None:
            if needed:
                raise QuestionnaireError(f"{path}: there is no sheet {name!r}. Add it, as XLSForm has it.")
            return _Sheet(where, (), ())
        table = found
    if not table:
        if needed:
            raise QuestionnaireError(
                f"{where}: the file is empty. The first row names the columns: {', '.join(required)}."
            )
        return _Sheet(where, (), ())
    (_, head), *body = table
    columns = tuple(cell.strip() for cell in head)
    for column in required:
        if column not in columns:
            raise QuestionnaireError(f"{where}: the column {column!r} is missing. The first row names the columns.")
    for column in columns:
        if column and columns.count(column) > 1:
            raise QuestionnaireError(f"{where}: the column {column!r} is there twice. Rename or remove one.")
    rows = []
    for number, cells in body:
        if len(cells) > len(columns) and any(cell.strip() for cell in cells[len(columns) :]):
            raise QuestionnaireError(
                f"{where}, row {number}: {len(cells)} cells under {len(columns)} columns. "
                "Put quotes around a cell that holds a comma."
            )
        values = {column: cell.strip() for column, cell in zip(columns, cells, strict=False) if column}
        if any(values.values()):
            rows.append((number, values))
    return _Sheet(where, columns, tuple(rows))


def _csv_rows(file: Path) -> list[tuple[int, list[str]]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream)
            table = [(reader.line_num, cells) for cells in reader]
    except UnicodeDecodeError as error:
        raise QuestionnaireError(
            f"{file}: byte {error.start} is not UTF-8 ({error.object[error.start : error.start + 1]!r}). "
            "Save the file as CSV UTF-8."
        ) from error
    if table:
        refuse_separators(file, table[0][1])
    return table


def _xlsx_rows(file: Path, sheet: str) -> list[tuple[int, list[str]]] | None:
    import openpyxl

    try:
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
    except Exception as error:  # openpyxl raises whatever the zip or the XML inside raised
        raise QuestionnaireError(f"{file}: it is not an .xlsx workbook ({error}).") from error
    try:
        if sheet not in book.sheetnames:
            return None
        rows = book[sheet].iter_rows(values_only=True)
        return [(i, [_cell_text(cell) for cell in row]) for i, row in enumerate(rows, start=1)]
    finally:
        book.close()


def _cell_text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))  # a choice named 1 is 1.0 to a spreadsheet
    return str(cell)


def _language_code(name: str) -> str:
    match = re.search(r"\(([\w-]+)\)\s*$", name)
    return match[1] if match else name.strip()


def _languages(columns: Iterable[str], where: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for column in columns:
        if column == "label":
            found.setdefault("", "")
        elif column.startswith("label::"):
            name = column.removeprefix("label::").strip()
            if found.setdefault(_language_code(name), name) != name:
                raise QuestionnaireError(
                    f"{where}: two names for the language {_language_code(name)!r}: "
                    f"{found[_language_code(name)]!r} and {name!r}. Use one."
                )
    return found


def _heading(name: str) -> str:
    return f"label::{name}" if name else "label"


def _labels(cells: Mapping[str, str], languages: Mapping[str, str], order: list[str]) -> dict[str, str]:
    found = ((code, cells.get(_heading(languages[code]), "")) for code in order if code in languages)
    return {code: text for code, text in found if text}


def _choice_lists(sheet: _Sheet, languages: Mapping[str, str], order: list[str]) -> dict[str, tuple[Choice, ...]]:
    lists: dict[str, dict[str, Choice]] = {}
    for row, cells in sheet.rows:
        list_name, name = cells.get("list_name", ""), cells.get("name", "")
        if not list_name or not name:
            raise sheet.error(row, "a choice needs a list_name and a name. Fill in both, or remove the row.")
        missing = cells.get("missing", "")
        if missing and missing not in MISSING_REASONS:
            raise sheet.error(
                row, f"missing is {missing!r}. Use one of {', '.join(MISSING_REASONS)}, or leave it empty."
            )
        for mark in MARKS:
            if (said := cells.get(mark, "").lower()) not in ("", "yes", "no"):
                raise sheet.error(row, f"{mark} is {said!r}. Use yes, or leave it empty.")
        marks: Any = {mark: cells.get(mark, "").lower() == "yes" for mark in MARKS}
        choices = lists.setdefault(list_name, {})
        if name in choices:
            raise sheet.error(row, f"the choice {name!r} is in the list {list_name!r} twice. Remove or rename one.")
        choices[name] = Choice(name, _labels(cells, languages, order), missing, **marks)
    return {list_name: tuple(choices.values()) for list_name, choices in lists.items()}


_OWN = ("type", "name", "relevant", "constraint", "missing")


def _questions(
    sheet: _Sheet,
    choices_where: str,
    lists: Mapping[str, tuple[Choice, ...]],
    languages: Mapping[str, str],
    order: list[str],
) -> Iterator[Question]:
    headings = {_heading(name) for name in languages.values()}
    rows_of: dict[str, int] = {}
    open_groups: list[tuple[int, Group]] = []
    for row, cells in sheet.rows:
        kind, _, list_name = (part.strip() for part in cells.get("type", "").partition(" "))
        name = cells.get("name", "")
        labels = _labels(cells, languages, order)
        extra = {k: v for k, v in cells.items() if k not in _OWN and k not in headings and v}
        relevant = cells.get("relevant", "")
        if cells.get("type", "") in ("begin_group", "begin group"):
            open_groups.append((row, Group(name, labels, relevant, extra)))
            continue
        if cells.get("type", "") in ("end_group", "end group"):
            if not open_groups:
                raise sheet.error(row, "end_group without a begin_group. Remove it, or add the beginning.")
            open_groups.pop()
            continue
        if kind not in TYPES:
            raise sheet.error(
                row,
                f"question {name!r}: the type {cells.get('type', '')!r} is not known. Use one of {', '.join(TYPES)}.",
            )
        if not re.fullmatch(r"[^\s/{}'\"]+", name):
            raise sheet.error(
                row, f"the question name {name!r} is empty or holds a space, a slash, a quote or a brace."
            )
        if name in rows_of:
            raise sheet.error(
                row, f"the question name {name!r} is used twice, first in row {rows_of[name]}. Rename one of them."
            )
        rows_of[name] = row
        if kind in CHOICE_TYPES and list_name not in lists:
            raise sheet.error(
                row,
                f"question {name!r}: there is no list of choices {list_name!r} in {choices_where}"
                f"{did_you_mean(list_name, lists)} Add the list, or correct its name.",
            )
        if kind not in CHOICE_TYPES and list_name:
            raise sheet.error(row, f"question {name!r}: the type {kind!r} takes no list ({list_name!r}). Remove it.")
        choices = lists[list_name] if list_name else ()
        if kind == "select_multiple":
            for choice in choices:
                if re.search(r"\s", choice.name):
                    raise sheet.error(row, f"question {name!r}: the choice {choice.name!r} holds a space. Rename it.")
        yield Question(
            name, kind, labels, choices, list_name, relevant, cells.get("constraint", ""),
            tuple(group for _, group in open_groups), _missing_codes(sheet, row, cells.get("missing", "")), extra,
        )  # fmt: skip
    if open_groups:
        row, group = open_groups[-1]
        raise sheet.error(row, f"the group {group.name!r} is never closed. Add a row of type end_group.")


def _missing_codes(sheet: _Sheet, row: int, text: str) -> dict[str, str]:
    codes = {}
    for part in shlex.split(text):
        code, _, reason = part.partition("=")
        if reason not in MISSING_REASONS:
            raise sheet.error(row, f"missing is {part!r}. Write code=reason, with {', '.join(MISSING_REASONS)}.")
        codes[code] = reason
    return codes


def _validate_expressions(questions: tuple[Question, ...], sheet: _Sheet) -> None:
    known = {question.name: question for question in questions}
    for question in questions:
        parts = [("constraint", question.constraint), ("relevant", question.relevant)]
        parts += [(f"relevant of the group {group.name!r}", group.relevant) for group in question.groups]
        for what, text in parts:
            if not text:
                continue
            where = f"{sheet.where}: question {question.name!r}, {what}"
            try:
                check_references(parse_expression(text), known, question)
            except ExpressionError as error:
                raise ExpressionError(f"{where}: {error}") from error


# ---------------------------------------------------------------------------------------------------- writing


def write_sheets(form: Questionnaire, folder: Path) -> None:
    """Write the sheets into a folder, which is made if it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    headings = {code: _heading(name) for code, name in form.languages.items()} or {"": "label"}
    rows: list[dict[str, str]] = []
    lists: dict[str, tuple[Choice, ...]] = {}
    current: tuple[Group, ...] = ()
    for question in form:
        rows += _group_rows(current, question.groups, headings)
        current = question.groups
        lists.setdefault(question.list_name, question.choices)
        if lists[question.list_name] != question.choices:
            raise QuestionnaireError(f"two lists of choices are named {question.list_name!r}. Rename one of them.")
        rows.append(
            {"type": f"{question.type} {question.list_name}".strip(), "name": question.name}
            | {headings[code]: text for code, text in question.labels.items()}
            | {"relevant": question.relevant, "constraint": question.constraint}
            | {"missing": " ".join(shlex.quote(f"{code}={reason}") for code, reason in question.missing.items())}
            | dict(question.extra)
        )
    rows += _group_rows(current, (), headings)
    lists.pop("", None)
    choices = [
        {"list_name": list_name, "name": choice.name}
        | {headings[code]: text for code, text in choice.labels.items()}
        | {"missing": choice.missing, **{mark: "yes" if getattr(choice, mark) else "" for mark in MARKS}}
        for list_name, members in lists.items()
        for choice in members
    ]
    labels = tuple(headings.values())
    _write_csv(folder / "survey.csv", ("type", "name", *labels, "relevant", "constraint", "missing"), rows)
    _write_csv(folder / "choices.csv", ("list_name", "name", *labels, "missing", *MARKS), choices)
    if form.settings:
        _write_csv(folder / "settings.csv", tuple(form.settings), [dict(form.settings)])


def _group_rows(
    before: tuple[Group, ...], after: tuple[Group, ...], headings: Mapping[str, str]
) -> Iterator[dict[str, str]]:
    shared = 0
    while shared < min(len(before), len(after)) and before[shared] == after[shared]:
        shared += 1
    for _ in before[shared:]:
        yield {"type": "end_group"}
    for group in after[shared:]:
        labels = {headings[code]: text for code, text in group.labels.items()}
        yield {"type": "begin_group", "name": group.name, "relevant": group.relevant} | labels | dict(group.extra)


def _write_csv(file: Path, columns: tuple[str, ...], rows: list[dict[str, str]]) -> None:
    more = dict.fromkeys(column for row in rows for column in row if column not in columns)
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, (*columns, *more), restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
