"""What SPSS and Stata files have in common on their way to a draft: columns in pieces, codes, labels, reasons."""

from __future__ import annotations

import json
import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from .codes import as_numbers, as_texts
from .drafts import RESPONDENT_ID
from .files import ReadError
from .questionnaire import Choice, Question

REASONS = {  # words in the label of a missing value, in lv, en, ru
    "not_asked": r"not asked|inap|not applicable|skip|nav jautāts|netika|neattiec|не задавал|не применимо|пропуск",
    "refused": r"refus|no answer|atteic|neatbild|отказ|нет ответа",
    "dont_know": r"don.?t know|do not know|\bdk\b|nezin|grūti|не знаю|затрудн",
}
WEIGHT = r"\b(weights?|wts?|weighting|svars|svari|вес|веса)\b"
MOST_UNLABELLED = 12  # codes without a label that may stand beside labelled ones; beyond it is a number
MOST_NAMED = 12  # codes that a note names
EXACT = 2**53  # beyond it a float is not every whole number any more
FIRST_DAY, LAST_DAY = np.datetime64("0001-01-01"), np.datetime64("9999-12-31")

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Variable:
    """One variable as its file describes it.

    Attributes
    ----------
    name, label : str
    kind : str
        ``number``, ``text``, ``date``, ``dateTime`` or ``time``.
    labels : mapping of str to str
        Code to label.
    ranges : tuple of (low, high)
        What the file declares missing, both ends included: numbers, or texts that are equal.
    marks : mapping of str to str
        What only that kind of file knows (format, measure, ...), as columns of the survey sheet.
    """

    name: str
    label: str
    kind: str
    labels: Mapping[str, str] = field(default_factory=dict)
    ranges: tuple[tuple[Any, Any], ...] = ()
    marks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Levels:
    """A column as its different codes, sorted, and the place of each respondent's among them, -1 where blank."""

    codes: tuple[str, ...]
    numbers: Floats
    places: Places

    def hits(self, wanted: Iterable[str]) -> npt.NDArray[np.bool_]:
        """Where one of some codes stands."""
        chosen = set(wanted)
        return np.array([*(code in chosen for code in self.codes), False])[self.places]


def read_pieces(
    read: Callable[[int, int], pd.DataFrame], rows: int, step: int, file: Path, progress: bool
) -> dict[str, list[Any]]:
    """Every column in pieces of ``step`` rows, tidied; a bar on stderr shows how far it is.

    Parameters
    ----------
    read : callable
        Of the first row and how many.
    """
    from tqdm import tqdm

    pieces: dict[str, list[Any]] = {}
    with tqdm(
        total=rows, desc=file.name, unit=" rows", unit_scale=True, leave=False,
        disable=not (progress or sys.stderr.isatty()),
    ) as bar:  # fmt: skip
        for start in range(0, max(rows, 1), step):
            frame = read(start, min(step, rows - start))
            if start + len(frame) < min(start + step, rows):
                raise ReadError(f"{file}: it ends after {start + len(frame):,} of {rows:,} rows. Get a whole copy.")
            for column in frame:
                pieces.setdefault(str(column), []).append(_piece(frame.pop(column)))
            bar.update(min(step, rows - start))
    return pieces


def _piece(column: pd.Series) -> Any:
    if column.dtype.kind in "iufb":
        return column.to_numpy(dtype=float)
    if column.dtype == object and column.map(type).isin([float, int]).any():  # numbers, and letters for missing ones
        return column.to_numpy()
    return column.astype("str")


