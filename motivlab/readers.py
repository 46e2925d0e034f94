"""Files in: YAML, and responses in any tabular format, as text."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, Final

import pandas as pd

from .codes import as_texts
from .files import ReadError, refuse_separators

FILL_IN: Final = "?"  # what a draft could not know; the author replaces it


def read_yaml(file: Path) -> Any:
    """Read a YAML 1.2 file.

    Raises
    ------
    ReadError
        If it is malformed, not UTF-8, or names a key twice: file, line, remedy.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.constructor import DuplicateKeyError
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        return YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise _not_utf8(file, error) from error
    except DuplicateKeyError as error:
        line = error.problem_mark.line + 1
        raise ReadError(f"{file}, line {line}: a key is there twice. Remove one of the two.") from error
    except (YAMLError, ValueError) as error:
        if not isinstance(error, MarkedYAMLError):  # a control character, a date that does not exist
            raise ReadError(f"{file}: malformed YAML ({error}). Correct the value.") from error
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise ReadError(
            f"{file}, line {line}: malformed YAML ({error.problem}). Check the indentation, colons and quotes there."
        ) from error


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
        If the file is empty, in a wrong encoding, malformed, or names a column twice.
    """
    if file.suffix == ".csv":
        return _read_csv(file)
    try:
        if file.suffix == ".parquet":
            frame = pd.read_parquet(file)
        elif file.suffix == ".xlsx":
            frame = pd.read_excel(file, dtype=object, keep_default_na=False, na_values=[""])
        elif file.suffix in (".sav", ".zsav", ".dta"):
            import pyreadstat

            reader = pyreadstat.read_dta if file.suffix == ".dta" else pyreadstat.read_sav
            frame, _ = reader(file, user_missing=True)
        else:
            raise ReadError(f"{file}: responses are read from .csv, .parquet, .sav, .dta or .xlsx. Convert the file.")
    except ReadError:
        raise
    except Exception as error:  # each library has its own family of errors
        raise ReadError(f"{file}: it cannot be read as {file.suffix} ({error}).") from error
    if frame.empty:
        raise ReadError(f"{file}: the file is empty. It must hold a head and rows.")
    return pd.DataFrame({str(c): as_texts(frame[c]) for c in frame}, dtype="str").replace("", pd.NA)


def _read_csv(file: Path) -> pd.DataFrame:
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            head = next(csv.reader(stream), [])
        refuse_separators(file, head)
        for column in head:
            if not column.strip():
                raise ReadError(f"{file}, row 1: column {head.index(column) + 1} has no name. Name or remove it.")
            if head.count(column) > 1:
                raise ReadError(f"{file}, row 1: the column {column!r} is there twice. Rename or remove one.")
        frame = pd.read_csv(
            file, dtype="str", keep_default_na=False, na_values=[""], encoding="utf-8-sig", skip_blank_lines=False
        )
    except UnicodeDecodeError as error:
        raise _not_utf8(file, error) from error
    except pd.errors.EmptyDataError as error:
        raise ReadError(f"{file}: the file is empty. The first row names the columns.") from error
    except pd.errors.ParserError as error:
        raise ReadError(f"{file}: malformed CSV ({error}). Put quotes around cells that hold a comma.") from error
    if not isinstance(frame.index, pd.RangeIndex):  # pandas takes surplus cells for an index
        raise ReadError(
            f"{file}, row 2: more cells than the {len(head)} columns. Put quotes around cells with a comma."
        )
    frame = frame.dropna(how="all")  # blank lines; the others keep their place, for the number of their row
    if frame.empty:
        raise ReadError(f"{file}: the file is empty but for its head. Add the rows, or remove the file.")
    return frame
