"""The log of corrections: the answered sheet of findings, read back."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .codes import as_texts
from .delimited import read_delimited
from .files import ReadError, require_file, sheet_rows, workbook
from .language import LANGUAGES, say
from .questionnaire import MISSING_REASONS

LOG_COLUMNS = (
    "row", "respondent", "variable", "wording", "value", "rule", "message", "answer", "action", "reason", "by", "date",
)  # fmt: skip
REQUIRED = ("respondent", "variable", "value", "answer")
TYPED = ("answer", "action", "reason", "by", "date")  # what whoever corrects fills in
ACTIONS = ("change", "missing", "drop", "keep")
HEADS_WITHIN = 20  # rows from the top of a sheet in which the head is looked for
MOST_FAULTS = 20
MOST_ANSWERED = 50_000  # rows of a log; more were not answered by hand
LONGEST_SHOWN = 100  # letters of a value in a message
MOST_BYTES = 1 << 28  # of an unpacked workbook
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# What a spreadsheet would run as a formula stands in a .csv behind an apostrophe; a negative number is none.
_FORMULA = re.compile(r"'*(?:[=@\t\r]|[+-](?!\d+(?:[.,]\d+)?$))")


class CleaningError(ValueError):
    """A log that cannot be applied; the message names the file, each row, column, value and remedy."""


@dataclass(frozen=True)
class Fault:
    """One fault of a log: its row, the column, the value there, and what is wrong and to be done."""

    row: int
    column: str
    value: str
    said: str

    def __str__(self) -> str:
        shown = self.value if len(self.value) <= LONGEST_SHOWN else f"{self.value[:LONGEST_SHOWN]}..."
        value = f" {shown!r}" if shown else ""
        return f"row {self.row}, {self.column}{value}: {self.said}"


def refuse(log: str, faults: Iterable[Fault]) -> None:
    """Raise all faults of a log in one message; nothing, if there are none.

    Raises
    ------
    CleaningError
    """
    found = sorted(set(faults), key=lambda fault: (fault.row, fault.column, fault.said))
    if not found:
        return
    shown = [f"{log}, {fault}" for fault in found[:MOST_FAULTS]]
    if len(found) > MOST_FAULTS:
        shown.append(f"{log}: {len(found) - MOST_FAULTS} more faults like these.")
    raise CleaningError("\n".join([*shown, f"{log}: nothing was changed. Correct the log and apply it again."]))


def read_log(source: str | Path | pd.DataFrame) -> pd.DataFrame:
    """Read an answered sheet of findings.

    Parameters
    ----------
    source : path or DataFrame
        An .xlsx or .csv file, or a frame. The heads are the names below, or their words in Latvian, English or
        Russian; of a workbook, the one sheet that has them is read. Other columns are passed over.

    Returns
    -------
    DataFrame of str
        A row per row of the sheet, blank rows left out. ``row`` (of the file of responses), ``respondent``,
        ``variable``, ``wording``, ``value``, ``rule``, ``message`` as they were sent out; ``answer``; ``action``
        (``change``, ``missing``, ``drop``, ``keep``, or empty where nobody has answered yet; an answer alone is a
        change); ``reason``, ``by``, ``date`` as they were given; ``severity``, if there was one; ``log``, the name of
        the file; ``log_row``, the row in it, or of a frame, counted from 1.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ReadError
        If it cannot be read as what its ending says, or holds no such sheet.
    CleaningError
        Naming every row with an unknown action, a formula, or an action that lacks its answer or reason.

    Examples
    --------
    >>> sheet = pd.DataFrame({"respondent": ["R1", "R2"], "variable": "age", "value": ["180", "17"],
    ...                       "answer": [18.0, None]})
    >>> read_log(sheet)[["respondent", "answer", "action", "log_row"]].to_numpy().tolist()
    [['R1', '18', 'change', 1], ['R2', '', '', 2]]
    """
    if isinstance(source, pd.DataFrame):
        name, first = "DataFrame", 1
        heads = [_head(str(column)) for column in source]
        cells = [
            [str(text).strip() for text in row] for row in zip(*(as_texts(source[c]) for c in source), strict=True)
        ]
    else:
        file = Path(source)
        name = file.name
        require_file(file, "Name a log, .xlsx or .csv.")
        if file.suffix.lower() == ".xlsx":
            heads, cells, first = _workbook(file)
        elif file.suffix.lower() == ".csv":
            raw, _ = read_delimited(file)
            raw = raw[[column for column in raw if _head(str(column)) in (*LOG_COLUMNS, "severity")]]
            raw = raw.reindex(range(int(raw.index[-1]) + 1))  # blank lines keep their place
            heads, first = [_head(column) for column in raw], 2
            cells = [[plain(str(text)).strip() for text in row] for row in raw.fillna("").to_numpy().tolist()]
        else:
            raise ReadError(f"{file}: a log is read from .xlsx or .csv. Save it as one of them.")
    _require_heads(name, heads)
    frame = pd.DataFrame(cells, columns=range(len(heads)), dtype=object)
    wanted = [*LOG_COLUMNS, "severity"]
    columns = {head: frame[heads.index(head)] if head in heads else "" for head in wanted}
    out = pd.DataFrame(columns, index=frame.index, dtype=object)
    if "severity" not in heads:
        out = out.drop(columns="severity")
    out["log"], out["log_row"] = name, np.arange(first, first + len(out))
    given = out[[head for head in wanted if head in heads]]
    out = out[(given != "").any(axis=1)].reset_index(drop=True)
    typed = (out[list(TYPED)] != "").any(axis=1)
    if typed.sum() > MOST_ANSWERED:
        raise ReadError(
            f"{name}: {typed.sum():,} answered rows; at most {MOST_ANSWERED:,} are read at a time. Split the log."
        )
    refuse(name, _settle(out, typed))
    return out


def _head(text: str) -> str:
    """The machine name of a head in any language; the text itself where it is none."""
    return _heads().get(" ".join(text.split()).casefold(), text)


@lru_cache(maxsize=1)
def _heads() -> Mapping[str, str]:
    names = (*LOG_COLUMNS, "severity")
    return {name: name for name in names} | {
        say(f"log_{name}", language).casefold(): name for name in names for language in LANGUAGES
    }


@lru_cache(maxsize=1)
def _actions() -> Mapping[str, str]:
    return {name: name for name in ACTIONS} | {
        say(f"action_{name}", language).casefold(): name for name in ACTIONS for language in LANGUAGES
    }


def _require_heads(name: str, heads: list[str]) -> None:
    if absent := [head for head in REQUIRED if head not in heads]:
        raise ReadError(
            f"{name}: no column {', '.join(absent)}. A log has the heads {', '.join(LOG_COLUMNS)}, or their words in "
            "Latvian, English or Russian, as the exported sheet has them."
        )
    for head in (*LOG_COLUMNS, "severity"):
        if heads.count(head) > 1:
            raise ReadError(f"{name}: the column {head} is there twice. Remove one.")


def _workbook(file: Path) -> tuple[list[str], list[list[str]], int]:
    """The heads, the cells, and the row of the first of them, of the sheet that is a log."""
    with workbook(file, MOST_BYTES, keep_links=False) as book:
        sheets = {
            sheet.title: [(number, row) for number, row in sheet_rows(file, sheet, values_only=False) if row]
            for sheet in book.worksheets
        }
    found = []
    for title, rows in sheets.items():
        for i, (_, top) in enumerate(rows[:HEADS_WITHIN]):
            heads = [_head(_text(cell)) for cell in top]
            if set(REQUIRED) <= set(heads):
                found.append((title, heads, rows[i + 1 :], rows[i][0] + 1))
                break
    if len(found) != 1:
        said = f"the sheets {', '.join(title for title, *_ in found)} are logs" if found else "no sheet is a log"
        raise ReadError(
            f"{file}: {said}. One sheet has the heads {', '.join(REQUIRED)}, or their words in Latvian, English or "
            "Russian, in one of its first rows."
        )
    _, heads, rows, first = found[0]
    faults: list[Fault] = []
    cells: list[list[str]] = []
    for number, row in rows:
        for head, cell in zip(heads, row, strict=False):
            if head in LOG_COLUMNS and cell.data_type in ("f", "e"):
                what = "a formula" if cell.data_type == "f" else "an error of Excel"
                faults.append(Fault(number, head, str(cell.value), f"{what}. Put the value itself into the cell."))
        # numbered by the sheet: rows without a cell are not in the file
        cells += [[""] * len(heads)] * (number - first - len(cells))
        texts = [_text(cell) for cell in row[: len(heads)]]
        cells.append(texts + [""] * (len(heads) - len(texts)))
    refuse(file.name, faults)
    return heads, cells, first


def _text(cell: Any) -> str:
    """A cell of a workbook as a code: 3.0 is ``3``, a day is 2021-10-04."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(timespec="seconds")
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, str):
        from openpyxl.utils.escape import unescape

        return str(unescape(value)).strip()
    return str(as_texts([value])[0])


