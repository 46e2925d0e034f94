"""From a Stata file to the draft of a survey folder."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .codes import as_numbers, as_texts
from .drafts import Draft
from .files import ReadError
from .questionnaire import Questionnaire
from .statfiles import Floats, Levels, StatDraft, Variable, read_pieces, tidied

EPOCH_DAYS = 3653  # from 1960-01-01, where Stata counts from, to 1970-01-01
STEP = 100_000
ENCODINGS = ("UTF-8", "WINDOWS-1257", "WINDOWS-1251")  # of old files, which do not say it
MONTHS = {"m": 1, "q": 3, "h": 6}  # of a period that Stata counts from 1960


def read_stata(file: str | Path, progress: bool = False) -> Draft:
    """Read a Stata file (.dta) as a questionnaire and responses.

    Value labels become choices; the extended missing values ``.a`` to ``.z`` become codes of that name with the
    missing reason that their label tells of; dates become dates. What XLSForm has no place for (formats) is kept in
    columns ``stata_...`` of its sheets, which :func:`motivlab.stata_out.write_dta` reads.

    Parameters
    ----------
    file : path
        It is only read.
    progress : bool
        Show a bar on stderr also where that is no terminal.

    Returns
    -------
    Draft

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ReadError
        If it is no Stata file, is damaged, or holds no respondent.
    """
    import pyreadstat

    file = Path(file)
    if not file.exists():
        raise FileNotFoundError(f"{file}: no such file.")
    if file.suffix.lower() != ".dta" or file.is_dir():
        raise ReadError(f"{file}: a Stata file ends in .dta. Save the data as one.")
    with file.open("rb") as stream:
        head = stream.read(11)
        more = stream.read(30)
        end = stream.seek(max(0, file.stat().st_size - 12)) and stream.read()
    if not (head == b"<stata_dta>" or (len(head) == 11 and 102 <= head[0] <= 115 and head[1] in (1, 2))):
        raise ReadError(f"{file}: it cannot be read as a Stata file (its first bytes are {head[:4]!r}).")
    found = re.match(rb"<header><release>(\d+)", more)
    release = int(found[1]) if found else 0
    if head == b"<stata_dta>" and end != b"</stata_dta>":  # pyreadstat reads on without the labels that are cut off
        raise ReadError(f"{file}: it cannot be read as a Stata file (its end is missing). Get a whole copy.")
    how: dict[str, Any] = {"user_missing": True, "disable_datetime_conversion": True}
    notes = []
    try:
        for encoding in (None, *ENCODINGS):
            how["encoding"] = encoding
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    _, meta = pyreadstat.read_dta(file, metadataonly=True, **how)
                    pieces = read_pieces(
                        lambda start, count: pyreadstat.read_dta(file, row_offset=start, row_limit=count, **how)[0],
                        max(meta.number_rows or 0, 0), STEP, file, progress,
                    )  # fmt: skip
            except (UnicodeDecodeError, pyreadstat.ReadstatError) as error:
                if encoding == ENCODINGS[-1] or not re.search(r"encoding|byte sequence|decode", str(error)):
                    raise
                continue
            break
    except ReadError:
        raise
    except Exception as error:  # pyreadstat has several families of errors
        raise ReadError(f"{file}: it cannot be read as a Stata file ({error}). Get a whole copy.") from error
    if not pieces or not sum(len(piece) for piece in next(iter(pieces.values()))):
        raise ReadError(f"{file}: it holds no respondent.")
    old = head[0] != ord("<") or release < 118
    if encoding or old:
        notes.append(
            f"encoding: a file of Stata 13 or earlier does not say it; read as {encoding or 'WINDOWS-1252'}. If "
            "letters are wrong, save the data with Stata 14 or later."
        )
    draft = _StataDraft(file, _variables(meta), pieces)
    draft.notes[:0] = notes
    return draft.draft(meta)


def _variables(meta: Any) -> dict[str, Variable]:
    """What the file says of each variable."""
    found = {}
    for name in map(str, meta.column_names):
        form = meta.original_variable_types.get(name) or ""
        text = meta.readstat_variable_types.get(name, "").startswith("string")
        kind = "text" if text else "number"
        if match := re.match(r"%-?t([dcCmqhyw])|%-?(d)(?!\w)", form):
            unit = match[1] or match[2]
            kind = "date" if unit in "dmqh" else "dateTime" if unit in "cC" else "number"
            if unit in "cC" and re.match(r"%t[cC](HH|hh|Hh)", form):
                kind = "time"
        pairs = meta.variable_value_labels.get(name, {})
        codes = [
            f".{value}" if isinstance(value, str) and not text else tidied(as_texts([value])[0]) for value in pairs
        ]
        labels = {code: tidied(str(label)) for code, label in zip(codes, pairs.values(), strict=True)}
        label = tidied(meta.column_names_to_labels.get(name) or "")
        ranges = ((".a", ".z"),) if any(code.startswith(".") for code in labels) else ()
        found[name] = Variable(name, label, kind, labels, ranges, {"stata_format": form} if form else {})
    return found


class _StataDraft(StatDraft):
    """One Stata file on its way to a draft: letters for missing values stand among the numbers."""

    prefix = "stata"

    def __init__(self, file: Path, variables: dict[str, Variable], pieces: dict[str, list[Any]]) -> None:
        self.tags: dict[str, Any] = {}
        for name, parts in pieces.items():
            if name not in variables:
                raise ReadError(f"{file}: damaged, values of {name!r} and no such variable. Get a whole copy.")
            if variables[name].kind == "text" or not any(part.dtype.kind not in "f" for part in parts):
                continue
            mixed = np.concatenate([np.asarray(part, dtype=object) for part in parts])
            letters = np.array([isinstance(value, str) for value in mixed], dtype=bool)
            if letters.any():
                self.tags[name] = np.array([f".{v}" if s else "" for v, s in zip(mixed, letters, strict=True)], object)
            parts[:] = [np.where(letters, np.nan, mixed).astype(float)]
        super().__init__(file, variables, pieces)

    def seconds(self, values: Floats, one: Variable) -> Floats:
        form = one.marks.get("stata_format", "")
        if one.kind == "time":
            return values / 1000
        if one.kind == "dateTime" or (one.kind == "date" and re.match(r"%-?t[cC]", form)):
            return values / 1000 - EPOCH_DAYS * 86_400
        if match := re.match(r"%-?t([mqh])", form):
            months = np.where(np.isnan(values), 0, values * MONTHS[match[1]]).astype("int64") - 120
            days = months.astype("datetime64[M]").astype("datetime64[D]").astype("int64")
            return np.where(np.isnan(values), np.nan, days * 86_400.0)
        return (values - EPOCH_DAYS) * 86_400

    def is_missing(self, code: str, number: float, one: Variable) -> bool:
        return re.fullmatch(r"\.[a-z]", code) is not None and one.kind != "text"

    def levels(self, one: Variable) -> Levels:
        found = super().levels(one)
        if one.name not in self.tags:
            return found
        tags = self.tags[one.name]
        seen = sorted(set(tags) - {""})
        places = found.places.copy()
        for i, tag in enumerate(seen, start=len(found.codes)):
            places[tags == tag] = i
        return Levels((*found.codes, *seen), np.append(found.numbers, [np.nan] * len(seen)), places)

    def cells(self, one: Variable) -> Any:
        cells = super().cells(one)
        if one.name not in self.tags:
            return cells
        tags = self.tags[one.name]
        texts = pd.Series(np.where(tags != "", tags, as_texts(cells)), dtype="str")
        return texts.mask(texts == "")

    def number_kind(self, cells: pd.Series, missing: Any) -> str:
        values = as_numbers(cells)
        return super().number_kind(pd.Series(values[~np.isnan(values)]), {})

    def draft(self, meta: Any) -> Draft:
        """The draft, whose columns stand in the order of the file."""
        for name in self.tags:  # tagged, though no label says so
            one = self.variables[name]
            self.variables[name] = Variable(one.name, one.label, one.kind, one.labels, ((".a", ".z"),), one.marks)
        order = list(self.variables)
        identity, weight = self.respondent_id(), self.weight()
        rows = len(self.column(order[0]))
        columns: dict[str, Any] = {identity: self.identities(identity, rows)}
        questions = []
        for name in order:
            if name == weight:
                columns[weight] = pd.Series(self.column(weight))
            elif name != identity:
                question, cells = self.single(name)
                questions.append(question)
                columns.update(cells)
                del self.pieces[name]
        self.changed_notes()
        self.notes.append("sets: a Stata file does not hold them; a 0/1 variable is a question of its own.")
        self.notes.append("routing: a Stata file does not hold it. Fill in `relevant` in questionnaire/survey.csv.")
        beside = {
            name: {"label": one.label, "labels": dict(one.labels)} | dict(one.marks)
            for name, one in self.variables.items() if name in (identity, weight)
        }  # fmt: skip
        settings = {"stata_order": " ".join(order), "stata_variables": json.dumps(beside, ensure_ascii=False)}
        if meta.file_label:
            settings["stata_file_label"] = tidied(meta.file_label)
        form = Questionnaire(tuple(questions), {"": ""}, settings)
        return Draft(pd.DataFrame(columns), form, identity, weight, (), tuple(self.notes))
