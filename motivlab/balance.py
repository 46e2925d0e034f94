"""Who is left and who is lost: standardised differences, response propensities, bounds; pure functions on arrays."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import special

from .expressions import Mask
from .intervals import Floats
from .paired import spread

ALIASED = 1e-8  # what is left of a column, relative to its length, that is a combination of those before it
SURE = 1e-8  # a propensity this near to 0 or 1 is one that runs away

MODEL = ("variable", "level", "missing", "n", "kept", "share", "odds_ratio", "odds_ratio_low", "odds_ratio_high", "p")


@dataclass(frozen=True)
class Characteristic:
    """Something known of everybody at entry.

    Attributes
    ----------
    name : str
    levels : tuple of str
        Empty for a number.
    columns : ndarray of float, shape (people, levels) or (people, 1)
        Of each level 1 where somebody is in it and 0 elsewhere; or the number, NaN where it is missing.
    missing : ndarray of bool, shape (people,)
        No valid answer: a level of its own.
    overlapping : bool
        Whether one can be in several levels.
    """

    name: str
    levels: tuple[str, ...]
    columns: Floats
    missing: Mask
    overlapping: bool = False

    @property
    def groups(self) -> Iterator[tuple[str, bool, Mask]]:
        """Each level with its people, and whether it is that of those without an answer, which comes last."""
        for level, column in zip(self.levels, self.columns.T, strict=False):
            yield level, False, column == 1
        if self.missing.any():
            yield "", True, self.missing

    def of(self, people: Mask) -> Characteristic:
        """The same of some of the people."""
        return Characteristic(self.name, self.levels, self.columns[people], self.missing[people], self.overlapping)


@dataclass(frozen=True)
class Unweighed:
    """Why there are no weights: people of whom nobody is left, so that nobody can stand for them.

    Attributes
    ----------
    reason : {"nobody", "separated"}
        ``nobody``: of a level nobody is left; ``separated``: a combination of variables tells exactly who is.
    variable, level : str
        Of ``separated`` all variables, joined by ``×``.
    missing : bool
        Whether it is the level of those without an answer.
    n : int
        People in it.
    """

    reason: Literal["nobody", "separated"]
    variable: str
    level: str
    missing: bool
    n: int

    def __str__(self) -> str:
        if self.reason == "separated":
            return (
                f"a combination of {self.variable} tells exactly who of some of the {self.n} people has a follow-up, "
                "so that their weights have no end. Group levels, or leave a variable out of `known`."
            )
        who = f"without an answer to {self.variable!r}" if self.missing else f"with {self.variable} = {self.level!r}"
        return (
            f"none of the {self.n} people {who} has a follow-up, so that nobody can stand for them. Group the level "
            f"with another, leave it out by `where`, or leave {self.variable!r} out of `known`."
        )


def standardised_difference(first: Floats, second: Floats, variances: tuple[Floats, Floats]) -> Floats:
    r"""Difference of two means or shares in units of the pooled standard deviation.

    .. math:: d = \frac{\bar x_1 - \bar x_2}{\sqrt{(s_1^2 + s_2^2) / 2}}

    Of a share, the variance is p(1-p). Where nothing varies, equal means differ by 0 and others infinitely.

    References
    ----------
    Austin, P. C. (2009). Balance diagnostics for comparing the distribution of baseline covariates between treatment
    groups in propensity-score matched samples. Statistics in Medicine 28, 3083-3107.

    Examples
    --------
    >>> p, q = np.array([0.5]), np.array([0.4])
    >>> standardised_difference(p, q, (p * (1 - p), q * (1 - q))).round(4)
    array([0.202])
    """
    pooled = np.sqrt((variances[0] + variances[1]) / 2)
    difference = first - second
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where((pooled == 0) & (difference == 0), 0.0, difference / pooled)


def overall_difference(first: Floats, second: Floats) -> float:
    r"""The standardised difference of a question as a whole, over the shares of all its levels.

    .. math:: d = \sqrt{(p_1 - p_2)' S^{-1} (p_1 - p_2)}

    with S the mean of the two multinomial covariance matrices, one level left out. With two levels it is the absolute
    value of :func:`standardised_difference`; of groups that share no level it is infinite.

    References
    ----------
    Yang, D. and Dalton, J. E. (2012). A unified approach to measuring the effect size between two groups using SAS.
    SAS Global Forum 2012, paper 335.

    Examples
    --------
    >>> round(overall_difference(np.array([0.5, 0.5]), np.array([0.4, 0.6])), 4)
    0.202
    """
    if np.isnan(first).any() or np.isnan(second).any():
        return np.nan
    if not (first * second).any():
        return np.inf
    held = np.flatnonzero(first + second > 0)[1:]
    p, q = first[held], second[held]
    covariance = (np.diag(p) - np.outer(p, p) + np.diag(q) - np.outer(q, q)) / 2
    return float(np.sqrt(max(float((p - q) @ np.linalg.solve(covariance, p - q)), 0.0))) if len(held) else 0.0


@dataclass(frozen=True)
class Propensity:
    """A logistic regression of being left.

    Attributes
    ----------
    probability : ndarray of float, shape (people,)
    estimate, se : ndarray of float, shape (columns,)
        Log odds ratios; NaN of a column that says what those before it say already.
    finite : bool
        Whether the model has an end: where a combination of columns tells exactly who is left, it has none.
    """

    probability: Floats
    estimate: Floats
    se: Floats
    finite: bool


def propensity(x: Floats, kept: Mask) -> Propensity:
    """The probability of being left, by a logistic regression with an intercept, without weights.

    Parameters
    ----------
    x : ndarray of float, shape (people, columns)
    kept : ndarray of bool, shape (people,)

    Notes
    -----
    ``statsmodels``' GLM. R: ``glm(kept ~ x, family = binomial)``, which leaves out a combination of earlier columns
    as well.

    Examples
    --------
    >>> fit = propensity(np.array([[0.0], [0], [0], [1], [1], [1]]), np.array([1, 1, 0, 1, 0, 0]) == 1)
    >>> fit.probability.round(4)
    array([0.6667, 0.6667, 0.6667, 0.3333, 0.3333, 0.3333])
    >>> fit.estimate.round(4)
    array([-1.3863])
    """
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.generalized_linear_model import GLM

    spread = x.std(axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    plain = (x - x.mean(axis=0)) / scale
    own = _independent(plain)
    with warnings.catch_warnings():  # of a model without end, which is told by what is returned
        warnings.simplefilter("ignore")
        model = GLM(kept.astype(float), np.column_stack([np.ones(len(x)), plain[:, own]]), family=Binomial())
        fit = model.fit(maxiter=100, tol=1e-13)
        probability = np.asarray(fit.fittedvalues, dtype=float)  # both are computed only here
        errors = fit.bse[1:]
    estimate, se = (np.full(x.shape[1], np.nan) for _ in range(2))
    estimate[own], se[own] = fit.params[1:] / scale[own], errors / scale[own]
    finite = bool(np.isfinite(probability).all() and ((probability > SURE) & (probability < 1 - SURE)).all())
    return Propensity(probability, estimate, se, finite)


def _independent(x: Floats) -> list[int]:
    """The columns that are no combination of those before them; of centred columns, and with none of a constant."""
    basis = np.empty((len(x), 0))
    own = []
    for j, column in enumerate(x.T):
        size = float(np.linalg.norm(column))
        rest = column - basis @ (basis.T @ column)
        rest -= basis @ (basis.T @ rest)  # once more, for what rounding left
        if size > 0 and np.linalg.norm(rest) > ALIASED * size:
            basis = np.column_stack([basis, rest / np.linalg.norm(rest)])
            own.append(j)
    return own


def inverse_weights(base: Floats, probability: Floats, kept: Mask, total: float, trim: float | None) -> Floats:
    """Base weight over propensity for those left, 0 for the lost; adding up to a total.

    Parameters
    ----------
    base, probability : ndarray of float, shape (people,)
    kept : ndarray of bool, shape (people,)
    total : float
    trim : float, optional
        A quantile of the weights of those left, R's type 7: greater weights are cut to it before the last step, in
        which all are multiplied so that they add up to the total.

    Examples
    --------
    >>> inverse_weights(np.ones(4), np.array([0.5, 0.5, 1, 1]), np.array([True, False, True, True]), 4.0, None)
    array([2., 0., 1., 1.])
    """
    weight = np.zeros(len(base))
    weight[kept] = base[kept] / probability[kept]
    if trim is not None:
        weight = np.minimum(weight, np.quantile(weight[kept], trim))
    return np.asarray(weight * (total / weight.sum()))


def change_bounds(
    before: Floats, after: Floats, ends_before: tuple[float, float], ends_after: tuple[float, float]
) -> tuple[Floats, Floats]:
    """The smallest and the greatest change, after less before, that what is known leaves open.

    Parameters
    ----------
    before, after : ndarray of float, shape (people,)
        NaN where not known.
    ends_before, ends_after : tuple of float
        The lowest and the highest value there can be; NaN where there is none.

    References
    ----------
    Horowitz, J. L. and Manski, C. F. (2000). Nonparametric analysis of randomized experiments with missing covariate
    and outcome data. JASA 95, 77-84.

    Examples
    --------
    >>> before, after = np.array([1.0, 4.0, np.nan]), np.array([3.0, np.nan, np.nan])
    >>> low, high = change_bounds(before, after, (1.0, 5.0), (1.0, 5.0))
    >>> low, high
    (array([ 2., -3., -4.]), array([2., 1., 4.]))
    """
    before_low, before_high = (np.where(np.isnan(before), end, before) for end in ends_before)
    after_low, after_high = (np.where(np.isnan(after), end, after) for end in ends_after)
    return after_low - before_high, after_high - before_low


# ---------------------------------------------------------------------------------------- characteristics at entry


def side_by_side(characteristics: Sequence[Characteristic], kept: Mask, weight: Floats) -> pd.DataFrame:
    """Those left and those lost on everything known at entry.

    Parameters
    ----------
    characteristics : sequence of Characteristic
    kept : ndarray of bool, shape (people,)
        The others are lost.
    weight : ndarray of float, shape (people,)

    Returns
    -------
    DataFrame
        See :class:`motivlab.attrition.Attrition`, without its last column.
    """
    rows: list[dict[str, Any]] = []
    for c in characteristics:
        groups = list(c.groups)
        shares = [_shares([people for _, _, people in groups], weight, side) for side in (kept, ~kept)]
        overall = overall_difference(*shares) if len(groups) > 2 and not c.overlapping and c.levels else np.nan
        if not c.levels:
            rows.append(_number(c, kept, weight))
        d = standardised_difference(shares[0], shares[1], (shares[0] * (1 - shares[0]), shares[1] * (1 - shares[1])))
        rows += [
            {
                "variable": c.name, "level": level, "missing": missing, "n_kept": int((people & kept).sum()),
                "n_lost": int((people & ~kept).sum()), "base": _share(people, weight), "kept": shares[0][i],
                "lost": shares[1][i], "sd_kept": np.nan, "sd_lost": np.nan, "difference": d[i], "overall": overall,
            }
            for i, (level, missing, people) in enumerate(groups)
        ]  # fmt: skip
    return pd.DataFrame(rows)


def _share(people: Mask, weight: Floats) -> float:
    return float(weight[people].sum() / weight.sum()) if len(weight) else np.nan


def _shares(groups: Sequence[Mask], weight: Floats, side: Mask) -> Floats:
    return np.array([_share(people[side], weight[side]) for people in groups], dtype=float)


def mean_of(values: Floats, weight: Floats) -> float:
    """Weighted mean of the values that are known; NaN where none is."""
    known = ~np.isnan(values)
    return float(np.average(values[known], weights=weight[known])) if known.any() else np.nan


def _number(c: Characteristic, kept: Mask, weight: Floats) -> dict[str, Any]:
    values = c.columns[:, 0]
    sides = [~c.missing & side for side in (kept, ~kept)]
    mean = np.array([mean_of(values[side], weight[side]) for side in sides])
    sd = np.array([spread(values[side], weight[side]) for side in sides])
    d = standardised_difference(mean[:1], mean[1:], (sd[:1] ** 2, sd[1:] ** 2))
    return {
        "variable": c.name, "level": "", "missing": False, "n_kept": int(sides[0].sum()),
        "n_lost": int(sides[1].sum()), "base": mean_of(values, weight), "kept": mean[0], "lost": mean[1],
        "sd_kept": sd[0], "sd_lost": sd[1], "difference": float(d[0]), "overall": np.nan,
    }  # fmt: skip


# ------------------------------------------------------------------------------------------------ who is left, and why


@dataclass(frozen=True)
class _Term:
    """A column of the model: a number, a level, or not to have answered."""

    variable: str
    level: str
    missing: bool
    column: Floats
    counted: Mask
    group: bool


def _terms(characteristics: Sequence[Characteristic]) -> Iterator[_Term]:
    for c in characteristics:
        if not c.levels:
            values = c.columns[:, 0]
            known = ~np.isnan(values)
            # of no matter: the missing have their own term
            middle = float(values[known].mean()) if known.any() else 0.0
            yield _Term(c.name, "", False, np.where(known, values, middle), known, False)
        for level, missing, people in c.groups:
            yield _Term(c.name, level, missing, people.astype(float), people, True)


def response_model(
    characteristics: Sequence[Characteristic], kept: Mask, confidence: float = 0.95
) -> tuple[Floats, pd.DataFrame] | Unweighed:
    """The propensity of each to be left, and the model that it comes from; or why there is none.

    Of a level of which everybody is left the propensity is 1, which is where the likelihood has its end; the others
    are modelled without these people.

    Returns
    -------
    ndarray of float, shape (people,)
    DataFrame
        See :class:`motivlab.attrition.ResponseWeights`.
    """
    terms = list(_terms(characteristics))
    counts = [(int(t.counted.sum()), int((t.counted & kept).sum())) for t in terms]
    alive, ratios = np.full(len(kept), not kept.all()), np.full((4, len(terms)), np.nan)
    every = " × ".join(c.name for c in characteristics)
    while alive.any():  # until no level is left that tells for sure
        held = [(i, t, t.counted & alive) for i, t in enumerate(terms) if t.group and (t.counted & alive).any()]
        for _, t, people in held:
            if not kept[people].any():
                return Unweighed("nobody", t.variable, t.level, t.missing, int(people.sum()))
        sure = [(i, people) for i, _, people in held if kept[people].all()]
        for i, people in sure:
            ratios[0, i] = np.inf
            alive &= ~people
        if not sure:
            break
    if alive.any() and not kept[alive].any():
        return Unweighed("separated", every, "", False, int(alive.sum()))
    probability = np.ones(len(kept))
    if alive.any():
        reference = _references(characteristics, terms, alive, ratios[0])
        own = [i for i in range(len(terms)) if i not in reference and not np.isinf(ratios[0, i])]
        x = np.column_stack([terms[i].column[alive] for i in own]) if own else np.empty((int(alive.sum()), 0))
        fit = propensity(x, kept[alive])
        if not fit.finite:
            return Unweighed("separated", every, "", False, int(alive.sum()))
        probability[alive] = fit.probability
        z = float(special.ndtri((1 + confidence) / 2))
        with np.errstate(over="ignore"):
            bounds = [np.exp(fit.estimate + sign * z * fit.se) for sign in (0, -1, 1)]
        ratios[:3, own], ratios[0, reference] = bounds, 1.0
        ratios[3, own] = 2 * special.ndtr(-np.abs(fit.estimate / fit.se))
    rows = [
        (t.variable, t.level, t.missing, n, k, k / n if n else np.nan, *ratios[:, i])
        for i, (t, (n, k)) in enumerate(zip(terms, counts, strict=True))
    ]
    return probability, pd.DataFrame(rows, columns=list(MODEL))


def _references(
    characteristics: Sequence[Characteristic], terms: Sequence[_Term], alive: Mask, ratio: Floats
) -> list[int]:
    """The first level that is in the model of each question of which one chooses one."""
    found = []
    for c in characteristics:
        if c.levels and not c.overlapping:
            own = [i for i, t in enumerate(terms) if t.variable == c.name and (t.counted & alive).any()]
            found += [i for i in own if not np.isinf(ratio[i])][:1]
    return found


def response_classes(
    characteristics: Sequence[Characteristic], kept: Mask, weight: Floats
) -> tuple[Floats, pd.DataFrame] | Unweighed:
    """The weighted share of those left in each cell of crossed questions, for everybody in it; as for the model."""
    names = []
    for c in characteristics:
        names.append(np.full(len(kept), "", dtype=object))
        for name, _, people in c.groups:
            names[-1][people] = name
    labels = pd.MultiIndex.from_arrays(names)
    order = pd.MultiIndex.from_product([[*c.levels, ""] for c in characteristics])
    code, variable = order.get_indexer(labels), " × ".join(c.name for c in characteristics)
    probability, rows = np.empty(len(kept)), []
    for i in np.unique(code):
        people = code == i
        level, missing = " × ".join(order[i]), "" in order[i]
        n, k = int(people.sum()), int((people & kept).sum())
        if not k:
            return Unweighed("nobody", variable, level, bool(missing and len(characteristics) == 1), n)
        probability[people] = weight[people & kept].sum() / weight[people].sum()
        rows.append((variable, level, missing, n, k, k / n, *[np.nan] * 4))
    return probability, pd.DataFrame(rows, columns=list(MODEL))
