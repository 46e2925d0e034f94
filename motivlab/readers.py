"""Files in: YAML, and responses in any tabular format, as text."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import pandas as pd

from .codes import as_texts
from .delimited import LONGEST_CELL, MOST_BYTES, named, read_delimited, refuse_wide
from .files import MOST_CELLS, ReadError, reason, refuse_separators, require_file, sheet_rows, workbook

FILL_IN: Final = "?"  # what a draft could not know; the author replaces it
MOST_YAML, MOST_VALUES = 2 << 20, 60_000  # bytes, and keys and values: as many as the columns of the widest table
_PLAIN_YAML = 100_000  # letters; below it, and without aliases, nothing can grow


def read_yaml(file: Path) -> Any:
    """Read a YAML 1.2 file.

    Raises
    ------
    FileNotFoundError, ReadError
        If it is malformed, not UTF-8, larger than any of its kind, or names a key twice: file, line, remedy.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.constructor import DuplicateKeyError
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    require_file(file)
    if (size := file.stat().st_size) > MOST_YAML:
        raise ReadError(f"{file}: {size / 2**20:,.1f} MiB; at most {MOST_YAML >> 20} are read. It is another file.")
    try:
        text = file.read_text(encoding="utf-8-sig")
        if "&" in text or len(text) > _PLAIN_YAML:
            _refuse_yaml_bomb(file, text)
        return YAML(typ="safe", pure=True).load(text)
    except ReadError:
        raise
    except RecursionError as error:
        raise ReadError(f"{file}: nested too deeply. Check the brackets and the indentation.") from error
    except UnicodeDecodeError as error:
        raise _not_utf8(file, error) from error
    except DuplicateKeyError as error:
        line = error.problem_mark.line + 1
        raise ReadError(f"{file}, line {line}: a key is there twice. Remove one of the two.") from error
    except (YAMLError, ValueError) as error:
        if not isinstance(error, MarkedYAMLError):  # a control character, a date that does not exist
            raise ReadError(f"{file}: malformed YAML ({reason(error)}). Correct the value.") from error
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise ReadError(
            f"{file}, line {line}: malformed YAML ({error.problem}). Check the indentation, colons and quotes there."
        ) from error


def _refuse_yaml_bomb(file: Path, text: str) -> None:
    """Refuse a file with more values than it is worth to read, those that its aliases repeat included."""
    from ruamel.yaml import YAML
    from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, NodeEvent

    remedy = "Write the values out, once each, and leave out what is not needed."
    values = 0
    sizes: dict[str, int] = {}
    begun: list[tuple[str | None, int]] = []  # the name of a list or mapping that is not closed yet, values before it
    for event in YAML(typ="safe", pure=True).parse(text):
        if isinstance(event, CollectionEndEvent):
            name, before = begun.pop()
            if name:
                sizes[name] = values - before
        elif isinstance(event, AliasEvent):
            if any(name == event.anchor for name, _ in begun):
                raise ReadError(f"{file}: *{event.anchor} stands within what it repeats. {remedy}")
            values += sizes.get(event.anchor, 1)
        elif isinstance(event, NodeEvent):
            values += 1
            if isinstance(event, CollectionStartEvent):
                begun.append((event.anchor, values - 1))
        if values > MOST_VALUES:
            raise ReadError(f"{file}: more than {MOST_VALUES:,} values, those that aliases repeat included. {remedy}")


def _not_utf8(file: Path, error: UnicodeDecodeError) -> ReadError:
    found = error.object[error.start : error.start + 1]
    return ReadError(f"{file}: byte {error.start} is not UTF-8 ({found!r}). Save the file as UTF-8.")