def tidied(text: str) -> str:
    """A text without space around it, and with one kind of line break: a lone CR would end the row of a CSV."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def code_order(code: str) -> tuple[float, str]:
    """Numbers by their size, then texts."""
    value = as_numbers([code])[0]
    return (value if value == value else np.inf, code)


def whole_numbers(values: Floats) -> pd.Series | None:
    """The values as whole numbers, NA where blank; None if one is not whole."""
    blank = np.isnan(values)
    filled = np.where(blank, 0.0, values)
    most = np.abs(filled).max(initial=0)
    if not most < EXACT or (np.floor(filled) != filled).any():
        return None
    kind = np.int8 if most < 128 else np.int64
    return pd.Series(pd.arrays.IntegerArray(filled.astype(kind), blank))


def seconds_to_times(seconds: Floats) -> npt.NDArray[np.datetime64]:
    """Seconds since 1970-01-01 as times, to the microsecond; NaT where NaN."""
    blank = np.isnan(seconds)
    times = np.round(np.where(blank, 0, seconds) * 1e6).astype("int64").astype("datetime64[us]")
    times[blank] = np.datetime64("NaT")
    return np.asarray(times)


def time_texts(seconds: Floats, kind: str) -> npt.NDArray[np.object_]:
    """Seconds as ``2021-10-31T09:05:00`` (since 1970) or as ``09:05:00``, with a fraction only where there is one."""
    blank = np.isnan(seconds)
    plain = np.where(blank, 0, seconds)
    if kind != "time":
        times = seconds_to_times(plain)
        finer = (times != times.astype("datetime64[s]")).any()
        texts = np.datetime_as_string(times, unit="us" if finer else "s").astype(object)
        texts = np.array([t.rstrip("0").rstrip(".") for t in texts], dtype=object) if finer else texts
    else:
        micro = np.round(np.abs(plain) * 1e6).astype("int64")
        parts = zip(plain < 0, micro // 3_600_000_000, micro // 60_000_000 % 60, micro // 1_000_000 % 60,
                    micro % 1_000_000, strict=True)  # fmt: skip
        texts = np.array(
            [f"{'-' * bool(minus)}{h:02d}:{m:02d}:{s:02d}{f'.{u:06d}'.rstrip('0') if u else ''}"
             for minus, h, m, s, u in parts], dtype=object,
        )  # fmt: skip
    return np.where(blank, "", texts).astype(object)


class StatDraft(ABC):
    """One file on its way to a draft; the notes gather as it goes."""

    prefix = ""  # of the columns that keep what only such a file knows

    def __init__(self, file: Path, variables: Mapping[str, Variable], pieces: dict[str, list[Any]]) -> None:
        self.file, self.variables, self.pieces = file, dict(variables), pieces
        self.notes: list[str] = []
        self.changed: dict[str, int] = {}
        self.label_numbers: dict[str, dict[str, float]] = {}  # of dates, code to the number in the file
        for name, one in self.variables.items():
            self.variables[name] = self.with_codes(self.suited(one))

    # ------------------------------------------------------------------------------------------- columns

    def column(self, name: str) -> Any:
        """The values: floats, or texts with NA where blank; the pieces are joined when it is first asked for."""
        if name not in self.pieces:
            raise ReadError(
                f"{self.file}: it is damaged: there are no values of the variable {name!r}. Get a whole file."
            )
        pieces = self.pieces[name]
        if len(pieces) == 1 and not isinstance(pieces[0], pd.Series):
            return pieces[0]
        if isinstance(pieces[0], pd.Series):
            if pieces[0].name != "tidy":
                joined = pd.concat(pieces, ignore_index=True)
                tidy = joined
                if joined.str.contains("\r", regex=False).any():
                    tidy = joined.str.replace("\r\n", "\n", regex=False).str.replace("\r", "\n", regex=False)
                    self.changed[name] = int((joined != tidy).sum())
                tidy = tidy.str.rstrip()  # SPSS pads with spaces
                pieces[:] = [tidy.mask(tidy == "").rename("tidy")]
            return pieces[0]
        pieces[:] = [np.concatenate(pieces)]
        return pieces[0]

    @abstractmethod
    def seconds(self, values: Floats, one: Variable) -> Floats:
        """The values of a date or a time as seconds, of a date since 1970."""

    def suited(self, one: Variable) -> Variable:
        """The variable with the kind that its values allow: a date with a time of day is both."""
        if one.kind not in ("date", "dateTime") or not self.pieces:
            return one
        seconds = self.seconds(self.column(one.name), one)
        given = seconds[~np.isnan(seconds)]
        days = np.array([FIRST_DAY, LAST_DAY + 1], "datetime64[s]").astype("int64")
        if ((given < days[0]) | (given >= days[1])).any():
            self.notes.append(f"{one.name}: a date beyond the years 1 to 9999; it is kept as the number in the file.")
            return replace(one, kind="number")
        if one.kind == "date" and (given % 86_400 != 0).any():
            return replace(one, kind="dateTime")
        return one

    def with_codes(self, one: Variable) -> Variable:
        """The variable with the labels of dates by the codes that the draft has for them."""
        numbers = as_numbers(list(one.labels))
        if one.kind in ("number", "text") or np.isnan(numbers).all():
            return one
        plain = self.codes(np.where(np.isnan(numbers), 0, numbers), one)
        codes = [old if np.isnan(number) else new for old, new, number in zip(one.labels, plain, numbers, strict=True)]
        self.label_numbers[one.name] = dict(zip(codes, numbers.tolist(), strict=True))
        return replace(one, labels=dict(zip(codes, one.labels.values(), strict=True)))

    def levels(self, one: Variable) -> Levels:
        """The different codes of a column, and who has which."""
        column = self.column(one.name)
        places, found = pd.factorize(column)
        codes = self.codes(np.asarray(found), one)
        numbers = np.asarray(found, dtype=float) if isinstance(column, np.ndarray) else np.full(len(codes), np.nan)
        order = np.argsort(numbers, kind="stable") if one.kind != "text" else np.argsort(codes, kind="stable")
        rank = np.empty(len(codes) + 1, dtype=np.intp)
        rank[order], rank[-1] = np.arange(len(codes)), -1
        return Levels(tuple(codes[i] for i in order), numbers[order], rank[places])

    def codes(self, values: Any, one: Variable) -> list[str]:
        """The codes of some values, as the draft holds them."""
        if one.kind == "text" or one.kind == "number":
            return [tidied(text) for text in as_texts(values)]
        seconds = self.seconds(np.asarray(values, dtype=float), one)
        texts = time_texts(seconds, one.kind)
        return [text[:10] for text in texts] if one.kind == "date" else list(texts)

    def cells(self, one: Variable) -> Any:
        """The column of a question without choices, in the dtype it needs."""
        column = self.column(one.name)
        if one.kind == "text":
            return column
        if one.kind == "date":
            return pd.Series(seconds_to_times(self.seconds(column, one)))
        if one.kind in ("dateTime", "time"):
            texts = pd.Series(time_texts(self.seconds(column, one), one.kind), dtype="str")
            return texts.mask(texts == "")
        whole = whole_numbers(column)
        return pd.Series(column) if whole is None else whole

    # ------------------------------------------------------------------------------------------- roles

    def respondent_id(self) -> str:
        """The variable that is the respondents' id; respondents are numbered if none looks like one."""
        for name in self.variables:
            if re.fullmatch(RESPONDENT_ID, name, re.IGNORECASE):
                column = pd.Series(self.column(name))
                if column.is_unique and not column.isna().any():
                    return name
        self.notes.append("respondent id: no variable looks like one; respondents are numbered from 1.")
        return "respondent" if "respondent" not in self.variables else "respondent_number"

    def identities(self, name: str, rows: int) -> pd.Series:
        """The ids as texts."""
        if name not in self.variables:
            return pd.Series(np.arange(1, rows + 1)).astype("str")
        cells = self.cells(self.variables[name])
        return pd.Series(as_texts(cells) if cells.dtype.kind in "fM" else cells.astype("str"), dtype="str")

    def weight(self, declared: str = "") -> str:
        """The weight that the file declares, or else the one that names and labels suggest."""
        likely = [name for name in self.variables if name != declared and self.looks_like_weight(name)]
        if declared:
            self.notes.append(f"weight: {declared}, which the file declares as its case weight.")
        elif likely:
            sums = {name: float(np.nansum(self.column(name))) for name in likely}
            declared = min(likely, key=lambda name: abs(sums[name] - len(self.column(name))))
            likely.remove(declared)
            self.notes.append(f"weight: {declared}, by its name or label. Correct `design` in survey.yml if it is not.")
        else:
            self.notes.append("weight: none found. Fill in `design.weight` in survey.yml if there is one.")
        if likely:
            self.notes.append(f"other columns that look like weights are kept as questions: {', '.join(likely)}.")
        return declared

    def looks_like_weight(self, name: str) -> bool:
        """Whether a variable is called a weight and can be one."""
        one = self.variables[name]
        words = f"{name} {one.label}".replace("_", " ")
        if not re.search(WEIGHT, words, re.IGNORECASE) or one.kind != "number":
            return False
        values = self.column(name)
        return values.dtype.kind == "f" and bool((values > 0).all() and len(pd.unique(values)) > 2)

    # ------------------------------------------------------------------------------------------- questions

    def is_missing(self, code: str, number: float, one: Variable) -> bool:
        """Whether the file declares a code missing."""
        return any(code == tidied(low) if isinstance(low, str) else low <= number <= high for low, high in one.ranges)

    def missing(self, one: Variable, levels: Levels) -> dict[str, str]:
        """Code to missing reason, for the missing codes that are labelled or occur."""
        if not one.ranges:
            return {}
        numbers = dict(zip(levels.codes, levels.numbers, strict=True))
        if one.kind != "text":  # a label of a value that does not occur has its number all the same
            numbers |= {code: self.number_of(code, one) for code in one.labels if code not in numbers}
        codes = dict.fromkeys([*one.labels, *levels.codes])
        found = [code for code in codes if self.is_missing(code, numbers.get(code, np.nan), one)]
        reasons: dict[str, str] = {}
        unclear: list[str] = []
        for code in found:
            label = one.labels.get(code, "")
            reason = next((r for r, words in REASONS.items() if re.search(words, label, re.IGNORECASE)), "")
            if not reason:
                unclear.append(f"{code} ({label or 'no label'})")
            reasons[code] = reason or "invalid"
        if unclear:
            more = f" and {len(unclear) - MOST_NAMED} more" if len(unclear) > MOST_NAMED else ""
            what = "code" if len(unclear) == 1 else "codes"
            verb = "is" if len(unclear) == 1 else "are"
            self.notes.append(
                f"{one.name}: the user-missing {what} {', '.join(unclear[:MOST_NAMED])}{more} {verb} read as "
                "'invalid'. Correct it where it is refused, dont_know or not_asked."
            )
        return reasons

    def number_of(self, code: str, one: Variable) -> float:
        """The number of a code in the file's own units."""
        known = self.label_numbers.get(one.name, {})
        return known[code] if code in known else float(as_numbers([code])[0])

    def marks(self, one: Variable, labels: bool) -> dict[str, str]:
        """What the survey sheet keeps for the way back; with the value labels where no choice holds them."""
        marks = dict(one.marks)
        if not one.label:
            marks[f"{self.prefix}_label"] = "none"
        if labels and one.labels:
            marks[f"{self.prefix}_labels"] = json.dumps(dict(one.labels), ensure_ascii=False)
        return marks

    def single(self, name: str) -> tuple[Question, dict[str, Any]]:
        """The question of one variable, and its column."""
        one = self.variables[name]
        wording = {"": one.label or name}
        missing: dict[str, str] = {}
        hint: dict[str, str] = {}
        if one.labels or one.ranges or self.column(name).dtype == object:
            levels = self.levels(one)
            missing = self.missing(one, levels)
            answers = {code: label for code, label in one.labels.items() if code not in missing and code}
            unlabelled = [code for code in levels.codes if code not in one.labels and code not in missing]
            if answers and len(unlabelled) <= MOST_UNLABELLED:
                if unlabelled:
                    self.notes.append(f"{name}: the codes {', '.join(unlabelled)} have no label; each is a choice.")
                codes = sorted({*answers, *unlabelled, *missing}, key=lambda c: (c in missing, code_order(c)))
                choices = tuple(self.choice(c, one, missing.get(c, "")) for c in codes)
                place = {code: i for i, code in enumerate(codes)}
                steps = np.array([*(place[code] for code in levels.codes), -1])
                cells = pd.Series(
                    pd.Categorical.from_codes(steps[levels.places], categories=pd.Index(codes, dtype="str"))
                )
                extra = self.marks(one, labels="" in one.labels)
                return Question(name, "select_one", wording, choices, name, extra=extra), {name: cells}
            if answers:
                kept = "; ".join(f"{code} = {label}" for code, label in answers.items())
                self.notes.append(f"{name}: a number with a few labels, which are kept in its hint ({kept}).")
                hint = {"hint": kept}
        cells = self.cells(one)
        kind = one.kind if one.kind != "number" else self.number_kind(cells, missing)
        extra = hint | self.marks(one, labels=True)
        return Question(name, kind, wording, missing=missing, extra=extra), {name: cells}

    def number_kind(self, cells: pd.Series, missing: Mapping[str, str]) -> str:
        """``integer`` if every value that is an answer is whole."""
        if cells.dtype.kind == "i":
            return "integer"
        values = as_numbers(cells)
        values = values[~np.isnan(values) & ~np.isin(values, as_numbers(list(missing)))]
        return "integer" if bool((np.floor(values) == values).all()) else "decimal"

    def choice(self, code: str, one: Variable, missing: str = "") -> Choice:
        """A choice, which says so if the file has no label for it."""
        label = one.labels.get(code, "")
        return Choice(code, {"": label or code}, missing, extra={} if label else {f"{self.prefix}_label": "none"})

    def changed_notes(self) -> None:
        """Say which texts were changed."""
        if self.changed:
            said = ", ".join(f"{name} ({count:,})" for name, count in self.changed.items())
            self.notes.append(
                f"texts: spaces in front of codes, or line breaks of another kind (CR), were made plain in {said}."
            )
