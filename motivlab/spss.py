"""From an SPSS file to the draft of a survey folder."""

from __future__ import annotations

import json
import re
import struct
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .codes import as_numbers, as_texts
from .drafts import Draft
from .files import ReadError
from .questionnaire import Choice, Question, Questionnaire
from .sav_records import FIRST_RECORD, ResponseSet, check_dictionary, read_weight_and_sets
from .statfiles import Floats, Levels, StatDraft, Variable, code_order, read_pieces, tidied, whole_numbers

EPOCH = 12_219_379_200  # seconds from 1582-10-14, where SPSS counts from, to 1970-01-01
KINDS = {
    "date": r"([AEJS]?DATE|MOYR|QYR|WKYR)\d",
    "dateTime": r"(DATETIME|YMDHMS)\d",
    "time": r"([DM]?TIME)\d",
}
STEP = {".sav": 100_000, ".zsav": 250_000}  # rows in a piece; what lies before a piece of a .zsav is unpacked again
ENCODINGS = ("WINDOWS-1257", "WINDOWS-1251", "WINDOWS-1252", "ISO-8859-1")  # where a file's own is wrong


def read_spss(file: str | Path, progress: bool = False) -> Draft:
    """Read an SPSS file (.sav, .zsav) as a questionnaire and responses.

    Value labels become choices, user-missing values choices with a missing reason, multiple response sets
    ``select_multiple`` questions whose choices keep the names of the SPSS variables (of a set of categories: the
    codes; its variables stay as questions, since they hold the order of mentions). The weight is the one the file
    declares, or else the one its names and labels suggest. What XLSForm has no place for (formats, measurement levels,
    missing ranges, the definitions of sets, ...) is kept in columns ``spss_...`` of its sheets, which
    :func:`motivlab.spss_out.write_sav` reads.

    Parameters
    ----------
    file : path
        It is only read.
    progress : bool
        Show a bar on stderr also where that is no terminal.

    Returns
    -------
    Draft
        Its responses have a categorical per ``select_one``, whole or decimal numbers, dates, and texts.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ReadError
        If it is no SPSS file, is damaged, or holds no respondent.
    """
    file = Path(file)
    if not file.exists():
        raise FileNotFoundError(f"{file}: no such file.")
    if file.suffix.lower() not in STEP or file.is_dir():
        raise ReadError(f"{file}: an SPSS file ends in .sav or .zsav. Save the data as one.")
    with file.open("rb") as stream:
        head = stream.read(FIRST_RECORD)
    if head[:4] not in (b"$FL2", b"$FL3") or len(head) < FIRST_RECORD:
        raise ReadError(f"{file}: it cannot be read as an SPSS file (it has no header of one). Get a whole copy.")
    encodings = check_dictionary(file, ENCODINGS)
    try:
        meta, pieces, notes = _read(file, encodings, progress)
    except ReadError:
        raise
    except Exception as error:  # pyreadstat has several families of errors
        raise ReadError(f"{file}: it cannot be read as an SPSS file ({error}). Get a whole copy.") from error
    if not pieces or not sum(len(piece) for piece in next(iter(pieces.values()))):
        raise ReadError(f"{file}: it holds no respondent.")
    try:
        weight, sets = read_weight_and_sets(file)
    except (ValueError, KeyError, LookupError, struct.error) as error:
        weight, sets = "", ()
        notes.append(f"weight and sets: what the file says of them cannot be read ({error}).")
    draft = _SpssDraft(file, _variables(meta), pieces)
    draft.notes[:0] = notes
    return draft.draft(meta, weight if weight in draft.variables else "", sets)


