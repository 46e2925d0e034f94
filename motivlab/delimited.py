"""Plain tables as other programs export them: delimiter, encoding, decimal comma and dates found out, and said."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from .files import ReadError, reason, require_file

DELIMITERS: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
# Beyond these a table is damaged, or no survey: Stata's most columns, a cell as long as a book, half of a memory.
MOST_COLUMNS, LONGEST_CELL, MOST_BYTES = 32_767, 16 << 20, 4 << 30
_MARKS: Final = (  # the longer before the shorter that it begins with
    (b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe\0\0", "utf-32"), (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"),
)  # fmt: skip
# Of two that fit equally well the first: in Latvia the Windows ones are the likely ones.
ENCODINGS: Final = ("cp1257", "cp1251", "cp1252", "iso8859_13", "iso8859_4", "iso8859_5", "koi8_r", "cp866", "cp775")
# The letters of languages beyond ASCII; of Russian the most frequent ones, seven eighths of any text.
_LETTERS: Final = (
    "āčēģīķļņōŗšūž", "ąčęėįšųūž", "äõöüšž", "äöåüßéèêëáàâíìîïúùûôçñæøóò", "оеаинтсрвлкмдпу", "ёбгжзйфхцчшщъыьэюя",
)  # fmt: skip
_LIKELY: Final = (1.0, 0.9, 0.9, 0.9, 1.0, 0.5)
_QUOTES = set("„“”‚‘’«»–—…№°§€\u00a0")
_SAMPLE = 200_000
_LEAST_PLAUSIBLE = 0.3  # of the letters; below it no encoding is taken


def read_delimited(file: Path) -> tuple[pd.DataFrame, list[str]]:
    r"""Read a table of text whose delimiter and encoding nobody has stated.

    Parameters
    ----------
    file : path
        The first row names the columns; commas, semicolons, tabs or bars stand between the cells.

    Returns
    -------
    DataFrame of str
        The cells as they are written, NA where blank; rows that are blank throughout are left out.
    list of str
        What was found out: the delimiter, the encoding, what was left out.

    Raises
    ------
    ReadError
        If the file is empty, damaged, mixes encodings, or a row has more or fewer cells than the head.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as at:
    ...     file = Path(at) / "export.csv"
    ...     _ = file.write_bytes("dzimums;pilsēta\nvīrietis;Rīga\n".encode("cp1257"))
    ...     frame, notes = read_delimited(file)
    >>> frame.values.tolist()
    [['vīrietis', 'Rīga']]
    >>> notes[0]
    "encoding: cp1257 (Windows Baltic), found out by its letters, as in 'vīrietis'. If it reads wrong, save as UTF-8."
    """
    text, notes = decode(file)
    if not text.strip():
        raise ReadError(f"{file}: the file is empty. The first row names the columns.")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.startswith("\n"):
        blank = len(text) - len(text := text.lstrip("\n"))
        notes.append(f"blank lines before the head: {blank:,}, passed over.")
    if said := re.match(r"sep=(.)\n", text):  # how Excel is told the delimiter
        text = text[said.end() :]
    delimiter = said[1] if said and said[1] in DELIMITERS else _delimiter(text)
    if delimiter != ",":
        notes.append(f"delimiter: {DELIMITERS[delimiter]}.")
    csv.field_size_limit(LONGEST_CELL)
    try:
        head = [name.strip() for name in next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))]
    except csv.Error as error:
        raise ReadError(f"{file}, row 1: the head cannot be read ({reason(error)}). Export the file again.") from error
    refuse_wide(file, head)
    frame = _cells(file, text, delimiter, head)
    frame, left_out = named(file, frame, head)
    frame = frame.dropna(how="all")
    if frame.empty:
        raise ReadError(f"{file}: the file is empty but for its head. Add the rows, or remove the file.")
    return frame, [*notes, *left_out]


def refuse_wide(file: Path, head: Sequence[str]) -> None:
    """Refuse a table of more columns than any survey has."""
    if len(head) > MOST_COLUMNS:
        raise ReadError(
            f"{file}, row 1: {len(head):,} columns; at most {MOST_COLUMNS:,} are read. "
            "Turn the table round if respondents are its columns, or leave out what is not needed."
        )


# ------------------------------------------------------------------------------------------------------ encoding


def decode(file: Path) -> tuple[str, list[str]]:
    """The text of a file, and what was found out of its encoding.

    Raises
    ------
    ReadError
        If it is no text, or in more than one encoding.
    """
    require_file(file)
    if (size := file.stat().st_size) > MOST_BYTES:
        raise ReadError(f"{file}: {size / 2**30:.1f} GiB; at most 4 are read. Split it, or save it as .parquet.")
    data = file.read_bytes()
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "") or _wide(data)
    if not encoding and (at := data.find(b"\0")) >= 0:
        row = data.count(b"\n", 0, at) + 1
        raise ReadError(f"{file}, row {row}: a NUL byte. The file is damaged or no text; export it again.")
    try:
        text = data.decode(encoding or "utf-8")
        notes = [f"encoding: {encoding.upper()}."] if encoding not in ("", "utf-8-sig") else []
    except UnicodeDecodeError as error:
        if encoding:
            raise ReadError(f"{file}: it begins as {encoding.upper()} but byte {error.start:,} is not. Export it again."
                            ) from error  # fmt: skip
        encoding, example = _legacy(file, data, error)
        text = data.decode(encoding)
        how = f"encoding: {encoding} ({_NAMES[encoding]}), found out by its letters, as in {example!r}."
        notes = [f"{how} If it reads wrong, save as UTF-8."]
    if (at := text.find("\0")) >= 0:
        row = text.count("\n", 0, at) + 1
        raise ReadError(f"{file}, row {row}: a NUL. The file is damaged or no text; export it again.")
    return text, notes


_NAMES: Final = {
    "cp1257": "Windows Baltic", "cp1251": "Windows Cyrillic", "cp1252": "Windows Western", "iso8859_13": "ISO-8859-13",
    "iso8859_4": "ISO-8859-4", "iso8859_5": "ISO-8859-5", "koi8_r": "KOI8-R", "cp866": "DOS Cyrillic",
    "cp775": "DOS Baltic",
}  # fmt: skip


def _wide(data: bytes) -> str:
    """UTF-16 without its mark: of plain letters every other byte is zero."""
    start = data[:4096]
    even, odd = start[::2].count(0), start[1::2].count(0)
    if len(start) < 4 or max(even, odd) <= len(start) / 8 or min(even, odd) > max(even, odd) / 8:
        return ""
    return "utf-16-le" if odd > even else "utf-16-be"


def _legacy(file: Path, data: bytes, error: UnicodeDecodeError) -> tuple[str, str]:
    """The encoding, from before UTF-8, in which the letters make the most sense, and a word as an example."""
    if error.end >= len(data) and "unexpected end" in error.reason and re.search(rb"[\xc3-\xf4][\x80-\xbf]", data):
        raise ReadError(f"{file}: it ends within a letter, it was cut off. Export it again.") from error
    byte = f"byte {error.start:,}, {data[error.start : error.start + 1]!r}"
    wide = re.compile(rb"[^\n]*[\x80-\xff][^\n]*")
    sample: list[bytes] = []
    first_utf8 = first_other = size = 0
    for match in wide.finditer(data):
        line = match[0]
        try:
            line.decode("utf-8")
            first_utf8 = first_utf8 or match.start() + 1
        except UnicodeDecodeError:
            first_other = first_other or match.start() + 1
            if size < _SAMPLE:
                sample.append(line[:_SAMPLE])
                size += len(line)
        if first_utf8 and first_other:
            rows = [data.count(b"\n", 0, at) + 1 for at in (first_utf8, first_other)]
            raise ReadError(
                f"{file}: row {rows[0]} is in UTF-8, row {rows[1]} is not ({byte}): two encodings are mixed in one "
                "file. Save each part as UTF-8 before putting them together."
            ) from error
    joined = b"\n".join(sample)
    scores = {name: _plausible(text) for name in ENCODINGS if (text := _decoded(joined, name)) is not None}
    best = max(scores, key=lambda name: scores[name], default="")
    if not best or scores[best] <= _LEAST_PLAUSIBLE:
        row = data.count(b"\n", 0, error.start) + 1
        raise ReadError(
            f"{file}, row {row}: {byte} is not UTF-8, and in no other encoding do the letters make "
            "words. Save the file as UTF-8."
        ) from error
    words = re.findall(r"\w*[^\W\x00-\x7f]\w*", joined.decode(best))
    return best, str(max(words[:50], key=lambda word: min(len(word), 12), default=""))


def _decoded(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _plausible(text: str) -> float:
    """How much the letters beyond ASCII look like those of one language in use: at most 1 each; below 0, not at all."""
    strange = 0.0
    counts = [0] * len(_LETTERS)
    count = 0
    padded = f" {text} "
    for i, letter in enumerate(padded[1:-1], start=1):
        if letter < "\x80" or letter in _QUOTES:
            continue
        count += 1
        before, after = padded[i - 1], padded[i + 1]
        cyrillic = "Ѐ" <= letter <= "ӿ"
        # scripts do not mix within a word, nor does a capital follow a small letter
        mixed = any(n.isalpha() and ("Ѐ" <= n <= "ӿ") != cyrillic for n in (before, after))
        if not letter.isalpha() or mixed or (letter.isupper() and before.islower()):
            strange += 2
            continue
        for j, letters in enumerate(_LETTERS):
            counts[j] += letter.lower() in letters
    found = [weight * n for weight, n in zip(_LIKELY, counts, strict=True)]
    best = max(*found[:-2], found[-2] + found[-1])
    return (best - strange) / count if count else 0.1


# --------------------------------------------------------------------------------------------- delimiter and cells


def _delimiter(text: str) -> str:
    """The delimiter by which most of the first rows have as many cells as the head; the comma if none does."""
    start = text[: 1 << 18]
    lines = start if len(start) == len(text) else start[: start.rfind("\n") + 1] or start
    best, found = (0.0, 0), ","
    for delimiter in DELIMITERS:
        if delimiter not in lines.partition("\n")[0]:
            continue
        widths = []
        try:
            for cells in csv.reader(io.StringIO(lines, newline=""), delimiter=delimiter):
                if cells:
                    widths.append(len(cells))
                if len(widths) == 100:
                    break
        except csv.Error:
            pass
        if widths and widths[0] > 1:
            same = sum(width == widths[0] for width in widths) / len(widths)
            best, found = max((best, found), ((round(same, 1), widths[0]), delimiter))
    return found


def _cells(file: Path, text: str, delimiter: str, head: Sequence[str]) -> pd.DataFrame:
    """The cells below the head as text, under the numbers of their columns."""
    import pyarrow as pa  # type: ignore[import-untyped]
    import pyarrow.csv as pc  # type: ignore[import-untyped]

    if text.count('"') % 2:
        _ragged(file, text, delimiter, len(head))
    names = [str(i) for i in range(len(head))]
    options = pc.ConvertOptions(
        column_types=dict.fromkeys(names, pa.large_string()), strings_can_be_null=True, null_values=[""],
        quoted_strings_can_be_null=True,
    )  # fmt: skip
    try:
        table = pc.read_csv(
            pa.BufferReader(text.encode()),
            read_options=pc.ReadOptions(block_size=LONGEST_CELL, column_names=names, skip_rows_after_names=1),
            parse_options=pc.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=options,
        )
    except pa.ArrowInvalid as error:
        _ragged(file, text, delimiter, len(head))
        raise ReadError(f"{file}: its cells cannot be told apart ({reason(error)}). Export it again.") from error
    return table.to_pandas().astype("str")


def _ragged(file: Path, text: str, delimiter: str, width: int) -> None:
    """Refuse a table by the first row that is not as wide as the head, too long, or never closed."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    row = before = 0
    try:
        for row, cells in enumerate(reader, start=1):
            before = reader.line_num
            if cells and len(cells) != width:
                raise ReadError(
                    f"{file}, row {row} (line {before}): {len(cells)} cells under {width} columns. Put quotes around a "
                    f"cell that holds a {DELIMITERS[delimiter]} or a line break, and fill up rows that are cut short."
                )
    except csv.Error as error:
        said = str(error)
        where = f"{file}, row {row + 1} (line {before + 1})"
        if "field larger" in said:
            raise ReadError(
                f"{where}: a cell of more than {LONGEST_CELL >> 20} MiB. A quote is never closed, or it is no answer: "
                "correct it or leave it out."
            ) from error
        if "unexpected end" in said:
            raise ReadError(f"{where}: a quote is opened and never closed. Close it, or double a quote inside.") from (
                error
            )
        raise ReadError(f'{where}: a quote inside a cell in quotes ({said}). Double it: "".') from error


