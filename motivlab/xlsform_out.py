"""A questionnaire as XLSForm sheets: a folder of text, or a workbook that KoboToolbox and ODK take.

Columns of our own (``missing``, ``exclusive``, ``neutral``) are kept: other tools pass over them. What an XLSForm
cannot hold is written in the nearest way that it can, and said.
"""

from __future__ import annotations

import csv
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from .files import new_file
from .questionnaire import LISTED_TYPES, Choice, Group, Question, Questionnaire, QuestionnaireError, Repeat
from .xlsform import MARKS, heading

CREATED = datetime(2000, 1, 1)  # noqa: DTZ001  # the same questionnaire gives the same bytes
MAX_CELL = 32_767  # characters
_NAME = re.compile(r"[^\W\d][\w.-]*")
_REFERENCE = re.compile(r"\$\{\s*([^\s{}]+)\s*\}")
_TEXTS = ("label", "hint", "guidance_hint", "constraint_message", "required_message")
_SHOWN = ("hint", "guidance_hint", "image", "audio", "video", "media")  # a question is shown with one of these
_UNWORDED = (
    "start", "end", "today", "deviceid", "username", "phonenumber", "email", "subscriberid", "simserial", "audit",
    "background-audio", "background-geopoint", "start-geopoint", "calculate", "hidden", "csv-external", "xml-external",
)  # fmt: skip


def write_form(form: Questionnaire, file: str | Path) -> list[str]:
    """Write a questionnaire as an XLSForm workbook.

    Parameters
    ----------
    form : Questionnaire
    file : path
        An ``.xlsx`` file, written whole or not at all.

    Returns
    -------
    list of str
        What had to be written in another way: names that XML does not allow, wordings that are not there, a title.

    Raises
    ------
    ValueError
        If a cell is longer than a spreadsheet holds.

    Examples
    --------
    >>> import tempfile
    >>> form = Questionnaire((Question("Q1$2", "integer", {"": "How old are you?"}),), {"": ""}, {"form_title": "Age"})
    >>> write_form(form, Path(tempfile.mkdtemp()) / "form.xlsx")
    ["question 'Q1$2' is written as 'Q1_2', since XML allows no such name.", "form_id 'Age' is added."]
    """
    import xlsxwriter

    file = Path(file)
    notes: list[str] = []
    ready = _Writer(form, notes.append).level(form)
    tables = sheets(replace(ready, settings=_settings(form, file.stem, notes.append)))
    for name, (columns, rows) in tables.items():
        for number, row in enumerate(rows, start=2):
            for column in columns:
                if len(row.get(column, "")) > MAX_CELL:
                    raise ValueError(
                        f"{file}, sheet {name!r}, row {number}: {column} has {len(row[column]):,} characters; "
                        f"a cell holds {MAX_CELL:,}. Shorten it."
                    )
    with new_file(file) as work:
        book = xlsxwriter.Workbook(str(work), {"strings_to_formulas": False, "strings_to_urls": False})
        book.set_properties({"created": CREATED})
        head = book.add_format({"bold": True})
        for name, (columns, rows) in tables.items():
            sheet = book.add_worksheet(name)
            for j, column in enumerate(columns):
                sheet.write_string(0, j, column, head)
                for i, row in enumerate(rows, start=1):
                    if row.get(column):
                        sheet.write_string(i, j, row[column])
            sheet.freeze_panes(1, 2)
        book.close()
    return notes


