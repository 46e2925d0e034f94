"""Files: written whole or not at all, hashed, and what is said of one that cannot be read."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, Final

# Beyond these a workbook is damaged, or made to fill the memory; the last row and column are Excel's.
MOST_UNPACKED, MOST_RATIO, SMALL = 1 << 30, 250, 20 << 20  # bytes; a part as large as SMALL may pack well
MOST_SHEETS, MOST_ROWS, MOST_ACROSS = 256, 1_048_576, 16_384
MOST_CELLS, MOST_TEXT = 20_000_000, 1 << 28
LONGEST_REASON: Final = 300
_WRITERS: Final = ("pyreadstat", "xlsxwriter")  # their errors are of no family that callers know


class ReadError(ValueError):
    """A file that cannot be read; the message names the file, the place and the remedy."""


def reason(error: Exception) -> str:
    r"""What a library says of a fault, in one line.

    Examples
    --------
    >>> reason(ValueError("bad row\nsee the manual")), reason(MemoryError())
    ('bad row', 'MemoryError')
    """
    said = str(error).strip().partition("\n")[0].strip()
    return said[:LONGEST_REASON] or type(error).__name__


def require_file(file: Path, remedy: str = "Correct the name.") -> None:
    """Refuse what is not there, and what is there but no file: reading a device or a pipe may never end.

    Raises
    ------
    FileNotFoundError, ReadError
    """
    if file.is_file():
        return
    if file.is_dir():
        raise ReadError(f"{file}: it is a folder, not a file. {remedy}")
    if file.exists():
        raise ReadError(f"{file}: it is a device or a pipe, not a file. Save what it holds as a file.")
    raise FileNotFoundError(f"{file}: no such file. {remedy}")


def inside(name: str) -> bool:
    """Whether a name is that of a file in the folder it is looked for in.

    Examples
    --------
    >>> inside("responses.csv"), inside("../responses.csv"), inside("/etc/responses.csv"), inside("C:x.csv")
    (True, False, False, False)
    """
    path = PurePosixPath(name.replace("\\", "/"))
    return not (path.is_absolute() or ".." in path.parts or ":" in name or "\0" in name)


def refuse_separators(file: Path, head: Sequence[str]) -> None:
    """Refuse a CSV whose head is one cell, since another separator than the comma was used."""
    for separator, name in ((";", "semicolons"), ("\t", "tabs")):
        if len(head) == 1 and separator in head[0]:
            raise ReadError(f"{file}: its cells are separated by {name}. Save it as CSV with commas, in UTF-8.")


@contextmanager
def new_file(file: Path) -> Iterator[Path]:
    """A temporary file of the same ending that takes its final name only when it was written without an error."""
    if file.exists() and not file.is_file():
        raise FileExistsError(f"{file}: it is a folder or a device, so no file can be put there. Give another name.")
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{file.stem}-", suffix=file.suffix, dir=file.parent)
    os.close(handle)
    work = Path(name)
    try:
        yield work
        work.chmod(0o644)
        work.replace(file)
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in _WRITERS:
            raise
        raise OSError(f"{file}: it cannot be written ({reason(error)}). Is there room for it on the disk?") from error
    finally:
        work.unlink(missing_ok=True)


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder that takes its final name only when everything in it was written without an error.

    A folder of that name is replaced, in the last moment.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield work
        work.chmod(0o755)
        if folder.exists():
            old = work.with_name(f"{work.name}-old")
            folder.replace(old)
            work.replace(folder)
            shutil.rmtree(old)
        else:
            work.replace(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def sha256(file: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    require_file(file)
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


# ------------------------------------------------------------------------------------------------------- workbooks


@contextmanager
def workbook(file: Path, most: int = MOST_UNPACKED, **options: Any) -> Iterator[Any]:
    """An .xlsx of openpyxl, open for reading row by row; whatever fails while it is read ends in a ReadError.

    Parameters
    ----------
    file : path
    most : int
        Bytes that it may unpack to.
    **options
        Of ``openpyxl.load_workbook``.

    Raises
    ------
    FileNotFoundError, ReadError
        If it is no workbook, unpacks to more than a memory holds, or has entities in its XML.
    """
    refuse_bomb(file, most)
    import openpyxl

    try:
        book = openpyxl.load_workbook(file, read_only=True, **options)
        try:
            if len(book.sheetnames) > MOST_SHEETS:
                raise ReadError(
                    f"{file}: {len(book.sheetnames):,} sheets; at most {MOST_SHEETS} are read. Save those that are "
                    "meant as a file of their own."
                )
            parts = [sheet._worksheet_path for sheet in book.worksheets]
            if len(set(parts)) < len(parts):
                raise ReadError(f"{file}: two sheets are one and the same: damaged. Save it again in the spreadsheet.")
            yield book
        finally:
            book.close()
    except ReadError:
        raise
    except Exception as error:  # openpyxl raises whatever the zip or the XML inside raised
        raise ReadError(
            f"{file}: it cannot be read as .xlsx ({reason(error)}). Save it again from the spreadsheet."
        ) from error


def sheet_rows(file: Path, sheet: Any, values_only: bool = True) -> Iterator[tuple[int, list[Any]]]:
    """Each row of a sheet with its number, without the blank cells at its end; of a blank row nothing is left.

    Raises
    ------
    ReadError
        If the sheet holds more than Excel can, or than a memory.
    """
    sheet.reset_dimensions()  # what the sheet says of its size may be wrong
    size = text = 0
    for row, found in enumerate(sheet.iter_rows(values_only=values_only), start=1):
        if row > MOST_ROWS or len(found) > MOST_ACROSS:
            raise ReadError(f"{file}, sheet {sheet.title!r}, row {row}: beyond the last row or column of Excel.")
        if not found:
            yield row, []
            continue
        size += len(found)
        cells = list(found)
        values = cells if values_only else [cell.value for cell in cells]
        text += sum(len(value) for value in values if isinstance(value, str))
        if size > MOST_CELLS or text > MOST_TEXT:
            raise ReadError(
                f"{file}, sheet {sheet.title!r}, row {row}: more than {MOST_CELLS:,} cells, or {MOST_TEXT >> 20} "
                "million letters. Leave out what is not needed, or save the data as .csv or .parquet."
            )
        width = len(values)
        while width and (values[width - 1] is None or values[width - 1] == ""):
            width -= 1
        yield row, cells[:width]


def refuse_bomb(file: Path, most: int = MOST_UNPACKED) -> None:
    """Look at an archive before it is unpacked: its size, and what its XML begins with.

    Raises
    ------
    FileNotFoundError, ReadError
    """
    require_file(file)
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
            if "mimetype" in {part.filename for part in parts}:
                raise ReadError(f"{file}: an OpenDocument file. Save it as .xlsx.")
            whole = sum(part.file_size for part in parts)
            packed_well = any(p.file_size > SMALL and p.file_size > MOST_RATIO * p.compress_size for p in parts)
            if whole > most or packed_well:
                raise ReadError(
                    f"{file}: it unpacks to {whole / 2**20:,.0f} MiB, {whole / max(file.stat().st_size, 1):,.0f} times "
                    "its size: not read, as that is no survey. Save what is needed as .csv."
                )
            for part in parts:
                if part.filename.endswith((".xml", ".rels")):
                    with archive.open(part) as stream:
                        start = stream.read(1 << 16).replace(b"\0", b"")
                    if b"<!DOCTYPE" in start or b"<!ENTITY" in start:
                        raise ReadError(
                            f"{file}: {part.filename} declares XML entities, as no workbook does: not read."
                        )
    except ReadError:
        raise
    except PermissionError as error:
        raise ReadError(f"{file}: it cannot be read ({reason(error)}).") from error
    except Exception as error:  # of a damaged zip any of a dozen
        raise ReadError(
            f"{file}: not an .xlsx workbook, or damaged or cut off ({reason(error)}). Save it again."
        ) from error
