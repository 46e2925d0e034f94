"""XLSForm sheets in: a folder of them, or a workbook, read as a questionnaire.

A questionnaire is a folder with ``survey.csv``, ``choices.csv`` and, if there is one, ``settings.csv``, or an .xlsx
workbook with the sheets of those names. Four columns are added to the standard ones and ignored by other tools:
``missing``, ``exclusive`` and ``neutral`` on the choices sheet, and ``missing`` on the survey sheet for questions that
have no choices (``-9=not_asked -8=refused``).

Heads are read as pyxform reads them (``Label: English``, ``relevance``, ``list name``, ``value``), and sheets that R
wrote, with ``NA`` in every empty cell, as if these were empty.
"""

from __future__ import annotations

import csv
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from .expressions import ExpressionError, parse_expression, shown
from .files import ReadError, refuse_separators, require_file, sheet_rows, workbook
from .questionnaire import (
    LISTED_TYPES,
    MISSING_REASONS,
    TYPES,
    Choice,
    Group,
    Question,
    Questionnaire,
    QuestionnaireError,
    Repeat,
    check_references,
    did_you_mean,
)

MARKS = ("exclusive", "neutral")  # columns of the choices sheet that hold yes or nothing
EXPRESSIONS = ("relevant", "constraint", "calculation", "choice_filter", "repeat_count", "required")
TYPE_NAMES = {
    "select one": "select_one", "select_one_from": "select_one", "select1": "select_one",
    "select multiple": "select_multiple", "select all that apply": "select_multiple", "int": "integer",
    "string": "text", "photo": "image", "gps": "geopoint", "location": "geopoint", "datetime": "dateTime",
    "imei": "deviceid", "calculation": "calculate", "begin group": "begin_group", "end group": "end_group",
    "begin repeat": "begin_repeat", "end repeat": "end_repeat",
}  # fmt: skip
_HEADS = {
    "relevance": "relevant", "calculate": "calculation", "caption": "label", "readonly": "read_only",
    "constraining_message": "constraint_message", "requiredmsg": "required_message", "count": "repeat_count",
}  # fmt: skip
_KNOWN_HEADS = (
    "type", "name", "label", "hint", "guidance_hint", "relevant", "constraint", "constraint_message", "required",
    "required_message", "calculation", "choice_filter", "appearance", "parameters", "trigger", "default", "read_only",
    "repeat_count", "list_name", "missing", *MARKS, *_HEADS,
)  # fmt: skip
_OTHER = Choice("other")
_LARGEST = 64 << 20  # bytes of a sheet, or that a workbook may take up unpacked
_DEEPEST = 50  # groups and repeats inside one another
_LONGEST = 100_000  # letters of a cell, three times what a spreadsheet takes
_NO_TEXT = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # what no file of text or XML can hold
Row = tuple[int, dict[str, str]]  # the row's number in the file, and its cells by column


@dataclass(frozen=True)
class _Sheet:
    """One sheet as text: where it is, its columns, its rows."""

    where: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    def error(self, row: int, words: str) -> QuestionnaireError:
        return QuestionnaireError(f"{self.where}, row {row}: {words}")

    def without_na(self, names: tuple[str, ...]) -> _Sheet:
        """The sheet with blanks where R wrote NA, but for the columns that hold names."""
        rows = tuple(
            (row, {column: "" if cell == "NA" and column not in names else cell for column, cell in cells.items()})
            for row, cells in self.rows
        )
        return replace(self, rows=rows)


def read_sheets(path: Path) -> Questionnaire:
    """Read a folder of sheets or a workbook; see :meth:`Questionnaire.read`."""
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such questionnaire. Give a folder with survey.csv, or an .xlsx file.")
    survey = _sheet(path, "survey", ("type", "name"))
    choices = _sheet(path, "choices", ("list_name", "name"), needed=False)
    if any(cells.get(column) == "NA" for _, cells in survey.rows for column in EXPRESSIONS):
        survey, choices = survey.without_na(("type", "name")), choices.without_na(("list_name", "name"))
    settings_sheet = _sheet(path, "settings", (), needed=False)
    settings = dict(settings_sheet.rows[0][1]) if settings_sheet.rows else {}
    languages = _languages((*survey.columns, *choices.columns), survey.where)
    default = settings.get("default_language", "")
    first = _language_code(default) if _language_code(default) in languages else next(iter(languages), "")
    order = [first, *(code for code in languages if code != first)]
    lists = _choice_lists(choices, languages, order)
    form = _SurveySheet(survey, choices.where, lists, languages, order).read()
    if not form.known:
        raise QuestionnaireError(f"{survey.where}: it holds no question. Add a row for each question.")
    form = replace(form, languages=languages, settings=settings)
    _validate_expressions(form, form, survey, ("name", "label", *choices.columns))
    return form


