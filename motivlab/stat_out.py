"""A survey as the variables of a statistics package: what the writers for SPSS and Stata share."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from .codes import as_numbers, as_texts
from .questionnaire import NUMBER_TYPES, Choice, Question
from .statfiles import Floats
from .survey import Survey

_TIME = r"(-?)(\d{2,}):(\d{2}):(\d{2}(?:\.\d{1,6})?)"
_DATETIME = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?"


@dataclass(frozen=True, eq=False)
class OutColumn:
    """One variable to be written.

    Attributes
    ----------
    source, name : str
        The column of the responses, and the name it should have.
    kind : str
        ``number``, ``text``, ``date``, ``dateTime`` or ``time``.
    values : array
        Floats with NaN where blank (a date: seconds since 1970-01-01), or texts.
    odd : mapping of str to array of bool
        Missing codes that are no numbers of a column that is one, and where they stand.
    label : str
    labels, missing : mapping of str to str
        Code to label, code to missing reason.
    marks : mapping of str to str
        What a file it was read from said of it: ``spss_format``, ...
    measure : str
        ``nominal`` or ``scale``.
    """

    source: str
    name: str
    kind: str
    values: npt.NDArray[Any]
    odd: Mapping[str, npt.NDArray[np.bool_]]
    label: str
    labels: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    marks: Mapping[str, str] = field(default_factory=dict)
    measure: str = "nominal"

    def number(self, code: str) -> float:
        """The number that a code is in ``values``; NaN if it is none."""
        return code_number(code, self.kind)


def code_number(code: str, kind: str) -> float:
    """The number that a code is: of a date the seconds since 1970; NaN if it is none."""
    if kind in ("date", "dateTime", "time"):
        return float(_seconds(pd.Series([code], dtype="str"), kind)[0])
    return float(as_numbers([code])[0])


def canonical(code: str) -> bool:
    """Whether a number written as a code is that code again: 01 is not."""
    value = as_numbers([code])[0]
    return bool(np.isfinite(value)) and str(as_texts([value])[0]) == code


def out_columns(survey: Survey, prefix: str, notes: list[str]) -> list[OutColumn]:
    """The variables of a survey, in the order of the file it came from, where it came from one.

    Parameters
    ----------
    prefix : str
        Of the columns of the sheets that keep what such a file said.
    notes : list of str
        What is left out is added.
    """
    settings = survey.questionnaire.settings
    beside = json.loads(settings.get(f"{prefix}_variables") or "{}")
    order = settings.get(f"{prefix}_order", "").split()
    frame = survey.responses
    found: dict[str, OutColumn] = {}
    sources = _set_columns(survey)
    for question in survey.questionnaire:
        for one in _of_question(survey, question, prefix, notes):
            found.setdefault(one.name, one)  # a variable of two sets is one
            sources.add(one.source)
    for column in map(str, frame):
        if column in sources or column in found:
            continue
        numbered = column == survey.about.respondent_id and order and column not in order
        if numbered and as_texts(frame[column]).tolist() == [str(i) for i in range(1, len(frame) + 1)]:
            continue
        found[column] = _beside(survey, column, beside.get(column, {}), prefix)
    places = {name: place for place, name in enumerate(order)}
    columns = {source: place for place, source in enumerate(map(str, frame))}
    return sorted(found.values(), key=lambda one: (places.get(one.name, len(places)), columns[one.source]))


def _set_columns(survey: Survey) -> set[str]:
    """The columns of the sets whose own variables are questions, too."""
    return {
        column
        for question in survey.questionnaire
        if question.name in category_sets(survey)
        for column in (*question.columns, *question.optional_columns)
    }


def category_sets(survey: Survey) -> dict[str, tuple[str, ...]]:
    """The sets of categories of an SPSS file: question to its variables, where these are questions still."""
    kept = {one["name"]: one for one in json.loads(survey.questionnaire.settings.get("spss_sets") or "[]")}
    found = {}
    for question in survey.questionnaire:
        one = kept.get(question.extra.get("spss_set", ""))
        if one and one["counted"] is None and all(v in survey.questionnaire for v in one["variables"]):
            found[question.name] = tuple(one["variables"])
    return found


def _beside(survey: Survey, column: str, said: Mapping[str, Any], prefix: str) -> OutColumn:
    """A column that is no question: the id, the weight, the design."""
    series = survey.responses[column]
    label, labels = str(said.get("label", "")), dict(said.get("labels", {}))
    marks = {key: str(value) for key, value in said.items() if key not in ("label", "labels")}
    if _is_text(marks, prefix) or not _all_numbers(series):
        return OutColumn(column, column, "text", as_texts(series), {}, label, labels, {}, marks)
    return OutColumn(column, column, "number", as_numbers(series), {}, label, labels, {}, marks, "scale")


def _is_text(marks: Mapping[str, str], prefix: str) -> bool:
    return bool(re.match(r"A(HEX)?\d|%-?\d+s|%-?9s|str", marks.get(f"{prefix}_format", "")))


def _all_numbers(series: pd.Series) -> bool:
    if series.dtype.kind in "iufb":
        return True
    codes = [code for code in pd.unique(as_texts(series)).tolist() if code]
    return all(canonical(code) for code in codes)


def _of_question(survey: Survey, question: Question, prefix: str, notes: list[str]) -> Iterator[OutColumn]:
    frame, language = survey.responses, survey.language
    if question.type == "select_multiple":
        if question.name in category_sets(survey):
            return
        for choice in question.choices:
            column = question.column(choice)
            if column in frame:
                yield _tick(survey, question, choice, prefix)
    elif question.name in frame:
        yield _single(frame[question.name], question, language, prefix, notes)


def _wording(question: Question, language: str, prefix: str) -> str:
    label = question.label(language)
    return "" if question.extra.get(f"{prefix}_label") == "none" and label == question.name else label


def choice_labels(question: Question, language: str, prefix: str) -> dict[str, str]:
    """Code to label, without those that only repeat the code."""
    return {
        one.name: one.label(language)
        for one in question.choices
        if not (one.extra.get(f"{prefix}_label") == "none" and one.label(language) == one.name)
    }


def _single(series: pd.Series, question: Question, language: str, prefix: str, notes: list[str]) -> OutColumn:
    """The variable of a question that has one column."""
    marks = {key: text for key, text in question.extra.items() if key.startswith(f"{prefix}_")}
    labels = json.loads(marks.pop(f"{prefix}_labels", "") or "{}") | choice_labels(question, language, prefix)
    missing = question.missing_codes
    label = _wording(question, language, prefix)

    def made(kind: str, values: Any, odd: Any = None, measure: str = "nominal") -> OutColumn:
        name = question.name
        return OutColumn(name, name, kind, values, odd or {}, label, labels, missing, marks, measure)

    texts: Callable[[], npt.NDArray[np.object_]] = lambda: as_texts(series)  # noqa: E731
    if question.type in ("date", "dateTime", "time"):
        column = series if series.dtype.kind == "M" else pd.Series(texts(), dtype="str")
        seconds, odd = _seconds(column, question.type), _odd(series, missing, question.type)
        if not (np.isnan(seconds) & (texts() != "") & ~_any(odd, len(seconds))).any():
            return made(question.type, seconds, odd, measure="scale")
        notes.append(f"{question.name}: not every value is a {question.type}; written as text.")
        return made("text", texts())
    if question.type == "select_one":
        codes = [*(one.name for one in question.choices), *pd.unique(texts()).tolist()]
        plain = [code for code in codes if code and code not in missing]
        if _is_text(marks, prefix) or not plain or not all(canonical(code) for code in plain):
            return made("text", texts())
        return made("number", as_numbers(series), _odd(series, missing))
    if question.type in NUMBER_TYPES and not _is_text(marks, prefix):
        values, odd = as_numbers(series), _odd(series, missing)
        given = texts() != "" if series.dtype.kind not in "iuf" else ~np.isnan(values)
        if not (np.isnan(values) & given & ~_any(odd, len(values))).any():
            return made("number", values, odd, "scale")
        notes.append(f"{question.name}: not every value is a number; written as text.")
    return made("text", texts())


def _odd(series: pd.Series, missing: Mapping[str, str], kind: str = "number") -> dict[str, npt.NDArray[np.bool_]]:
    """The missing codes that are nothing of the kind of the column, and where they stand."""
    codes = [
        code for code in missing if not (canonical(code) if kind == "number" else not np.isnan(code_number(code, kind)))
    ]
    if not codes or series.dtype.kind in "iufM":
        return {code: np.zeros(len(series), dtype=bool) for code in codes}
    texts = as_texts(series)
    return {code: texts == code for code in codes}


def _tick(survey: Survey, question: Question, choice: Choice, prefix: str) -> OutColumn:
    """The 0/1 variable of one choice, with the codes that the file had in its place."""
    column = question.column(choice)
    series = survey.responses[column]
    missing = {one.name: one.missing for one in question.choices if one.missing}
    own = {key: text for key, text in choice.extra.items() if key.startswith(f"{prefix}_")}
    came = f"{prefix}_counted" in own
    label = choice.label(survey.language)
    reasons = {one.name: one.label(survey.language) for one in question.choices if one.missing}
    if not came:
        labels = {"1": label, **reasons}
        values, odd = as_numbers(series), _odd(series, missing)
        return OutColumn(column, column.replace("/", "_"), "number", values, odd, label, labels, missing, own)
    counted, uncounted = own.pop(f"{prefix}_counted"), own.pop(f"{prefix}_uncounted", "0")
    labels = json.loads(own.pop(f"{prefix}_labels", "") or "{}")
    full = own.pop(f"{prefix}_label", label if set(survey.questionnaire.languages) <= {""} else "")
    if set(survey.questionnaire.languages) - {""}:
        full = label
    full = "" if full == "none" else full
    texts = as_texts(series)
    back = {"1": counted, "0": "" if uncounted == "blank" else uncounted}
    coded = np.array([back.get(text, text) for text in texts], dtype=object)
    if _is_text(own, prefix) or not canonical(counted):
        return OutColumn(column, choice.name, "text", coded, {}, full, labels, missing, own)
    cells = pd.Series(coded, dtype="str")
    return OutColumn(column, choice.name, "number", as_numbers(cells), _odd(cells, missing), full, labels, missing, own)


def _seconds(column: pd.Series, kind: str) -> Floats:
    """Dates and times as seconds, of a date since 1970-01-01; NaN where there is none."""
    if column.dtype.kind == "M":
        local = column.dt.tz_localize(None) if column.dt.tz is not None else column
        times = local.to_numpy().astype("datetime64[us]")
        return np.where(np.isnat(times), np.nan, times.astype("int64") / 1e6)
    if kind == "time":
        parts = column.str.extract(f"^{_TIME}$")
        size = sum(
            pd.to_numeric(parts[i]).to_numpy(float, na_value=np.nan) * s for i, s in ((1, 3600), (2, 60), (3, 1))
        )
        return np.asarray(np.where(parts[0].to_numpy() == "-", -1, 1) * size, dtype=float)
    pattern = r"\d{4}-\d{2}-\d{2}" if kind == "date" else _DATETIME
    fits = column.str.fullmatch(pattern).fillna(False).to_numpy(dtype=bool)
    out = np.full(len(column), np.nan)
    try:
        times = column[fits].to_numpy(dtype=object).astype("datetime64[us]")
    except ValueError:  # a day that does not exist
        return out
    out[fits] = times.astype("int64") / 1e6
    return out


def _any(odd: Mapping[str, npt.NDArray[np.bool_]], rows: int) -> npt.NDArray[np.bool_]:
    return np.any([*odd.values(), np.zeros(rows, dtype=bool)], axis=0)


def numbered(one: OutColumn, notes: list[str]) -> OutColumn:
    """A column of texts as one of numbers from 1 up, in the order of the choices; missing codes stay codes."""
    seen = [code for code in pd.unique(one.values).tolist() if code]
    codes = [code for code in dict.fromkeys([*one.labels, *sorted(seen)]) if code not in one.missing]
    numbers = {code: str(i) for i, code in enumerate(codes, start=1)}
    notes.append(
        f"{one.source}: its codes are numbered ({', '.join(f'{n} is {code}' for code, n in numbers.items())})."
    )
    values = pd.Series(one.values, dtype=object).map({code: float(n) for code, n in numbers.items()})
    labels = {n: one.labels.get(code) or code for code, n in numbers.items()}
    labels |= {code: one.labels[code] for code in one.missing if code in one.labels}
    odd = {code: one.values == code for code in one.missing}
    marks = {key: text for key, text in one.marks.items() if not key.endswith(("_format", "_missing"))}
    plain = values.to_numpy(dtype=float, na_value=np.nan)
    return replace(one, kind="number", values=plain, odd=odd, labels=labels, marks=marks)


def gathered(notes: Iterable[str]) -> list[str]:
    """Notes that say the same of several variables as one.

    Examples
    --------
    >>> gathered(["a: it is cut.", "b: it is cut.", "c: it is long."])
    ['a, b: it is cut.', 'c: it is long.']
    """
    of: dict[str, list[str]] = {}
    for note in notes:
        name, _, said = note.partition(": ")
        of.setdefault(said, []).append(name)
    return [f"{', '.join(names)}: {said}" for said, names in of.items()]


def refuse_beyond(file: Path, columns: Mapping[str, Any], most: float, program: str) -> None:
    """Refuse numbers that a program has no room for, or takes as its own missing value.

    Raises
    ------
    ValueError
        It names the file, the variable and the value.
    """
    for name, column in columns.items():
        if column.dtype == "str":
            continue
        numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        if (beyond := numbers[np.abs(numbers) >= most]).size:
            raise ValueError(
                f"{file}: variable {name}: {program} cannot hold the number {beyond[0]:g}. Correct it, or write a "
                ".csv or a .parquet."
            )


def cut(text: str, size: int) -> str:
    """The beginning of a text that takes at most ``size`` bytes, whole characters only.

    Examples
    --------
    >>> cut("āāā", 5)
    'āā'
    """
    data = text.encode()
    return text if len(data) <= size else data[:size].decode("utf-8", "ignore")


def left_out(survey: Survey, what: str) -> list[str]:
    """What no statistics package holds, in words."""
    form = survey.questionnaire
    notes = []
    routed = sum(bool(question.routing) for question in form)
    limited = sum(bool(question.constraint) for question in form)
    if routed or limited:
        notes.append(f"routing ({routed} questions) and limits ({limited}): {what} does not hold them.")
    others = [code for code in form.languages if code and code != survey.language]
    if others:
        notes.append(f"labels: those in {survey.language or 'the only language'}; {', '.join(others)} are left out.")
    reasons = sorted({reason for question in form for reason in question.missing_codes.values()})
    if reasons:
        notes.append(f"missing reasons ({', '.join(reasons)}): {what} knows that a code is missing, not why.")
    for name, table in survey.repeats.items():
        notes.append(f"{name}: its {len(table):,} rows are a table of their own and are not in the file.")
    texts = [question.name for question in form if question.type == "note"]
    if texts:
        notes.append(f"notes without an answer are left out: {', '.join(texts)}.")
    return notes