def named(file: Path, frame: pd.DataFrame, head: Sequence[str], where: str = "") -> tuple[pd.DataFrame, list[str]]:
    """The columns under their names; nameless ones that hold nothing, or only count the rows, are left out and said.

    Raises
    ------
    ReadError
        If a column that holds something has no name, or two have the same.
    """
    place = f"{file}{where}, row 1"
    notes = []
    keep = []
    for i, name in enumerate(head):
        column = frame.iloc[:, i]
        if name:
            keep.append(i)
        elif i == 0 and column.tolist() == [str(n) for n in range(1, len(frame) + 1)]:
            notes.append("the first column has no name and counts the rows, as R writes it: left out.")
        elif column.notna().any():
            raise ReadError(f"{place}: column {i + 1} has no name. Name or remove it.")
        else:
            notes.append(f"column {i + 1} has neither a name nor a value: left out.")
    names = [head[i] for i in keep]
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ReadError(f"{place}: the column {name!r} is there twice. Rename or remove one.")
        seen.add(name)
    return frame.iloc[:, keep].set_axis(names, axis=1), notes


# ------------------------------------------------------------------------------------------------ numbers and dates

_PLAIN = r"[+-]?\d+"
_SPACE = "[ \u00a0\u202f]"
_COMMA = re.compile(rf"[+-]?(\d+|\d{{1,3}}(\.\d{{3}})+|\d{{1,3}}({_SPACE}\d{{3}})+),\d+")  # 3,5  1.234,5  1 234,5
_POINT = re.compile(rf"[+-]?(\d+|\d{{1,3}}(,\d{{3}})+|\d{{1,3}}({_SPACE}\d{{3}})+)\.\d+")  # 3.5  1,234.5  1 234.5
_THOUSANDS = re.compile(r"[+-]?\d{1,3}([.,'\u00a0\u202f ])\d{3}(\1\d{3})*")  # 1,234  1.234  1 234
_NUMBER = re.compile(rf"{_PLAIN}(\.\d+)?([eE][+-]?\d+)?")


