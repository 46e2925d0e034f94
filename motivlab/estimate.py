"""``Estimates``, the one result of an analysis: a tidy table of numbers, and the words needed to show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pandas as pd

from .about import About
from .answers import NON_RESPONSE
from .expressions import Mask
from .intervals import INTERVALS
from .questionnaire import Questionnaire
from .reduction import Domains
from .shown import Shown
from .survey import Survey
from .variance import Solution

Correction = Literal["holm", "bh", "none"]
Statistic = Literal["share", "mean", "total", "ratio", "quantile"]

COLUMNS = (
    "question", "item", "by", "level", "base", "n", "k", "estimate", "se", "ci_low", "ci_high", "df", "deff", "n_eff",
)  # fmt: skip


@dataclass(frozen=True, repr=False)
class Estimates(Shown):
    """The result of an analysis: a tidy table of unrounded numbers, and the words needed to show it.

    In a notebook it shows as the gated table, in the survey's language.

    Attributes
    ----------
    frame : DataFrame
        One row per item and domain. Columns: ``question``; ``item``, the choice's name; ``by`` and ``level``, both
        empty in a total row; ``base``; ``n`` and ``k``, unweighted respondents in the base and among them those who
        chose the item (of a number, all); ``estimate``, a share between 0 and 1, or in its own unit a mean, a total, a
        ratio or a quantile; ``se``; ``ci_low`` and ``ci_high``; ``df``, design degrees of freedom; ``deff``, the
        variance over that of a simple random sample with replacement of the same n; ``n_eff = n / deff``. Both are
        NaN where se is 0. What an analysis adds stands to the right.
    question, base, interval, where : str
        What was asked for.
    confidence : float
        Of the intervals, 0.95.
    questionnaire : Questionnaire
        For the labels.
    about : About
        For title, period, weight, measure type and gate profile.
    language : str
    left_out : dict of str to int
        Breakdown to the number of respondents in the base who gave no valid answer to it, and so are in no level.
    statistic : {"share", "mean", "total", "ratio", "quantile"}
    """

    frame: pd.DataFrame
    question: str
    base: str
    interval: str
    confidence: float
    questionnaire: Questionnaire
    about: About
    language: str = "en"
    where: str = ""
    left_out: dict[str, int] = field(default_factory=dict)
    statistic: Statistic = "share"

    @property
    def breakdowns(self) -> tuple[str, ...]:
        """The names in the column ``by``, without the total's."""
        return tuple(name for name in dict.fromkeys(self.frame["by"]) if name)

    def to(self, language: str) -> Estimates:
        """The same, shown in another language (lv, en or ru)."""
        return replace(self, language=language)


def rows_of(domains: Sequence[Domains], items: int) -> tuple[np.ndarray, np.ndarray]:
    """The level and the item of each row of a tidy table: breakdown by breakdown, levels within items.

    Returns
    -------
    ndarray of int, shape (rows,)
        Positions among the levels of all breakdowns, which stand one after the other.
    ndarray of int, shape (rows,)
    """
    starts = np.cumsum([0, *(len(d.levels) for d in domains)])
    level = [np.tile(np.arange(a, b), items) for a, b in pairwise(starts)]
    item = [np.repeat(np.arange(items), len(d.levels)) for d in domains]
    return np.concatenate(level), np.concatenate(item)


