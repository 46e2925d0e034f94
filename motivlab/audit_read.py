"""Tables of published figures: a folder, with or without a ``datapackage.json``, or one file; read, typed, joined."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from .files import ReadError
from .questionnaire import did_you_mean
from .readers import read_responses

PACKAGE = "datapackage.json"
FIGURES = ("n", "k", "share", "value")
WHOLE = ("n", "k", "times", "age_min")  # whole numbers
NUMBERS = (*WHOLE, "value", "months")
DATES = ("period_start", "period_end", "as_of", "published_on")
ROWS = ("part_of", "within", "per", "compared_with", "not_below", "planned_for", "after")  # ids of other rows
CHOICES = {
    "qualifier": ("exact", "more_than", "at_least", "about", "maximum", "computed"),
    "part_as": ("n", "k", "share"),
    "response": ("single", "multiple", "items"),
    "planned": ("yes", "no"),
    "partial": ("yes", "no"),
}
# up to 2999: 9999 is how databases write that there is no end, and is no date to count with
DATE = r"[12]\d{3}(-(0[1-9]|1[0-2])(-\d{2})?)?"
LONGEST = 1200  # months that a period may last: a hundred years
# what groups thousands: spaces, also those that do not break or are thin, and apostrophes
_SPACES = dict.fromkeys(map(ord, " \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}'’"))


@dataclass(frozen=True)
class Row:
    """One published statement: its table, where it stands, and its cells."""

    table: str
    line: int
    cells: Mapping[str, Any]

    @property
    def id(self) -> str:
        """The id of the row."""
        return str(self.cells["id"])

    def text(self, column: str) -> str:
        """A cell; empty where it is blank or there is no such column."""
        return str(self.cells.get(column, ""))

    def number(self, column: str) -> float | None:
        """A number; None where it is blank."""
        value = self.cells.get(column)
        return float(value) if isinstance(value, (int, float)) else None

    def ids(self, column: str) -> tuple[str, ...]:
        """The rows that a cell names, each once."""
        return tuple(dict.fromkeys(self.text(column).split()))

    def yes(self, column: str) -> bool:
        """Whether a cell says yes."""
        return self.text(column) == "yes"

    @property
    def times(self) -> float:
        """How many such parts there are: one, if it does not say."""
        stated = self.number("times")
        return 1.0 if stated is None else stated

    @property
    def half(self) -> float:
        """Half a unit of the last digit that the share is reported with."""
        return 0.5 * 10.0 ** -(2 + int(self.cells.get("share_digits", 0)))

    @property
    def exact(self) -> bool:
        """Whether its numbers are neither bounds nor round nor plans."""
        return self.text("qualifier") in ("", "exact", "computed") and not self.yes("planned")


@dataclass(frozen=True)
class Figures:
    """All rows of all tables, in the order of the tables, by their id."""

    tables: dict[str, pd.DataFrame]
    rows: dict[str, Row]

    def having(self, *columns: str) -> Iterator[Row]:
        """The rows with a value in each of some columns."""
        return (row for row in self.rows.values() if all(row.text(column) for column in columns))

    def by(self, column: str) -> dict[str, list[Row]]:
        """The rows that have a value in a column, by that value."""
        groups: dict[str, list[Row]] = {}
        for row in self.having(column):
            groups.setdefault(row.text(column), []).append(row)
        return groups

    @cached_property
    def _partitions(self) -> dict[str, dict[str, list[Row]]]:
        found: dict[str, dict[str, list[Row]]] = {}
        for row in self.rows.values():
            for total in row.ids("part_of"):
                found.setdefault(total, {}).setdefault(row.text("part_by"), []).append(row)
        return found

    def partitions(self, total: str) -> dict[str, list[Row]]:
        """The parts of a row, by what they are parts by."""
        return self._partitions.get(total, {})

    def size(self, row: Row, count: str) -> float | None:
        """A count of a row; where it is not stated, the sum of its parts."""
        stated = row.number(count)
        return self.summed(row, count)[0] if stated is None else stated

    def summed(self, row: Row, count: str) -> tuple[float | None, list[Row]]:
        """The sum of the first complete set of parts, and the parts."""
        parts, whole = next(self.sums(row, count), ([], None))
        return whole, parts

    def sums(self, row: Row, count: str) -> Iterator[tuple[list[Row], float]]:
        """Each complete set of parts, and its sum."""
        for parts in self.partitions(row.id).values():
            sizes = [size for part in parts if (size := contribution(part, count)) is not None]
            if len(sizes) == len(parts) and not any(part.yes("partial") for part in parts):
                yield parts, math.fsum(sizes)


def contribution(part: Row, count: str) -> float | None:
    """What a part adds to a count of its total; None where it does not say."""
    mode = part.text("part_as") or "n"
    if mode == "k":  # the part is a breakdown of the total: its k are some of the total's n
        return part.number("k") if count == "n" else None
    if mode == "share":
        return part.number(count) if count in ("value", "share") else None
    size = part.number(count) if count != "share" else None
    return None if size is None else size * part.times


def read_number(text: str) -> float | None:
    """A number as people write it; None if it is none.

    Spaces, no-break spaces and apostrophes group thousands. Of a comma and a point the last one is the decimal sign;
    a single sign groups thousands if three digits follow a whole number, as in ``1,990``, unless it is a point.

    Examples
    --------
    >>> [read_number(text) for text in ("9 412 350,00", "5 709 424.00", "1,990", "17489,62", "1.990", "0,455")]
    [9412350.0, 5709424.0, 1990.0, 17489.62, 1.99, 0.455]
    """
    text = text.translate(_SPACES)
    if not re.fullmatch(r"[-+−]?[\d.,]*\d[\d.,]*", text):
        return None
    text = text.replace("−", "-")
    signs = re.findall(r"[.,]", text)
    if len(set(signs)) == 2:
        grouping, decimal = (",", ".") if text.rindex(".") > text.rindex(",") else (".", ",")
        text = text.replace(grouping, "").replace(decimal, ".")
    elif len(signs) > 1 or re.fullmatch(r"[-+]?[1-9]\d{0,2},\d{3}", text):
        text = text.replace(signs[0], "") if _grouped(text, signs[0]) else ""
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _grouped(text: str, sign: str) -> bool:
    return all(len(part) == 3 for part in text.split(sign)[1:])


def read_figures(path: str | Path) -> Figures:
    """Read published figures; see :func:`motivlab.audit.audit_published` for what they hold and what is refused."""
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file or folder of published figures. Correct the path.")
    single = path.is_file()
    files = {path.stem: path} if single else _files(path)
    tables, rows = {}, {}
    where: dict[str, str] = {}
    for name, file in files.items():
        frame = read_responses(file)
        if "id" not in frame:
            if not single and (path / PACKAGE).exists():
                tables[name] = frame  # documents and the like: described, and no figures
                continue
            near = did_you_mean("id", map(str, frame.columns))
            raise ReadError(f"{file}: the column 'id' is missing{near} Add it: every figure needs a name of its own.")
        if single and not set(FIGURES) & set(frame):
            raise ReadError(f"{file}: no column n, k, share or value. Name the columns that hold the figures so.")
        tables[name] = typed = _typed(frame, file)
        for position, cells in enumerate(typed.to_dict("records")):
            line = int(typed.index[position]) + 2
            row = Row(name, line, {str(c): v for c, v in cells.items() if not _blank(v)})
            if row.id in rows:
                raise ReadError(f"{file}, row {line}: the id {row.id!r} is there twice ({where[row.id]}). Rename one.")
            rows[row.id], where[row.id] = row, f"{file.name}, row {line}"
    if not rows:
        raise ReadError(f"{path}: no table of figures. Each is a .csv with the column id.")
    _check_references(rows, files)
    return Figures(tables, rows)


def _blank(value: Any) -> bool:
    return value is None or value == "" or bool(pd.isna(value))


def _files(folder: Path) -> dict[str, Path]:
    """The tables of a folder: those that its description names, or every .csv."""
    package = folder / PACKAGE
    if not package.exists():
        files = {file.stem: file for file in sorted(folder.glob("*.csv"))}
        if not files:
            raise FileNotFoundError(f"{folder}: no {PACKAGE} and no .csv in it. Name the folder of the figures.")
        return files
    try:
        resources = json.loads(package.read_text(encoding="utf-8"))["resources"]
        described = [(str(resource["name"]), str(resource["path"])) for resource in resources]
    except (ValueError, KeyError, TypeError) as error:
        raise ReadError(
            f"{package}: no Data Package ({error!r}). It needs `resources`, each with name and path."
        ) from error
    named: dict[str, str] = {}
    for name, place in described:
        if name in named:
            raise ReadError(
                f"{package}: two resources are named {name!r} ({named[name]}, {place}). Rename or remove one."
            )
        named[name] = place
        pure = PurePosixPath(place)
        if pure.is_absolute() or ".." in pure.parts or "\\" in place:
            raise ReadError(f"{package}: the path {place!r} of {name!r} leads out of the folder. Name a file in it.")
        if not (folder / place).exists():
            raise FileNotFoundError(f"{folder / place}: no such file; {PACKAGE} names it. Add it, or correct the path.")
    return {name: folder / place for name, place in named.items()}


def _typed(frame: pd.DataFrame, file: Path) -> pd.DataFrame:
    """Numbers as floats, shares between 0 and 1 with the digits they are reported with; the rest as text."""
    import pandera.pandas as pa

    written = frame.fillna("").map(lambda cell: str(cell).strip())
    frame = written.copy()
    digits: dict[Any, int] = {}
    for column in (c for c in NUMBERS if c in frame):
        frame[column] = pd.Series(
            [_number(cell, column, f"{file}, row {int(i) + 2}") for i, cell in frame[column].items()],
            frame.index,
            float,
        )
    if "share" in frame:
        read = [_share(cell, f"{file}, row {int(i) + 2}") for i, cell in frame["share"].items()]
        frame["share"] = pd.Series([share for share, _ in read], frame.index, float)
        digits = dict(zip(frame.index, (decimals for _, decimals in read), strict=True))
    columns: dict[str, Any] = {"id": pa.Column(str, pa.Check.str_matches(r"^\S+$"))}
    for column in (c for c in WHOLE if c in frame):
        columns[column] = pa.Column(float, [pa.Check.ge(0), pa.Check(_is_whole, error="a whole number")], nullable=True)
    if "months" in frame:
        columns["months"] = pa.Column(float, pa.Check.in_range(0, LONGEST, include_min=False), nullable=True)
    for column in (c for c in DATES if c in frame):
        columns[column] = pa.Column(str, pa.Check(lambda cells: cells.map(_is_date), error="a date"))
    for column, allowed in CHOICES.items():
        if column in frame:
            columns[column] = pa.Column(str, pa.Check.isin(["", *allowed]))
    try:
        pa.DataFrameSchema(columns).validate(frame, lazy=True)
    except pa.errors.SchemaErrors as error:
        case = error.failure_cases.iloc[0]
        column = str(case["column"])
        meant = ", ".join(CHOICES.get(column, ())) or _MEANT.get(column, str(case["check"]))
        raise ReadError(
            f"{file}, row {int(case['index']) + 2}: {column} is {written.loc[case['index'], column]!r}; "
            f"it must be {meant}. "
            "Correct the value."
        ) from error
    return frame.assign(share_digits=pd.Series(digits, dtype=int)) if digits else frame


_MEANT = {
    "id": "a name without spaces", **dict.fromkeys(WHOLE, "a whole number, 0 or more"),
    "months": f"above 0, and at most {LONGEST}",
    **dict.fromkeys(DATES, "a year, month or day up to 2999 (2021, 2021-10, 2021-10-04), or blank"),
}  # fmt: skip


def _is_date(text: str) -> bool:
    """Whether a text is blank, a year, a month or a day that there is."""
    if not re.fullmatch(f"({DATE})?", text):
        return False
    try:
        return len(text) < 10 or bool(dt.date.fromisoformat(text))
    except ValueError:
        return False


def _is_whole(column: pd.Series) -> pd.Series:
    return column.isna() | (column % 1 == 0)


def _number(cell: str, column: str, where: str) -> float:
    if cell == "":
        return float("nan")
    # a count has no decimals: three digits after a point are thousands, too
    thousands = column in WHOLE and re.fullmatch(r"\d{1,3}(\.\d{3})+", cell)
    value = read_number(cell.replace(".", "") if thousands else cell)
    if value is None:
        raise ReadError(f"{where}: {column} is {cell!r}, which is no number. Correct it, or leave it blank.")
    return value


def _share(cell: str, where: str) -> tuple[float, int]:
    """A share, and the decimals of its percentage: 0.46 and 46% have none, 45,3 % has one."""
    if cell == "":
        return float("nan"), 0
    text = cell.translate(_SPACES).replace(",", ".")
    percent = text.endswith("%")
    if not re.fullmatch(r"-?\d*\.?\d+", text.removesuffix("%")):
        raise ReadError(f"{where}: share is {cell!r}, which is no number. Write 0.46 or 46%, or leave it blank.")
    value = float(text.removesuffix("%"))
    if not percent and abs(value) > 1:
        raise ReadError(f"{where}: share is {cell!r}. Write it between 0 and 1 (0.46), or with a percent sign (46%).")
    decimals = len(text.removesuffix("%").partition(".")[2])
    return (value / 100, decimals) if percent else (value, max(decimals - 2, 0))


def _check_references(rows: Mapping[str, Row], files: Mapping[str, Path]) -> None:
    for row in rows.values():
        for column in ROWS:
            for name in row.ids(column):
                where = f"{files[row.table]}, row {row.line}: {column} is {name!r}"
                if name not in rows:
                    raise ReadError(f"{where}; there is no such row{did_you_mean(name, rows)} Correct the id.")
                if name == row.id:
                    raise ReadError(f"{where}, the row itself. Name another row.")
    try:
        TopologicalSorter({row.id: row.ids("part_of") for row in rows.values()}).prepare()
    except CycleError as error:
        circle = set(error.args[1])
        row = next(row for row in rows.values() if row.id in circle)
        raise ReadError(
            f"{files[row.table]}, row {row.line}: {row.id!r} is a part of itself, over other rows. Correct part_of."
        ) from error