def read_responses(file: Path) -> pd.DataFrame:
    """Read a file of responses as text.

    Parameters
    ----------
    file : path
        A .csv (UTF-8, comma), .parquet, .sav, .dta or .xlsx file; the first row of a sheet names the columns.

    Returns
    -------
    DataFrame of str
        One row per respondent, NA where blank. User-missing values of SPSS and Stata files are kept as their codes.

    Raises
    ------
    ReadError
        If the file is empty, no file, in a wrong encoding, malformed, or names a column twice.
    """
    require_file(file)
    ending = file.suffix.lower()
    if ending == ".csv":
        return _read_csv(file)
    try:
        if ending == ".parquet":
            frame = pd.read_parquet(file)
        elif ending == ".xlsx":
            return next(iter(read_workbook(file)[0].values()))
        elif ending in (".sav", ".zsav", ".dta"):
            import pyreadstat

            reader = pyreadstat.read_dta if ending == ".dta" else pyreadstat.read_sav
            frame, _ = reader(file, user_missing=True)
        else:
            raise ReadError(f"{file}: responses are read from .csv, .parquet, .sav, .dta or .xlsx. Convert the file.")
    except ReadError:
        raise
    except Exception as error:  # each library has its own family of errors
        raise ReadError(f"{file}: it cannot be read as {file.suffix} ({reason(error)}). Export it again.") from error
    if frame.empty:
        raise ReadError(f"{file}: the file is empty. It must hold a head and rows.")
    return pd.DataFrame({str(c): as_texts(frame[c]) for c in frame}, dtype="str").replace("", pd.NA)


def _read_csv(file: Path) -> pd.DataFrame:
    csv.field_size_limit(LONGEST_CELL)
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            head = next(csv.reader(stream), [])
        refuse_separators(file, head)
        refuse_wide(file, head)
        seen: set[str] = set()
        for i, column in enumerate(head, start=1):
            if not column.strip():
                raise ReadError(f"{file}, row 1: column {i} has no name. Name or remove it.")
            if column in seen:
                raise ReadError(f"{file}, row 1: the column {column!r} is there twice. Rename or remove one.")
            seen.add(column)
        if (size := file.stat().st_size) > MOST_BYTES:
            raise ReadError(f"{file}: {size / 2**30:.1f} GiB; at most 4 are read. Save it as .parquet.")
        frame = pd.read_csv(
            file, dtype="str", keep_default_na=False, na_values=[""], encoding="utf-8-sig", skip_blank_lines=False
        )
    except UnicodeDecodeError as error:
        raise _not_utf8(file, error) from error
    except pd.errors.EmptyDataError as error:
        raise ReadError(f"{file}: the file is empty. The first row names the columns.") from error
    except (csv.Error, pd.errors.ParserError) as error:
        raise ReadError(
            f"{file}: malformed CSV ({reason(error)}). Put quotes around cells that hold a comma."
        ) from error
    if not isinstance(frame.index, pd.RangeIndex):  # pandas takes surplus cells for an index
        raise ReadError(
            f"{file}, row 2: more cells than the {len(head)} columns. Put quotes around cells with a comma."
        )
    _refuse_short(file, frame, len(head))
    frame = frame.dropna(how="all")  # blank lines; the others keep their place, for the number of their row
    if frame.empty:
        raise ReadError(f"{file}: the file is empty but for its head. Add the rows, or remove the file.")
    return frame


def _refuse_short(file: Path, frame: pd.DataFrame, width: int) -> None:
    """Refuse what pandas takes in silence: rows that were cut short, which it fills up, and a NUL."""
    data = file.read_bytes()
    if (at := data.find(b"\0")) >= 0:
        row = data.count(b"\n", 0, at) + 1
        raise ReadError(f"{file}, row {row}: a NUL byte. The file is damaged or no text; export it again.")
    if frame.iloc[:, -1].notna().all():
        return
    if b'"' in data:
        reader = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))
        widths: Iterable[int] = (len(cells) or width for cells in reader)
    else:
        widths = (line.count(b",") + 1 if line else width for line in data.splitlines())
    for row, found in enumerate(widths, start=1):
        if found != width:
            raise ReadError(
                f"{file}, row {row}: {found} cells under {width} columns. The row is cut short: export the file again."
            )


# -------------------------------------------------------------------------------------------------- kinds of files

