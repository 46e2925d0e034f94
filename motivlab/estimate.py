"""Design-based estimates of shares over many domains at once, from one pass over the data.

The pass reduces the responses to totals per cell of (stratum or cluster) x domain. Those totals are sufficient for the
share, for its Taylor-linearised variance and for everything that is counted, so all that follows is algebra on arrays
of a few thousand numbers, whatever the number of respondents.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from .about import About
from .codes import as_numbers, as_texts
from .expressions import Mask
from .intervals import INTERVALS, Floats, design_effect
from .questionnaire import Questionnaire
from .shown import Shown
from .survey import Survey

Ints = npt.NDArray[np.intp]

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
        chose the item; ``estimate``, a share between 0 and 1; ``se``; ``ci_low`` and ``ci_high``; ``df``, design
        degrees of freedom; ``deff``, the variance over that of a simple random sample with replacement of the same
        n; ``n_eff = n / deff``. Both are NaN where se is 0. What an analysis adds stands to the right.
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

    @property
    def breakdowns(self) -> tuple[str, ...]:
        """The names in the column ``by``, without the total's."""
        return tuple(name for name in dict.fromkeys(self.frame["by"]) if name)

    def to(self, language: str) -> Estimates:
        """The same, shown in another language (lv, en or ru)."""
        return replace(self, language=language)


@dataclass(frozen=True)
class Domains:
    """One breakdown: which of its levels each respondent belongs to.

    Attributes
    ----------
    by : str
        The question, or the crossed questions; empty for the total.
    levels : tuple of str
    codes : ndarray of int, shape (respondents,)
        Position among the levels; -1 for nobody's.
    """

    by: str
    levels: tuple[str, ...]
    codes: Ints


@dataclass(frozen=True)
class DesignArrays:
    """The sampling design as arrays; made once from a survey.

    Attributes
    ----------
    weight : ndarray of float, shape (respondents,)
    unit : ndarray of int, shape (respondents,)
        The cluster of each respondent, or without clusters the stratum.
    unit_stratum : ndarray of int, shape (units,)
        The stratum of each unit.
    size : ndarray of float, shape (strata,)
        Clusters, or without clusters respondents, in each stratum.
    sampled_share : ndarray of float, shape (strata,)
        The finite population correction's f: 0 without one.
    clustered : bool
    lonely : str
        The rule for strata of size one.
    names : tuple of str
        The strata, for messages.
    """

    weight: Floats
    unit: Ints
    unit_stratum: Ints
    size: Floats
    sampled_share: Floats
    clustered: bool
    lonely: str
    names: tuple[str, ...]


def design_arrays(survey: Survey) -> DesignArrays:
    """The design of a survey as arrays.

    Raises
    ------
    ValueError
        If a column is missing, a weight is not a positive number, a stratum or cluster is blank, or the finite
        population correction varies within a stratum or is smaller than the sample.
    """
    design, frame = survey.design, survey.responses
    n = len(frame)
    for role, column in design.columns.items():
        if column not in frame:
            raise ValueError(
                f"{survey.responses_file}: the {role} column {column!r} is missing. Correct `design` in survey.yml."
            )
    weight = np.ones(n)
    if design.weight:
        weight = as_numbers(frame[design.weight])
        bad = np.flatnonzero(~(weight > 0) | np.isinf(weight))
        if len(bad) == n:
            raise ValueError(
                f"{survey.responses_file}: no value of the weight column {design.weight!r} is a positive number. "
                "Name another column in `design.weight`, or none."
            )
        if len(bad):
            value = as_texts(frame[design.weight].iloc[bad[:1]])[0]
            others = f", and {len(bad) - 1} more are blank, zero or negative" if len(bad) > 1 else ""
            raise ValueError(
                f"{survey.row(int(bad[0]))}: the weight {design.weight} is {value!r}{others}. "
                "It must be a positive number: correct it, or drop the respondent."
            )
    stratum, names = _groups(survey, design.strata)
    if design.cluster:
        cluster, _ = _groups(survey, design.cluster)
        # the same cluster number in two strata is two clusters, as R's nest=TRUE has it
        pairs, unit = np.unique(np.stack([stratum, cluster]), axis=1, return_inverse=True)
        unit_stratum = pairs[0].astype(np.intp)
        size = np.bincount(unit_stratum, minlength=len(names)).astype(float)
    else:
        unit, unit_stratum = stratum, np.arange(len(names))
        size = np.bincount(stratum, minlength=len(names)).astype(float)
    share = np.zeros(len(names))
    if design.fpc:
        share = _sampled_share(survey, design.fpc, stratum, size, names)
    return DesignArrays(
        weight, unit.ravel().astype(np.intp), unit_stratum, size, share, bool(design.cluster), design.lonely, names
    )