class _Writer:
    """A questionnaire on its way to one with nothing in it that pyxform refuses."""

    def __init__(self, form: Questionnaire, note: Callable[[str], None]) -> None:
        self.form, self.note = form, note
        self.renamed = self.names()
        self.taken = {*self.renamed.values()}
        self.lists: dict[str, tuple[Choice, ...]] = {}
        self.groups: dict[int, Group] = {}

    def names(self) -> dict[str, str]:
        """Every name that an expression may use to the one that is written."""
        kinds = {Question: "question", Repeat: "repeat", Group: "group"}
        taken = {name for name in self.form.known if _NAME.fullmatch(name)}
        out: dict[str, str] = {}
        for name, part in self.form.known.items():
            out[name] = name if name in taken else _free(name, taken)
            if out[name] != name:
                taken.add(out[name])
                self.note(f"{kinds[type(part)]} {name!r} is written as {out[name]!r}, since XML allows no such name.")
        return out

    def level(self, form: Questionnaire) -> Questionnaire:
        """The questions and repeats of the form, or of a repeat."""
        questions = tuple(map(self.question, form.questions))
        return replace(form, questions=questions, repeats=tuple(map(self.repeat, form.repeats)))

    def text(self, cell: str) -> str:
        """An expression with the names that are written."""
        return _REFERENCE.sub(lambda match: f"${{{self.renamed.get(match[1], match[1])}}}", cell)

    def wording(self, cell: str, where: str) -> str:
        """A text for people, in which a name that is no question's may not look like one."""
        named = dict.fromkeys(_REFERENCE.findall(cell))
        lost = [name for name in named if name not in self.renamed and not name.startswith("last-saved#")]
        for name in lost:
            self.note(f"{where}: ${{{name}}} in its wording is no question, and is written as $ {{{name}}}.")
        return self.text(_REFERENCE.sub(lambda match: f"$ {{{match[1]}}}" if match[1] in lost else match[0], cell))

    def extra(self, cells: Mapping[str, str], where: str) -> dict[str, str]:
        """The other columns of the sheet."""
        return {
            column: self.wording(cell, where) if column.partition("::")[0] in _TEXTS else self.text(cell)
            for column, cell in cells.items()
        }

    def labels(self, part: Question | Group | Repeat, where: str) -> dict[str, str]:
        """The wordings that there are."""
        return {code: self.wording(label, where) for code, label in part.labels.items() if label}

    def group(self, one: Group) -> Group:
        """A group, which must have a name."""
        if id(one) not in self.groups:
            name = self.renamed.get(one.name) or _free("group", self.taken)
            if not one.name:
                self.taken.add(name)
                self.note(f"a group without a name is written as {name!r}.")
            where = f"group {name!r}"
            self.groups[id(one)] = Group(
                name, self.labels(one, where), self.text(one.relevant), self.extra(one.extra, where)
            )
        return self.groups[id(one)]

    def repeat(self, one: Repeat) -> Repeat:
        """A repeat with its questions."""
        where = f"repeat {one.name!r}"
        return replace(
            one, name=self.renamed[one.name], form=self.level(one.form), labels=self.labels(one, where),
            relevant=self.text(one.relevant), groups=tuple(map(self.group, one.groups)),
            extra=self.extra(one.extra, where), after=self.renamed.get(one.after, one.after),
        )  # fmt: skip

    def question(self, one: Question) -> Question:
        """A question with a wording, and with choices where its type needs them."""
        name, where = self.renamed[one.name], f"question {one.name!r}"
        labels = self.labels(one, where)
        hinted = any(column.partition("::")[0] in _SHOWN for column in one.extra)
        if not labels and not hinted and one.type not in _UNWORDED:
            labels = dict.fromkeys(self.form.languages or [""], name)
            self.note(f"{where} has no wording; its name is written.")
        kind, list_name, choices = one.type, one.list_name, one.choices
        if kind in LISTED_TYPES and choices:
            list_name, choices = self.list(one, where)
        elif kind in LISTED_TYPES:
            kind, list_name = "text", ""
            self.note(f"{where} has no choices; it is written as type text.")
        for needy, column in (("calculate", "calculation"), ("background-geopoint", "trigger")):
            if kind == needy and not one.extra.get(column):
                kind = "hidden"
                self.note(f"{where} is of type {needy} without a {column}; it is written as type hidden.")
        return replace(
            one, name=name, type=kind, labels=labels, list_name=list_name, choices=choices,
            relevant=self.text(one.relevant), constraint=self.text(one.constraint),
            groups=tuple(map(self.group, one.groups)), extra=self.extra(one.extra, where),
        )  # fmt: skip

    def list(self, one: Question, where: str) -> tuple[str, tuple[Choice, ...]]:
        """The name and the choices of a question's list, as they are written."""
        taken = {choice.name for choice in one.choices}
        choices = []
        for choice in one.choices:
            name = choice.name
            if re.search(r"\s", name):
                name = re.sub(r"\s+", "_", name)
                while name in taken:
                    name += "_"
                taken.add(name)
                self.note(f"{where}: the choice {choice.name!r} is written as {name!r}, since it may hold no space.")
            choices.append(replace(choice, name=name))
        wanted = one.list_name or one.name
        plain = name = wanted if re.fullmatch(r"[\w.-]+", wanted) else _free(wanted, ())
        number = 2
        while self.lists.setdefault(name, tuple(choices)) != tuple(choices):
            name, number = f"{plain}_{number}", number + 1
        if name != one.list_name:
            self.note(f"{where}: its list of choices {one.list_name!r} is written as {name!r}.")
        return name, tuple(choices)