def _read(file: Path, encodings: Sequence[str | None], progress: bool) -> tuple[Any, dict[str, list[Any]], list[str]]:
    """The description of the variables, the columns in pieces, and what was odd."""
    import pyreadstat

    how: dict[str, Any] = {"user_missing": True, "disable_datetime_conversion": True}
    notes = []
    with warnings.catch_warnings(record=True) as odd:
        warnings.simplefilter("always")
        for encoding in encodings:
            how["encoding"] = encoding
            try:
                _, meta = pyreadstat.read_sav(file, metadataonly=True, **how)
                rows = meta.number_rows
                if rows is None or rows < 0:  # a file that was never closed does not say how many there are
                    frame, meta = pyreadstat.read_sav(file, **how)
                    rows = len(frame)
                    pieces = read_pieces(lambda *_: frame, rows, max(rows, 1), file, progress)  # noqa: B023
                else:
                    pieces = read_pieces(
                        lambda start, count: pyreadstat.read_sav(file, row_offset=start, row_limit=count, **how)[0],
                        rows, STEP[file.suffix.lower()], file, progress,
                    )  # fmt: skip
            except (UnicodeDecodeError, pyreadstat.ReadstatError) as error:
                if encoding == encodings[-1] or not re.search(r"encoding|byte sequence|decode", str(error)):
                    raise
                continue
            break
    if encoding:
        notes.append(f"encoding: not the one that the file declares; read as {encoding}. Look at the labels.")
    notes += [f"names: {one.message}." for one in odd if issubclass(one.category, UserWarning)]
    return meta, pieces, notes


def _variables(meta: Any) -> dict[str, Variable]:
    """What the file says of each variable."""
    found = {}
    for name in map(str, meta.column_names):
        spss_format = meta.original_variable_types.get(name) or ""
        kind = next((kind for kind, pattern in KINDS.items() if re.match(pattern, spss_format)), "number")
        kind = "text" if meta.readstat_variable_types.get(name, "").startswith("string") else kind
        ranges = tuple((one["lo"], one["hi"]) for one in meta.missing_ranges.get(name, []))
        marks = {"spss_format": spss_format, "spss_measure": meta.variable_measure.get(name, "unknown")}
        if width := meta.variable_display_width.get(name):
            marks["spss_width"] = str(width)
        if ranges:
            marks["spss_missing"] = ranges_text(ranges)
        pairs = meta.variable_value_labels.get(name, {})
        codes = [tidied(text) for text in as_texts(list(pairs))] if pairs else []
        labels = {code: tidied(str(label)) for code, label in zip(codes, pairs.values(), strict=True)}
        label = tidied(meta.column_names_to_labels.get(name) or "")
        found[name] = Variable(name, label, kind, labels, ranges, marks)
    return found


def ranges_text(ranges: Sequence[tuple[Any, Any]]) -> str:
    """Missing values and ranges as text: ``[["LOWEST", -1], 99]``."""
    ends = {-np.inf: "LOWEST", np.inf: "HIGHEST"}
    shown = [low if low == high else [ends.get(low, low), ends.get(high, high)] for low, high in ranges]
    return json.dumps(shown, ensure_ascii=False)