def _groups(survey: Survey, column: str | None) -> tuple[Ints, tuple[str, ...]]:
    if column is None:
        return np.zeros(len(survey.responses), dtype=np.intp), ("",)
    texts = as_texts(survey.responses[column])
    blank = np.flatnonzero(texts == "")
    if len(blank):
        raise ValueError(f"{survey.row(int(blank[0]))}: {column} is blank. Every respondent needs one in the design.")
    names, codes = np.unique(texts.astype(str), return_inverse=True)
    return codes.astype(np.intp), tuple(names.tolist())


def _sampled_share(survey: Survey, column: str, stratum: Ints, size: Floats, names: tuple[str, ...]) -> Floats:
    values = as_numbers(survey.responses[column])
    if np.isnan(values).any():
        at = int(np.flatnonzero(np.isnan(values))[0])
        raise ValueError(f"{survey.row(at)}: the fpc {column} is blank or no number. Give the population size.")
    first = np.zeros(len(names))
    first[stratum] = values
    differs = np.flatnonzero(first[stratum] != values)
    if len(differs):
        at = int(differs[0])
        raise ValueError(
            f"{survey.row(at)}: the fpc {column} is {values[at]:g} here and {first[stratum[at]]:g} elsewhere in the "
            f"stratum {names[stratum[at]]!r}. It must be one number per stratum."
        )
    share = first if (values <= 1).all() else size / first
    if ((share < 0) | (share > 1)).any():
        at = int(np.flatnonzero((share < 0) | (share > 1))[0])
        raise ValueError(
            f"{survey.responses_file}: the fpc {column} of the stratum {names[at]!r} is {first[at]:g}, smaller than "
            f"the sample of {size[at]:g}. Give the number of clusters, or of people, in the stratum."
        )
    return share


# ------------------------------------------------------------------------------------------------- the one pass


@dataclass(frozen=True)
class Reduced:
    """Totals per unit and domain: all that the algebra needs.

    Each array has the shape (units, levels, items): ``w`` and ``wy`` are sums of the weight and of the weighted
    answers over the base, ``w2`` and ``w2y`` the same with squared weights, ``n`` and ``k`` the counts of
    respondents. The answers are 0 or 1, so that the square of an answer is the answer.
    """

    w: Floats
    wy: Floats
    w2: Floats
    w2y: Floats
    n: Floats
    k: Floats


def reduce_totals(group: Ints, groups: int, columns: Floats) -> Floats:
    """Sums of columns by group: the one pass over the data.

    Parameters
    ----------
    group : ndarray of int, shape (breakdowns, respondents)
        The group of each respondent in each breakdown; -1 for none. Groups of different breakdowns are distinct.
    groups : int
        The number of groups.
    columns : ndarray of float, shape (respondents, columns)

    Returns
    -------
    ndarray of float, shape (groups, columns)
    """
    of_breakdown, respondent = np.nonzero(group >= 0)
    rows = group[of_breakdown, respondent]
    member = sparse.csr_array((np.ones(len(rows)), (rows, respondent)), shape=(groups, columns.shape[0]))
    return np.asarray(member @ columns)


def reduce_survey(
    design: DesignArrays, domains: Sequence[Domains], chosen: Mask, base: Mask, counted: Sequence[Mask]
) -> tuple[list[Reduced], list[Floats]]:
    """Totals for every breakdown, and plain counts of further masks by level.

    Parameters
    ----------
    chosen, base : ndarray of bool, shape (respondents, items)
        ``base`` may have one column for all items.
    counted : sequence of ndarray of bool, shape (respondents,) or (respondents, m)
        Masks to count by level, without the design.

    Returns
    -------
    list of Reduced, list of ndarray of float, shape (levels, counted columns)
        One of each per breakdown.
    """
    items, w = chosen.shape[1], design.weight[:, None]
    y, b = (chosen & base).astype(float), base.astype(float)
    extra = [mask.reshape(len(mask), -1).astype(float) for mask in counted]
    columns = np.concatenate([w * b, w * y, w * w * b, w * w * y, b, y, *extra], axis=1)
    units = len(design.unit_stratum)
    starts = np.cumsum([0, *(units * len(d.levels) for d in domains)])
    groups = np.stack([
        np.where(d.codes >= 0, start + design.unit * len(d.levels) + d.codes, -1)
        for d, start in zip(domains, starts, strict=False)
    ])  # fmt: skip
    totals = reduce_totals(groups, int(starts[-1]), columns)
    width_b, widths = base.shape[1], [base.shape[1], items] * 3
    cuts = np.cumsum(widths)
    reduced, counts = [], []
    for d, start, end in zip(domains, starts, starts[1:], strict=False):
        block = totals[start:end].reshape(units, len(d.levels), -1)
        w_, wy, w2, w2y, n, k, more = np.split(block, cuts, axis=2)
        if width_b == 1:
            w_, w2, n = (np.broadcast_to(a, wy.shape) for a in (w_, w2, n))
        reduced.append(Reduced(w_, wy, w2, w2y, n, k))
        counts.append(more.sum(axis=0))
    return reduced, counts


