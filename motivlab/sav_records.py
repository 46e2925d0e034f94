"""What pyreadstat does not read in a .sav file or cannot write: weight, multiple response sets, a date that stays.

The layout is that of PSPP's "System File Format": a header of 176 bytes, the records of the dictionary, each with its
type in the first four bytes, up to the record 999, then the cases.
"""

from __future__ import annotations

import codecs
import re
import shutil
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from .files import ReadError

FIRST_RECORD, LAYOUT_AT, COMPRESSION_AT, WEIGHT_AT, CREATED_AT = 176, 64, 72, 76, 92
CREATED = b"01 Jan 8000:00:00"  # the same bytes from the same data
VARIABLE, LABELS, LABELLED, DOCUMENT, EXTENSION, END = 2, 3, 4, 6, 7, 999
INFO, SETS, LONG_NAMES, LONG_TEXTS, MORE_SETS, ENCODING = KEPT = 3, 7, 13, 14, 19, 20  # subtypes of an extension
FIXED_SIZES = {INFO: (4, 8), 4: (8, 3)}  # subtype to the size and the count of its parts
TEXT_FORMATS = (1, 2)  # A and AHEX
SEGMENT, LONGEST_TEXT = 252, 32_767  # bytes of a long text in each of its variables, and in all
MOST_LABELS, MOST_PACKED = 1 << 20, 1_100  # of one set of labels; bytes that one byte can unpack to


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
class _Slot:
    """A variable: its short name, its first slot, counted from 1, and the bytes of a text, 0 of a number."""

    name: bytes
    slot: int
    width: int


@dataclass(frozen=True)
class _Records:
    """A dictionary as it stands in the file.

    The order of bytes, what it holds, the codes of texts that have a label, and where the record 999 begins.
    """

    order: str
    packed: bool
    variables: tuple[_Slot, ...]
    extensions: Mapping[int, Sequence[bytes]]
    codes: frozenset[bytes]
    end: int


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


def check_dictionary(file: Path, encodings: Sequence[str] = ()) -> tuple[str | None, ...]:
    """Refuse a .sav or .zsav whose dictionary contradicts itself.

    The library that reads the cases trusts the dictionary, and ends the whole process where it is wrong.

    Parameters
    ----------
    file : path
        Only its dictionary is read, and of a .zsav the list of its blocks.
    encodings : sequence of str
        Those to try where the file's own is wrong.

    Returns
    -------
    tuple
        The encodings in which it can be read without harm, None, the file's own, first.

    Raises
    ------
    ReadError
        The message names the file, the byte and what is wrong there.
    """
    try:
        with file.open("rb") as stream:
            records = _records(stream)
            _check_long_texts(records)
            if records.packed:
                _check_blocks(stream, records)
    except (ValueError, struct.error) as error:
        raise ReadError(f"{file}: its dictionary is damaged: {error}. Get a whole copy.") from error
    own = _encoding(records)
    fitting = [None if one is own else one for one in (own, *encodings) if _decodable(records.codes, one)]
    if not fitting:
        raise ReadError(f"{file}: its dictionary is damaged: its labels are of codes in no encoding. Get a whole copy.")
    return tuple(fitting)


def _encoding(records: _Records) -> str:
    """What a file says of its encoding: its name, or in old files a number."""
    named = b"".join(records.extensions.get(ENCODING, [])).decode("ascii", "replace").strip("\0 ")
    numbers = [struct.unpack(f"{records.order}8i", data)[7] for data in records.extensions.get(INFO, ())]
    number = numbers[0] if numbers else 0
    return named or {65001: "utf-8", 28591: "latin-1"}.get(number, f"cp{number}" if number > 4 else "utf-8")


def _decodable(codes: Iterable[bytes], encoding: str) -> bool:
    """Whether texts can be read in an encoding, but for a letter that is cut off at their end."""
    try:
        return all(code.isascii() or codecs.getincrementaldecoder(encoding)().decode(code) for code in codes)
    except (ValueError, LookupError):
        return False


