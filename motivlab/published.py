"""Figures published elsewhere, set beside estimates of the same thing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd

from .about import Measure
from .codes import as_texts
from .estimate import Estimates
from .files import ReadError
from .readers import read_responses

COLUMNS = (
    "id", "question", "item", "share", "qualifier", "measure", "base", "period", "population", "survey", "fieldwork",
    "published_on", "quote", "source_file", "source_line", "caveat",
)  # fmt: skip


def read_published(file: str | Path) -> pd.DataFrame:
    """Read a table of published figures.

    Parameters
    ----------
    file : path
        A .csv with the columns ``id``; ``question`` and ``item``, the names in the questionnaire the figure belongs
        to; ``share``, between 0 and 1; ``qualifier``, ``exact`` or ``at_least``; ``measure``, as in ``survey.yml``;
        ``base``, one of all, asked, any or not_stated; ``period``, ``population``, ``survey``, ``fieldwork``,
        ``published_on``, ``quote``, ``source_file``, ``source_line`` and ``caveat``.

    Returns
    -------
    DataFrame
        Those columns; ``share`` is a float.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ReadError
        If a column is absent or a value is not allowed: file, row, column, value, remedy.

    Examples
    --------
    >>> figures = read_published("data/published/discrimination_prevalence.csv")
    >>> figures.loc[figures["question"] == "grounds", "share"].tolist()
    [0.45, 0.32, 0.24, 0.24]
    """
    import pandera.pandas as pa

    file = Path(file)
    if not file.exists():
        raise FileNotFoundError(f"{file}: no such table of published figures. Correct `published` in survey.yml.")
    frame = read_responses(file)
    allowed = {
        "qualifier": ["exact", "at_least"],
        "measure": list(get_args(Measure)),
        "base": ["all", "asked", "any", "not_stated"],
    }
    columns = {name: pa.Column(nullable=name not in ("id", "quote", *allowed)) for name in COLUMNS}
    for name, values in allowed.items():
        columns[name] = pa.Column(checks=pa.Check.isin(values))
    columns["share"] = pa.Column(float, pa.Check.in_range(0, 1), coerce=True)
    try:
        return pa.DataFrameSchema(columns).validate(frame, lazy=True)
    except pa.errors.SchemaErrors as error:
        case = error.failure_cases.iloc[0]
        if case["check"] == "column_in_dataframe":
            raise ReadError(f"{file}: the column {case['failure_case']!r} is missing. Add it.") from error
        row = "" if pd.isna(case["index"]) else f", row {int(case['index']) + 2}"
        raise ReadError(
            f"{file}{row}: {case['column']} is {case['failure_case']!r}: {case['check']}. Correct the value."
        ) from error


def against_published(estimates: Estimates, published: pd.DataFrame) -> Estimates:
    """Set published figures beside the estimates of the same question and item.

    Parameters
    ----------
    estimates : Estimates
    published : DataFrame
        As :func:`read_published` gives it. Rows about other questions are passed over.

    Returns
    -------
    Estimates
        With the columns ``published`` (a share), ``qualifier`` and ``published_source`` to the right, filled in the
        total rows that have a published figure, and ``published_base``; without any, the estimates as they were.

    Raises
    ------
    ValueError
        If a published figure of the question measures something else or has another base: perception and experience
        are never set side by side. A base that its source does not state is let through and said so.

    Examples
    --------
    >>> from motivlab.prevalence import prevalence
    >>> from motivlab.survey import open_survey
    >>> grounds = prevalence(open_survey("data/discrimination_survey"), "grounds")
    >>> figures = read_published("data/published/discrimination_prevalence.csv")
    >>> against_published(grounds, figures).frame[["item", "published"]].dropna().values.tolist()
    [['age', 0.45], ['language', 0.32], ['ethnicity', 0.24], ['gender', 0.24]]
    """
    own = published[as_texts(published["question"]) == estimates.question]
    if own.empty:
        return estimates
    analysis = estimates.about.analysis.get(estimates.question)
    measure = analysis.measure if analysis else "not_stated"
    for row in own.itertuples():
        if row.measure != measure:
            raise ValueError(
                f"published figure {row.id} measures {row.measure!r}, the question {estimates.question!r} {measure!r}. "
                "Only figures of the same measure type can be set side by side."
            )
        if row.base not in ("not_stated", estimates.base):
            raise ValueError(
                f"published figure {row.id} has the base {row.base!r}, the estimates {estimates.base!r}. "
                f"Estimate with base={row.base!r}."
            )
    by_item = own.set_index("item")
    frame = estimates.frame
    total = (frame["by"] == "") & frame["item"].isin(by_item.index)
    item = frame["item"].where(total)
    when = [
        "" if str(period) in survey else f", {period}"
        for survey, period in zip(by_item["survey"], by_item["fieldwork"], strict=True)
    ]
    source = by_item["survey"].astype(str) + when
    return replace(
        estimates,
        frame=frame.assign(
            published=item.map(by_item["share"]).astype(float),
            qualifier=item.map(by_item["qualifier"]).fillna(""),
            published_source=item.map(source).fillna(""),
            published_base=item.map(by_item["base"]).fillna(""),
        ),
    )


def has_published(estimates: Estimates) -> bool:
    """Whether published figures stand beside the estimates."""
    return "published" in estimates.frame and bool(np.isfinite(estimates.frame["published"].astype(float)).any())
