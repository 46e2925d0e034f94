"""A survey as an SPSS file, and the syntax beside it."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from .codes import as_numbers, as_texts
from .files import new_file
from .language import LANGUAGES
from .parts import in_language
from .sav_records import ResponseSet, finish
from .spss import EPOCH
from .stat_out import OutColumn, category_sets, cut, gathered, left_out, numbered, out_columns, refuse_beyond
from .survey import Survey

LONGEST_NAME, LONGEST_LABEL, LONGEST_VALUE_LABEL, LONGEST_TEXT, LONGEST_MISSING = 64, 256, 120, 32_767, 8
RESERVED = frozenset(["ALL", "AND", "BY", "EQ", "GE", "GT", "LE", "LT", "NE", "NOT", "OR", "TO", "WITH"])
BEYOND = float(np.finfo(float).max)  # it stands for HIGHEST, and with a minus for a blank
ENDS = {"LOWEST": -np.inf, "HIGHEST": np.inf}
FORMATS = {"date": "EDATE10", "dateTime": "DATETIME20", "time": "TIME8"}


@dataclass
class _Sav:
    """The parts of a .sav file as pyreadstat takes them."""

    columns: dict[str, Any] = field(default_factory=dict)
    labels: dict[str, str | None] = field(default_factory=dict)
    value_labels: dict[str, dict[Any, str]] = field(default_factory=dict)
    missing: dict[str, list[Any]] = field(default_factory=dict)
    formats: dict[str, str] = field(default_factory=dict)
    measures: dict[str, str] = field(default_factory=dict)
    widths: dict[str, int] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)  # column of the responses to variable
    notes: list[str] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)


def write_sav(survey: Survey, file: str | Path) -> list[str]:
    """Write the responses as an SPSS file, and beside it a ``.sps`` that declares what it says once more.

    Variable labels and value labels are those of the survey's language. Missing reasons become user-missing values,
    the choices of a ``select_multiple`` 0/1 variables of a multiple response set. The file itself holds the sets and
    the case weight; the syntax declares them, and the measurement levels, for programs that lose them.

    Parameters
    ----------
    survey : Survey
    file : path
        A .sav, or a .zsav, which is compressed. A file that is there is replaced.

    Returns
    -------
    list of str
        What the format cannot hold, or what was changed.

    Raises
    ------
    ValueError
        If a number is larger than SPSS takes.
    """
    import pyreadstat

    file = Path(file)
    sav = _Sav()
    taken: set[str] = set()
    for one in out_columns(survey, "spss", sav.notes):
        if one.kind == "text" and one.labels and not declarable(one.missing) and not one.marks:
            one = numbered(one, sav.notes)
        name = valid_name(one.name, taken)
        taken.add(name.casefold())
        sav.names[one.source] = name
        if name != one.name:
            sav.notes.append(f"{one.source}: the variable is named {name}; {one.name} is no free name in SPSS.")
        _add(sav, name, one)
    _refill(survey, sav)
    refuse_beyond(file, sav.columns, BEYOND, "SPSS")
    sets = _sets(survey, sav)
    weight = sav.names.get(survey.design.weight or "", "")
    if weight and sav.columns[weight].dtype != float:
        sav.notes.append(f"weight: {weight} holds texts and is not declared as the weight.")
        weight = ""
    if sav.cut:
        sav.notes.append(
            f"labels are cut at {LONGEST_LABEL} bytes (variables) and {LONGEST_VALUE_LABEL} (values), as SPSS "
            f"takes them: {', '.join(sav.cut)}."
        )
    settings = survey.questionnaire.settings
    title = settings.get("spss_file_label") or ("" if "spss_order" in settings else _title(survey))
    documents = [line for line in settings.get("spss_documents", "").split("\n") if line]
    with new_file(file.with_suffix(".sps")) as script, new_file(file) as work:
        pyreadstat.write_sav(
            pd.DataFrame(sav.columns), work, file_label=cut(title, 64), column_labels=sav.labels,
            compress=file.suffix.lower() == ".zsav", row_compress=file.suffix.lower() != ".zsav",
            note=[cut(line, 80) for line in documents] or None, variable_value_labels=sav.value_labels,
            missing_ranges=sav.missing, variable_display_width=sav.widths, variable_measure=sav.measures,
            variable_format=sav.formats,
        )  # fmt: skip
        finish(work, weight, sets)
        script.write_text(_syntax(file.name, sav, sets, weight), encoding="utf-8-sig", newline="\r\n")
    return gathered([*sav.notes, *left_out(survey, "SPSS")])


def declarable(missing: Iterable[str]) -> bool:
    """Whether SPSS can declare some texts missing: at most three, of at most eight bytes.

    Examples
    --------
    >>> declarable(["refused"]), declarable(["dont_know"])
    (True, False)
    """
    texts = list(missing)
    return len(texts) <= 3 and all(len(text.encode()) <= LONGEST_MISSING for text in texts)


def _title(survey: Survey) -> str:
    language = survey.language if survey.language in LANGUAGES else "en"
    return in_language(survey.about.title, language)


def valid_name(name: str, taken: Iterable[str] = ()) -> str:
    """A name that SPSS takes, made of another; ``taken`` are names in small letters.

    It begins with a letter or @, goes on with letters, digits, ``. _ $ # @``, ends in no full stop, takes at most 64
    bytes, and is no reserved word.

    Examples
    --------
    >>> valid_name("grounds/age"), valid_name("2nd"), valid_name("BY"), valid_name("Ģimene"), valid_name("A", {"a"})
    ('grounds_age', 'v2nd', 'BY_', 'Ģimene', 'A_2')
    """
    known = set(taken)
    plain = re.sub(r"[^\w.$#@]", "_", name)
    if not re.match(r"[^\W\d_]|@", plain):
        plain = f"v{plain}"
    plain = cut(plain, LONGEST_NAME)
    if plain.endswith("."):
        plain = plain.rstrip(".") + "_"
    plain = f"{plain}_" if plain.upper() in RESERVED else plain
    free, number = plain, 2
    while free.casefold() in known:
        free = cut(plain, LONGEST_NAME - len(str(number)) - 1) + f"_{number}"
        number += 1
    return free


def _add(sav: _Sav, name: str, one: OutColumn) -> None:
    """One variable with all that belongs to it."""
    label = cut(one.label, LONGEST_LABEL)
    if label != one.label:
        sav.cut.append(name)
    if label:
        sav.labels[name] = label
    sav.measures[name] = one.marks.get("spss_measure", one.measure)
    if width := one.marks.get("spss_width"):
        sav.widths[name] = int(width)
    values = (_add_texts if one.kind == "text" else _add_numbers)(sav, name, one)
    shown: dict[Any, str] = {}
    for code, value in values.items():
        if one.labels.get(code):
            shown[value] = cut(one.labels[code], LONGEST_VALUE_LABEL)
            if shown[value] != one.labels[code]:
                sav.cut.append(f"{name} = {code}")
    if shown:
        sav.value_labels[name] = shown
    missing = _missing(sav, name, one, values)
    if missing:
        sav.missing[name] = missing


def _add_texts(sav: _Sav, name: str, one: OutColumn) -> dict[str, Any]:
    texts = one.values
    if any(len(text.encode()) > LONGEST_TEXT for text in pd.unique(texts)):
        texts = np.array([cut(text, LONGEST_TEXT) for text in texts], dtype=object)
        sav.notes.append(f"{name}: texts longer than {LONGEST_TEXT:,} bytes are cut.")
    sav.columns[name] = pd.Series(texts, dtype="str")
    longest = max((len(text.encode()) for text in pd.unique(texts)), default=1)
    declared = one.marks.get("spss_format", "")
    # pyreadstat makes room for the longest value, and for the letters, not the bytes, of the codes with a label
    room = max(longest, 1, *(len(code) for code in one.labels))
    long = [code for code in one.labels if len(code.encode()) > room]
    if long:
        sav.notes.append(f"{name}: the labels of {', '.join(long)}, longer than any value, are left out.")
    if declared and declared != f"A{room}":
        sav.notes.append(f"{name}: its width is that of its longest value (A{room}, it was {declared}).")
    return {code: code for code in dict.fromkeys([*one.labels, *one.missing]) if code not in long}


def _add_numbers(sav: _Sav, name: str, one: OutColumn) -> dict[str, Any]:
    """Code to the number in the file, of every code that has a label or is missing."""
    values = one.values + (EPOCH if one.kind in ("date", "dateTime") else 0)
    numbers = {code: one.number(code) for code in dict.fromkeys([*one.labels, *one.missing])}
    if one.kind in ("date", "dateTime"):
        numbers = {code: value + EPOCH for code, value in numbers.items()}
    unknown = [code for code in numbers if code in one.odd or np.isnan(numbers[code])]
    lowest = min(0.0, np.nanmin([*numbers.values(), np.nanmin(values, initial=0.0)], initial=0.0))
    for place, code in enumerate(unknown, start=1):
        numbers[code] = np.floor(lowest) - place
        if code in one.odd:
            values = np.where(one.odd[code], numbers[code], values)
    renamed = [f"{code} is {numbers[code]:g}" for code in unknown]
    if renamed:
        sav.notes.append(f"{name}: codes that are no numbers: {', '.join(renamed)}.")
    sav.columns[name] = pd.Series(values)
    sav.formats[name] = (
        one.marks.get("spss_format") or FORMATS.get(one.kind) or _number_format(np.append(values, [*numbers.values()]))
    )
    return {code: float(value) for code, value in numbers.items()}


def _number_format(values: npt.NDArray[np.float64]) -> str:
    """The format that shows every digit, up to six decimals."""
    given = values[np.isfinite(values)]
    with np.errstate(over="ignore"):  # 1e308 is whole, but too large to be rounded to decimals
        decimals = next((d for d in range(6) if np.allclose(np.round(given, d), given, rtol=1e-12, atol=0)), 6)
    size = len(f"{np.abs(given).max(initial=0):.0f}") + bool((given < 0).any())
    return f"F{min(max(size + (decimals + 1 if decimals else 0), 1), 40)}.{decimals}"


def _missing(sav: _Sav, name: str, one: OutColumn, values: Mapping[str, Any]) -> list[Any]:
    """The user-missing values: those the file declared, where they are right still, or else at most what SPSS takes."""
    text = one.kind == "text"
    codes = [values[code] for code in one.missing if code in values]
    declared = json.loads(one.marks.get("spss_missing") or "[]")
    spans = [(ENDS.get(m[0], m[0]), ENDS.get(m[1], m[1])) if isinstance(m, list) else (m, m) for m in declared]
    valid = [value for code, value in values.items() if code not in one.missing]

    def within(value: Any) -> bool:
        return any(low <= value <= high for low, high in spans if isinstance(low, str) == isinstance(value, str))

    if spans and all(map(within, codes)) and not any(map(within, valid)):
        return _spans(spans)
    if text:
        fitting = [code for code in codes if len(code.encode()) <= LONGEST_MISSING][:3]
        lost = [code for code in codes if code not in fitting]
        if lost:
            sav.notes.append(
                f"{name}: {', '.join(lost)} cannot be declared missing; SPSS takes three texts of at most "
                f"{LONGEST_MISSING} bytes."
            )
        return fitting
    column = sav.columns[name].to_numpy()
    others = np.unique(np.concatenate([column[~np.isnan(column)], np.array(valid, dtype=float)]))
    others = others[~np.isin(others, codes)]
    chosen, lost_numbers = three_missing(sorted(set(codes)), others)
    if lost_numbers:
        shown = ", ".join(f"{value:g}" for value in lost_numbers)
        sav.notes.append(
            f"{name}: {shown} cannot be declared missing; SPSS takes three values, or a range and a value."
        )
    return _spans(chosen)


def _spans(spans: Sequence[tuple[Any, Any]]) -> list[Any]:
    return [low if isinstance(low, str) else {"lo": float(low), "hi": float(high)} for low, high in spans]


def three_missing(
    codes: Sequence[float], others: npt.NDArray[np.float64]
) -> tuple[list[tuple[float, float]], list[float]]:
    """Missing codes as at most three values, or as a range that holds no other code and a value; and those left over.

    Examples
    --------
    >>> three_missing([-9, -8, -7, 99], np.array([1.0, 2.0]))
    ([(-9, -7), (99, 99)], [])
    """
    if len(codes) <= 3:
        return [(code, code) for code in codes], []
    best: list[tuple[float, float]] = [(code, code) for code in codes[:3]]
    held = 3
    for i in range(len(codes)):
        for j in range(i + 1, len(codes)):
            if ((others >= codes[i]) & (others <= codes[j])).any():
                break
            rest = [*codes[:i], *codes[j + 1 :]][:1]
            if j - i + 1 + len(rest) > held:
                held = j - i + 1 + len(rest)
                best = [(codes[i], codes[j]), *((code, code) for code in rest)]
    return best, [code for code in codes if not any(low <= code <= high for low, high in best)]


def _refill(survey: Survey, sav: _Sav) -> None:
    """Where a set of categories was corrected, its variables follow: the chosen codes in the order of the choices."""
    for name, members in category_sets(survey).items():
        question = survey.questionnaire[name]
        columns = [choice for choice in question.answers if question.column(choice) in survey.responses]
        if not columns or not all(member in sav.columns for member in members):
            continue
        codes = [choice.extra.get("spss_code", choice.name) for choice in columns]
        texts = np.stack([as_texts(sav.columns[member]) for member in members], axis=1)
        chosen = np.stack([as_numbers(survey.responses[question.column(choice)]) == 1 for choice in columns], axis=1)
        held = np.stack([(texts == code).any(axis=1) for code in codes], axis=1)
        rows = np.flatnonzero((chosen != held).any(axis=1))
        for row in rows:
            now = [code for code, tick in zip(codes, chosen[row], strict=True) if tick]
            if len(now) > len(members):
                sav.notes.append(
                    f"{name}, row {survey.row_number(int(row))}: {len(now)} choices, {len(members)} variables."
                )
            texts[row] = [*now, *[""] * len(members)][: len(members)]
        if len(rows):
            sav.notes.append(f"{name}: in {len(rows):,} rows it differs from its variables, which follow it.")
            for j, member in enumerate(members):
                text = sav.columns[member].dtype == "str"
                sav.columns[member] = (
                    pd.Series(texts[:, j], dtype="str") if text else pd.Series(as_numbers(texts[:, j]))
                )


def _sets(survey: Survey, sav: _Sav) -> list[ResponseSet]:
    """The multiple response sets: those of the file it came from, then the others."""
    kept = {one["name"]: one for one in json.loads(survey.questionnaire.settings.get("spss_sets") or "[]")}
    taken: set[str] = set()
    found = []
    for question in survey.questionnaire:
        if question.type != "select_multiple":
            continue
        one = kept.get(question.extra.get("spss_set", ""))
        if one and all(variable in sav.columns for variable in one["variables"]):
            found.append(ResponseSet(one["name"], one["label"], one["counted"], tuple(one["variables"])))
            taken.add(one["name"].casefold())
            continue
        members = [sav.names[c] for c in question.columns if c in sav.names]
        if members:
            name = cut(valid_name(question.name, taken), LONGEST_NAME - 1)
            taken.add(name.casefold())
            counted = next((c.extra["spss_counted"] for c in question.answers if "spss_counted" in c.extra), "1")
            label = cut(question.label(survey.language), LONGEST_LABEL)
            found.append(ResponseSet(name, label, counted, tuple(members)))
    order = {name: place for place, name in enumerate(kept)}
    return sorted(found, key=lambda one: order.get(one.name, len(order)))


def _syntax(file: str, sav: _Sav, sets: Sequence[ResponseSet], weight: str) -> str:
    """The syntax that declares measurement levels, sets and weight."""
    lines = [
        "* Encoding: UTF-8.",
        f"* Declares the measurement levels, multiple response sets and weight of {file}.",
        "* Run it in the folder of that file, or open the file and run what follows GET.",
        "",
        f"GET FILE={_quoted(file)}.",
        "",
    ]
    levels: dict[str, list[str]] = {}
    for name, measure in sav.measures.items():
        levels.setdefault(measure, []).append(name)
    for measure in ("nominal", "ordinal", "scale"):
        if names := levels.get(measure):
            lines += [*_wrapped(f"VARIABLE LEVEL {' '.join(names)} ({measure.upper()})."), ""]
    for one in sets:
        text = one.counted is not None and sav.columns[one.variables[0]].dtype == "str"
        value = "" if one.counted is None else f" VALUE={_quoted(one.counted) if text else one.counted}"
        group = "MCGROUP" if one.counted is None else "MDGROUP"
        label = f" LABEL={_quoted(' '.join(one.label.split()))}" if one.label else ""
        lines.append("MRSETS")
        lines.append(f"  /{group} NAME=${one.name}{label}")
        lines += _wrapped(f"VARIABLES={' '.join(one.variables)}{value}", "    ")
        lines += [f"  /DISPLAY NAME=[${one.name}].", ""]
    if weight:
        lines += [f"WEIGHT BY {weight}.", ""]
    return "\n".join([*lines, "EXECUTE.", ""])


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        100,
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
