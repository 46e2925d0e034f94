"""Figures published elsewhere, set beside estimates of the same thing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd

from .about import PERIOD_OF, Measure, PeriodClass
from .codes import as_texts
from .estimate import Estimates
from .files import ReadError
from .intervals import wald
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
        ``published_on``, ``quote``, ``source_file``, ``source_line`` and ``caveat``. Two more may be there:
        ``period_class`` (now, 12_months, 5_years, lifetime, not_stated), where the measure type does not say it, and
        ``n``, the respondents behind the figure.

    Returns
    -------
    DataFrame
        Those columns; ``share`` and ``n`` are floats.

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
    if "period_class" in frame:
        columns["period_class"] = pa.Column(checks=pa.Check.isin(get_args(PeriodClass)), nullable=True)
    if "n" in frame:
        columns["n"] = pa.Column(float, pa.Check.gt(0), nullable=True, coerce=True)
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
    """Set published figures beside the estimates of the same question and item, with the difference.

    Parameters
    ----------
    estimates : Estimates
        Shares.
    published : DataFrame
        As :func:`read_published` gives it. Rows about other questions are passed over.

    Returns
    -------
    Estimates
        With the columns ``published`` (a share), ``qualifier``, ``published_source``, ``published_base``,
        ``published_n``, ``difference`` (estimate - published), ``difference_low`` and ``difference_high`` to the
        right, filled in the total rows that have a published figure, the difference where it is no
        "at least"; without any, the estimates as they were.

    Raises
    ------
    ValueError
        If the estimates are no shares, or if a published figure of the question measures something else, has another
        base, or asks about another period: perception and experience, the last year and a lifetime are never set
        side by side. What its source does not state is let through and said so.

    Notes
    -----
    Where the published figure has an ``n``, the interval is that of the difference of two independent samples, with
    the design effect of the estimate for both: d -+ t_df sqrt(se^2 + deff p(1-p)/n). Where it has none, its own
    sampling error is not known: the interval is that of the estimate, moved by the published figure, and too narrow.

    Examples
    --------
    >>> from motivlab.prevalence import prevalence
    >>> from motivlab.survey import open_survey
    >>> grounds = prevalence(open_survey("data/discrimination_survey"), "grounds")
    >>> figures = read_published("data/published/discrimination_prevalence.csv")
    >>> beside = against_published(grounds, figures).frame.dropna(subset="published")
    >>> beside[["item", "published", "difference"]].round(3).values.tolist()
    [['age', 0.45, 0.001], ['language', 0.32, 0.002], ['ethnicity', 0.24, 0.0], ['gender', 0.24, 0.001]]
    """
    own = published[as_texts(published["question"]) == estimates.question].reset_index(drop=True)
    if own.empty:
        return estimates
    if estimates.statistic != "share":
        raise ValueError(
            f"published figures are shares, the estimates of {estimates.question!r} {estimates.statistic}s."
        )
    for _, row in own.iterrows():
        _require_comparable(row, estimates)
    if (twice := own["item"].duplicated()).any():
        row = own[twice].iloc[0]
        raise ValueError(
            f"published figure {row['id']}: {row['item']!r} of {estimates.question!r} has two figures. Keep the rows "
            "of one survey."
        )
    by_item = own.set_index("item")
    frame = estimates.frame
    total = (frame["by"] == "") & frame["item"].isin(by_item.index)
    item = frame["item"].where(total)
    when = [
        "" if pd.isna(period) or str(period) in survey else f", {period}"
        for survey, period in zip(by_item["survey"], by_item["fieldwork"], strict=True)
    ]
    source = by_item["survey"].astype(str) + when
    share = item.map(by_item["share"]).astype(float)
    n = item.map(by_item["n"]).astype(float) if "n" in by_item else share * np.nan
    deff = frame["deff"].fillna(1.0)
    both = np.sqrt(frame["se"] ** 2 + deff * share * (1 - share) / n)
    # from "at least" there is no difference
    exact = item.map(by_item["qualifier"]) == "exact"
    difference = (frame["estimate"] - share).where(exact)
    low, high = wald(difference.to_numpy(), both.to_numpy(), frame["n"].to_numpy(), frame["df"].to_numpy(dtype=float),
                     estimates.confidence)  # fmt: skip
    return replace(
        estimates,
        frame=frame.assign(
            published=share,
            qualifier=item.map(by_item["qualifier"]).fillna(""),
            published_source=item.map(source).fillna(""),
            published_base=item.map(by_item["base"]).fillna(""),
            published_n=n,
            difference=difference,
            difference_low=np.where(n.notna(), low, (frame["ci_low"] - share).where(exact)),
            difference_high=np.where(n.notna(), high, (frame["ci_high"] - share).where(exact)),
        ),
    )


def _require_comparable(row: pd.Series, estimates: Estimates) -> None:
    """Refuse a figure of another measure type, base or period class."""
    analysis = estimates.about.analysis.get(estimates.question)
    measure = analysis.measure if analysis else "not_stated"
    if row["measure"] != measure:
        raise ValueError(
            f"published figure {row['id']} measures {row['measure']!r}, the question {estimates.question!r} "
            f"{measure!r}. Only figures of the same measure type can be set side by side."
        )
    if row["base"] not in ("not_stated", estimates.base):
        raise ValueError(
            f"published figure {row['id']} has the base {row['base']!r}, the estimates {estimates.base!r}. "
            f"Estimate with base={row['base']!r}."
        )
    implied = PERIOD_OF.get(measure, "not_stated")
    ours = (analysis.period_class if analysis else None) or implied
    said = row.get("period_class")
    theirs = implied if said is None or pd.isna(said) else said
    if "not_stated" not in (ours, theirs) and ours != theirs:
        raise ValueError(
            f"published figure {row['id']} is about the period {theirs!r}, the question {estimates.question!r} about "
            f"{ours!r}. Figures of different periods cannot be set side by side; correct `period_class` if it is wrong."
        )


def has_published(estimates: Estimates) -> bool:
    """Whether published figures stand beside the estimates."""
    return "published" in estimates.frame and bool(np.isfinite(estimates.frame["published"].astype(float)).any())