def _sheet(path: Path, name: str, required: tuple[str, ...], needed: bool = True) -> _Sheet:
    """One sheet of a folder of .csv files or of a workbook."""
    if path.is_dir():
        file = path / f"{name}.csv"
        where = str(file)
        if not needed and not file.exists():
            return _Sheet(where, (), ())
        require_file(file, "A questionnaire folder holds survey.csv and choices.csv.")
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
    columns = tuple(_head(cell.strip(), name) for cell in head)
    for column in required:
        if column not in columns:
            raise QuestionnaireError(f"{where}: the column {column!r} is missing. The first row names the columns.")
    for column, times in Counter(columns).items():
        if column and times > 1:
            raise QuestionnaireError(f"{where}: the column {column!r} is there twice. Rename or remove one.")
    rows = []
    for number, cells in body:
        if len(cells) > len(columns) and any(cell.strip() for cell in cells[len(columns) :]):
            raise QuestionnaireError(
                f"{where}, row {number}: {len(cells)} cells under {len(columns)} columns. "
                "Put quotes around a cell that holds a comma."
            )
        if fault := _NO_TEXT.search("".join(cells)):
            raise QuestionnaireError(
                f"{where}, row {number}: a control character ({fault[0]!r}) in a cell. Type the cell anew."
            )
        values = {
            column: cell.replace("\r\n", "\n").strip() for column, cell in zip(columns, cells, strict=False) if column
        }
        if any(values.values()):
            rows.append((number, values))
    return _Sheet(where, columns, tuple(rows))


def _head(head: str, sheet: str) -> str:
    """The name of a column as XLSForm documents it; one that it does not know stays as it is."""
    base, colon, language = (part.strip() for part in re.sub("::?", "\0", head, count=1).partition("\0"))
    plain = re.sub(r"\s+", "_", base.lower())
    if sheet == "choices" and plain == "value":
        plain = "name"
    if sheet == "settings" or plain not in (*_KNOWN_HEADS, "name"):
        return head
    known = _HEADS.get(plain, plain)
    return f"{known}::{language}" if colon else known


def _csv_rows(file: Path) -> list[tuple[int, list[str]]]:
    if (size := file.stat().st_size) > _LARGEST:
        raise QuestionnaireError(f"{file}: {size >> 20:,} MiB, more than any questionnaire. Give the form.")
    csv.field_size_limit(_LONGEST)
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream)
            table = [(reader.line_num, cells) for cells in reader if cells or reader.line_num == 1]
    except csv.Error as error:
        raise QuestionnaireError(f"{file}: it is not a CSV file ({error}). Save the sheet as CSV UTF-8.") from error
    except UnicodeDecodeError as error:
        raise QuestionnaireError(
            f"{file}: byte {error.start} is not UTF-8 ({error.object[error.start : error.start + 1]!r}). "
            "Save the file as CSV UTF-8."
        ) from error
    if table:
        refuse_separators(file, table[0][1])
    return table


def _xlsx_rows(file: Path, sheet: str) -> list[tuple[int, list[str]]] | None:
    try:
        with workbook(file, _LARGEST, data_only=True) as book:
            named = {name.strip().lower(): name for name in reversed(book.sheetnames)}
            if sheet not in named:
                return None
            rows = sheet_rows(file, book[named[sheet]])
            return [(i, [_cell_text(cell) for cell in row]) for i, row in rows if row or i == 1]
    except ReadError as error:
        raise QuestionnaireError(str(error)) from error


def _cell_text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))  # a choice named 1 is 1.0 to a spreadsheet
    if isinstance(cell, bool):
        return str(cell).upper()  # as the spreadsheet shows it
    if isinstance(cell, datetime) and cell == datetime(cell.year, cell.month, cell.day, tzinfo=cell.tzinfo):
        return cell.date().isoformat()
    # what a workbook writes as _x000D_ is the sign with that number
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda match: chr(int(match[1], 16)), str(cell))


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


def heading(name: str) -> str:
    """The head of the column of labels in a language, by its name."""
    return f"label::{name}" if name else "label"


def _labels(cells: Mapping[str, str], languages: Mapping[str, str], order: list[str]) -> dict[str, str]:
    found = ((code, cells.get(heading(languages[code]), "")) for code in order if code in languages)
    return {code: text for code, text in found if text}