def _free(name: str, taken: Iterable[str]) -> str:
    """The nearest name that XML allows and that is not taken."""
    plain = re.sub(r"[^\w.-]+", "_", name).strip("_") or "x"
    plain = plain if _NAME.fullmatch(plain) else f"_{plain}"
    found, number = plain, 2
    while found in taken:
        found, number = f"{plain}_{number}", number + 1
    return found


def _settings(form: Questionnaire, stem: str, note: Callable[[str], None]) -> dict[str, str]:
    """The settings sheet with a title, an id and the language that is shown first."""
    out = dict(form.settings)
    added = {"form_title": stem, "form_id": _free(out.get("form_title") or stem, ())}
    first = next(iter(form.languages.values()), "")
    if first and not out.get("default_language"):
        added["default_language"] = first
    for key, value in added.items():
        if not out.get(key):
            out[key] = value
            note(f"{key} {value!r} is added.")
    return out


# ------------------------------------------------------------------------------------------------------------- sheets


def write_sheets(form: Questionnaire, folder: Path) -> None:
    """Write the sheets into a folder, which is made if it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (columns, rows) in sheets(form).items():
        if rows or name != "settings":
            _write_csv(folder / f"{name}.csv", columns, rows)


def sheets(form: Questionnaire) -> dict[str, tuple[tuple[str, ...], list[dict[str, str]]]]:
    """The columns and rows of the sheets ``survey``, ``choices`` and ``settings``."""
    headings = {code: heading(name) for code, name in form.languages.items()} or {"": "label"}
    lists: dict[str, tuple[Choice, ...]] = {}
    rows = list(_survey_rows(form, headings, lists))
    choices = [
        {"list_name": list_name, "name": choice.name}
        | {headings[code]: text for code, text in choice.labels.items()}
        | {"missing": choice.missing, **{mark: "yes" if getattr(choice, mark) else "" for mark in MARKS}}
        | dict(choice.extra)
        for list_name, members in lists.items()
        for choice in members
    ]
    labels = tuple(headings.values())
    out = {
        "survey": (("type", "name", *labels, "relevant", "constraint", "missing"), rows),
        "choices": (("list_name", "name", *labels, "missing", *MARKS), choices),
        "settings": (tuple(form.settings), [dict(form.settings)] if form.settings else []),
    }
    return {
        name: ((*columns, *dict.fromkeys(c for row in found for c in row if c not in columns)), found)
        for name, (columns, found) in out.items()
    }


def _survey_rows(
    form: Questionnaire, headings: Mapping[str, str], lists: dict[str, tuple[Choice, ...]]
) -> Iterator[dict[str, str]]:
    current: tuple[Group, ...] = ()
    for part in _in_order(form):
        yield from _group_rows(current, part.groups, headings)
        current = part.groups
        labels = {headings[code]: text for code, text in part.labels.items()}
        if isinstance(part, Repeat):
            yield {"type": "begin_repeat", "name": part.name} | labels | {"relevant": part.relevant} | dict(part.extra)
            yield from _survey_rows(part.form, headings, lists)
            yield {"type": "end_repeat"}
            continue
        if part.type in LISTED_TYPES and lists.setdefault(part.list_name, part.choices) != part.choices:
            raise QuestionnaireError(f"two lists of choices are named {part.list_name!r}. Rename one of them.")
        yield (
            {"type": f"{part.type} {part.list_name}".strip(), "name": part.name}
            | labels
            | {"relevant": part.relevant, "constraint": part.constraint}
            | {"missing": " ".join(shlex.quote(f"{code}={reason}") for code, reason in part.missing.items())}
            | dict(part.extra)
        )
    yield from _group_rows(current, (), headings)


def _in_order(form: Questionnaire) -> Iterator[Question | Repeat]:
    """Questions and repeats as the form asks them."""
    repeats: dict[str, list[Repeat]] = {}
    for repeat in form.repeats:
        repeats.setdefault(repeat.after, []).append(repeat)
    yield from repeats.get("", ())
    for question in form:
        yield question
        yield from repeats.get(question.name, ())


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
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