def _order(stream: IO[bytes]) -> str:
    """The order of bytes: ``<`` or ``>``."""
    stream.seek(LAYOUT_AT)
    layout = _take(stream, 4)
    order = next((order for order in "<>" if struct.unpack(f"{order}i", layout)[0] in (2, 3)), "")
    if not order:
        raise ValueError(f"byte {LAYOUT_AT}: the layout is neither 2 nor 3")
    return order


def _take(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise ValueError(f"byte {stream.tell()}: the file ends within it")
    return data


def _records(stream: IO[bytes]) -> _Records:
    """Walk through the dictionary; whatever contradicts itself is a ValueError that begins with the byte."""
    order = _order(stream)
    whole = stream.seek(0, 2)
    stream.seek(0)
    packed = _take(stream, 4) == b"$FL3"
    stream.seek(COMPRESSION_AT)
    compression = struct.unpack(f"{order}i", _take(stream, 4))[0]
    if compression not in ((2,) if packed else (0, 1)):
        raise ValueError(f"byte {COMPRESSION_AT}: a compression of {compression}")

    def integers(count: int) -> tuple[int, ...]:
        return struct.unpack(f"{order}{count}i", _take(stream, 4 * count))

    def skip(size: int, what: str) -> None:
        """Pass over a part, unless the file has no room for it."""
        at = stream.tell()
        if not 0 <= size <= whole - at:
            raise ValueError(f"byte {at}: {what} of {size:,} bytes, beyond the end of the file")
        stream.seek(size, 1)

    variables: list[_Slot] = []
    widths: dict[int, int] = {}
    extensions: dict[int, list[bytes]] = {}
    codes: set[bytes] = set()
    slots, awaited = 0, 0  # slots so far, and how many of the last variable are still to come
    stream.seek(FIRST_RECORD)
    while True:
        at = stream.tell()
        kind = integers(1)[0]
        if awaited and kind != VARIABLE:
            raise ValueError(f"byte {at}: {awaited} records of the variable before it are missing")
        if kind == END:
            break
        if kind == VARIABLE:
            width, labelled, missing, *formats = integers(5)
            name = _take(stream, 8).rstrip(b" \0")
            slots += 1
            if (width == -1) != (awaited > 0) or not -1 <= width <= 255:
                raise ValueError(f"byte {at}: a variable of width {width} does not belong here")
            if labelled not in (0, 1) or not (0 <= missing <= 3 or missing in (-2, -3)):
                raise ValueError(f"byte {at}: {labelled} labels and {missing} missing values of a variable")
            text_formats = [one >> 16 & 255 in TEXT_FORMATS for one in formats]
            if (width == 0 and any(text_formats)) or (width > 0 and not text_formats[0]):
                raise ValueError(f"byte {at}: a variable of width {width} has a format of another kind")
            if width > 0 and missing < 0:
                raise ValueError(f"byte {at}: a range of missing values of a text")
            if labelled:
                skip(-(-integers(1)[0] // 4) * 4, "a label")
            skip(8 * abs(missing), "missing values")
            awaited = max(-(-width // 8) - 1, 0) if width >= 0 else awaited - 1
            if width >= 0:
                variables.append(_Slot(name, slots, width))
                widths[slots] = width
        elif kind == LABELS:
            count = integers(1)[0]
            if not 0 <= count <= min(MOST_LABELS, (whole - at) // 16):
                raise ValueError(f"byte {at}: {count:,} value labels")
            labelled_codes = set()
            for _ in range(count):
                code = _take(stream, 9)
                labelled_codes.add(code[:8])
                skip((code[8] + 8) // 8 * 8 - 1, "a value label")
            at = stream.tell()
            following, count = integers(2)
            if following != LABELLED or not 0 < count <= slots:
                raise ValueError(f"byte {at}: no variables of the value labels before it")
            named = integers(count)
            if wrong := [place for place in named if place not in widths]:
                raise ValueError(f"byte {at}: value labels of a variable that is not there (place {wrong[0]})")
            texts = {widths[place] > 0 for place in named}
            if len(texts) > 1:
                raise ValueError(f"byte {at}: value labels of texts and of numbers at once")
            if True in texts:
                codes |= labelled_codes
        elif kind == DOCUMENT:
            skip(80 * integers(1)[0], "a document")
        elif kind == EXTENSION:
            subtype, size, count = integers(3)
            if size < 0 or count < 0 or size * count > whole - stream.tell():
                raise ValueError(f"byte {at}: an extension of {count:,} times {size:,} bytes")
            if (size, count) != FIXED_SIZES.get(subtype, (size, count)):
                raise ValueError(f"byte {at}: an extension {subtype} of {count:,} times {size:,} bytes")
            if subtype in KEPT:
                extensions.setdefault(subtype, []).append(_take(stream, size * count))
            else:
                skip(size * count, "an extension")
        else:
            raise ValueError(f"byte {at}: a record of type {kind}")
    if not variables:
        raise ValueError(f"byte {at}: no variable before it")
    return _Records(order, packed, tuple(variables), extensions, frozenset(codes), at)


def _check_long_texts(records: _Records) -> None:
    """A text of more than 255 bytes stands in several variables, one after the other, 252 bytes in each."""
    places = {one.name.upper(): i for i, one in enumerate(records.variables)}
    for pair in b"\t".join(records.extensions.get(LONG_TEXTS, [])).replace(b"\0", b"").split(b"\t"):
        name, _, said = pair.strip().partition(b"=")
        if name.upper() not in places:
            continue
        shown = name.decode("ascii", "replace")
        size = int(said) if re.fullmatch(rb"\d{1,6}", said) else -1
        if not 0 <= size <= LONGEST_TEXT:
            raise ValueError(f"a long text {shown!r} of {said.decode('ascii', 'replace')!r} bytes")
        first, count = places[name.upper()], max(-(-size // SEGMENT), 1)
        segments = [one.width for one in records.variables[first : first + count]]
        if count > 1 and (len(segments) < count or 0 in segments or min(segments[:-1]) < 255):
            raise ValueError(f"the {size:,} bytes of the long text {shown!r} have no room in its variables")


def _check_blocks(stream: IO[bytes], records: _Records) -> None:
    """The header and the trailer of a .zsav: every block lies in the file, between them."""
    whole = stream.seek(0, 2)
    header = records.end + 8
    stream.seek(header)
    first, trailer, length = struct.unpack(f"{records.order}3q", _take(stream, 24))
    if first != header or not header + 24 <= trailer <= whole - 24 or not 24 <= length <= whole - trailer:
        raise ValueError(f"byte {header}: the places of the packed cases lie outside the file")
    stream.seek(trailer)
    _, _, size, count = struct.unpack(f"{records.order}2q2i", _take(stream, 24))
    if size <= 0 or length != 24 + 24 * count:
        raise ValueError(f"byte {trailer}: {count:,} blocks of {size:,} bytes")
    blocks = struct.iter_unpack(f"{records.order}2q2i", _take(stream, 24 * count))
    for number, (_, at, plain, packed) in enumerate(blocks, start=1):
        inside = header + 24 <= at and 0 < packed <= trailer - at
        if not inside or not 0 < plain <= min(size, MOST_PACKED * packed + 64):
            raise ValueError(f"byte {trailer}: block {number} lies outside the packed cases")


def _dictionary(stream: IO[bytes]) -> _Dictionary:
    records = _records(stream)
    extensions = records.extensions
    encoding = _encoding(records)
    by_short: dict[str, int] = {}
    for one in records.variables:
        by_short.setdefault(one.name.decode(encoding, "replace").casefold(), one.slot)
    named = b"\t".join(extensions.get(LONG_NAMES, [])).decode(encoding, "replace")
    pairs = [pair.partition("=") for pair in named.split("\t") if "=" in pair]
    short = {name: one for one, _, name in pairs} or {name: name for name in by_short}
    found = {name: by_short[one.casefold()] for name, one in short.items() if one.casefold() in by_short}
    sets = (*extensions.get(SETS, ()), *extensions.get(MORE_SETS, ()))
    return _Dictionary(found, short, sets, encoding, records.end)


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
