"""What pyreadstat does not read in a .sav file or cannot write: weight, multiple response sets, a date that stays.

The layout is that of PSPP's "System File Format": a header of 176 bytes, the records of the dictionary, each with its
type in the first four bytes, up to the record 999, then the cases.
"""

from __future__ import annotations

import re
import shutil
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

FIRST_RECORD, WEIGHT_AT, CREATED_AT = 176, 76, 92
CREATED = b"01 Jan 8000:00:00"  # the same bytes from the same data
VARIABLE, LABELS, DOCUMENT, EXTENSION, END = 2, 3, 6, 7, 999
SETS, LONG_NAMES, MORE_SETS, ENCODING = 7, 13, 19, 20  # subtypes of an extension


@dataclass(frozen=True)
class ResponseSet:
    """A multiple response set.

    Attributes
    ----------
    name, label : str
        The name has no dollar sign.
    counted : str, optional
        The value that stands for a tick; None of a set of categories.
    variables : tuple of str
    """

    name: str
    label: str
    counted: str | None
    variables: tuple[str, ...]


@dataclass(frozen=True)
class _Dictionary:
    """The slot of each variable, counted from 1, the short names, the sets, and where the record 999 begins."""

    slots: Mapping[str, int]
    short: Mapping[str, str]
    sets: tuple[bytes, ...]
    encoding: str
    end: int


def read_weight_and_sets(file: Path) -> tuple[str, tuple[ResponseSet, ...]]:
    """The case weight, empty if there is none, and the multiple response sets that a .sav or .zsav declares.

    Raises
    ------
    struct.error, KeyError, ValueError
        If the dictionary of the file is damaged.
    """
    with file.open("rb") as stream:
        found, order = _dictionary(stream), _order(stream)
        stream.seek(WEIGHT_AT)
        place = struct.unpack(f"{order}i", stream.read(4))[0]
    weight = next((name for name, slot in found.slots.items() if place and slot == place), "")
    long = {short.casefold(): name for name, short in found.short.items()}
    lines = (line for data in found.sets for line in data.split(b"\n"))
    sets = (_one_set(line, long, found.encoding) for line in lines)
    return weight, tuple(one for one in sets if one)


def _one_set(line: bytes, long: Mapping[str, str], encoding: str) -> ResponseSet | None:
    """A line of a record of sets: ``$n=D1 1 5 label a b``, ``$n=C 5 label a b``, ``$n=E 1 1 1 5 label a b``."""
    head = re.match(rb"\$?([^=\s]+)=(?:(C) |D(\d+) |E \d+ (\d+) )", line)
    if not head:
        return None
    at, counted = head.end(), None
    if not head[2]:
        size = int(head[3] or head[4])
        counted = line[at : at + size].decode(encoding, "replace").strip()
        at += size + 1
    if not (length := re.match(rb"(\d+) ", line[at:])):
        return None
    at += length.end()
    label = line[at : at + int(length[1])].decode(encoding, "replace").strip()
    names = line[at + int(length[1]) :].decode(encoding, "replace").split()
    return ResponseSet(
        head[1].decode(encoding, "replace"), label, counted, tuple(long.get(name.casefold(), name) for name in names)
    )


def _order(stream: IO[bytes]) -> str:
    """The order of bytes: ``<`` or ``>``."""
    stream.seek(64)
    return "<" if struct.unpack("<i", stream.read(4))[0] in (2, 3) else ">"


def finish(file: Path, weight: str, sets: Sequence[ResponseSet]) -> None:
    """Declare weight and sets in a .sav or .zsav that pyreadstat wrote, and fix its date.

    Parameters
    ----------
    weight : str
        The variable; empty for none.
    """
    with file.open("r+b") as stream:
        found = _dictionary(stream)
        stream.seek(CREATED_AT)
        stream.write(CREATED)
        if weight:
            stream.seek(WEIGHT_AT)
            stream.write(struct.pack("<i", found.slots[weight]))
        if sets:
            _insert(file, stream, found.end, _sets_record(sets, found.short))


