"""Columns of codes as text or as numbers, the same way wherever codes are compared."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd


def as_numbers(column: Any) -> npt.NDArray[np.float64]:
    """The values as floats: NaN where blank or no number; a date as days since 1970-01-01, as XForms has it."""
    series = pd.Series(column)
    if isinstance(series.dtype, pd.CategoricalDtype):
        levels = np.append(as_numbers(series.cat.categories.astype(str)), np.nan)
        return levels[series.cat.codes.to_numpy()]
    if series.dtype.kind == "M":
        return np.asarray((series - pd.Timestamp("1970-01-01")) / pd.Timedelta(days=1), dtype=float)
    return np.asarray(pd.to_numeric(series, errors="coerce").to_numpy(dtype=float, na_value=np.nan))


def as_texts(column: Any) -> npt.NDArray[np.object_]:
    """The values as codes: ``"3"`` for 3.0, an ISO date for a date, ``""`` where blank."""
    series = pd.Series(column)
    if isinstance(series.dtype, pd.CategoricalDtype):
        levels = np.append(as_texts(series.cat.categories), "")
        return np.asarray(levels[series.cat.codes.to_numpy()], dtype=object)
    blank = series.isna().to_numpy()
    if series.dtype.kind == "M":
        shown = series.dt.strftime("%Y-%m-%d")
    elif series.dtype.kind == "b":
        shown = series.astype("Int8").astype(str)
    elif series.dtype.kind in "iuf":
        values, places = np.unique(as_numbers(series), return_inverse=True)
        return np.asarray(np.array(["" if v != v else f"{v:.15g}" for v in values], dtype=object)[places])
    else:
        shown = series.astype(str)
    return np.where(blank, "", shown.to_numpy(dtype=object)).astype(object)
