"""A questionnaire as an XLSForm workbook that KoboToolbox and ODK take.

Columns of our own (``missing``, ``exclusive``, ``neutral``) are kept: other tools pass over them. What an XLSForm cannot
hold is written in the nearest way that it can, and said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from .files import new_file
from .questionnaire import LISTED_TYPES, Choice, Group, Question, Questionnaire, Repeat
from .xlsform import sheets

CREATED = datetime(2000, 1, 1)  # noqa: DTZ001  # the same questionnaire gives the same bytes
MAX_CELL = 32_767  # characters
_NAME = re.compile(r"[^\W\d][\w.-]*")
_REFERENCE = re.compile(r"\$\{\s*([^}]*?)\s*\}")
_TEXTS = ("label", "hint", "guidance_hint", "constraint_message", "required_message")


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
    tables = sheets(_ready(form, file.stem, notes.append))
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


def _ready(form: Questionnaire, stem: str, note: Callable[[str], None]) -> Questionnaire:
    """The questionnaire with nothing in it that pyxform refuses."""
    renamed = _renamed(form, note)
    lists: dict[str, tuple[Choice, ...]] = {}
    out = _level(form, form, renamed, lists, note)
    return replace(out, languages=form.languages, settings=_settings(form, stem, note))


def _renamed(form: Questionnaire, note: Callable[[str], None]) -> dict[str, str]:
    """Every name that an expression may use to the one that is written."""
    kinds = {Question: "question", Repeat: "repeat", Group: "group"}
    taken = {name for name in form.known if _NAME.fullmatch(name)}
    out: dict[str, str] = {}
    for name, part in form.known.items():
        out[name] = name if name in taken else _free(name, taken)
        if out[name] != name:
            taken.add(out[name])
            note(f"{kinds[type(part)]} {name!r} is written as {out[name]!r}, since XML allows no such name.")
    return out


def _free(name: str, taken: Iterable[str]) -> str:
    """The nearest name that XML allows and that is not taken."""
    plain = re.sub(r"[^\w.-]+", "_", name).strip("_") or "x"
    plain = plain if _NAME.fullmatch(plain) else f"_{plain}"
    found, number = plain, 2
    while found in taken:
        found, number = f"{plain}_{number}", number + 1
    return found


def _level(
    form: Questionnaire,
    whole: Questionnaire,
    renamed: Mapping[str, str],
    lists: dict[str, tuple[Choice, ...]],
    note: Callable[[str], None],
) -> Questionnaire:
    """The questions of a form, or of a repeat."""

    def text(cell: str) -> str:
        return _REFERENCE.sub(lambda match: f"${{{renamed.get(match[1], match[1])}}}", cell)

    def wording(cell: str, where: str) -> str:
        lost = [name for name in _REFERENCE.findall(cell) if name not in renamed and not name.startswith("last-saved#")]
        for name in dict.fromkeys(lost):
            note(f"{where}: ${{{name}}} in its wording is no question, and is written as $ {{{name}}}.")
        return text(_REFERENCE.sub(lambda match: f"$ {{{match[1]}}}" if match[1] in lost else match[0], cell))

    def extra(cells: Mapping[str, str], where: str) -> dict[str, str]:
        return {k: wording(v, where) if k.partition("::")[0] in _TEXTS else text(v) for k, v in cells.items()}

    def labels(part: Question | Group | Repeat, where: str) -> dict[str, str]:
        return {code: wording(label, where) for code, label in part.labels.items()}

    groups: dict[int, Group] = {}

    def group(one: Group) -> Group:
        if id(one) not in groups:
            name = renamed.get(one.name, one.name) or _free(
                "group", {*renamed.values(), *(g.name for g in groups.values())}
            )
            if not one.name:
                note(f"a group without a name is written as {name!r}.")
            where = f"group {name!r}"
            groups[id(one)] = Group(name, labels(one, where), text(one.relevant), extra(one.extra, where))
        return groups[id(one)]

    def question(one: Question) -> Question:
        name = renamed[one.name]
        where = f"question {one.name!r}"
        worded = labels(one, where)
        hinted = any(key.partition("::")[0] in ("hint", "image", "media") for key in one.extra)
        from_device = not worded and not hinted
        if from_device and one.type not in _UNWORDED:
            worded = dict.fromkeys(whole.languages or [""], name)
            note(f"{where} has no wording; its name is written.")
        kind, list_name, choices = one.type, one.list_name, one.choices
        if kind in LISTED_TYPES and not choices:
            kind, list_name = "text", ""
            note(f"{where} has no choices; it is written as type text.")
        if kind in LISTED_TYPES:
            list_name, choices = _list(one, lists, note)
        if kind == "calculate" and not one.calculation:
            kind = "hidden"
            note(f"{where} is calculated, but without a calculation; it is written as type hidden.")
        return replace(
            one, name=name, type=kind, labels=worded, list_name=list_name, choices=choices, relevant=text(one.relevant),
            constraint=text(one.constraint), groups=tuple(map(group, one.groups)), extra=extra(one.extra, where),
        )  # fmt: skip

    def repeat(one: Repeat) -> Repeat:
        where = f"repeat {one.name!r}"
        return replace(
            one, name=renamed[one.name], form=_level(one.form, whole, renamed, lists, note), labels=labels(one, where),
            relevant=text(one.relevant), groups=tuple(map(group, one.groups)), extra=extra(one.extra, where),
            after=renamed.get(one.after, one.after),
        )  # fmt: skip

    return replace(form, questions=tuple(map(question, form.questions)), repeats=tuple(map(repeat, form.repeats)))


_UNWORDED = (
    "start", "end", "today", "deviceid", "username", "phonenumber", "email", "subscriberid", "simserial", "audit",
    "background-audio", "background-geopoint", "start-geopoint", "calculate", "hidden", "csv-external", "xml-external",
)  # fmt: skip


def _list(
    question: Question, lists: dict[str, tuple[Choice, ...]], note: Callable[[str], None]
) -> tuple[str, tuple[Choice, ...]]:
    """The name and the choices of a question's list, as they are written."""
    where = f"question {question.name!r}"
    wanted = question.list_name or question.name
    name = wanted if re.fullmatch(r"[\w.-]+", wanted) else _free(wanted, ())
    choices = tuple(_choices(question, where, note))
    number, plain = 2, name
    while lists.setdefault(name, choices) != choices:
        name, number = f"{plain}_{number}", number + 1
    if name != question.list_name:
        note(f"{where}: its list of choices {question.list_name!r} is written as {name!r}.")
    return name, choices


def _choices(question: Question, where: str, note: Callable[[str], None]) -> Iterator[Choice]:
    taken = {choice.name for choice in question.choices}
    for choice in question.choices:
        name = choice.name
        if re.search(r"\s", name):
            name = re.sub(r"\s+", "_", name)
            while name in taken:
                name += "_"
            taken.add(name)
            note(f"{where}: the choice {choice.name!r} is written as {name!r}, since a choice may hold no space.")
        extra = {}
        for key, cell in choice.extra.items():
            extra[key] = cell
        yield replace(choice, name=name, extra=extra)


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