def plain_numbers(frame: pd.DataFrame, columns: Iterable[str] | None = None) -> tuple[pd.DataFrame, list[str]]:
    """Numbers as they are written in Latvian, Russian or English, ``1 234,5`` or ``1,234.5``, with a point and no more.

    Parameters
    ----------
    frame : DataFrame of str
    columns : iterable of str, optional
        Those to look at; all by default. A column that holds anything but numbers is left as it is.

    Returns
    -------
    DataFrame, list of str
        And what was read in which way, with an example each; what could be read in two ways is left as text.

    Examples
    --------
    >>> frame, notes = plain_numbers(pd.DataFrame({"pay": ["1 234,5", "980"], "odd": ["1,234", "5,678"]}))
    >>> frame["pay"].tolist(), notes[0]
    (['1234.5', '980'], "decimal comma: pay, as '1 234,5' is 1234.5.")
    """
    found: dict[str, Any] = {}
    commas: dict[str, tuple[str, str]] = {}
    points: dict[str, tuple[str, str]] = {}
    doubtful: dict[str, str] = {}
    for column in frame.columns if columns is None else columns:
        values = _distinct(frame[column])
        if not values or all(_NUMBER.fullmatch(v) for v in values):
            continue
        by_comma = next((v for v in values if _COMMA.fullmatch(v) and not _THOUSANDS.fullmatch(v)), "")
        by_point = next((v for v in values if _POINT.fullmatch(v) and not _THOUSANDS.fullmatch(v)), "")
        in_threes = next((v for v in values if (m := _THOUSANDS.fullmatch(v)) and m[1] in ",."), "")
        if not all(_NUMBER.fullmatch(v) or _COMMA.fullmatch(v) or _POINT.fullmatch(v) or _THOUSANDS.fullmatch(v)
                   for v in values):  # fmt: skip
            continue
        small = any(re.fullmatch(r"[+-]?\d{1,3}", v) for v in values)
        if (by_comma and by_point) or (in_threes and not by_comma and not by_point):
            doubtful[column] = in_threes or by_comma
            continue
        if not by_comma and not by_point and not small:  # 67 012 345 is a telephone rather than a number
            continue
        mark, other, said = (",", ".", commas) if by_comma else (".", ",", points)
        cut = str.maketrans("", "", f"{other}'\u00a0\u202f ")
        plain = {v: v.translate(cut).replace(mark, ".") for v in values}
        if all(_NUMBER.fullmatch(new) for new in plain.values()):
            example = by_comma or by_point or next(v for v in values if plain[v] != v)
            found[column], said[column] = frame[column].str.strip().map(plain).astype("str"), (example, plain[example])
    notes = []
    for what, said in (("decimal comma", commas), ("separated thousands", points)):
        if said:
            first, plain_first = next(iter(said.values()))
            notes.append(f"{what}: {some(said)}, as {first!r} is {plain_first}.")
    for column, example in doubtful.items():
        notes.append(f"{column}: {example!r} is a thousand or a fraction, the column does not say which: kept as text.")
    return frame.assign(**found), notes