def tidy(
    question: str, base: str, items: Sequence[str], domains: Sequence[Domains], result: Solution, interval: str,
    confidence: float, bounds: tuple[np.ndarray, np.ndarray] | None = None, size: np.ndarray | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The columns of ``Estimates.frame``, in the order of :func:`rows_of`.

    ``bounds`` stand in place of an interval's; ``size`` is what a share of 0 or 1 rests on.
    """
    level, item = rows_of(domains, len(items))
    n, estimate, se, df, deff = (a[level, item] for a in (result.n, result.estimate, result.se, result.df, result.deff))
    if bounds is None:
        known = None if size is None else size[level, item]
        low, high = INTERVALS[interval](estimate, se, n, df, confidence, known)
    else:
        low, high = (bound[level, item] for bound in bounds)
    with np.errstate(invalid="ignore", divide="ignore"):
        n_eff = np.where(deff > 0, n / deff, np.nan)
    by = np.concatenate([np.repeat(np.array([d.by], dtype=object), len(d.levels)) for d in domains])
    levels = np.concatenate([np.array(d.levels, dtype=object) for d in domains])
    return {
        "question": np.full(len(n), question, dtype=object),
        "item": np.array(items, dtype=object)[item],
        "by": by[level],
        "level": levels[level],
        "base": np.full(len(n), base, dtype=object),
        "n": n.astype(np.int64),
        "k": result.k[level, item].astype(np.int64),
        "estimate": estimate, "se": se, "ci_low": low, "ci_high": high, "df": df.astype(np.int64), "deff": deff,
        "n_eff": n_eff,
    }  # fmt: skip


def response_columns(count: np.ndarray, valid: np.ndarray) -> dict[str, np.ndarray]:
    """The columns on who was asked and did not answer.

    Parameters
    ----------
    count : ndarray of float, shape (rows, 2 + reasons)
        As :func:`motivlab.reduction.response_counts` gives it, by row.
    valid : ndarray of float, shape (rows,)
    """
    not_asked, asked = count[:, 0], count[:, 1:].sum(axis=1)
    missing = asked - valid
    whole = {"asked": asked, "missing": missing}
    whole |= {reason: count[:, i] for i, reason in enumerate(NON_RESPONSE, start=2)}
    # a choice left blank by somebody who answered others is in nobody's reason yet
    whole["no_answer"] = missing - sum(whole[reason] for reason in NON_RESPONSE if reason != "no_answer")
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(asked > 0, missing / asked, np.nan)
    columns = {name: values.astype(np.int64) for name, values in whole.items()}
    return columns | {"missing_share": share, "not_asked": not_asked.astype(np.int64)}


def finished(
    survey: Survey, question: str, frame: pd.DataFrame, someone: Mask, domains: Sequence[Domains], interval: str,
    confidence: float, where: str, base: str, statistic: Statistic = "share",
) -> Estimates:  # fmt: skip
    """Estimates of a survey, with the words needed to show them.

    Parameters
    ----------
    someone : ndarray of bool, shape (respondents,)
        Who is in the base; those of them who are in no level of a breakdown are counted in ``left_out``.
    """
    nowhere = {d.by: someone for d in domains if d.by}
    for d in domains:
        if d.by:  # overlapping groups are a breakdown each, under one name
            nowhere[d.by] = nowhere[d.by] & (d.codes < 0)
    left_out = {by: int(mask.sum()) for by, mask in nowhere.items()}
    return Estimates(
        frame, question, base, interval, confidence, survey.questionnaire, survey.about, survey.language, where,
        {by: count for by, count in left_out.items() if count}, statistic,
    )  # fmt: skip


def require_confidence(confidence: float) -> None:
    """Refuse a confidence level that is none."""
    if not isinstance(confidence, (int, float)) or not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence!r}. Use a number between 0 and 1, for instance 0.95.")


def adjust(p: pd.Series, correction: Correction) -> pd.Series:
    """Adjust the p values of one family by Holm or Benjamini-Hochberg; NaN stays NaN and does not count.

    Examples
    --------
    >>> adjust(pd.Series([0.01, 0.04, np.nan, 0.03]), "holm").tolist()
    [0.03, 0.06, nan, 0.06]
    """
    known = p.notna()
    if correction == "none" or not known.any():
        return p
    import pingouin

    method = {"holm": "holm", "bh": "fdr_bh"}[correction]
    out = p.astype(float).copy()
    out[known] = pingouin.multicomp(p[known].to_numpy(dtype=float), method=method)[1]
    return out
