"""From totals to estimates with their design-based variances and covariances: algebra on small arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .design import DesignArrays, Ints, by_psu, by_stratum, degrees_of_freedom, present
from .intervals import Floats
from .reduction import Ratios, Sums


@dataclass(frozen=True)
class Solution:
    """Estimates with their uncertainty, each an array of shape (levels, items).

    Attributes
    ----------
    estimate, se, df, n, k, deff : ndarray of float
        ``deff`` is the variance over that of a simple random sample, with replacement, of the same n.
    """

    estimate: Floats
    se: Floats
    df: Floats
    n: Floats
    k: Floats
    deff: Floats


@dataclass(frozen=True)
class Linearised:
    """Estimates and the totals of their influence values.

    Attributes
    ----------
    estimate, scale : ndarray of float, shape (levels, items)
        ``scale`` is the denominator, 1 for a total.
    z : ndarray of float, shape (units, levels, items)
        Totals of the influence values, after calibration those of their residuals.
    fitted : ndarray of float, shape (units, levels, items), or None
        What calibration takes off each respondent's influence value, per unit of weight.
    s1 : ndarray of float, shape (units, levels, items), or None
        Totals with squared weights.
    occupied : ndarray of float, shape (psus, levels, bases)
        Respondents in each base.
    base : ndarray of int, shape (items,)
        The base of each item.
    """

    estimate: Floats
    scale: Floats
    z: Floats
    fitted: Floats | None
    s1: Floats | None
    occupied: Floats
    base: Ints


def linearise(sums: Sums, ratios: Ratios, design: DesignArrays) -> Linearised:
    r"""Ratios (or totals) and the unit totals of their influence values.

    With :math:`u_i = w_i (a_i - \hat R b_i) / \sum w b` over a domain and 0 outside, the unit totals are
    :math:`z_c = \sum_{i \in c} u_i`; for a total :math:`u_i = w_i a_i`. In a calibrated design each
    :math:`u_i / w_i` is replaced by its residual from the calibration variables, over all respondents.
    """
    a = columns_of(sums.w, ratios.num).sum(axis=0)
    if ratios.den is None:
        estimate, scale = a, np.ones_like(a)
    else:
        scale = np.broadcast_to(columns_of(sums.w, ratios.den).sum(axis=0), a.shape)
        with np.errstate(invalid="ignore", divide="ignore"):
            estimate = np.where(scale != 0, a / scale, np.nan)

    def influence(of: Floats) -> Floats:
        if ratios.den is None:
            return columns_of(of, ratios.num)
        with np.errstate(invalid="ignore", divide="ignore"):
            out = estimate * columns_of(of, ratios.den)
            np.subtract(columns_of(of, ratios.num), out, out=out)
            return np.divide(out, scale, out=out)

    z, fitted, s1 = influence(sums.w), None, None
    if sums.w2 is not None and not design.clustered and design.calibration is not None:
        s1 = influence(sums.w2)
    if sums.plain is not None and sums.all_w is not None:
        fitted = _fitted(influence(sums.plain), sums, design)
        z = z - fitted * sums.all_w[:, None, None]
    return Linearised(estimate, scale, z, fitted, s1, by_psu(design, sums.occupied), place_of(sums, ratios.base))


def place_of(sums: Sums, base: Ints) -> Ints:
    """The position of base columns among those that were reduced."""
    place = np.searchsorted(sums.bases, base)
    if (place == len(sums.bases)).any() or (sums.bases[place] != base).any():
        raise ValueError("a base was not reduced")
    return place


def columns_of(array: Floats, index: Ints) -> Floats:
    """Columns of an array: a view where they stand side by side, one for all where they are the same."""
    if (index == index[0]).all():
        return array[..., index[:1]]
    if (np.diff(index) == 1).all():
        return array[..., index[0] : index[-1] + 1]
    return array[..., index]


def _fitted(e: Floats, sums: Sums, design: DesignArrays) -> Floats:
    """Fitted values of the regression on the calibration variables; ``e`` are unit totals, shape (units, ...)."""
    calibration, flat = design.calibration, np.nan_to_num(e.reshape(len(e), -1))
    if calibration is None or sums.all_plain is None:
        raise TypeError("not a calibrated design")
    size = sums.all_plain  # with raking, whose regression is unweighted, the number of respondents
    fitted = np.zeros_like(flat)
    if calibration.raking:
        for _ in range(10):  # as many sweeps as R's svyrecvar makes
            for codes in calibration.margins:
                indicator = (codes == np.arange(codes.max() + 1)[:, None]).astype(float)
                left = indicator @ (flat - fitted * size[:, None])
                fitted += (left / (indicator @ size)[:, None])[codes]
    else:
        # a number about its mean, in its own scale: the indicators of a margin hold the constant
        x, indicator = calibration.x, np.isin(calibration.x, (0, 1)).all(axis=0)
        x = np.where(indicator, x, x - np.average(x, axis=0, weights=size))
        x = x / np.sqrt((size[:, None] * x**2).sum(axis=0))
        beta = np.linalg.lstsq(x.T @ (x * size[:, None]), x.T @ flat, rcond=1e-10)[0]
        fitted = x @ beta
    return np.asarray(fitted.reshape(e.shape))


def solve(sums: Sums, ratios: Ratios, design: DesignArrays) -> Solution:
    r"""Estimates with standard errors, degrees of freedom and design effects.

    .. math:: v = \sum_h (1 - f_h) \frac{n_h}{n_h - 1} \sum_{c \in h} (z_c - \bar z_h)^2

    where :math:`n_h` counts the clusters (without clusters, the respondents) of the whole stratum, so that a domain
    is never filtered data. With replicate weights :math:`v = \sum_r s_r (\hat\theta_r - c)^2`.
    """
    linear = linearise(sums, ratios, design)
    n, k = sums.one[..., ratios.base], sums.one[..., ratios.hit]
    if design.replicates is not None:
        spread = _spread(sums, ratios, design, linear.estimate)
        variance = np.square(spread).sum(axis=0)
    else:
        variance = _taylor(linear, sums, ratios, design)
    df = degrees(sums, ratios.base, design)
    w, (nn, nd, dd), estimate = sums.w.sum(axis=0), _products(ratios), linear.estimate
    weight = w[..., ratios.base]
    with np.errstate(invalid="ignore", divide="ignore"):
        # of the residual a - R b, whose mean is 0; of a total, about the mean
        if ratios.den is None:
            square = w[..., nn] / weight - (linear.estimate / weight) ** 2
        else:
            square = (w[..., nn] - 2 * linear.estimate * w[..., nd] + linear.estimate**2 * w[..., dd]) / weight
        simple = square * weight**2 / linear.scale**2 / (n - 1)
        # a share of 0 or 1, a number that is the same for all, has no variance; what rounding leaves would be noise
        if ratios.den is None:
            sure = w[..., nn] == 0
        elif np.array_equal(ratios.hit, ratios.num):
            sure, estimate = (k == 0) | (k == n), np.where((k == n) & (n > 0), 1.0, estimate)
        else:
            sure = ~(square > 1e-14 * np.abs(w[..., nn] / weight))
        se = np.sqrt(np.where(sure, 0.0, np.maximum(variance, 0.0)))
        deff = np.where(sure | ~(square > 1e-14 * np.abs(w[..., nn] / weight)), np.nan, se**2 / simple)
    return Solution(estimate, np.where(np.isnan(linear.estimate) | (n == 0), np.nan, se), df, n, k, deff)


def degrees(sums: Sums, base: Ints, design: DesignArrays) -> Floats:
    """Degrees of freedom of the design among those in each base column; shape (levels, columns).

    Clusters (or respondents) less strata that hold anybody; with replicate weights, their rank less one.
    """
    if sums.rank is not None:
        return np.broadcast_to(np.maximum(sums.rank - 1, 0), (len(sums.rank), len(base)))
    return degrees_of_freedom(design, by_psu(design, sums.occupied))[:, place_of(sums, base)]


def _products(ratios: Ratios) -> tuple[Ints, Ints, Ints]:
    """The columns of the squares and of the product of numerator and denominator."""
    den = ratios.num if ratios.den is None else ratios.den
    return ratios.product[ratios.num, ratios.num], ratios.product[ratios.num, den], ratios.product[den, den]


def _taylor(linear: Linearised, sums: Sums, ratios: Ratios, design: DesignArrays) -> Floats:
    """Taylor-linearised variance, shape (levels, items)."""
    psu = by_psu(design, linear.z)
    total = by_stratum(design, psu)
    factor, lonely, spread = _factors(design, linear.occupied)
    if design.clustered:
        squares = np.einsum("c,cli,cli->li", factor[design.stratum], psu, psu)
    else:
        squares = np.einsum("u,uli->li", factor[design.psu], _squares(linear, sums, ratios))
    centred = np.einsum("h,hli,hli->li", factor / design.size - lonely, total, total)
    return np.asarray(spread[:, linear.base] * (squares - centred))


def _squares(linear: Linearised, sums: Sums, ratios: Ratios) -> Floats:
    """Sums of the squared influence values of respondents, by unit, for designs without clusters."""
    if sums.w2 is None:
        raise TypeError("a design without clusters needs squared weights")
    nn, nd, dd = _products(ratios)
    squares = columns_of(sums.w2, nn)
    if ratios.den is not None:
        with np.errstate(invalid="ignore", divide="ignore"):
            crossed = 2 * linear.estimate * columns_of(sums.w2, nd)
            squares = squares - crossed + linear.estimate**2 * columns_of(sums.w2, dd)
            squares = squares / linear.scale**2
    if linear.fitted is not None and linear.s1 is not None and sums.all_w2 is not None:
        squares = squares - 2 * linear.fitted * linear.s1 + linear.fitted**2 * sums.all_w2[:, None, None]
    return squares


def _factors(design: DesignArrays, occupied: Floats) -> tuple[Floats, Floats, Floats]:
    """What multiplies the spread about the mean in each stratum, in lonely strata the square of the total, and all.

    The first two have the shape (strata,); the last (levels, bases): 1, or what ``average``
    gives lonely strata in each domain.
    """
    rest, everywhere = 1 - design.sampled_share, np.ones(occupied.shape[1:])
    lonely = (design.size == 1) & (design.sampled_share < 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = rest * np.where(design.size > 1, design.size / (design.size - 1), 0.0)
    if not lonely.any():
        return factor, np.zeros_like(factor), everywhere
    held = present(design, occupied)
    here = held & lonely[:, None, None]
    if design.lonely == "fail" and here.any():
        name = design.names[int(np.flatnonzero(here.any(axis=(1, 2)))[0])]
        what = "cluster" if design.clustered else "respondent"
        raise ValueError(
            f"{f'the stratum {name!r}' if name else 'the survey'} has a single {what}, so its variance cannot be "
            "estimated. Merge it with another, or set design.lonely to adjust, average, certainty or remove."
        )
    if design.lonely == "average":
        strata = held.sum(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            everywhere = strata / (strata - here.sum(axis=0))
    return factor, np.where(lonely & (design.lonely == "adjust"), rest, 0.0), everywhere


def _spread(sums: Sums, ratios: Ratios, design: DesignArrays, estimate: Floats) -> Floats:
    """Deviations of the replicates, scaled so that their squares add up to the variance; (replicates, levels, items).

    A replicate in which a domain has no weight tells nothing of it and is left out, as in R.
    """
    if design.replicates is None or sums.replicates is None:
        raise TypeError("not a design with replicate weights")
    theta = sums.replicates[..., ratios.num]
    if ratios.den is not None:
        with np.errstate(invalid="ignore", divide="ignore"):
            theta = theta / sums.replicates[..., ratios.den]
    known, counted = np.isfinite(theta), (design.replicates.scale > 0)[:, None, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(known & counted, theta, 0.0).sum(axis=0) / (known & counted).sum(axis=0)
        centre = estimate if design.replicates.mse else mean
        return np.where(known, np.sqrt(design.replicates.scale)[:, None, None] * (theta - centre), 0.0)


def covariance(sums: Sums, ratios: Ratios, design: DesignArrays, levels: Ints, items: Ints) -> Floats:
    """The covariance matrix of several estimates of one breakdown.

    Parameters
    ----------
    levels, items : ndarray of int, shape (estimates,)
        Which estimates. Levels are those of one breakdown, so that nobody is in two of them.

    Returns
    -------
    ndarray of float, shape (estimates, estimates)

    Notes
    -----
    Its diagonal is the square of the standard errors of :func:`solve`. The products of all columns must be among the
    columns of ``ratios``, where the design has no clusters.
    """
    linear = linearise(sums, ratios, design)
    if design.replicates is not None:
        spread = _spread(sums, ratios, design, linear.estimate)[:, levels, items]
        return np.asarray(spread.T @ spread)
    z = np.nan_to_num(linear.z[:, levels, items])
    psu = by_psu(design, z)
    total = by_stratum(design, psu)
    factor, lonely, spread = _factors(design, linear.occupied)
    if design.clustered:
        within = psu.T @ (psu * factor[design.stratum][:, None])
    else:
        within = _within(linear, sums, ratios, design, factor[design.psu], levels, items)
    centred = (factor / design.size - lonely)[:, None]
    root = np.sqrt(spread[levels, linear.base[items]])
    with np.errstate(invalid="ignore"):
        return np.asarray((within - total.T @ (total * centred)) * np.outer(root, root))


def _within(
    linear: Linearised, sums: Sums, ratios: Ratios, design: DesignArrays, factor: Floats, levels: Ints, items: Ints
) -> Floats:
    """Sums over respondents of the products of two influence values, for designs without clusters."""
    if sums.w2 is None:
        raise TypeError("a design without clusters needs squared weights")
    # within one level, the cross-products of the answers
    square = np.einsum("u,ulc->lc", factor, sums.w2)
    scale, r = np.nan_to_num(linear.scale[levels, items], nan=1.0), np.nan_to_num(linear.estimate[levels, items])
    num = ratios.num[items]

    def product(a: Ints, b: Ints) -> Floats:
        column = ratios.product[a[:, None], b[None, :]]
        if (column < 0).any():
            raise ValueError("the products of these columns were not reduced")
        return np.asarray(square[levels[:, None], column])

    same = product(num, num)
    if ratios.den is not None:
        den = ratios.den[items]
        crossed = product(num, den) * r[None, :]
        same = same - crossed - crossed.T + np.outer(r, r) * product(den, den)
    with np.errstate(invalid="ignore", divide="ignore"):
        same = np.where(levels[:, None] == levels[None, :], same / np.outer(scale, scale), 0.0)
    if linear.fitted is not None and linear.s1 is not None and sums.all_w2 is not None:
        f, s1 = linear.fitted[:, levels, items], np.nan_to_num(linear.s1[:, levels, items])
        cross = f.T @ (s1 * factor[:, None])
        same = same - cross - cross.T + f.T @ (f * (factor * sums.all_w2)[:, None])
    return same