@dataclass(frozen=True)
class Shares:
    """Shares with their design-based uncertainty, each an array of shape (levels, items)."""

    estimate: Floats
    se: Floats
    df: Floats
    n: Floats
    k: Floats


def shares(total: Reduced, design: DesignArrays) -> Shares:
    r"""Weighted shares and their Taylor-linearised standard errors.

    With :math:`u_i = w_i (y_i - \hat p) / \sum w` over the base of a domain and 0 outside, :math:`z_c` its total
    over cluster c (over one respondent, without clusters):

    .. math:: v(\hat p) = \sum_h (1 - f_h) \frac{n_h}{n_h - 1} \sum_{c \in h} (z_c - \bar z_h)^2

    where :math:`n_h` counts the clusters of the whole stratum, so that a domain is never filtered data. Degrees of
    freedom are the clusters less the strata that hold anybody of the domain, as R's ``degf(subset(design, ...))``.
    """
    w, wy = total.w.sum(axis=0), total.wy.sum(axis=0)
    strata = len(design.size)

    def by_stratum(values: Floats) -> Floats:
        out = np.zeros((strata, *values.shape[1:]))
        np.add.at(out, design.unit_stratum, values)
        return out

    with np.errstate(invalid="ignore", divide="ignore"):
        p = wy / w
        z = (total.wy - p * total.w) / w
        sums = by_stratum(z)
        if design.clustered:
            squares = by_stratum(z**2)
            occupied = by_stratum((total.n > 0).astype(float))
        else:
            squares = (total.w2y * (1 - 2 * p) + p**2 * total.w2) / w**2
            occupied = total.n
    present = occupied > 0
    variance = _variance(squares, sums, present, design)
    # a share of 0 or 1 has no variance; what rounding leaves there would be noise
    sure = (wy == 0) | (total.k.sum(axis=0) == total.n.sum(axis=0))
    se = np.sqrt(np.where(sure & ~np.isnan(p), 0.0, np.maximum(variance, 0.0)))
    df = occupied.sum(axis=0) - present.sum(axis=0)
    return Shares(p, se, df, total.n.sum(axis=0), total.k.sum(axis=0))


def _variance(squares: Floats, sums: Floats, present: Mask, design: DesignArrays) -> Floats:
    size = design.size[:, None, None]
    rest = 1 - design.sampled_share[:, None, None]
    lonely = (design.size == 1) & (design.sampled_share < 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        parts = rest * np.where(size > 1, size / (size - 1), 0.0) * (squares - sums**2 / size)
    if lonely.any():
        here = present & lonely[:, None, None]
        if design.lonely == "fail" and here.any():
            name = design.names[int(np.flatnonzero(here.any(axis=(1, 2)))[0])]
            what = "cluster" if design.clustered else "respondent"
            raise ValueError(
                f"{f'the stratum {name!r}' if name else 'the survey'} has a single {what}, so its variance cannot be "
                "estimated. Merge it with another, or set design.lonely to adjust, average, certainty or remove."
            )
        parts = np.where(lonely[:, None, None], rest * sums**2 if design.lonely == "adjust" else 0.0, parts)
        if design.lonely == "average":
            with np.errstate(invalid="ignore", divide="ignore"):
                strata = present.sum(axis=0)
                return np.asarray(parts.sum(axis=0) * strata / (strata - here.sum(axis=0)))
    return np.asarray(parts.sum(axis=0))


def tidy(
    question: str, base: str, items: Sequence[str], domains: Domains, result: Shares, interval: str, confidence: float
) -> dict[str, Any]:
    """The columns of ``Estimates.frame`` for one breakdown, levels within items."""
    levels, j = result.estimate.shape
    low, high = INTERVALS[interval](result.estimate, result.se, result.n, result.df, confidence)
    deff = design_effect(result.estimate, result.se, result.n)
    with np.errstate(invalid="ignore", divide="ignore"):
        n_eff = np.where(deff > 0, result.n / deff, np.nan)
    numbers = {
        "n": result.n, "k": result.k, "estimate": result.estimate, "se": np.where(result.n > 0, result.se, np.nan),
        "ci_low": low, "ci_high": high, "df": result.df, "deff": deff, "n_eff": n_eff,
    }  # fmt: skip
    flat = {name: values.T.ravel() for name, values in numbers.items()}
    for name in ("n", "k", "df"):
        flat[name] = flat[name].astype(np.int64)
    words = {
        "question": np.repeat(question, levels * j),
        "item": np.repeat(np.array(items, dtype=object), levels),
        "by": np.repeat(domains.by, levels * j),
        "level": np.tile(np.array(domains.levels, dtype=object), j),
        "base": np.repeat(base, levels * j),
    }
    return words | flat
