"""Means, totals, ratios and quantiles of numbers, overall and by group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from .answers import numbers
from .codes import as_numbers
from .design import DesignArrays, design_arrays
from .domains import breakdowns
from .estimate import Estimates, Statistic, finished, require_confidence, response_columns, rows_of, tidy
from .expressions import Mask
from .intervals import Floats, wald
from .prevalence import items_of
from .questionnaire import CHOICE_TYPES
from .reduction import Domains, Ratios, number_ratios, reduce_survey, response_counts, share_ratios
from .survey import Survey
from .variance import Solution, solve

By = str | Sequence[str | tuple[str, ...]] | None


def mean(survey: Survey, question: str, by: By = (), where: str = "", confidence: float = 0.95) -> Estimates:
    """Weighted mean of a number, with design-based uncertainty.

    Parameters
    ----------
    survey : Survey
    question : str
        A question that asks for a number, or a ``select_one`` whose codes are all numbers, as a scale of 1 to 5.
    by, where, confidence
        As for :func:`motivlab.prevalence`.

    Returns
    -------
    Estimates
        In the unit of the question; ``item`` is ``mean``. Base: those who were asked and gave a valid answer.
        Interval: Wald, with t at the design's degrees of freedom. R: ``svymean(~x, design, deff = "replace")``.

    Raises
    ------
    ValueError
        As :func:`motivlab.prevalence`, and if the question asks for no number.

    Examples
    --------
    >>> df = pd.DataFrame({"hours": [36.5, 40.0, 20.25, 8.0], "w": [1.0, 2.0, 1.0, 2.0]})
    >>> row = mean(Survey.from_frame(df, weight="w"), "hours").frame.iloc[0]
    >>> round(row["estimate"], 3), round(row["se"], 3)
    (np.float64(25.458), np.float64(9.056))
    """
    given, centre = centred(numbers(survey, question).values)
    found = _ratio(survey, question, "mean", "mean", given, np.ones(len(given)), by, where, confidence)
    moved = {column: found.frame[column] + centre for column in ("estimate", "ci_low", "ci_high")}
    return replace(found, frame=found.frame.assign(**moved))


def centred(values: Floats) -> tuple[Floats, float]:
    """Numbers about their mean, and the mean: sums of squares far from 0 would lose what varies."""
    known = values[~np.isnan(values)]
    centre = float(known.mean()) if len(known) else 0.0
    return values - centre, centre


def ratio(survey: Survey, question: str, to: str, by: By = (), where: str = "", confidence: float = 0.95) -> Estimates:
    """Weighted ratio of the totals of two numbers.

    Parameters
    ----------
    survey : Survey
    question, to : str
        Numerator and denominator.
    by, where, confidence
        As for :func:`motivlab.prevalence`.

    Returns
    -------
    Estimates
        ``item`` is the denominator's name. Base: those with a valid answer to both. R: ``svyratio(~x, ~y, design)``.

    Examples
    --------
    >>> df = pd.DataFrame({"paid": [30.5, 20.0, 10.25], "hours": [40.5, 40.0, 20.25]})
    >>> round(ratio(Survey.from_frame(df), "paid", to="hours").frame["estimate"].iloc[0], 4)
    np.float64(0.603)
    """
    above, below = numbers(survey, question).values, numbers(survey, to).values
    if not np.where(np.isnan(above + below), 0.0, below).any():
        raise ValueError(f"to={to!r}: it is 0 for everybody, there is no ratio to it. Name another question.")
    return _ratio(survey, question, "ratio", to, above, below, by, where, confidence)


def total(survey: Survey, question: str, by: By = (), where: str = "", confidence: float = 0.95) -> Estimates:
    """Estimated total in the population: of a number, or how many people chose each answer.

    It is as good as the sum of the weights: without weights that gross up to the population, it is that of the
    sample.

    Parameters
    ----------
    survey : Survey
    question : str
        A question that asks for a number, or one with choices.
    by, where, confidence
        As for :func:`motivlab.prevalence`.

    Returns
    -------
    Estimates
        ``item`` is the choice, or ``total``. Who gave no valid answer adds nothing: with item non-response the total
        is too low by their part. R: ``svytotal(~x, design, deff = "replace")``.

    Examples
    --------
    >>> df = pd.DataFrame({"worked": ["yes", "no", "yes", "yes"], "w": [100.0, 200.0, 200.0, 100.0]})
    >>> total(Survey.from_frame(df, weight="w"), "worked").frame[["item", "estimate"]].values.tolist()
    [['no', 200.0], ['yes', 400.0]]
    """
    if survey.question(question).type not in CHOICE_TYPES:
        given = numbers(survey, question).values
        return _ratio(survey, question, "total", "total", given, None, by, where, confidence)
    items = items_of(survey, question, "asked")
    ratios = replace(share_ratios(items.chosen, items.of), den=None)
    found = _estimates(
        survey, question, "total", items.names, ratios, np.asarray(items.of.any(axis=1)), by, where, confidence
    )
    nets = np.array(items.names)[items.is_net]
    return replace(found, frame=found.frame.assign(net=found.frame["item"].isin(nets)))


def quantile(
    survey: Survey, question: str, probs: Sequence[float] = (0.25, 0.5, 0.75), by: By = (), where: str = "",
    confidence: float = 0.95,
) -> Estimates:  # fmt: skip
    """Weighted quantiles of a number, by default the quartiles and the median, with Woodruff intervals.

    Parameters
    ----------
    survey : Survey
    question : str
    probs : sequence of float
        Between 0 and 1.
    by, where, confidence
        As for :func:`motivlab.prevalence`.

    Returns
    -------
    Estimates
        ``item`` is ``p25``, ``p50``, ... The quantile is the smallest value that at least that share is at or below.
        A bound of the interval is NaN where it would lie beyond the answers. ``deff`` is that of the share at or
        below the quantile.

    Notes
    -----
    With F the estimated distribution function and q its quantile, the interval is F^-1 of F(q) -+ t_df se(F(q)), and
    the standard error its width over 2 t_df. R: ``svyquantile(~x, design, c(.25, .5, .75))``, that is
    ``qrule = "math"`` and ``interval.type = "mean"``.

    References
    ----------
    Woodruff, R. S. (1952). Confidence intervals for medians and other position measures. JASA 47, 635-646.

    Examples
    --------
    >>> df = pd.DataFrame({"age": range(18, 68)})
    >>> quantile(Survey.from_frame(df), "age").frame[["item", "estimate", "ci_low", "ci_high"]].values.tolist()
    [['p25', 30.0, 24.0, 37.0], ['p50', 42.0, 35.0, 50.0], ['p75', 55.0, 49.0, 62.0]]
    """
    wanted = as_numbers([probs] if isinstance(probs, (int, float)) else list(probs))
    if not len(wanted) or not ((wanted > 0) & (wanted < 1)).all() or len(set(wanted)) < len(wanted):
        raise ValueError(f"probs={probs!r}: give different shares between 0 and 1, for instance [0.25, 0.5].")
    require_confidence(confidence)
    given = numbers(survey, question)
    valid = ~np.isnan(given.values)
    design = design_arrays(survey)
    within, domains = breakdowns(survey, by, where)
    found = [_quantiles(design, d, given.values, valid, wanted, confidence) for d in domains]
    result = Solution(*(np.concatenate([getattr(s, f) for s, _, _ in found]) for f in Solution.__dataclass_fields__))
    low, high = (np.concatenate([one[i] for one in found]) for i in (1, 2))
    names = [f"p{100 * p:g}" for p in wanted]
    columns = tidy(question, "asked", names, domains, result, "wald", confidence, (low, high))
    count = response_counts(given, domains)[rows_of(domains, len(names))[0]]
    frame = pd.DataFrame(columns | {"net": False} | response_columns(count, count[:, 1]))
    return finished(
        survey, question, frame, valid & within, domains, "woodruff", confidence, where, "asked", "quantile"
    )


def _quantiles(
    design: DesignArrays, domain: Domains, values: Floats, valid: Mask, probs: Floats, confidence: float
) -> tuple[Solution, Floats, Floats]:
    """Quantiles of the levels of one breakdown, and their bounds; each of shape (levels, probs)."""
    order = np.argsort(values, kind="stable")
    order = order[valid[order]]
    levels = len(domain.levels)
    sorted_by_level = [order[domain.codes[order] == level] for level in range(levels)]
    steps = [(values[rows], np.cumsum(design.weight[rows])) for rows in sorted_by_level]

    def inverse(at: Floats) -> Floats:
        """The distribution function's inverse at shares of shape (levels, probs); NaN beyond 0 and 1."""
        out = np.full(at.shape, np.nan)
        for level, (value, weight) in enumerate(steps):
            inside = (at[level] >= 0) & (at[level] <= 1)
            if len(value):
                # a share that is reached exactly is reached: the tolerance is for the sum's rounding
                place = np.searchsorted(weight, at[level, inside] * weight[-1] * (1 - 1e-11), side="left")
                out[level, inside] = value[np.minimum(place, len(value) - 1)]
        return out

    estimate = inverse(np.broadcast_to(probs, (levels, len(probs))))
    cut = np.append(estimate, np.full((1, len(probs)), np.nan), axis=0)[domain.codes]
    with np.errstate(invalid="ignore"):
        below = values[:, None] <= cut
    ratios = share_ratios(below, valid[:, None])
    share = solve(reduce_survey(design, [domain], ratios), ratios, design)
    low, high = (inverse(bound) for bound in wald(share.estimate, share.se, share.n, share.df, confidence))
    unit, _ = wald(np.zeros_like(share.df), np.ones_like(share.df), share.n, share.df, confidence)
    return replace(share, estimate=estimate, se=(high - low) / (-2 * unit), k=share.n), low, high