_BEGINNINGS: Final = (  # the first bytes, what they are, its endings
    (b"$FL2", "an SPSS file", (".sav", ".zsav")),
    (b"$FL3", "a compressed SPSS file", (".zsav", ".sav")),
    (b"<stata_dta>", "a Stata file", (".dta",)),
    (b"PAR1", "a Parquet file", (".parquet",)),
    (b"PK\x03\x04", "a zip archive, as .xlsx workbooks are", (".xlsx", ".xlsm")),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook, or one with a password", (".xls",)),
    (b"\x1f\x8b", "a gzip archive", (".gz",)),
    (b"%PDF", "a PDF", (".pdf",)),
    (b"SQLite format 3", "a database", (".sqlite",)),
)
_OLD_STATA = tuple(bytes([n, order]) for n in (105, 108, 110, 111, 113, 114, 115) for order in (1, 2))  # its version
TEXT_ENDINGS: Final = (".csv", ".tsv", ".txt", ".tab")


def refuse_disguise(file: Path) -> None:
    """Refuse a file whose first bytes are not what its ending says.

    Raises
    ------
    FileNotFoundError, ReadError
        If there is no such file, it is empty, or of another kind; the message says of which.
    """
    require_file(file)
    with file.open("rb") as stream:
        start = stream.read(512)
    ending = file.suffix.lower()
    old = [(mark, "a Stata file", (".dta",)) for mark in _OLD_STATA if start[2:4] == b"\1\0"]
    marks = (*_BEGINNINGS, *old)
    what, endings = next(((what, endings) for mark, what, endings in marks if start.startswith(mark)), ("", ("",)))
    if what and ending not in endings:
        remedy = f"Rename it to end in {endings[0]}" if endings[0] in READ_ENDINGS else "Save the data as .csv or .xlsx"
        raise ReadError(f"{file}: by its first bytes it is {what}, not a {ending or 'file without ending'}. {remedy}.")
    if not what and ending in READ_ENDINGS and ending not in TEXT_ENDINGS:
        known = next(what for _, what, endings in marks if ending in endings)
        looks = "a web page" if re.match(rb"\s*<(!doctype html|html)", start, re.I) else "something else, perhaps text"
        found = f"by its first bytes it is {looks}" if start else "the file is empty"
        raise ReadError(f"{file}: it cannot be read as {known}: {found}. Export it again.")


READ_ENDINGS: Final = (".sav", ".zsav", ".dta", ".parquet", ".xlsx", ".xlsm", *TEXT_ENDINGS)


def read_any(file: Path) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """The tables of a delimited file, a workbook or a Parquet file, and what was found out of them.

    Parameters
    ----------
    file : path
        A .csv, .tsv, .txt, .xlsx or .parquet file.

    Returns
    -------
    dict of str to DataFrame of str
        One table per sheet that holds something, the first being the main one; of other files one, named ``""``.
    list of str
        Delimiter, encoding, sheets, formulas and errors, as far as they need saying.

    Raises
    ------
    FileNotFoundError, ReadError
        If it is not there, not what its ending says, or cannot be read.
    """
    refuse_disguise(file)
    ending = file.suffix.lower()
    if ending in TEXT_ENDINGS:
        frame, notes = read_delimited(file)
        return {"": frame}, notes
    if ending in (".xlsx", ".xlsm"):
        return read_workbook(file)
    return {"": read_responses(file)}, []


# ------------------------------------------------------------------------------------------------------- workbooks

_ERRORS = ("#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#GETTING_DATA")


def read_workbook(file: Path) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """The sheets of an .xlsx as text, and what is said of them.

    Raises
    ------
    ReadError
        If it is no workbook, unpacks to more than a memory holds, has entities in its XML, a password, a merged head,
        or columns without a name.
    """
    notes: list[str] = []
    tables: dict[str, pd.DataFrame] = {}
    with workbook(file, data_only=True) as book:
        for sheet in book.worksheets:
            found = _sheet(file, sheet, notes)
            if found is not None:
                tables[sheet.title] = found
    if not tables:
        raise ReadError(f"{file}: the file is empty. It must hold a head and rows.")
    if len(book.sheetnames) > 1:
        others = [name for name in book.sheetnames if name != next(iter(tables))]
        notes.insert(0, f"sheet: {next(iter(tables))!r}, the first with rows; the others are {', '.join(others)}.")
    return tables, notes