def _dictionary(stream: IO[bytes]) -> _Dictionary:
    order = _order(stream)

    def integers(count: int) -> tuple[int, ...]:
        return struct.unpack(f"{order}{count}i", stream.read(4 * count))

    slots: dict[bytes, int] = {}
    extensions: dict[int, list[bytes]] = {}
    slot = 0
    stream.seek(FIRST_RECORD)
    while (kind := integers(1)[0]) != END:
        if kind == VARIABLE:
            width, labelled, missing, *_ = integers(5)
            name = stream.read(8).rstrip()
            slot += 1
            if labelled:
                stream.seek(-(-integers(1)[0] // 4) * 4, 1)
            stream.seek(8 * abs(missing), 1)
            if width >= 0:
                slots.setdefault(name, slot)
        elif kind == LABELS:
            for _ in range(integers(1)[0]):
                stream.seek(8, 1)
                stream.seek((stream.read(1)[0] + 8) // 8 * 8 - 1, 1)
            integers(1)
            stream.seek(4 * integers(1)[0], 1)
        elif kind == DOCUMENT:
            stream.seek(80 * integers(1)[0], 1)
        elif kind == EXTENSION:
            subtype, size, count = integers(3)
            extensions.setdefault(subtype, []).append(stream.read(size * count))
        else:
            raise ValueError(f"a record of type {kind} in the dictionary, at byte {stream.tell() - 4}")
    end = stream.tell() - 4
    encoding = b"".join(extensions.get(ENCODING, [])).decode("ascii", "replace").strip("\0 ") or "utf-8"
    by_short = {name.decode(encoding, "replace").casefold(): place for name, place in slots.items()}
    named = b"\t".join(extensions.get(LONG_NAMES, [])).decode(encoding, "replace")
    pairs = [pair.partition("=") for pair in named.split("\t") if "=" in pair]
    short = {name: one for one, _, name in pairs} or {name: name for name in by_short}
    found = {name: by_short[one.casefold()] for name, one in short.items() if one.casefold() in by_short}
    sets = (*extensions.get(SETS, ()), *extensions.get(MORE_SETS, ()))
    return _Dictionary(found, short, sets, encoding, end)


def _sets_record(sets: Sequence[ResponseSet], short: Mapping[str, str]) -> bytes:
    lines = []
    for one in sets:
        size = len(one.label.encode())
        kind = "C" if one.counted is None else f"D{len(one.counted.encode())} {one.counted}"
        names = " ".join(short[variable].lower() for variable in one.variables)
        lines.append(f"${one.name}={kind} {size} {one.label} {names}\n")
    data = "".join(lines).encode()
    return struct.pack("<4i", EXTENSION, SETS, 1, len(data)) + data


def _insert(file: Path, stream: IO[bytes], place: int, record: bytes) -> None:
    """Put a record in before the record 999; a .zsav holds places of its own, which move as well."""
    stream.seek(0)
    packed = stream.read(4) == b"$FL3"
    work = file.with_name(f"{file.name}.sets")
    try:
        with work.open("w+b") as out:
            stream.seek(0)
            out.write(stream.read(place))
            out.write(record)
            shutil.copyfileobj(stream, out, 1 << 20)
            if packed:
                _move(out, place + len(record) + 8, len(record))
        work.replace(file)
    finally:
        work.unlink(missing_ok=True)


def _move(out: IO[bytes], header: int, by: int) -> None:
    """Add to every place that a .zsav holds: in its header, in its trailer, and of each block there."""
    out.seek(header)
    first, trailer, length = struct.unpack("<3q", out.read(24))
    out.seek(header)
    out.write(struct.pack("<3q", first + by, trailer + by, length))
    at = trailer + by + 24
    out.seek(at - 4)
    count = struct.unpack("<i", out.read(4))[0]
    for block in range(count):
        out.seek(at + 24 * block)
        plain, packed = struct.unpack("<2q", out.read(16))
        out.seek(at + 24 * block)
        out.write(struct.pack("<2q", plain + by, packed + by))
