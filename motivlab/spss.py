"""From an SPSS file to the draft of a survey folder."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .codes import as_numbers, as_texts
from .drafts import RESPONDENT_ID, Draft
from .files import ReadError
from .questionnaire import Choice, Question, Questionnaire

_REASONS = {  # words in a label of a user-missing value, in lv, en, ru
    "not_asked": r"not asked|inap|not applicable|skip|nav jautāts|netika|neattiec|не задавал|не применимо|пропуск",
    "refused": r"refus|no answer|atteic|neatbild|отказ|нет ответа",
    "dont_know": r"don.?t know|do not know|\bdk\b|nezin|grūti|не знаю|затрудн",
}
_WEIGHT = r"\b(weights?|wts?|weighting|svars|svari|вес|веса)\b"


def read_spss(file: str | Path) -> Draft:
    """Read an SPSS file (.sav, .zsav) as a questionnaire and responses.

    Value labels become choices, user-missing values choices with a missing reason, multiple response sets
    ``select_multiple`` questions whose choices keep the names of the SPSS variables (of a set of categories: the
    codes). The weight is the one the file declares, or else the one its names and labels suggest.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ReadError
        If it is no SPSS file, or holds no respondent.
    """
    import pyreadstat

    file = Path(file)
    if not file.exists():
        raise FileNotFoundError(f"{file}: no such file.")
    if file.suffix.lower() not in (".sav", ".zsav"):
        raise ReadError(f"{file}: an SPSS file ends in .sav or .zsav. Save the data as one.")
    try:
        frame, meta = pyreadstat.read_sav(file, user_missing=True)
    except Exception as error:
        raise ReadError(f"{file}: it cannot be read as an SPSS file ({error}).") from error
    if frame.empty:
        raise ReadError(f"{file}: it holds no respondent.")
    return _SpssDraft(file, frame, meta).draft()


class _SpssDraft:
    """One SPSS file on its way to a draft; the notes gather as it goes."""

    def __init__(self, file: Path, frame: pd.DataFrame, meta: Any) -> None:
        self.file, self.frame, self.meta = file, frame, meta
        self.notes: list[str] = []
        self.texts = {str(column): _clean(as_texts(frame[column])) for column in frame}
        self.labels: dict[str, str] = {k: _clean([v or ""])[0] for k, v in meta.column_names_to_labels.items()}

    def draft(self) -> Draft:
        identity = self.respondent_id()
        weight = self.weight()
        sets = {name.lstrip("$"): one for name, one in (self.meta.mr_sets or {}).items()}
        member_of = {v: name for name, one in reversed(sets.items()) for v in one["variable_list"] if v in self.texts}
        named = {name: name if name not in self.texts else f"{name}_set" for name in sets}
        questions: list[Question] = []
        columns: dict[str, Any] = {identity: self.texts.get(identity, np.arange(1, len(self.frame) + 1).astype(str))}
        done = {identity, weight}
        for variable in self.texts:
            if variable in done:
                if variable == weight:
                    columns[weight] = self.texts[weight]
                continue
            if variable in member_of:
                name = member_of[variable]
                one = sets[name]
                done.update(v for v in one["variable_list"] if member_of.get(v) == name)
                question, cells = self.multiple(named[name], one)
            else:
                question, cells = self.single(variable)
            questions.append(question)
            columns.update(cells)
        for name, one in sets.items():
            overlap = [v for v in one["variable_list"] if member_of.get(v) != name]
            if overlap:
                self.notes.append(f"set {name}: {', '.join(overlap)} belong to another set as well and are kept there.")
        if not any(question.relevant for question in questions):
            self.notes.append(
                "routing: an SPSS file does not hold it. Who was asked follows from blanks and from the codes for "
                "'not asked'. Fill in the column `relevant` of questionnaire/survey.csv to have routing checked."
            )
        responses = pd.DataFrame(columns, dtype="str").replace("", pd.NA)
        return Draft(
            responses,
            Questionnaire(tuple(questions), {"": ""}),
            identity,
            weight,
            tuple(named.values()),
            tuple(self.notes),
        )

    def respondent_id(self) -> str:
        for variable, texts in self.texts.items():
            named = re.fullmatch(RESPONDENT_ID, variable, re.IGNORECASE)
            if named and "" not in texts and len(set(texts)) == len(texts):
                return variable
        self.notes.append("respondent id: no variable looks like one; respondents are numbered from 1.")
        return "respondent" if "respondent" not in self.texts else "respondent_number"

    def weight(self) -> str:
        declared = _spss_weight(self.file, self.meta)
        likely = [v for v in self.texts if v != declared and self.looks_like_weight(v)]
        if declared:
            self.notes.append(f"weight: {declared}, which the file declares as its case weight.")
        elif likely:
            sums = {v: float(np.nansum(as_numbers(self.frame[v]))) for v in likely}
            declared = min(likely, key=lambda v: abs(sums[v] - len(self.frame)))
            likely.remove(declared)
            self.notes.append(f"weight: {declared}, by its name or label. Correct `design` in survey.yml if it is not.")
        else:
            self.notes.append("weight: none found. Fill in `design.weight` in survey.yml if there is one.")
        if likely:
            self.notes.append(f"other columns that look like weights are kept as questions: {', '.join(likely)}.")
        return declared

    def looks_like_weight(self, variable: str) -> bool:
        words = f"{variable} {self.labels.get(variable, '')}".replace("_", " ")
        if not re.search(_WEIGHT, words, re.IGNORECASE) or self.frame[variable].dtype.kind not in "iuf":
            return False
        values = as_numbers(self.frame[variable])
        return bool((values > 0).all() and len(np.unique(values)) > 2)

    def missing(self, variable: str) -> dict[str, str]:
        """Code to missing reason, for the user-missing codes that are labelled or occur."""
        ranges = self.meta.missing_ranges.get(variable, [])
        labels = self.value_labels(variable)
        codes = dict.fromkeys([*labels, *sorted(set(self.texts[variable]) - {""})])
        found: dict[str, str] = {}
        for code in codes:
            if any(_within(code, one["lo"], one["hi"]) for one in ranges):
                label = labels.get(code, "")
                reason = next((r for r, words in _REASONS.items() if re.search(words, label, re.IGNORECASE)), "")
                if not reason:
                    reason = "invalid"
                    self.notes.append(
                        f"{variable}: the user-missing code {code} ({label or 'no label'}) is read as 'invalid'. "
                        "Correct it where it is refused, dont_know or not_asked."
                    )
                found[code] = reason
        return found

    def value_labels(self, variable: str) -> dict[str, str]:
        pairs = self.meta.variable_value_labels.get(variable, {}).items()
        return {_clean(as_texts([value]))[0]: _clean([str(label)])[0] for value, label in pairs}

    def single(self, variable: str) -> tuple[Question, dict[str, Any]]:
        texts, column = self.texts[variable], self.frame[variable]
        labels, missing = self.value_labels(variable), self.missing(variable)
        wording = {"": self.labels.get(variable) or variable}
        seen = sorted(set(texts) - {""} - set(missing), key=_code_order)
        unlabelled = [code for code in seen if code not in labels]
        spss_format = self.meta.original_variable_types.get(variable, "")
        if set(labels) - set(missing):
            if len(unlabelled) <= 12:
                if unlabelled:
                    self.notes.append(f"{variable}: the codes {', '.join(unlabelled)} have no label; each is a choice.")
                codes = [*(c for c in labels if c not in missing), *unlabelled, *missing]
                codes = sorted(codes, key=lambda c: (c in missing, _code_order(c)))
                choices = tuple(Choice(c, {"": labels.get(c) or c}, missing.get(c, "")) for c in codes)
                return Question(variable, "select_one", wording, choices, variable), {variable: texts}
            kept = "; ".join(f"{code} = {label}" for code, label in labels.items() if code not in missing)
            self.notes.append(f"{variable}: a number with a few labels, which are kept in its hint ({kept}).")
            extra = {"hint": kept}
        else:
            extra = {}
        if column.dtype.kind not in "iufb":
            is_date = re.match(r"(A?DATE|EDATE|SDATE|JDATE)\d", spss_format) is not None
            return Question(variable, "date" if is_date else "text", wording, missing=missing, extra=extra), {
                variable: texts
            }
        values = as_numbers(seen)
        kind = "integer" if bool((values == np.floor(values)).all()) else "decimal"
        return Question(variable, kind, wording, missing=missing, extra=extra), {variable: texts}

    def multiple(self, name: str, one: dict[str, Any]) -> tuple[Question, dict[str, Any]]:
        variables = [v for v in one["variable_list"] if v in self.texts]
        missing = {code: reason for v in variables for code, reason in self.missing(v).items()}
        missing_labels = {code: label for v in variables for code, label in self.value_labels(v).items()}
        if one["is_dichotomy"]:
            counted = _clean(as_texts([one["counted_value"]]))[0]
            wording, names = split_wording([self.labels.get(v) or v for v in variables])
            answers = [Choice(v, {"": label}) for v, label in zip(variables, names, strict=True)]
            table = np.stack([self.texts[v] for v in variables], axis=1)
            ticked = table == counted
            if not (~ticked & ~np.isin(table, ["", *missing])).any():
                # no "not ticked" anywhere: a blank beside a tick is one
                table = np.where((table == "") & ticked.any(axis=1)[:, None], "0", table)
                self.notes.append(
                    f"set {name}: only ticks are recorded. A blank of whoever ticked something is read as not ticked; "
                    "whoever ticked nothing cannot be told from whoever was not asked, and counts as not asked."
                )
            keep = np.isin(table, ["", *missing])
            coded = np.where(keep, table, np.where(ticked, "1", "0"))
            cells = {f"{name}/{v}": coded[:, j] for j, v in enumerate(variables)}
        else:
            wording, _ = split_wording([self.labels.get(v) or v for v in variables])
            table = np.stack([self.texts[v] for v in variables], axis=1)
            codes = sorted({*missing_labels, *np.unique(table.astype(str)).tolist()} - {"", *missing}, key=_code_order)
            plain = {code: re.sub(r"[\s/]+", "_", code) for code in codes}
            answers = [Choice(plain[code], {"": missing_labels.get(code) or code}) for code in codes]
            renamed = [f"{code!r} is now {new!r}" for code, new in plain.items() if code != new]
            if renamed:
                self.notes.append(f"set {name}: choices hold no space or slash: {', '.join(renamed)}.")
            blank = (table == "").all(axis=1)
            reason = (
                np.where(np.isin(table, list(missing)), table, "").max(axis=1) if missing else np.full(len(table), "")
            )
            cells = {}
            for code in codes:
                hit = (table == code).any(axis=1)
                none = np.isin(table, ["", *missing]).all(axis=1)
                cells[f"{name}/{plain[code]}"] = np.where(blank, "", np.where(none, reason, np.where(hit, "1", "0")))
            self.notes.append(f"set {name}: whoever has no answer in any of its variables counts as not asked.")
        reasons = [Choice(code, {"": missing_labels.get(code) or code}, reason) for code, reason in missing.items()]
        title = wording or str(one.get("label") or name)
        return Question(name, "select_multiple", {"": title}, (*answers, *reasons), name), cells


def split_wording(labels: Sequence[str]) -> tuple[str, list[str]]:
    """The wording that the labels of a set share, and what each has of its own.

    Examples
    --------
    >>> split_wording(["Age - Did you experience it?", "Gender - Did you experience it?"])
    ('Did you experience it?', ['Age', 'Gender'])
    >>> split_wording(["Which: the bus", "Which: the tram"])
    ('Which', ['the bus', 'the tram'])
    """
    for separator in (" - ", " – ", ": ", " | "):
        for own_first in (True, False):
            parts = [x.partition(separator) if own_first else x.rpartition(separator) for x in labels]
            own = [p[0] if own_first else p[2] for p in parts]
            shared = {p[2] if own_first else p[0] for p in parts}
            if len(labels) > 1 and len(shared) == 1 and "" not in shared and all(own):
                return shared.pop(), own
    return "", list(labels)


def _clean(texts: Any) -> Any:
    """Texts without space around them, and with one kind of line break: a lone CR would end the row of a CSV."""
    out = [text.replace("\r\n", "\n").replace("\r", "\n").strip() for text in texts]
    return np.array(out, dtype=object)


def _within(code: str, low: Any, high: Any) -> bool:
    if isinstance(low, str):
        return code == low.strip()
    value = as_numbers([code])[0]
    return bool(low <= value <= high)


def _code_order(code: str) -> tuple[float, str]:
    value = as_numbers([code])[0]
    return (value if value == value else np.inf, code)


def _spss_weight(file: Path, meta: Any) -> str:
    """The case weight that the header of the file names; empty if it names none.

    The header holds, in the int32 at byte 76, the position of the weight among the 8-byte slots of a case; a text
    variable takes several. pyreadstat does not hand it out.
    """
    with file.open("rb") as stream:
        head = stream.read(80)
    order = "<" if head[64:68] in (b"\x02\0\0\0", b"\x03\0\0\0") else ">"
    position: int = struct.unpack(f"{order}i", head[76:80])[0]
    slot = 1
    for variable, spss_format in meta.original_variable_types.items():
        if slot == position:
            return str(variable)
        width = int(m[1]) if (m := re.match(r"A(\d+)", spss_format)) else 0
        if width > 255:  # very long texts are stored in pieces of 252 characters, each a variable of width 255
            pieces = -(-width // 252)
            slot += 32 * (pieces - 1) + -(-(width - 252 * (pieces - 1)) // 8)
        else:
            slot += max(1, -(-width // 8))
    return ""
