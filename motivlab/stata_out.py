"""A survey as a Stata file."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .files import new_file
from .language import LANGUAGES
from .parts import in_language
from .stat_out import OutColumn, cut, gathered, left_out, numbered, out_columns, refuse_beyond
from .stata import EPOCH_DAYS, MONTHS
from .survey import Survey

LONGEST_NAME, LONGEST_LABEL, LONGEST_VALUE_LABEL = 32, 80, 32_000  # characters; of a value's label bytes
RESERVED = frozenset(
    ("_all", "_b", "byte", "_coef", "_cons", "double", "float", "if", "in", "int", "long", "_n", "_N", "_pi", "_pred",
     "_rc", "_skip", "strL", "using", "with")
)  # fmt: skip
FORMATS = {"date": "%td", "dateTime": "%tc", "time": "%tcHH:MM:SS"}
LONGEST_LABELLED = 26  # pyreadstat names the labels of a variable by it and a number, together at most 32
BEYOND = 2.0**1023  # from here on a number is one of Stata's missing values
NAME_SIZE = 129  # bytes of a name in the file
CREATED = b"01 Jan 1980 00:00"


def write_dta(survey: Survey, file: str | Path) -> list[str]:
    """Write the responses as a Stata file (version 14 and later).

    Variable labels and value labels are those of the survey's language. Missing reasons become the extended missing
    values ``.a`` to ``.z`` with their label. Codes that are texts are numbered, since Stata labels whole numbers only.

    Parameters
    ----------
    survey : Survey
    file : path
        A file that is there is replaced.

    Returns
    -------
    list of str
        What the format cannot hold, or what was changed.

    Raises
    ------
    ValueError
        If the survey has more variables, or a larger number, than Stata takes.
    """
    import pyreadstat

    file = Path(file)
    notes: list[str] = []
    taken: set[str] = set()
    columns: dict[str, Any] = {}
    parts: dict[str, dict[str, Any]] = {"labels": {}, "values": {}, "missing": {}, "formats": {}}
    shortened: list[str] = []
    for one in out_columns(survey, "stata", notes):
        name = stata_name(one.name, taken)
        taken.add(name)
        if name != one.name:
            notes.append(f"{one.source}: the variable is named {name}; {one.name} is no free name in Stata.")
        if label := one.label[:LONGEST_LABEL]:
            parts["labels"][name] = label
        if len(one.label) > LONGEST_LABEL:
            shortened.append(name)
        columns[name] = _add(name, one, parts, notes)
    if shortened:
        notes.append(f"labels of variables are cut at {LONGEST_LABEL} characters, all that Stata takes: "
                     f"{', '.join(shortened)}.")  # fmt: skip
    if len(columns) > 32_767:
        raise ValueError(f"{file}: {len(columns):,} variables; Stata takes 32,767. Write a .sav or .parquet file.")
    refuse_beyond(file, columns, BEYOND, "Stata")
    if weight := survey.design.weight:
        notes.append(f"weight: a Stata file declares none. Use [pweight = {weight}].")
    if any(question.type == "select_multiple" for question in survey.questionnaire):
        notes.append("multiple response sets: a Stata file declares none; their choices are variables.")
    settings = survey.questionnaire.settings
    title = settings.get("stata_file_label") or ("" if "stata_order" in settings else _title(survey))
    names = list(columns)
    short = {name: f"v{i}" if len(name) > LONGEST_LABELLED else name for i, name in enumerate(names)}
    while len(set(short.values())) < len(names):
        short = {name: one if one == name else f"{one}_" for name, one in short.items()}
    parts = {part: {short[name]: said for name, said in of.items()} for part, of in parts.items()}
    with new_file(file) as work:
        pyreadstat.write_dta(
            pd.DataFrame(columns).rename(columns=short), work, version=14, file_label=title[:LONGEST_LABEL],
            column_labels=parts["labels"],
            variable_value_labels=parts["values"], missing_user_values=parts["missing"],
            variable_format=parts["formats"],
        )  # fmt: skip
        _fix(work, names)
    return gathered([*notes, *left_out(survey, "Stata")])


def _title(survey: Survey) -> str:
    return in_language(survey.about.title, survey.language if survey.language in LANGUAGES else "en")


def stata_name(name: str, taken: Any = ()) -> str:
    """A name that Stata takes, made of another: letters, digits and underscores, no digit first, at most 32.

    Examples
    --------
    >>> stata_name("grounds/age"), stata_name("2nd"), stata_name("int"), stata_name("a.b", {"a_b"})
    ('grounds_age', '_2nd', 'int_', 'a_b_2')
    """
    plain = re.sub(r"\W", "_", name)
    plain = f"_{plain}" if not re.match(r"[^\W\d]", plain) else plain
    plain = plain[:LONGEST_NAME]
    plain = f"{plain}_" if plain in RESERVED or re.fullmatch(r"str\d+", plain) else plain
    free, number = plain, 2
    while free in taken:
        free = plain[: LONGEST_NAME - len(str(number)) - 1] + f"_{number}"
        number += 1
    return free


def _add(name: str, one: OutColumn, parts: dict[str, dict[str, Any]], notes: list[str]) -> Any:
    """The values of one variable; its labels, missing letters and format are added to the parts."""
    answers = {code: label for code, label in one.labels.items() if code not in one.missing and label}
    if one.kind == "text" and not answers:
        if one.missing:
            codes = ", ".join(one.missing)
            notes.append(f"{name}: it holds texts, of which Stata declares none missing ({codes} stay as they are).")
        return pd.Series(one.values, dtype="str")
    if one.kind == "text":
        one = numbered(one, notes)
        answers = {code: label for code, label in one.labels.items() if code not in one.missing}
    known = _in_stata(one.values, one)
    labels: dict[Any, str] = {}
    for code, label in answers.items():
        number = float(_in_stata(np.array([one.number(code)]), one)[0])
        if np.isnan(number) or not number.is_integer() or abs(number) > 2**31 - 1:
            notes.append(f"{name}: the label of {code} is left out ({label}); Stata labels whole numbers only.")
        else:
            labels[number] = cut(label, LONGEST_VALUE_LABEL)
    return _tagged(name, one, known, labels, parts, notes)


def _tagged(
    name: str, one: OutColumn, known: Any, labels: dict[Any, str], parts: dict[str, dict[str, Any]], notes: list[str]
) -> Any:
    """The numbers with a letter where a missing code stands."""
    letters = missing_letters(list(one.missing))
    cells = pd.Series(known)
    for code, letter in letters.items():
        stands = one.odd[code] if code in one.odd else one.values == one.number(code)
        if stands.any():
            if cells.dtype != object:
                cells = cells.astype(object)
            cells[stands] = letter
        if label := one.labels.get(code):
            labels[letter] = cut(label, LONGEST_VALUE_LABEL)
    changed = {code: letter for code, letter in letters.items() if code != f".{letter}"}
    if changed:
        said = ", ".join(f"{code} is .{letter}" for code, letter in changed.items())
        notes.append(f"{name}: missing codes are extended missing values ({said}).")
    if lost := [code for code in one.missing if code not in letters]:
        notes.append(f"{name}: {', '.join(lost)} stay as numbers; Stata has 26 extended missing values.")
    if letters:
        parts["missing"][name] = list(letters.values())
    if labels:
        parts["values"][name] = labels
    form = one.marks.get("stata_format") or FORMATS.get(one.kind, "")
    if form and not re.fullmatch(r"%-?\d*s", form):
        parts["formats"][name] = form
    return cells


def missing_letters(codes: list[str]) -> dict[str, str]:
    """Missing code to letter: ``.a`` keeps its own, the others take the first that are free.

    Examples
    --------
    >>> missing_letters(["-9", ".a", "-8"])
    {'-9': 'b', '.a': 'a', '-8': 'c'}
    """
    own = {code: code[1] for code in codes if re.fullmatch(r"\.[a-z]", code)}
    free = (letter for letter in map(chr, range(ord("a"), ord("z") + 1)) if letter not in own.values())
    pairs = ((code, own.get(code) or next(free, "")) for code in codes)
    return {code: letter for code, letter in pairs if letter}


def _in_stata(values: Any, one: OutColumn) -> Any:
    """Numbers as Stata counts them: days or periods of a date since 1960, milliseconds of a time."""
    form = one.marks.get("stata_format", "")
    if one.kind == "time":
        return np.round(values * 1000)
    if one.kind == "dateTime" or (one.kind == "date" and re.match(r"%-?t[cC]", form)):
        return np.round((values + EPOCH_DAYS * 86_400) * 1000)
    if one.kind == "date":
        if match := re.match(r"%-?t([mqh])", form):
            blank = np.isnan(values)
            days = np.where(blank, 0, values // 86_400).astype("int64").astype("datetime64[D]")
            months = days.astype("datetime64[M]").astype("int64") + 120
            return np.where(blank, np.nan, months // MONTHS[match[1]])
        return np.floor(values / 86_400) + EPOCH_DAYS
    return values


def _fix(file: Path, names: list[str]) -> None:
    """Put in the names, and the same date in every file, so that the same data are the same bytes."""
    with file.open("r+b") as stream:
        head = stream.read(2000)
        at = head.index(b"<timestamp>") + len(b"<timestamp>")
        stream.seek(at + 1)
        stream.write(CREATED[: head[at]].ljust(head[at]))
        stream.seek(head.index(b"<map>") + len(b"<map>"))
        places = struct.unpack("<4q", stream.read(32))  # of the file, the map, the types and the names
        stream.seek(places[3] + len(b"<varnames>"))
        stream.write(b"".join(name.encode().ljust(NAME_SIZE, b"\0") for name in names))