def _choice_lists(sheet: _Sheet, languages: Mapping[str, str], order: list[str]) -> dict[str, tuple[Choice, ...]]:
    lists: dict[str, dict[str, Choice]] = {}
    headings = {heading(name) for name in languages.values()}
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
        extra = {k: v for k, v in cells.items() if v and k not in _CHOICE_OWN and k not in headings}
        choices[name] = Choice(name, _labels(cells, languages, order), missing, **marks, extra=extra)
    return {list_name: tuple(choices.values()) for list_name, choices in lists.items()}


_OWN = ("type", "name", "relevant", "constraint", "missing")
_CHOICE_OWN = ("list_name", "name", "missing", *MARKS)


@dataclass
class _Level:
    """What is being read: the form, or a repeat in it."""

    row: int = 0
    head: Repeat | None = None
    questions: list[Question] = field(default_factory=list)
    repeats: list[Repeat] = field(default_factory=list)
    groups: list[tuple[int, Group]] = field(default_factory=list)

    @property
    def open(self) -> tuple[Group, ...]:
        return tuple(group for _, group in self.groups)

    @property
    def form(self) -> Questionnaire:
        return Questionnaire(tuple(self.questions), repeats=tuple(self.repeats))


class _SurveySheet:
    """The rows of the survey sheet on their way to a questionnaire."""

    def __init__(
        self,
        sheet: _Sheet,
        choices_where: str,
        lists: Mapping[str, tuple[Choice, ...]],
        languages: Mapping[str, str],
        order: list[str],
    ) -> None:
        self.sheet, self.choices_where, self.lists = sheet, choices_where, dict(lists)
        self.languages, self.order = languages, order
        self.headings = {heading(name) for name in languages.values()}
        self.rows_of: dict[str, int] = {}
        self.levels = [_Level()]

    def read(self) -> Questionnaire:
        """The questions and repeats."""
        for _, cells in self.sheet.rows:  # "or_other" makes the choice one of the list, for all that use it
            _, list_name, other = _type(cells.get("type", ""))
            if other and list_name in self.lists and all(c.name != _OTHER.name for c in self.lists[list_name]):
                labels = {code: "Other" for code in self.order if code in self.languages}
                self.lists[list_name] += (replace(_OTHER, labels=labels),)
        for row, cells in self.sheet.rows:
            self.one(row, cells)
        last = self.levels[-1]
        if last.head is not None and not last.groups:
            raise self.sheet.error(
                last.row, f"the repeat {last.head.name!r} is never closed. Add a row of type end_repeat."
            )
        if last.groups:
            row, group = last.groups[-1]
            raise self.sheet.error(row, f"the group {group.name!r} is never closed. Add a row of type end_group.")
        return self.levels[0].form

    def one(self, row: int, cells: Mapping[str, str]) -> None:
        """One row: a question, or the beginning or the end of a group or a repeat."""
        kind, list_name, other = _type(cells.get("type", ""))
        name, level = cells.get("name", ""), self.levels[-1]
        labels = _labels(cells, self.languages, self.order)
        extra = {k: v for k, v in cells.items() if k not in _OWN and k not in self.headings and v}
        relevant = cells.get("relevant", "")
        if kind in ("begin_group", "begin_repeat") and sum(1 + len(one.groups) for one in self.levels) > _DEEPEST:
            raise self.sheet.error(row, f"more than {_DEEPEST} groups and repeats inside one another. Close some.")
        if kind == "begin_group":
            level.groups.append((row, Group(name, labels, relevant, extra)))
        elif kind == "end_group":
            if not level.groups:
                inside = f" inside the repeat {level.head.name!r}" if level.head else ""
                raise self.sheet.error(
                    row, f"end_group without a begin_group{inside}. Remove it, or add the beginning."
                )
            level.groups.pop()
        elif kind == "begin_repeat":
            self.check_name(row, "repeat", name)
            after = level.questions[-1].name if level.questions else ""
            head = Repeat(name, Questionnaire(()), labels, relevant, level.open, extra, after)
            self.levels.append(_Level(row, head))
        elif kind == "end_repeat":
            if level.groups:
                raise self.sheet.error(row, f"the group {level.groups[-1][1].name!r} is not closed before end_repeat.")
            if level.head is None:
                raise self.sheet.error(row, "end_repeat without a begin_repeat. Remove it, or add the beginning.")
            form = replace(level.form, languages=self.languages)
            self.levels.pop()
            self.levels[-1].repeats.append(replace(level.head, form=form))
        else:
            self.question(row, cells, kind, list_name, name, labels, extra)
            if other:
                self.check_name(row, "question", f"{name}_other")
                specify = {code: "Specify other." for code in self.order if code in self.languages}
                level.questions.append(
                    Question(f"{name}_other", "text", specify, relevant=f"selected(${{{name}}}, 'other')",
                             groups=level.open)
                )  # fmt: skip

    def check_name(self, row: int, what: str, name: str) -> None:
        """Refuse a name that cannot be a column, or that is used already."""
        if not re.fullmatch(r"[^\s/\\{}'\"]+", name):
            raise self.sheet.error(
                row, f"the {what} name {name!r} is empty or holds a space, a slash, a quote or a brace."
            )
        if name in self.rows_of:
            raise self.sheet.error(
                row, f"the {what} name {name!r} is used twice, first in row {self.rows_of[name]}. Rename one of them."
            )
        self.rows_of[name] = row

    def question(
        self,
        row: int,
        cells: Mapping[str, str],
        kind: str,
        list_name: str,
        name: str,
        labels: Mapping[str, str],
        extra: dict[str, str],
    ) -> None:
        """A row that is a question."""
        if kind not in TYPES:
            raise self.sheet.error(
                row,
                f"question {name!r}: the type {cells.get('type', '')!r} is not known. Use one of {', '.join(TYPES)}.",
            )
        self.check_name(row, "question", name)
        if kind in LISTED_TYPES and list_name not in self.lists:
            raise self.sheet.error(
                row,
                f"question {name!r}: there is no list of choices {list_name!r} in {self.choices_where}"
                f"{did_you_mean(list_name, self.lists)} Add the list, or correct its name.",
            )
        if kind not in LISTED_TYPES and list_name and not kind.endswith("_from_file"):
            raise self.sheet.error(
                row, f"question {name!r}: the type {kind!r} takes no list ({list_name!r}). Remove it."
            )
        choices = self.lists[list_name] if kind in LISTED_TYPES else ()
        if kind != "select_one":
            for choice in choices:
                if re.search(r"\s", choice.name):
                    raise self.sheet.error(
                        row, f"question {name!r}: the choice {choice.name!r} holds a space. Rename it."
                    )
        level = self.levels[-1]
        level.questions.append(
            Question(
                name, kind, labels, choices, list_name, cells.get("relevant", ""), cells.get("constraint", ""),
                level.open, _missing_codes(self.sheet, row, cells.get("missing", "")), extra,
            )
        )  # fmt: skip


