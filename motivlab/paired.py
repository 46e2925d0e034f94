"""Two or more measurements of the same people: mean change, standardised change, tests; pure functions on arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import optimize, special, stats

from .intervals import Floats, wald


@dataclass(frozen=True)
class MeanChange:
    """A mean change or a difference with its interval and test; NaN where there is none.

    Attributes
    ----------
    estimate, se, low, high, df, t, p : float
    """

    estimate: float
    se: float
    low: float
    high: float
    df: float
    t: float
    p: float


@dataclass(frozen=True)
class Standardised:
    """A standardised change with its interval; NaN where there is none."""

    d: float
    low: float
    high: float


def changes(pre: Floats, post: Floats) -> Floats:
    """Post less pre, without what floating point adds: equal changes must be equal, or ranks would differ by noise.

    Examples
    --------
    >>> changes(np.array([1.1, 2.1]), np.array([1.2, 2.2])).tolist()
    [0.1, 0.1]
    """
    size = max(float(np.abs(values).max(initial=0.0)) for values in (pre, post))
    places = 12 - int(np.ceil(np.log10(size))) if size > 0 else 12
    return np.round(post - pre, places) + 0.0  # no minus zero


def spread(values: Floats, weight: Floats | None = None) -> float:
    """Standard deviation; weighted with n / (n - 1), as R's ``svyvar``. NaN for fewer than two values.

    Examples
    --------
    >>> spread(np.array([1.0, 2.0, 4.0])) == spread(np.array([1.0, 2.0, 4.0]), np.ones(3))
    True
    """
    if (n := len(values)) < 2:
        return np.nan
    if np.ptp(values) == 0:
        return 0.0
    about = values - np.average(values, weights=weight)
    return float(np.sqrt(np.average(about**2, weights=weight) * n / (n - 1)))


def against_zero(estimate: float, se: float, df: float, confidence: float = 0.95) -> MeanChange:
    """An estimate with its t interval and t test against 0.

    Where the standard error is 0, nobody differs from anybody: an estimate of 0 then is a stated result, with the
    interval from 0 to 0, t = 0 and p = 1; of any other there is no test.

    Examples
    --------
    >>> round(against_zero(2.0, 1.0, 30).p, 4), against_zero(0.0, 0.0, 30).p
    (0.0546, 1.0)
    """
    if not df > 0 or np.isnan(se):
        return MeanChange(estimate, *[np.nan] * 6)
    if se == 0:
        t, p = (0.0, 1.0) if estimate == 0 else (np.nan, np.nan)
        return MeanChange(estimate, 0.0, estimate, estimate, df, t, p)
    low, high = wald(np.array(estimate), np.array(se), np.array(np.nan), np.array(df), confidence)
    t = float(estimate / se)
    return MeanChange(estimate, float(se), float(low), float(high), df, t, float(2 * stats.t.sf(abs(t), df)))


def mean_change(pre: Floats, post: Floats, confidence: float = 0.95) -> MeanChange:
    """The mean of post - pre with the paired t interval and test. R: ``t.test(post, pre, paired = TRUE)``.

    Examples
    --------
    >>> found = mean_change(np.array([2.0, 3.0, 3.0, 4.0]), np.array([3.0, 3.0, 5.0, 5.0]))
    >>> found.estimate, round(found.t, 4), round(found.p, 4)
    (1.0, 2.4495, 0.0917)
    """
    change = changes(pre, post)
    if (n := len(change)) < 2:
        return against_zero(float(change[0]) if n else np.nan, np.nan, np.nan)
    return against_zero(float(change.mean()), spread(change) / np.sqrt(n), n - 1, confidence)


def welch(a: Floats, b: Floats, confidence: float = 0.95) -> MeanChange:
    """The mean of a less the mean of b, with Welch's interval and test. R: ``t.test(a, b)``.

    References
    ----------
    Welch, B. L. (1947). The generalization of "Student's" problem when several different population variances are
    involved. Biometrika 34, 28-35.

    Examples
    --------
    >>> found = welch(np.array([3.0, 4.0, 5.0, 8.0]), np.array([1.0, 2.0, 2.0]))
    >>> round(found.estimate, 4), round(found.df, 4), round(found.p, 4)
    (3.3333, 3.5503, 0.0487)
    """
    if min(len(a), len(b)) < 2:
        return against_zero(float(a.mean() - b.mean()) if len(a) and len(b) else np.nan, np.nan, np.nan)
    va, vb = spread(a) ** 2 / len(a), spread(b) ** 2 / len(b)
    if va + vb == 0:
        return against_zero(float(a[0] - b[0]), 0.0, len(a) + len(b) - 2, confidence)
    df = (va + vb) ** 2 / (va**2 / (len(a) - 1) + vb**2 / (len(b) - 1))
    return against_zero(float(a.mean() - b.mean()), np.sqrt(va + vb), df, confidence)


def d_z(mean: float, sd: float, n: float, df: float, confidence: float = 0.95) -> Standardised:
    """Mean change over the standard deviation of the changes, with the interval of the noncentral t distribution.

    The bounds are the noncentralities, over the root of n, that put t = d_z sqrt(n) at the outer quantiles.
    pingouin: ``compute_effsize(post, pre, paired=True, eftype="cohen_dz")``.

    Parameters
    ----------
    n, df : float
        Pairs, and pairs - 1. With weights or clusters, the size of a simple random sample with this standard error,
        (sd / se)^2, and the degrees of freedom of the design: then the interval is approximate.

    References
    ----------
    Steiger, J. H. and Fouladi, R. T. (1997). Noncentrality interval estimation and the evaluation of statistical
    models. In: What if there were no significance tests? Erlbaum, 221-257.

    Examples
    --------
    >>> found = d_z(8.3, 10.6, 25, 24)
    >>> round(found.d, 3), round(found.low, 3), round(found.high, 3)
    (0.783, 0.327, 1.226)
    """
    if not sd > 0:
        return _without_spread(mean, sd)
    d = mean / sd
    if not (n > 1 and df > 0 and np.isfinite(n)):
        return Standardised(d, np.nan, np.nan)
    t, tail = d * np.sqrt(n), (1 - confidence) / 2
    # far enough out on both sides: the noncentrality differs from t by about z sqrt(1 + t^2 / 2df)
    reach = 12 * np.hypot(1, t / np.sqrt(2 * df)) * max(1.0, -float(special.ndtri(tail)))

    def bound(share: float) -> float:
        found = optimize.brentq(lambda ncp: _noncentral_t(t, df, ncp) - share, t - reach, t + reach, xtol=1e-10)
        return float(found / np.sqrt(n))

    return Standardised(d, bound(1 - tail), bound(tail))


_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(64)
_LONG, _SMOOTH = 1000.0, 5.0  # above this t scipy's sum is long; above this t / sqrt(df) the quadrature is exact


def _noncentral_t(t: float, df: float, ncp: float) -> float:
    """The distribution function; where it is not computed, far out in a tail, 0 or 1."""
    # of a large t > 0 it is the mean over a normal z of P(chi2 > df ((z + ncp) / t)^2), which hardly bends in z
    if abs(t) > max(_LONG, _SMOOTH * np.sqrt(df)):
        root = np.maximum((_NODES + np.sign(t) * ncp) / abs(t), 0.0)
        above = float(np.average(special.chdtrc(df, df * root**2), weights=_WEIGHTS))
        return above if t > 0 else 1 - above
    found = float(special.nctdtr(df, ncp, t))
    return float(ncp < t) if np.isnan(found) else found


def d_av(
    mean: float, sd_pre: float, sd_post: float, sd_change: float, n: float, confidence: float = 0.95
) -> Standardised:
    r"""Mean change over the root of the average of both variances, with the interval of Bonett (2008).

    .. math:: d = \frac{\bar x_2 - \bar x_1}{s}, \quad s^2 = \frac{s_1^2 + s_2^2}{2}, \quad
       v = \frac{d^2 (s_1^4 + s_2^4 + 2 c^2)}{8 s^4 (n - 1)} + \frac{s_d^2}{s^2 (n - 1)}

    with c the covariance and s_d the standard deviation of the changes; the interval is d -+ z sqrt(v). It does not
    assume equal variances. pingouin calls this d its paired "cohen", ``compute_effsize(post, pre, paired=True)``; R:
    ``statpsych::ci.stdmean.ps``, the row of the unweighted standardizer.

    Parameters
    ----------
    n : float
        As for :func:`d_z`.

    References
    ----------
    Bonett, D. G. (2008). Confidence intervals for standardized linear contrasts of means. Psychological Methods 13,
    99-109. Cumming, G. (2012). Understanding the New Statistics. Routledge, chapter 11.

    Examples
    --------
    The example of ``statpsych``, with a correlation of 0.75:

    >>> sd_change = float(np.sqrt(15.3**2 + 14.6**2 - 2 * 0.75 * 15.3 * 14.6))
    >>> found = d_av(8.3, 15.3, 14.6, sd_change, 25)
    >>> round(found.d, 7), round(found.low, 7), round(found.high, 7)
    (0.5550319, 0.2394905, 0.8705732)
    """
    v1, v2, vd = sd_pre**2, sd_post**2, sd_change**2
    mid = (v1 + v2) / 2
    if not mid > 0:
        return _without_spread(mean, mid)
    d = float(mean / np.sqrt(mid))
    if not (n > 1 and np.isfinite(n)):
        return Standardised(d, 0.0, 0.0) if vd == 0 and mean == 0 else Standardised(d, np.nan, np.nan)
    covariance = (v1 + v2 - vd) / 2
    variance = (d**2 * (v1**2 + v2**2 + 2 * covariance**2) / (8 * mid**2) + vd / mid) / (n - 1)
    half = float(special.ndtri((1 + confidence) / 2) * np.sqrt(variance))
    return Standardised(d, d - half, d + half)


def _without_spread(mean: float, sd: float) -> Standardised:
    """Of changes that do not vary: none at all is a standardised change of 0, any other has none."""
    return Standardised(*[0.0 if sd == 0 and mean == 0 else np.nan] * 3)


def signed_rank(pre: Floats, post: Floats) -> tuple[float, float, float]:
    """Wilcoxon's signed-rank test and the matched-pairs rank-biserial correlation.

    Returns
    -------
    w : float
        The smaller of the two rank sums; pairs without change are left out.
    p : float
        As ``pingouin.wilcoxon`` gives it: exact in small samples without ties, else normal with the correction for
        continuity.
    r : float
        The share of the rank sum that is for an increase less the share that is for a decrease: positive where post
        is higher.

    Notes
    -----
    Where nobody changed, it is stated: 0, 1 and 0. R: ``wilcox.test(post, pre, paired = TRUE, exact = FALSE)``.

    References
    ----------
    Kerby, D. S. (2014). The simple difference formula. Comprehensive Psychology 3, 11.IT.3.1.

    Examples
    --------
    >>> signed_rank(np.array([1.0, 2, 2, 3]), np.array([2.0, 4, 5, 2]))
    (1.5, 0.375, 0.7)
    """
    change = changes(pre, post)
    if len(change) < 2:
        return np.nan, np.nan, np.nan
    if not change.any():
        return 0.0, 1.0, 0.0
    import pingouin

    # of the changes: of pre and post, pingouin compares everybody with everybody, for a measure not used here
    found = pingouin.wilcoxon(change).iloc[0]
    return float(found["W_val"]), float(found["p_val"]), float(found["RBC"])


def directions(
    change: Floats, smallest: float = 0.0, better: Literal["higher", "lower"] = "higher", weight: Floats | None = None
) -> tuple[Floats, Floats]:
    """Who improved, stayed the same, got worse: shares, and numbers of people.

    Parameters
    ----------
    smallest : float
        The smallest change that counts; 0 is any change.

    Examples
    --------
    >>> directions(np.array([-1.0, 0, 1, 2]), smallest=1, better="lower")
    (array([0.25, 0.25, 0.5 ]), array([1., 1., 2.]))
    """
    if not len(change):
        return np.full(3, np.nan), np.zeros(3)
    good = change if better == "higher" else -change
    much = (good != 0) & (np.abs(good) >= smallest * (1 - 1e-9))
    each = np.stack([much & (good > 0), ~much, much & (good < 0)]).astype(float)
    return np.array([np.average(one, weights=weight) for one in each]), each.sum(axis=1)


def extremes(values: Floats, low: float, high: float, weight: Floats | None = None) -> tuple[float, float]:
    """The shares at the lowest and at the highest value that a scale has; NaN where it has none.

    Examples
    --------
    >>> extremes(np.array([1.0, 1, 3, 5]), 1, 5)
    (0.5, 0.25)
    """
    if not len(values):
        return np.nan, np.nan
    shares = (float(np.average(np.isclose(values, end), weights=weight)) for end in (low, high))
    return tuple(np.nan if np.isnan(end) else s for end, s in zip((low, high), shares, strict=True))  # type: ignore[return-value]


def mcnemar(pre: Floats, post: Floats) -> tuple[int, int, float]:
    """McNemar's exact test of two 0/1 measurements: who went from 1 to 0, who from 0 to 1, and p.

    The binomial test of the discordant pairs. Without any, p is 1. R: ``binom.test(c, b + c)``.

    Examples
    --------
    >>> mcnemar(np.array([1.0, 0, 0, 0, 0, 0, 0]), np.array([0.0, 1, 1, 1, 1, 1, 0]))
    (1, 5, 0.21875)
    """
    b, c = int(((pre == 1) & (post == 0)).sum()), int(((pre == 0) & (post == 1)).sum())
    return b, c, float(stats.binomtest(c, b + c).pvalue) if b + c else 1.0


def risk_difference(b: int, c: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    r"""Interval of (c - b) / n, the difference of two shares of the same people, after Bonett and Price.

    With one pair added to each kind of discordant pairs, :math:`p_1 = (b + 1)/(n + 2)` and
    :math:`p_2 = (c + 1)/(n + 2)`, it is :math:`p_2 - p_1 \mp z \sqrt{(p_1 + p_2 - (p_2 - p_1)^2) / (n + 2)}`, cut at
    -1 and 1. R: ``statpsych::ci.prop.ps``.

    References
    ----------
    Bonett, D. G. and Price, R. M. (2012). Adjusted Wald confidence interval for a difference of binomial proportions
    based on paired data. Journal of Educational and Behavioral Statistics 37, 479-488.

    Examples
    --------
    The example of ``statpsych``:

    >>> [round(bound, 7) for bound in risk_difference(4, 26, 48)]
    [0.2548067, 0.6251933]
    """
    if n < 1:
        return np.nan, np.nan
    p1, p2 = (b + 1) / (n + 2), (c + 1) / (n + 2)
    half = float(special.ndtri((1 + confidence) / 2) * np.sqrt((p1 + p2 - (p2 - p1) ** 2) / (n + 2)))
    return max(-1.0, p2 - p1 - half), min(1.0, p2 - p1 + half)


OccasionTest = Literal["cochran_q", "friedman", "mixed"]


def occasions(values: Floats, test: OccasionTest) -> tuple[float, int, float, Floats]:
    """Whether the means of three or more occasions differ.

    Parameters
    ----------
    values : ndarray of float, shape (people, occasions)
        NaN where somebody gave no answer.
    test : {"cochran_q", "friedman", "mixed"}
        Cochran's Q for 0/1, Friedman's chi-square for ordinal answers, both of those with all occasions; for scores
        :func:`random_intercept`, of everybody with at least one.

    Returns
    -------
    statistic : float
        Chi-square.
    df : int
        Occasions - 1.
    p : float
    means : ndarray of float, shape (occasions,)
        Of those with all occasions; of a mixed model, its own.

    Notes
    -----
    Where nobody ever changed, the statistic is 0 and p is 1. Fewer than three people are not tested.

    Examples
    --------
    >>> values = np.array([[1.0, 2, 3], [2, 3, 3], [1, 3, 2], [2, 2, 4]])
    >>> statistic, df, p, means = occasions(values, "friedman")
    >>> round(statistic, 3), df, round(p, 3), means.tolist()
    (5.571, 2, 0.062, [1.5, 2.5, 3.0])
    """
    complete = values[~np.isnan(values).any(axis=1)]
    df = values.shape[1] - 1
    if len(complete) < 3:
        return np.nan, df, np.nan, complete.mean(axis=0) if len(complete) else np.full(df + 1, np.nan)
    moved = changes(np.repeat(complete[:, :1], df, axis=1), complete[:, 1:])
    if not moved.any():
        return 0.0, df, 1.0, complete.mean(axis=0)
    if test == "mixed":
        if (np.ptp(moved, axis=0) == 0).all():  # everybody by the same: nothing is left to test against
            return np.nan, df, np.nan, complete.mean(axis=0)
        statistic, means = random_intercept(values)
        return statistic, df, float(stats.chi2.sf(statistic, df)), means
    import pandas as pd
    import pingouin

    made = getattr(pingouin, {"cochran_q": "cochran", "friedman": "friedman"}[test])(pd.DataFrame(complete))
    return float(made["Q"].iloc[0]), df, float(made["p_unc"].iloc[0]), complete.mean(axis=0)


def random_intercept(values: Floats) -> tuple[float, Floats]:
    r"""Wald chi-square of equal means, and the means, of a mixed model with an intercept per person, by REML.

    :math:`y_{ij} = \mu_j + u_i + e_{ij}`. Everybody with at least one occasion counts, so that the means hold if what
    is missing depends on what was observed only. R: ``lmer(y ~ 0 + occasion + (1 | person))``.

    Notes
    -----
    Given the ratio of the two variances all else has a closed form, and the restricted likelihood is maximised over
    the one number. ``statsmodels.MixedLM`` gives the same, but needs seconds where this needs milliseconds, and warns
    where the variance between people is 0.

    References
    ----------
    Laird, N. M. and Ware, J. H. (1982). Random-effects models for longitudinal data. Biometrics 38, 963-974.

    Examples
    --------
    >>> values = np.array([[1.0, 2, 3], [2, 3, 3], [1, np.nan, 2], [2, 2, 4]])
    >>> statistic, means = random_intercept(values)
    >>> round(statistic, 3), means.round(3).tolist()
    (17.127, [1.5, 2.178, 3.0])
    """
    centre, seen = float(np.nanmean(values)), ~np.isnan(values)
    y, mask = np.where(seen, values - centre, 0.0), seen.astype(float)
    count, total, k = mask.sum(axis=1), y.sum(axis=1), values.shape[1]

    def fitted(ratio: float) -> tuple[float, Floats, Floats]:
        """Minus twice the restricted log-likelihood, the means and their covariance matrix."""
        shrink = ratio / (1 + ratio * count)
        inside = np.diag(mask.sum(axis=0)) - mask.T @ (mask * shrink[:, None])
        right = y.sum(axis=0) - mask.T @ (shrink * total)
        means = np.linalg.solve(inside, right)
        rest, free = float((y**2).sum() - (shrink * total**2).sum() - means @ right), count.sum() - k
        value = free * np.log(max(rest, 1e-300)) + np.log1p(ratio * count).sum() + np.linalg.slogdet(inside)[1]
        return float(value), means, np.linalg.inv(inside) * rest / free

    grid = np.linspace(-14.0, 14.0, 57)  # of the logarithm, to start beside the highest peak
    best = grid[int(np.argmin([fitted(np.exp(at))[0] for at in grid]))]
    found = optimize.minimize_scalar(
        lambda at: fitted(np.exp(at))[0], bounds=(best - 0.5, best + 0.5), method="bounded", options={"xatol": 1e-9}
    )
    ratio = 0.0 if best == grid[0] else float(np.exp(found.x))
    _, means, covariance = fitted(ratio)
    contrast = np.diff(np.eye(k), axis=0)
    gap = contrast @ means
    return float(gap @ np.linalg.solve(contrast @ covariance @ contrast.T, gap)), means + centre