def _ratio(
    survey: Survey, question: str, statistic: Statistic, item: str, above: Floats, below: Floats | None, by: By,
    where: str, confidence: float,
) -> Estimates:  # fmt: skip
    valid = ~np.isnan(above) if below is None else ~np.isnan(above + below)
    ratios = number_ratios(above[:, None], None if below is None else below[:, None], valid[:, None])
    return _estimates(survey, question, statistic, [item], ratios, valid, by, where, confidence)


def _estimates(
    survey: Survey, question: str, statistic: Statistic, names: Sequence[str], ratios: Ratios, valid: Mask, by: By,
    where: str, confidence: float,
) -> Estimates:  # fmt: skip
    require_confidence(confidence)
    design = design_arrays(survey)
    within, domains = breakdowns(survey, by, where)
    sums = reduce_survey(design, domains, ratios)
    columns = tidy(question, "asked", names, domains, solve(sums, ratios, design), "wald", confidence)
    level, item = rows_of(domains, len(names))
    answered = sums.one[..., ratios.base][level, item]
    asked_for = survey.question(question)
    given = items_of(survey, question, "asked").answers if asked_for.type in CHOICE_TYPES else numbers(survey, question)
    frame = pd.DataFrame(columns | {"net": False} | response_columns(response_counts(given, domains)[level], answered))
    return finished(survey, question, frame, valid & within, domains, "wald", confidence, where, "asked", statistic)