def guarded(text: str) -> str:
    """A text for a .csv, with an apostrophe before it where a spreadsheet would run it as a formula.

    Examples
    --------
    >>> [guarded(text) for text in ("=1+1", "-8", "-8 or so")], plain(guarded("=1+1"))
    (["'=1+1", '-8', "'-8 or so"], '=1+1')
    """
    return f"'{text}" if _FORMULA.match(text) else text


def plain(text: str) -> str:
    """A text without the apostrophe of :func:`guarded`."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def _settle(log: pd.DataFrame, typed: pd.Series) -> Iterator[Fault]:
    """Turn the actions into their names, in place, and find what a row lacks."""
    actions = _actions()
    for i, row in log[typed].to_dict("index").items():
        number, answer = int(row["log_row"]), row["answer"]
        action = actions.get(" ".join(row["action"].split()).casefold(), row["action"])
        action = action or ("change" if answer else "")
        log.at[i, "action"] = action
        for head in TYPED:
            if _CONTROL.search(row[head]):
                yield Fault(number, head, row[head], "it holds a control character. Type the text anew.")
        if action and action not in ACTIONS:
            words = ", ".join(dict.fromkeys(say(f"action_{name}", lang) for lang in LANGUAGES for name in ACTIONS))
            yield Fault(number, "action", action, f"there is no such action. Use one of {', '.join(ACTIONS)}; {words}.")
        elif action == "change" and not answer:
            yield Fault(number, "answer", "", "a change needs the new value. For none at all, use the action missing.")
        elif action == "missing" and not answer:
            yield Fault(number, "answer", "", f"say why there is none: {', '.join(MISSING_REASONS)}.")
        elif action in ("drop", "keep") and not row["reason"]:
            yield Fault(number, "reason", "", f"to {action} needs a reason. Write it in the column reason.")
        elif action == "keep" and answer not in ("", row["value"]):
            yield Fault(number, "answer", answer, "to keep a value and to give another is a contradiction. Clear one.")
