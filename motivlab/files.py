"""Files: written whole or not at all, hashed, and what is said of one that cannot be read."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


class ReadError(ValueError):
    """A file that cannot be read; the message names the file, the place and the remedy."""


def refuse_separators(file: Path, head: Sequence[str]) -> None:
    """Refuse a CSV whose head is one cell, since another separator than the comma was used."""
    for separator, name in ((";", "semicolons"), ("\t", "tabs")):
        if len(head) == 1 and separator in head[0]:
            raise ReadError(f"{file}: its cells are separated by {name}. Save it as CSV with commas, in UTF-8.")


@contextmanager
def new_file(file: Path) -> Iterator[Path]:
    """A temporary file of the same ending that takes its final name only when it was written without an error."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{file.stem}-", suffix=file.suffix, dir=file.parent)
    os.close(handle)
    work = Path(name)
    try:
        yield work
        work.chmod(0o644)
        work.replace(file)
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
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