def _sheet(file: Path, sheet: Any, notes: list[str]) -> pd.DataFrame | None:
    """One sheet below its head as text; None if it holds no rows."""
    rows = [cells for _, cells in sheet_rows(file, sheet)]
    while rows and not rows[-1]:
        rows.pop()
    if len(rows) < 2:
        return None
    where = f", sheet {sheet.title!r}"
    markup = _markup(file, sheet)
    merged = re.findall(rb'<mergeCell [^>]*ref="([A-Z]+)(\d+):([A-Z]+)(\d+)"', markup)
    if heads := [m for m in merged if m[1] == b"1"]:
        first = b"".join((*heads[0][:2], b":", *heads[0][2:])).decode()
        raise ReadError(
            f"{file}{where}: the head is merged ({first}). Unmerge it and give each column one name, in row 1."
        )
    if merged:
        notes.append(f"sheet {sheet.title!r}: merged cells ({len(merged)}); only the first of them holds the value.")
    _say_formulas(file, sheet.title, markup, notes)
    if (width := max(map(len, rows))) * len(rows) > MOST_CELLS:
        raise ReadError(
            f"{file}{where}: {len(rows):,} rows of {width:,} columns; at most {MOST_CELLS:,} cells are read. "
            "Save the data as .csv or .parquet."
        )
    head = [("" if cell is None else _cell(cell).strip()) for cell in rows[0]] + [""] * (width - len(rows[0]))
    body = [row + [None] * (width - len(row)) for row in rows[1:]]
    columns, errors = {}, []
    for j in range(width):
        column = [None if row[j] is None else _cell(row[j]) for row in body]
        for i, value in enumerate(column):
            if value is not None and value.startswith("#") and value in _ERRORS:
                errors.append(f"{head[j] or j + 1}, row {i + 2}: {value}")
                column[i] = None
        columns[j] = column
    if errors:
        notes.append(f"sheet {sheet.title!r}: {len(errors):,} cells hold an error, read as blank: {errors[0]} ...")
    frame = pd.DataFrame(columns, dtype="str").replace("", pd.NA)
    frame, left_out = named(file, frame, head, where)
    notes += left_out
    frame = frame.dropna(how="all")
    return None if frame.empty else frame


def _markup(file: Path, sheet: Any) -> bytes:
    """The XML of a sheet; its size is known to be bounded."""
    with zipfile.ZipFile(file) as archive:
        return archive.read(str(sheet._worksheet_path))


def _say_formulas(file: Path, sheet: str, markup: bytes, notes: list[str]) -> None:
    formulas = re.findall(rb'<c r="([A-Z]+\d+)"([^>]*)>\s*<f[^>]*?(?:/>|>[^<]*</f>)\s*(<v>[^<]|<v|<is>|</c>)', markup)
    # a text may be calculated to be empty, anything else may not
    if without := [c.decode() for c, kind, v in formulas if v == b"</c>" or (v == b"<v" and b't="str"' not in kind)]:
        notes.append(
            f"sheet {sheet!r}: {len(without):,} formulas have no value in the file ({', '.join(without[:3])}) and are "
            "blank here. Open and save it in the spreadsheet, so that they are calculated."
        )
    if len(formulas) > len(without):
        notes.append(f"sheet {sheet!r}: {len(formulas) - len(without):,} formulas are read as the values they had.")


def _cell(value: Any) -> str:
    """A cell of a spreadsheet as a code; a day without a time is a day."""
    if isinstance(value, str):
        return value
    if isinstance(value, dt.datetime):
        return value.isoformat() if value.time() != dt.time() else value.date().isoformat()
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    return str(as_texts([value])[0]) if not isinstance(value, dt.timedelta) else str(value)