def _type(text: str) -> tuple[str, str, bool]:
    """The type of a row, its list, and whether the list has an "other" to be specified."""
    text = re.sub(r"\s+", " ", text.strip())
    plain = re.sub(r"(?i) (or specify other|or_other|or other)$", "", text)
    kind, _, rest = plain.partition(" ")
    for name in sorted(TYPE_NAMES, key=len, reverse=True):
        found = re.match(rf"(?i){name}(?: from)?(?= |$)", plain)
        if found:
            kind, rest = TYPE_NAMES[name], plain[found.end() :].strip()
            break
    return kind, rest, plain != text


def _missing_codes(sheet: _Sheet, row: int, text: str) -> dict[str, str]:
    codes = {}
    for part in shlex.split(text):
        code, _, reason = part.partition("=")
        if reason not in MISSING_REASONS:
            raise sheet.error(row, f"missing is {part!r}. Write code=reason, with {', '.join(MISSING_REASONS)}.")
        codes[code] = reason
    return codes


def _validate_expressions(form: Questionnaire, whole: Questionnaire, sheet: _Sheet, columns: tuple[str, ...]) -> None:
    for question in form:
        parts = [("constraint", question.constraint), ("relevant", question.relevant)]
        parts += [(f"relevant of the group {group.name!r}", group.relevant) for group in question.groups]
        parts += [("calculation", question.calculation), ("choice_filter", question.choice_filter)]
        parts += [("required", question.required)] if isinstance(question.required, str) else []
        for what, text in parts:
            _validate(text, what, f"question {question.name!r}", question, whole, sheet, columns)
    for repeat in form.repeats:
        parts = [("relevant", repeat.relevant), ("repeat_count", repeat.extra.get("repeat_count", ""))]
        for what, text in parts:
            _validate(text, what, f"repeat {repeat.name!r}", None, whole, sheet, columns)
        _validate_expressions(repeat.form, whole, sheet, columns)


def _validate(
    text: str, what: str, whose: str, question: Question | None, whole: Questionnaire, sheet: _Sheet,
    columns: tuple[str, ...],
) -> None:  # fmt: skip
    if not text:
        return
    try:
        expression = parse_expression(text, what == "choice_filter")
        check_references(expression, whole.known, question, fielded=True)
        for column in expression.columns:
            if column not in columns:
                raise ExpressionError(
                    f"{shown(text)} refers to {column!r}, which is no column of the choices sheet"
                    f"{did_you_mean(column, columns)} A question is written ${{{column}}}."
                )
    except ExpressionError as error:
        raise ExpressionError(f"{sheet.where}: {whose}, {what}: {error}") from error
