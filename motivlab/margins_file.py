"""Known margins of the population: read from a file or a frame, and checked by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from .codes import as_numbers, as_texts
from .readers import read_responses

CROSS = " × "  # joins crossed variables and crossed levels
SHARES_ADD_UP = 0.002  # what rounding of published shares may leave of their sum
TOTALS_ADD_UP = 1e-6
LEAST, MOST = 1e-9, 1e18  # of a share or a total; beyond them it is a slip
MOST_LEVELS = 1_000_000  # of crossed variables


def read_margins(margins: pd.DataFrame | str | Path, method: str = "rake") -> pd.DataFrame:
    """Read margins and check that each has levels and figures, and that they are of one population.

    Parameters
    ----------
    margins : DataFrame or path
        ``variable``, ``level``, and ``total`` or ``share``; see :func:`motivlab.rake`.
    method : {"rake", "poststratify", "linear"}
        What they are for: only ``linear`` takes totals of numbers, whose level is empty.

    Returns
    -------
    DataFrame
        ``variable``, ``level`` and either ``share``, which adds up to 1 in each variable, or ``total``, which adds up
        to the same in all. The rows of a variable stand together.

    Raises
    ------
    ValueError
        Naming the file, the row, the variable and the remedy.
    FileNotFoundError
        If there is no such file.

    Examples
    --------
    >>> read_margins(pd.DataFrame({"variable": ["sex"] * 2, "level": ["f", "m"], "share": [0.54, 0.46]})).shape
    (2, 3)
    """
    where, frame, row_of = "margins", margins, 1
    if isinstance(margins, (str, Path)):
        where, row_of = str(margins), 2  # the head is row 1
        if not Path(margins).exists():
            raise FileNotFoundError(
                f"{where}: no such file of margins. Correct the path, or give a DataFrame of variable, level and share."
            )
        frame = read_responses(Path(margins))
    if not isinstance(frame, pd.DataFrame):
        raise ValueError(f"margins is {frame!r}. Give a DataFrame, or the path of a file.")
    rows = (frame.index if row_of == 2 else np.arange(len(frame))) + row_of
    frame = frame.reset_index(drop=True)
    for column in ("variable", "level"):
        if column not in frame:
            raise ValueError(
                f"{where}: the column {column!r} is missing. It needs variable, level, and total or share."
            )
    figures = [column for column in ("total", "share") if column in frame]
    if len(figures) != 1:
        raise ValueError(
            f"{where}: give either the column 'total' or 'share', not {' and '.join(figures) or 'neither'}."
        )
    if frame.empty:
        raise ValueError(f"{where}: it has no rows. Give a row per level of each margin.")
    figure = figures[0]
    value = as_numbers(frame[figure])
    table = pd.DataFrame({"variable": as_texts(frame["variable"]), "level": as_texts(frame["level"]), figure: value})
    for i in np.flatnonzero(~((value >= LEAST) & (value <= MOST))):
        raise ValueError(
            f"{where}, row {rows[i]}: the {figure} of {table['variable'][i]} = {table['level'][i]!r} is "
            f"{as_texts(frame[figure])[i]!r}. It must be a positive number; leave out levels that nobody has."
        )
    if (twice := table.duplicated(["variable", "level"])).any():
        row = table[twice].iloc[0]
        raise ValueError(
            f"{where}, row {rows[twice.argmax()]}: {row['variable']} = {row['level']!r} is there twice. Keep one row."
        )
    sums = {str(v): float(part[figure].sum()) for v, part in table.groupby("variable", sort=False)
            if (part["level"] != "").any()}  # fmt: skip
    for i in np.flatnonzero((table["level"] == "") & table["variable"].isin(list(sums))):
        raise ValueError(
            f"{where}, row {rows[i]}: the level of {table['variable'][i]} is blank, and a blank is no level. Name the "
            "level, or leave the row out."
        )
    _require_usable(table, sums, method, where)
    if figure == "share":
        for variable, sum_ in sums.items():
            if abs(sum_ - 1) > SHARES_ADD_UP:
                raise ValueError(f"{where}: the shares of {variable} add up to {sum_:.4g}, not to 1. Correct them.")
        table["share"] /= table["variable"].map(sums)
    else:
        least, most = min(sums, key=lambda v: sums[v]), max(sums, key=lambda v: sums[v])
        if sums[most] - sums[least] > TOTALS_ADD_UP * sums[most]:
            raise ValueError(
                f"{where}: the totals of {least} add up to {sums[least]:,.10g}, those of {most} to {sums[most]:,.10g}. "
                "Margins of one population add up to the same: correct them, or give shares."
            )
        table["total"] *= table["variable"].map({v: sums[most] / sum_ for v, sum_ in sums.items()}).fillna(1.0)
    order = {variable: i for i, variable in enumerate(dict.fromkeys(table["variable"]))}
    return table.sort_values("variable", key=lambda v: v.map(order), kind="stable", ignore_index=True)


def _require_usable(table: pd.DataFrame, sums: dict[str, float], method: str, where: str) -> None:
    """The method can take these margins."""
    if method == "poststratify" and len(sums) != 1:
        raise ValueError(
            f"{where}: poststratify takes one margin, this has {len(sums)}: {', '.join(sums)}. Cross the variables, "
            "'a × b', or use method='rake'."
        )
    numeric = sorted(set(table["variable"]) - set(sums))
    if numeric and (method != "linear" or "share" in table or not sums):
        raise ValueError(
            f"{where}: the margin {numeric[0]!r} has no levels. Totals of numbers go with method='linear', with the "
            "column 'total', and beside a margin that has levels."
        )
    for variable in sums:
        parts = variable.split(CROSS)
        if len(set(parts)) < len(parts):
            twice = next(part for part in parts if parts.count(part) > 1)
            raise ValueError(f"{where}: a margin crosses {twice!r} with itself. Name each variable once.")
    for variable in numeric:
        if CROSS in variable:
            raise ValueError(
                f"{where}: the margin {variable!r} has no levels. Crossed variables need a level in every row; the "
                "total of a number is of one question."
            )


def margin_shares(margins: pd.DataFrame) -> dict[str, pd.Series]:
    """The shares of the levels of each margin that has levels: variable to a Series of level to share.

    Parameters
    ----------
    margins : DataFrame
        As :func:`read_margins` gives it.
    """
    figure = "share" if "share" in margins else "total"
    shares = {}
    for variable, rows in margins[margins["level"] != ""].groupby("variable", sort=False):
        values = rows.set_index("level")[figure]
        shares[str(variable)] = values / values.sum()
    return shares


def level_codes(frame: pd.DataFrame, variable: str, levels: Sequence[str]) -> npt.NDArray[np.intp]:
    """The position of each respondent's level in ``levels``; -1 where it is in none of them, or blank.

    Examples
    --------
    >>> people = pd.DataFrame({"sex": ["f", "m", None], "age": ["old", "old", "old"]})
    >>> level_codes(people, "sex × age", ["m × old", "f × old"]).tolist()
    [1, 0, -1]
    """
    code, names = np.zeros(len(frame), dtype=np.intp), None
    blank = np.zeros(len(frame), dtype=bool)
    for name in variable.split(CROSS):
        column = frame[name]
        if isinstance(column.dtype, pd.CategoricalDtype):
            own, found = column.cat.codes.to_numpy().astype(np.intp), as_texts(column.cat.categories)
        else:
            own, values = pd.factorize(column)
            found = as_texts(pd.Series(values))
        blank |= own < 0
        if (size := len(found) * len(names or [""])) > MOST_LEVELS:
            raise ValueError(f"the margin {variable!r} has {size:,} levels crossed. Cross fewer variables.")
        code = code * len(found) + np.maximum(own, 0)
        names = list(found) if names is None else [f"{a}{CROSS}{b}" for a in names for b in found]
    if not names:
        return np.full(len(frame), -1)
    place = pd.Index(levels).get_indexer(pd.Index(names, dtype=object))
    return np.where(blank, -1, place[np.minimum(code, len(names) - 1)])