class _SpssDraft(StatDraft):
    """One SPSS file on its way to a draft."""

    prefix = "spss"

    def seconds(self, values: Floats, one: Variable) -> Floats:
        return values if one.kind == "time" else values - EPOCH

    def draft(self, meta: Any, declared_weight: str, declared_sets: Sequence[ResponseSet]) -> Draft:
        """The draft, whose columns stand in the order of the file."""
        order = list(self.variables)
        rows = len(self.column(order[0]))
        identity = self.respondent_id()
        weight = self.weight(declared_weight)
        sets = self.sets(declared_sets)
        member_of = {v: name for name, one in reversed(sets.items()) for v in one.variables}
        named = {name: name if name not in self.variables else f"{name}_set" for name in sets}
        settings = self.settings(meta, order, identity, weight, sets)
        questions: list[Question] = []
        columns: dict[str, Any] = {identity: self.identities(identity, rows)}
        done, made = {identity}, set()

        def add(question: Question, cells: dict[str, Any]) -> None:
            questions.append(question)
            columns.update(cells)

        def add_set(name: str) -> None:
            made.add(name)
            add(*self.multiple(named[name], name, sets[name]))
            members = [v for v in sets[name].variables if v not in done]
            done.update(members)
            if members and sets[name].counted is None:
                self.notes.append(
                    f"set {name}: its variables {', '.join(members)} stay as questions, since they hold the order of "
                    "the mentions."
                )
                for member in members:
                    add(*self.single(member))

        for variable in order:
            if variable in done:
                continue
            if variable == weight:
                columns[weight] = pd.Series(self.column(weight))
            elif variable in member_of:
                add_set(member_of[variable])
            else:
                add(*self.single(variable))
                del self.pieces[variable]
        for name, one in sets.items():
            if name not in made:
                add_set(name)
            overlap = [v for v in one.variables if member_of.get(v) != name]
            if overlap:
                self.notes.append(f"set {name}: {', '.join(overlap)} belong to another set as well.")
        self.changed_notes()
        self.notes.append(
            "routing: an SPSS file does not hold it. Who was asked follows from blanks and from the codes for "
            "'not asked'. Fill in the column `relevant` of questionnaire/survey.csv to have routing checked."
        )
        form = Questionnaire(tuple(questions), {"": ""}, settings)
        return Draft(pd.DataFrame(columns), form, identity, weight, tuple(named.values()), tuple(self.notes))

    def sets(self, declared: Sequence[ResponseSet]) -> dict[str, ResponseSet]:
        """The multiple response sets with the variables that are there; one with none left is said."""
        found = {}
        for one in declared:
            members = tuple(dict.fromkeys(name for name in one.variables if name in self.variables))
            if members:
                found[one.name] = replace(one, variables=members)
            else:
                self.notes.append(f"set {one.name}: none of its variables is in the file; it is left out.")
        return found

    def settings(
        self, meta: Any, order: list[str], identity: str, weight: str, sets: Mapping[str, ResponseSet]
    ) -> dict[str, str]:
        """What the settings sheet keeps for the way back: the order, the sets, what is no question."""
        beside = {}
        for name in (identity, weight):
            if name in self.variables:
                one = self.variables[name]
                beside[name] = {"label": one.label, "labels": dict(one.labels)} | dict(one.marks)
                unused = [*one.labels, *(["its missing values"] if one.ranges else [])]
                if unused:
                    self.notes.append(f"{name}: it is no question; labels and missing values of its codes are unused.")
        kept = [asdict(one) for one in sets.values()]
        shown = {
            "spss_order": " ".join(order),
            "spss_variables": json.dumps(beside, ensure_ascii=False) if beside else "",
            "spss_sets": json.dumps(kept, ensure_ascii=False) if kept else "",
            "spss_file_label": tidied(meta.file_label or ""),
            "spss_documents": "\n".join(line.rstrip() for line in meta.notes or []).strip(),
        }
        return {key: text for key, text in shown.items() if text}

    def multiple(self, name: str, own: str, one: ResponseSet) -> tuple[Question, dict[str, Any]]:
        """The question of a set, and its 0/1 columns."""
        members = [self.variables[v] for v in one.variables]
        levels = [self.levels(member) for member in members]
        missing: dict[str, str] = {}
        labels: dict[str, str] = {}
        for member, level in zip(members, levels, strict=True):
            missing |= self.missing(member, level)
            labels |= member.labels
        if one.counted is not None:
            wording, answers, cells = self.dichotomies(name, own, one, members, levels, missing)
        else:
            wording, answers, cells = self.categories(name, own, members, levels, missing, labels)
        reasons = [Choice(code, {"": labels.get(code) or code}, reason) for code, reason in missing.items()]
        title = wording or tidied(one.label) or own
        extra = {"spss_set": own}
        return Question(name, "select_multiple", {"": title}, (*answers, *reasons), name, extra=extra), cells

    def dichotomies(
        self, name: str, own: str, one: ResponseSet, members: Sequence[Variable], levels: Sequence[Levels],
        missing: Mapping[str, str],
    ) -> tuple[str, list[Choice], dict[str, Any]]:  # fmt: skip
        """Of a set of dichotomies: the wording, a choice per variable, and the columns."""
        counted = self.counted(one)
        wording, names = split_wording([member.label or member.name for member in members])
        ticked = np.stack([level.hits([counted]) for level in levels], axis=1)
        blank = np.stack([level.places for level in levels], axis=1) == -1
        others = [[c for c in level.codes if c != counted and c not in missing] for level in levels]
        only_ticks = not any(others)
        if only_ticks:  # no "not ticked" anywhere: a blank beside a tick is one
            blank = blank & ~ticked.any(axis=1, keepdims=True)
            self.notes.append(
                f"set {own}: only ticks are recorded. A blank of whoever ticked something is read as not ticked; "
                "whoever ticked nothing cannot be told from whoever was not asked, and counts as not asked."
            )
        several = [m.name for m, codes in zip(members, others, strict=True) if len(codes) > 1]
        if several:
            self.notes.append(
                f"set {own}: in {', '.join(several)} codes other than {counted} are not told apart: 'not ticked'."
            )
        answers, cells = [], {}
        for j, (member, label, codes) in enumerate(zip(members, names, others, strict=True)):
            marks = self.marks(member, labels=True) | {"spss_counted": counted}
            if member.label and member.label != label:
                marks["spss_label"] = member.label
            if codes:
                marks["spss_uncounted"] = codes[0]
            elif only_ticks:
                marks["spss_uncounted"] = "blank"
            answers.append(Choice(member.name, {"": label}, extra=marks))
            numbers = np.array(
                [*(_number(c) if c in missing else float(c == counted) for c in levels[j].codes), np.nan]
            )
            column = np.where(blank[:, j], np.nan, np.where(levels[j].places == -1, 0.0, numbers[levels[j].places]))
            cells[f"{name}/{member.name}"] = self.whole_or_texts(column, levels[j], missing)
        return wording, answers, cells

    def categories(
        self, name: str, own: str, members: Sequence[Variable], levels: Sequence[Levels], missing: Mapping[str, str],
        labels: Mapping[str, str],
    ) -> tuple[str, list[Choice], dict[str, Any]]:  # fmt: skip
        """Of a set of categories: the wording, a choice per code, and the columns."""
        wording, _ = split_wording([member.label or member.name for member in members])
        seen = {code for level in levels for code in level.codes}
        codes = sorted({*labels, *seen} - {"", *missing}, key=code_order)
        plain = {code: re.sub(r"[\s/]+", "_", code) for code in codes}
        renamed = [f"{code!r} is now {new!r}" for code, new in plain.items() if code != new]
        if renamed:
            self.notes.append(f"set {own}: choices hold no space or slash: {', '.join(renamed)}.")
        valid = np.any([level.hits(codes) for level in levels], axis=0)
        reason = np.full(len(valid), np.nan)
        for code in missing:
            stands = np.any([level.hits([code]) for level in levels], axis=0)
            reason = np.where(stands & ~valid, np.fmax(reason, _number(code)), reason)
        cells = {}
        for code in codes:
            hit = np.any([level.hits([code]) for level in levels], axis=0).astype(float)
            column = np.where(valid, hit, reason)
            cells[f"{name}/{plain[code]}"] = self.whole_or_texts(column, levels[0], missing)
        self.notes.append(f"set {own}: whoever has no answer in any of its variables counts as not asked.")
        answers = [Choice(plain[code], {"": labels.get(code) or code},
                          extra={"spss_code": code} if plain[code] != code else {}) for code in codes]  # fmt: skip
        return wording, answers, cells

    def counted(self, one: ResponseSet) -> str:
        """The code that stands for a tick."""
        kinds = {self.variables[name].kind for name in one.variables}
        number = _number(one.counted or "")
        return one.counted or "" if "text" in kinds or np.isnan(number) else str(as_texts([number])[0])

    def whole_or_texts(self, column: Floats, level: Levels, missing: Mapping[str, str]) -> pd.Series:
        """0, 1 and missing codes as whole numbers, as texts where a missing code is none."""
        whole = whole_numbers(column)
        odd = [code for code in missing if not _number(code).is_integer()]
        if whole is not None and not odd:
            return whole
        texts = pd.Series(as_texts(pd.Series(column)), dtype="str")
        for code in odd:
            texts = texts.mask(level.hits([code]), code)
        return texts.mask(texts == "")


def _number(code: str) -> float:
    """The number that a code is; NaN if it is none."""
    return float(as_numbers([code])[0])


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
