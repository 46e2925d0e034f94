"""Columns of codes as text or as numbers, the same way wherever codes are compared."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd


def as_numbers(column: Any) -> npt.NDArray[np.float64]:
    """The values as floats: NaN where blank or no number; a date as days since 1970-01-01, as XForms has it."""
    series = column if isinstance(column, pd.Series) else pd.Series(column)
    if series.dtype.kind in "iufb":
        return np.asarray(series.to_numpy(dtype=float, na_value=np.nan))
    if isinstance(series.dtype, pd.CategoricalDtype):
        levels = np.append(as_numbers(series.cat.categories.astype(str)), np.nan)
        return levels[series.cat.codes.to_numpy()]
    if series.dtype.kind == "M":
        series = series.dt.tz_localize(None) if series.dt.tz is not None else series
        return np.asarray((series - pd.Timestamp("1970-01-01")) / pd.Timedelta(days=1), dtype=float)
    try:
        read = pd.to_numeric(series, errors="coerce")
    except OverflowError:  # a whole number of more digits than a float has
        read = pd.to_numeric(pd.Series(as_texts(series), dtype="str"), errors="coerce")
    if read.dtype.kind == "c":
        return np.full(len(read), np.nan)
    return np.asarray(read.to_numpy(dtype=float, na_value=np.nan))


def as_texts(column: Any) -> npt.NDArray[np.object_]:
    """The values as codes: ``"3"`` for 3.0, ``"1"`` for True, an ISO date for a date, ``""`` where blank."""
    series = pd.Series(column)
    if isinstance(series.dtype, pd.CategoricalDtype):
        levels = np.append(as_texts(series.cat.categories), "")
        return np.asarray(levels[series.cat.codes.to_numpy()], dtype=object)
    blank = series.isna().to_numpy()
    if series.dtype.kind == "M":
        days_only = bool((series.dropna() == series.dropna().dt.normalize()).all())
        shown = series.dt.strftime("%Y-%m-%d" if days_only else "%Y-%m-%dT%H:%M:%S").to_numpy(dtype=object)
    elif series.dtype.kind == "b":
        shown = series.astype("Int8").astype(str).to_numpy(dtype=object)
    elif series.dtype.kind in "iu":
        shown = series.astype(str).to_numpy(dtype=object)
    elif series.dtype.kind == "f":
        values, places = np.unique(series.to_numpy(dtype=float, na_value=np.nan), return_inverse=True)
        shown = np.array([_code(value) for value in values.tolist()], dtype=object)[places]
    elif series.dtype == object:
        shown = np.array([_code(value) for value in series], dtype=object)
    else:
        shown = series.astype(str).to_numpy(dtype=object)
    return np.where(blank, "", shown).astype(object)


def _code(value: Any) -> str:
    """One value as its code; a float keeps every digit it has."""
    if isinstance(value, (bool, np.bool_)):
        return str(int(value))
    if isinstance(value, (float, np.floating)):
        return str(int(value)) if float(value).is_integer() else repr(float(value))
    return str(value)


def choose(**arguments: tuple[Any, Iterable[str]]) -> None:
    """Refuse an argument that is not one of its choices: ``choose(base=(base, ("all", "asked")))``.

    Raises
    ------
    ValueError
        Naming the argument, its value and the choices.
    """
    for name, (value, choices) in arguments.items():
        if value not in tuple(choices):
            raise ValueError(f"{name} is {value!r}. Use one of {', '.join(choices)}.")


def as_days(column: Any) -> npt.NDArray[np.datetime64]:
    """The cells as days; NaT where there is none: a year or a month alone is no day.

    A time after the day is left away, and the day stays the one that was written, whatever its time zone.

    Examples
    --------
    >>> as_days(["2021-03-01", "2021-03-01T00:30:00+02:00", "2021-03", "soon", None]).astype(str).tolist()
    ['2021-03-01', '2021-03-01', 'NaT', 'NaT', 'NaT']
    """
    if getattr(getattr(column, "dtype", None), "kind", "") == "M":
        series = pd.Series(column)
        local = series.dt.tz_localize(None) if series.dt.tz is not None else series
        return np.asarray(local.to_numpy().astype("datetime64[D]"))
    texts = pd.Series(as_texts(column), dtype="str")
    found = texts.str.extract(r"^(\d{4}-\d{2}-\d{2})(?:[T ][\d:.,]+(?:Z|[+-]\d{2}(?::?\d{2})?)?)?$")[0]
    return np.asarray(pd.to_datetime(found, format="%Y-%m-%d", errors="coerce").to_numpy().astype("datetime64[D]"))
