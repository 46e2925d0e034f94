"""Confidence intervals of a share, and the design effect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy import special

Floats = npt.NDArray[np.float64]
Interval = Literal["korn-graubard", "wilson", "logit"]
SHARES: tuple[str, ...] = get_args(Interval)


def korn_graubard(
    p: Floats, se: Floats, n: Floats, df: Floats, confidence: float = 0.95, size: Floats | None = None
) -> tuple[Floats, Floats]:
    r"""Korn-Graubard interval of a share: Clopper-Pearson on the effective sample size.

    .. math:: n^* = \frac{p(1-p)}{se^2} \left( \frac{t_{n-1}}{t_{df}} \right)^2

    and the bounds are the quantiles of Beta(n*p, n*(1-p)+1) and Beta(n*p+1, n*(1-p)). At 0 and 1, where se is 0,
    ``size`` takes the place of p(1-p)/se^2: n, or what :func:`motivlab.prevalence` hands in, Kish's effective size. R:
    ``svyciprop(method = "beta")``, which gives NaN at 0 and 1.

    Notes
    -----
    In a simulation the 95 % interval is conservative with equal weights, most of all for small shares: it covers
    the share in 95.1 % to 99.7 % of samples. With unequal weights it falls short where few have the answer:
    coverage is below 94 % in 14 of 126 cases, in which n times the share is 4 to 10, and lowest at 92.7 % (a share
    of 10 %, n = 50, weights related to the answer) and, with clusters, at 92.2 % (a share of 1 %, n = 500, unequal
    weights, clusters). In these cases the interval ends below the share in 5.0 % to 6.8 % of samples, in at most
    1.4 % with an estimate of 0. Where n times the share is 10 or more, coverage is 93.4 % to 97.7 %. See
    tests/benchmarks/coverage.md.

    References
    ----------
    Korn, E. L. and Graubard, B. I. (1998). Confidence intervals for proportions with small expected number of
    positive counts estimated from survey data. Survey Methodology 24, 193-201.

    Examples
    --------
    >>> low, high = korn_graubard(np.array([0.0]), np.array([0.0]), np.array([60.0]), np.array([59.0]))
    >>> float(low[0]), round(float(high[0]), 4)
    (0.0, 0.0596)
    """
    a = (1 - confidence) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        size = np.where((p <= 0) | (p >= 1), n if size is None else size, p * (1 - p) / se**2)
        size = size * (_t(a, n - 1) / _t(a, df)) ** 2
        low = np.where(p <= 0, 0.0, special.betaincinv(size * p, size * (1 - p) + 1, a))
        high = np.where(p >= 1, 1.0, special.betaincinv(size * p + 1, size * (1 - p), 1 - a))
    # clusters that all have the same mean leave no variance: the interval is the share itself
    low, high = (np.where(np.isinf(size), p, np.where(np.isnan(size), np.nan, bound)) for bound in (low, high))
    return low, high


def logit(
    p: Floats, se: Floats, n: Floats, df: Floats, confidence: float = 0.95, size: Floats | None = None
) -> tuple[Floats, Floats]:
    r"""Interval on the logit scale: expit(logit(p) -+ t_df se / (p(1-p))).

    It does not exist at 0 and 1, where the bounds are NaN. R: ``svyciprop(method = "logit")``.

    Notes
    -----
    Of small shares in small samples there is often no interval: in a simulation in up to 72.6 % of samples (a share
    of 1 %, n = 50, weights related to the answer). Counted as not covering, they leave a coverage of 23.6 % there;
    where it exists, the 95 % interval covers the share in 86.0 % to 98.7 % of samples. Where n times the share is
    10 or more, coverage is 92.8 % to 97.2 %. See tests/benchmarks/coverage.md.

    Examples
    --------
    >>> low, high = logit(np.array([0.2]), np.array([0.04]), np.array([100.0]), np.array([99.0]))
    >>> round(float(low[0]), 4), round(float(high[0]), 4)
    (0.1321, 0.2911)
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        half = -_t((1 - confidence) / 2, df) * se / (p * (1 - p))
        centre = np.log(p / (1 - p))
        low, high = (np.asarray(1 / (1 + np.exp(-(centre + sign * half)))) for sign in (-1, 1))
    inside = (p > 0) & (p < 1)
    return np.where(inside, low, np.nan), np.where(inside, high, np.nan)


def wilson(
    p: Floats, se: Floats, n: Floats, df: Floats, confidence: float = 0.95, size: Floats | None = None
) -> tuple[Floats, Floats]:
    r"""Wilson score interval on the effective sample size n / deff, with the normal quantile.

    Without weights and design it is the textbook interval of n. At 0 and 1, where se is 0, ``size`` takes the
    place of n / deff: n, or what :func:`motivlab.prevalence` hands in, Kish's effective size.

    Notes
    -----
    The normal quantile knows nothing of degrees of freedom, so that the interval is too short where clusters are
    few. In a simulation with 5 clusters and equal weights the 95 % interval covers shares of 20 % to 50 % in 87.5 %
    to 89.7 % of samples, with 200 clusters in 94.6 % to 94.9 %. It falls short for small shares, too: coverage goes
    down to 91.0 % (a share of 1 %, n = 50, equal weights), to 89.9 % (a share of 10 %, n = 50, weights related to
    the answer) and, with clusters, to 86.5 % (a share of 10 %, n = 50, unequal weights, clusters). See
    tests/benchmarks/coverage.md.

    References
    ----------
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. JASA 22, 209-212.

    Examples
    --------
    The interval of 27 of 59, as ``statsmodels`` has it:

    >>> p, n = np.array([27 / 59]), np.array([59.0])
    >>> low, high = wilson(p, np.sqrt(p * (1 - p) / (n - 1)), n, n - 1)
    >>> round(float(low[0]), 6), round(float(high[0]), 6)
    (0.337013, 0.583422)
    """
    z = special.ndtri((1 + confidence) / 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        size = np.where((p <= 0) | (p >= 1), n if size is None else size, n / design_effect(p, se, n))
        centre = (p + z**2 / (2 * size)) / (1 + z**2 / size)
        half = z / (1 + z**2 / size) * np.sqrt(p * (1 - p) / size + z**2 / (4 * size**2))
    return np.where(p <= 0, 0.0, centre - half), np.where(p >= 1, 1.0, centre + half)


def wald(
    p: Floats, se: Floats, n: Floats, df: Floats, confidence: float = 0.95, size: Floats | None = None
) -> tuple[Floats, Floats]:
    """Interval of a mean, a total, a ratio or a difference: estimate -+ t_df se.

    R: ``confint(..., df = degf(design))``.

    Examples
    --------
    >>> low, high = wald(np.array([10.0]), np.array([2.0]), np.array([50.0]), np.array([10.0]))
    >>> round(float(low[0]), 4), round(float(high[0]), 4)
    (5.5437, 14.4563)
    """
    half = -_t((1 - confidence) / 2, df) * se
    return p - half, p + half


def design_effect(p: Floats, se: Floats, n: Floats) -> Floats:
    """The variance over p(1-p)/(n-1), as R's ``svymean(deff = "replace")``; NaN at 0 and 1."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where((p > 0) & (p < 1), se**2 * (n - 1) / (p * (1 - p)), np.nan)


def _t(a: float, df: Floats) -> Floats:
    return np.asarray(special.stdtrit(np.where(df > 0, df, np.nan), a))


INTERVALS: dict[str, Callable[..., tuple[Floats, Floats]]] = {
    "korn-graubard": korn_graubard,
    "wilson": wilson,
    "logit": logit,
    "wald": wald,
}