_DATE = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})\.?(?:,?\s+(\d{1,2}):(\d{2})(?::(\d{2}))?)?")


def plain_dates(frame: pd.DataFrame, columns: Iterable[str] | None = None) -> tuple[pd.DataFrame, list[str]]:
    """Dates as 2021-12-31: of 31.12.2021, and of 31/12/2021 or 12/31/2021 where the column shows which comes first.

    Parameters and returns as in :func:`plain_numbers`. A column with a date that does not exist stays as it is.

    Examples
    --------
    >>> frame, notes = plain_dates(pd.DataFrame({"a": ["31.12.2021"], "b": ["01/02/2021"]}))
    >>> frame["a"].tolist(), notes[1]
    (['2021-12-31'], "b: '01/02/2021' has its day or its month first, the column does not say which: kept as text.")
    """
    found: dict[str, Any] = {}
    notes = []
    for column in frame.columns if columns is None else columns:
        values = _distinct(frame[column])
        parts = {v: _DATE.fullmatch(v) for v in values}
        if not values or not all(parts.values()):
            continue
        matches = [m for m in parts.values() if m]
        dots = all(m[2] == "." for m in matches)
        day_first = dots or any(int(m[1]) > 12 for m in matches)
        month_first = not dots and any(int(m[3]) > 12 for m in matches)
        if day_first == month_first:
            why = "both occur" if day_first else "the column does not say which"
            notes.append(f"{column}: {values[0]!r} has its day or its month first, {why}: kept as text.")
            continue
        try:
            plain = {v: _iso(m, day_first) for v, m in parts.items() if m}
        except ValueError:
            wrong = next(v for v, m in parts.items() if m and not _exists(m, day_first))
            notes.append(f"{column}: {wrong!r} is a date that does not exist: the column is kept as text.")
            continue
        found[column] = frame[column].str.strip().map(plain).astype("str")
        order = "day" if day_first else "month"
        notes.append(f"{column}: dates with the {order} first, {values[0]!r} is {plain[values[0]]}.")
    return frame.assign(**found), notes


def _iso(match: re.Match[str], day_first: bool) -> str:
    day, month = (match[1], match[3]) if day_first else (match[3], match[1])
    date = dt.date(int(match[4]), int(month), int(day))
    if match[5] is None:
        return date.isoformat()
    return f"{date.isoformat()}T{dt.time(int(match[5]), int(match[6]), int(match[7] or 0)).isoformat()}"


def _exists(match: re.Match[str], day_first: bool) -> bool:
    try:
        return bool(_iso(match, day_first))
    except ValueError:
        return False


def _distinct(column: pd.Series) -> list[str]:
    values = column.unique().tolist()  # few, so that what follows is no matter of the rows
    return list(dict.fromkeys(text for v in values if not pd.isna(v) and (text := str(v).strip())))


def some(names: Iterable[str], most: int = 8) -> str:
    """The first names of a list, and how many more there are."""
    known = list(names)
    more = f" and {len(known) - most:,} more" if len(known) > most else ""
    return ", ".join(known[:most]) + more
