"""Comparison of groups: tests of independence, pairwise differences with their covariance, letters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from string import ascii_uppercase
from typing import Literal, get_args

import numpy as np
import pandas as pd
from scipy import stats

from .about import Base
from .answers import numbers
from .codes import choose
from .design import DesignArrays, design_arrays
from .domains import breakdown, where_mask
from .estimate import Correction, Estimates, adjust, require_confidence
from .expressions import Mask
from .intervals import Floats, wald
from .prevalence import Items, items_of, prevalence
from .questionnaire import CHOICE_TYPES, did_you_mean
from .reduction import Domains, Ratios, Sums, cell_ratios, number_ratios, reduce_survey, share_ratios
from .shown import Shown
from .summaries import centred, mean
from .survey import Survey
from .thresholds import PROFILES
from .variance import covariance, degrees, solve

Family = Literal["question", "item"]
JOINT = "(all)"


@dataclass(frozen=True, repr=False, eq=False)
class Comparison(Shown):
    """Whether the answers to a question differ between groups, where, and by how much.

    Attributes
    ----------
    estimates : Estimates
        The shares by group that are compared.
    between : str
    tests : DataFrame
        Rao-Scott tests of independence. ``item``: ``(all)`` for the question as a whole, of a multiple response
        question also each choice; ``n``; ``statistic`` (F); ``df1``; ``df2``; ``p``; ``p_adjusted``, of Holm within
        the choices; ``reason`` where there is no test.
    differences : DataFrame
        All pairs of groups: ``item``, ``level``, ``reference``, ``difference`` (the share of ``level`` less that of
        ``reference``), ``se``, ``ci_low``, ``ci_high``, ``df``, ``t``, ``p``, ``p_adjusted``, ``ratio`` of the two
        shares, ``ratio_low`` and ``ratio_high``.
    letters : DataFrame
        One row per item and level: ``letter``, the group's own, and ``above``, the letters of the groups whose share
        is significantly lower.
    correction, family : str
        How the p values of the differences are adjusted, and within what.
    left_out : tuple of str
        Groups with too few respondents to be compared.
    """

    estimates: Estimates
    between: str
    tests: pd.DataFrame
    differences: pd.DataFrame
    letters: pd.DataFrame
    correction: Correction
    family: Family
    left_out: tuple[str, ...] = ()

    @property
    def language(self) -> str:
        """The language it is shown in."""
        return self.estimates.language

    def to(self, language: str) -> Comparison:
        """The same, shown in another language (lv, en or ru)."""
        return replace(self, estimates=self.estimates.to(language))

    def against(self, reference: str) -> pd.DataFrame:
        """The differences and ratios of every other group against one.

        Raises
        ------
        ValueError
            If there is no such group.
        """
        levels = list(dict.fromkeys([*self.differences["reference"], *self.differences["level"]]))
        if reference not in levels:
            near = did_you_mean(reference, levels)
            raise ValueError(f"reference={reference!r}: no such group in {self.between!r}{near} Known: {levels}.")
        frame = self.differences
        turned = frame[frame["level"] == reference].rename(columns={"level": "reference", "reference": "level"})
        turned = turned.assign(
            difference=-turned["difference"], t=-turned["t"], ci_low=-turned["ci_high"], ci_high=-turned["ci_low"],
            ratio=1 / turned["ratio"].replace(0.0, np.nan), ratio_low=1 / turned["ratio_high"],
            ratio_high=1 / turned["ratio_low"],
        )  # fmt: skip
        both = pd.concat([frame[frame["reference"] == reference], turned])[frame.columns]
        order = {level: i for i, level in enumerate(self.letters["level"].unique())}
        items = {item: i for i, item in enumerate(frame["item"].unique())}
        place = both["item"].map(items) * len(order) + both["level"].map(order)
        return both.loc[place.sort_values(kind="stable").index].reset_index(drop=True)


def compare(
    survey: Survey,
    question: str,
    between: str | tuple[str, ...],
    *,
    base: Base | None = None,
    where: str = "",
    correction: Correction = "holm",
    family: Family = "question",
    smallest: int | None = None,
    confidence: float = 0.95,
) -> Comparison:
    """Compare the answers of groups, with tests and differences that know the design.

    Parameters
    ----------
    survey : Survey
    question : str
        A ``select_one`` or ``select_multiple`` question, whose shares are compared, or a number, whose means are.
    between : str or tuple of str
        The ``select_one`` question whose levels are compared, or several crossed.
    base, where
        As for :func:`motivlab.prevalence`.
    correction : {"holm", "bh", "none"}
        Of the p values of the differences: Holm's, or Benjamini and Hochberg's false discovery rate.
    family : {"question", "item"}
        Within what they are adjusted: all differences of the question, or those of each item by itself.
    smallest : int, optional
        Groups with fewer respondents in the base are left out, and named in ``left_out``. By default the number
        below which the survey's gate shows nothing: a test must not rest on a group that nobody may see.
    confidence : float
        Of the intervals, which are not adjusted, and 1 - the level of the letters.

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError
        If fewer than two levels have enough respondents, and as :func:`motivlab.prevalence` does.

    Notes
    -----
    Tests: Pearson's statistic with Rao and Scott's second-order correction and F on the design's degrees of freedom;
    R: ``svychisq(~a + b, design, statistic = "F")``. For a multiple response question the statistics of all choices
    are added up and corrected alike, with the covariance of all their cells (simultaneous pairwise marginal
    independence). Of means, Wald's F; R: ``regTermTest(svyglm(y ~ g, design), ~g)``. Differences: R's ``svyby(~y, ~g,
    design, svymean, covmat = TRUE)`` and ``svycontrast``; ratios by the delta method on the log scale. Letters stand
    where the adjusted p is below 1 - confidence.

    References
    ----------
    Rao, J. N. K. and Scott, A. J. (1984). On chi-squared tests for multiway contingency tables with cell proportions
    estimated from survey data. Annals of Statistics 12, 46-60.

    Bilder, C. R. and Loughin, T. M. (2004). Testing for marginal independence between two categorical variables with
    multiple responses. Biometrics 60, 241-248.

    Examples
    --------
    >>> df = pd.DataFrame({"met": ["yes", "no", "no"] * 30 + ["yes", "no"] * 30, "sex": ["f"] * 90 + ["m"] * 60})
    >>> compared = compare(Survey.from_frame(df), "met", between="sex")
    >>> row = compared.against("m").iloc[1]
    >>> row["item"], round(row["difference"], 3), round(row["p"], 4), round(row["ratio"], 2)
    ('yes', np.float64(-0.167), np.float64(0.0432), np.float64(0.67))
    """
    choose(correction=(correction, get_args(Correction)), family=(family, get_args(Family)))
    require_confidence(confidence)
    if question in ((between,) if isinstance(between, str) else between):
        raise ValueError(f"between={between!r}: {question!r} cannot be compared between its own answers.")
    design = design_arrays(survey)
    groups = breakdown(survey, between, where_mask(survey, where))
    items, centre = None, 0.0
    if survey.question(question).type in CHOICE_TYPES:
        estimates = prevalence(survey, question, by=[between], base=base, where=where, confidence=confidence)
        items = items_of(survey, question, base)
        names, someone = items.names, np.asarray(items.of.any(axis=1))
        within = share_ratios(items.chosen, items.of, products=design.replicates is None and not design.clustered)
    else:
        estimates = mean(survey, question, by=[between], where=where, confidence=confidence)
        given, centre = centred(numbers(survey, question).values)
        values = given[:, None]
        names, someone = ["mean"], ~np.isnan(values[:, 0])
        within = number_ratios(values, np.ones_like(values), ~np.isnan(values))
    smallest = PROFILES[survey.about.gate].suppress_below if smallest is None else smallest
    everybody = groups.levels
    groups = _large_enough(groups, someone, question, smallest)
    ratios, hit, of, overall = cell_ratios(within, groups)
    whole = Domains("", ("",), np.where(groups.codes >= 0, 0, -1).astype(np.int8))
    sums = reduce_survey(design, [whole], replace(ratios, base=np.concatenate([ratios.base, overall])))
    every = np.arange(hit.size)
    found = solve(sums, ratios, design)
    cov = covariance(sums, ratios, design, np.zeros_like(every), every)
    share, df = found.estimate.reshape(hit.shape) + centre, float(degrees(sums, overall, design).max())
    differences = _differences(share, cov, df, names, groups, confidence)
    single = survey.question(question).type == "select_one"
    nets = set() if items is None else {name for name, net in zip(names, items.is_net, strict=True) if net}
    differences["p_adjusted"] = _adjusted(differences, correction, family, twofold(estimates), nets)
    if items is None:
        tests = _equal_means(share[:, 0], cov, df, int(found.n.sum()))
    else:
        tests = _tests(sums, ratios, design, items, (hit, of, overall), single)
    columns = ["item", "level", "reference", "difference", "se", "ci_low", "ci_high", "df", "t", "p", "p_adjusted",
               "ratio", "ratio_low", "ratio_high"]  # fmt: skip
    return Comparison(
        estimates, groups.by, tests, differences[columns], _letters(differences, names, groups, 1 - confidence),
        correction, family, tuple(level for level in everybody if level not in groups.levels),
    )  # fmt: skip


def twofold(estimates: Estimates) -> bool:
    """Whether the second answer says the same as the first again: of two, unless over everybody, asked or not."""
    single = estimates.questionnaire[estimates.question].type == "select_one" and estimates.statistic == "share"
    return single and estimates.base != "all" and estimates.frame["item"].nunique() == 2


def _large_enough(groups: Domains, someone: Mask, question: str, smallest: int) -> Domains:
    """The groups that hold enough respondents of the base."""
    inside = someone & (groups.codes >= 0)
    held = np.flatnonzero(np.bincount(groups.codes[inside], minlength=len(groups.levels)) >= max(smallest, 1))
    if len(held) < 2:
        only = f"only {groups.levels[held[0]]!r}" if len(held) else "no level"
        raise ValueError(
            f"between={groups.by!r}: {only} has {max(smallest, 1)} respondents or more in the base of {question!r}. A "
            "comparison needs two groups: choose another question or `where`, merge levels, or set `smallest`."
        )
    position = np.full(len(groups.levels) + 1, -1, dtype=groups.codes.dtype)
    position[held] = np.arange(len(held))
    return Domains(groups.by, tuple(groups.levels[i] for i in held), position[groups.codes])


def _differences(
    share: Floats, cov: Floats, df: float, names: Sequence[str], groups: Domains, confidence: float
) -> pd.DataFrame:
    """All pairwise differences and ratios, item by item; ``share`` has the shape (levels, items)."""
    levels, items = share.shape
    pairs = np.array(list(combinations(range(levels), 2)))
    item = np.repeat(np.arange(items), len(pairs))
    low_level, high_level = np.tile(pairs, (items, 1)).T
    a, b = high_level * items + item, low_level * items + item
    one, two = share.ravel()[a], share.ravel()[b]
    v1, v2, v12 = cov[a, a], cov[b, b], cov[a, b]
    difference, variance = one - two, v1 + v2 - 2 * v12
    # what rounding leaves of a variance that is none would be a test of nothing
    se = np.sqrt(np.where(variance > 1e-14 * np.maximum(v1 + v2, 1e-300), variance, 0.0))
    degrees = np.full(len(item), df)
    with np.errstate(invalid="ignore", divide="ignore"):
        t = np.where(se > 0, difference / se, np.nan)
        known = (one > 0) & (two > 0)
        ratio = np.where(known | (two > 0), one / two, np.nan)
        log_se = np.sqrt(np.maximum(v1 / one**2 + v2 / two**2 - 2 * v12 / (one * two), 0.0))
        half = -stats.t.ppf((1 - confidence) / 2, np.where(degrees > 0, degrees, np.nan)) * log_se
        ratio_low, ratio_high = (np.where(known, ratio * np.exp(sign * half), np.nan) for sign in (-1, 1))
        ci_low, ci_high = wald(difference, np.where(se > 0, se, np.nan), degrees, degrees, confidence)
        p_value = 2 * stats.t.sf(np.abs(t), np.where(degrees > 0, degrees, np.nan))
    level = np.array(groups.levels, dtype=object)
    return pd.DataFrame({
        "item": np.array(names, dtype=object)[item], "level": level[high_level], "reference": level[low_level],
        "difference": difference, "se": se, "ci_low": ci_low, "ci_high": ci_high, "df": degrees.astype(int), "t": t,
        "p": p_value, "ratio": ratio, "ratio_low": ratio_low, "ratio_high": ratio_high,
    })  # fmt: skip


def _adjusted(frame: pd.DataFrame, correction: Correction, family: Family, twice: bool, nets: set[str]) -> pd.Series:
    """P values adjusted within their family; without an answer they are of no family.

    Of a question with two answers the second says the same again, and is not counted twice; nor are nets, which are
    made of the answers.
    """
    if twice:
        half = len(frame) // 2
        once = adjust(frame["p"].iloc[:half], correction).to_numpy()
        return pd.Series(np.concatenate([once, once]), index=frame.index)
    p = frame["p"].where(~frame["item"].isin(nets))
    groups = p.groupby(frame["item"], sort=False) if family == "item" else [("", p)]
    return pd.concat([adjust(p, correction) for _, p in groups])


def _letters(differences: pd.DataFrame, names: Sequence[str], groups: Domains, alpha: float) -> pd.DataFrame:
    """A letter per group, and for each item the letters of the groups that are significantly lower."""
    letter = dict(zip(groups.levels, _alphabet(len(groups.levels)), strict=True))
    above: dict[tuple[str, str], list[str]] = {(i, level): [] for i in names for level in groups.levels}
    for row in differences[differences["p_adjusted"] < alpha].itertuples():
        high, low = (row.level, row.reference) if row.difference > 0 else (row.reference, row.level)
        above[row.item, high].append(letter[low])
    return pd.DataFrame(
        [(item, level, letter[level], " ".join(sorted(found))) for (item, level), found in above.items()],
        columns=["item", "level", "letter", "above"],
    )


def _alphabet(n: int) -> list[str]:
    return [ascii_uppercase[i % 26] * (1 + i // 26) for i in range(n)]


# ------------------------------------------------------------------------------------------------- independence


def _tests(
    sums: Sums, ratios: Ratios, design: DesignArrays, items: Items, columns: Sequence[np.ndarray], single: bool
) -> pd.DataFrame:
    """Rao-Scott tests of the question as a whole and, for a multiple response question, of each choice."""
    hit, of, overall = columns
    levels, j = hit.shape
    plain = np.flatnonzero(~items.is_net)
    # shares of each cell, and of each group, in the base of all groups
    num = np.concatenate([hit.T.ravel(), of.T.ravel()])
    den = np.concatenate([np.repeat(overall, levels)] * 2)
    shares = replace(ratios, num=num, den=den, base=den, hit=num)
    found = solve(sums, shares, design)
    at = np.arange(len(num))
    cov = covariance(sums, shares, design, np.zeros_like(at), at)
    p = found.estimate[0]
    n = sums.one[0, overall]
    df = float(degrees(sums, overall, design).max())

    def table(item: int) -> tuple[Floats, Floats]:
        """The cells of chosen and not chosen by group, (2, levels), and the map to them from the shares."""
        yes, group = item * levels + np.arange(levels), (j + item) * levels + np.arange(levels)
        linear = np.zeros((2 * levels, len(num)))
        linear[np.arange(levels), yes] = 1
        linear[levels + np.arange(levels), group], linear[levels + np.arange(levels), yes] = 1, -1
        return (linear @ p).reshape(2, levels), linear

    if single:
        # the answers, and a last row of those in the base who gave none of them: nobody, but over everybody
        linear = np.zeros((len(plain) + 1, levels, len(num)))
        group = np.arange(levels)
        for row, i in enumerate(plain):
            linear[row, group, i * levels + group] = 1
        linear[-1, group, (j + plain[0]) * levels + group] = 1
        linear[-1] -= linear[:-1].sum(axis=0)
        rows = [(JOINT, int(n.max()), *rao_scott([(linear @ p, linear.reshape(-1, len(num)))], cov, df))]
    else:
        each = [(items.names[i], int(n[i]), *rao_scott([table(i)], cov, df)) for i in range(j)]
        open_items = [i for i in plain if not items.exclusive[i]]
        rows = [(JOINT, int(n.max()), *rao_scott([table(int(i)) for i in open_items], cov, df)), *each]
    frame = pd.DataFrame(rows, columns=["item", "n", "statistic", "df1", "df2", "p", "reason"])
    of_items = (frame["item"] != JOINT) & frame["item"].isin([items.names[i] for i in plain])
    frame["p_adjusted"] = adjust(frame["p"].where(of_items), "holm")
    return frame[["item", "n", "statistic", "df1", "df2", "p", "p_adjusted", "reason"]]


def _equal_means(means: Floats, cov: Floats, df: float, n: int) -> pd.DataFrame:
    """Wald's test that all groups have one mean; R: ``regTermTest(svyglm(y ~ g, design), ~g)``."""
    contrast = np.eye(len(means))[1:] - np.eye(len(means))[0]
    d, v = contrast @ means, contrast @ cov @ contrast.T
    df1, df2 = len(d), df - len(d)
    reason = "no_variance" if df2 <= 0 or np.linalg.matrix_rank(v) < df1 else ""
    statistic = float(d @ np.linalg.solve(v, d) / df1) if not reason else np.nan
    p = float(stats.f.sf(statistic, df1, df2)) if not reason else np.nan
    return pd.DataFrame(
        [(JOINT, n, statistic, float(df1), float(df2), p, p, reason)],
        columns=["item", "n", "statistic", "df1", "df2", "p", "p_adjusted", "reason"],
    )


def rao_scott(
    tables: Sequence[tuple[Floats, Floats]], cov: Floats, df: float
) -> tuple[float, float, float, float, str]:
    """Rao and Scott's second-order corrected test that rows and columns of one or several tables are independent.

    Parameters
    ----------
    tables : sequence of (ndarray of float of shape (rows, columns), ndarray of float of shape (cells, shares))
        Cell proportions, which add up to 1, and the linear map to them from the shares whose covariance is known.
    cov : ndarray of float, shape (shares, shares)
    df : float
        Degrees of freedom of the design.

    Returns
    -------
    statistic, df1, df2, p : float
    reason : str
        ``one_row`` where a table has fewer than two rows or columns with anybody, ``no_variance`` where the design
        gives none; the numbers are NaN then.
    """
    none = (np.nan, np.nan, np.nan, np.nan)
    pearson, contrasts, inverses = 0.0, [], []
    for cells, linear in tables:
        rows, columns = (np.flatnonzero(cells.sum(axis=axis) > 1e-12) for axis in (1, 0))
        if len(rows) < 2 or len(columns) < 2:
            if len(tables) > 1:
                continue  # an item that nobody or everybody chose tells nothing of the groups
            return *none, "one_row"
        keep = (rows[:, None] * cells.shape[1] + columns[None, :]).ravel()
        p = np.maximum(cells[np.ix_(rows, columns)], 0.0)
        expected = np.outer(p.sum(axis=1), p.sum(axis=0))
        pearson += float(((p - expected) ** 2 / expected).sum())
        c = _interaction(len(rows), len(columns))
        weight = np.where(p.ravel() > 1e-15, 1 / np.maximum(p.ravel(), 1e-15), 0.0)
        contrasts.append((c * weight[:, None]).T @ linear[keep])
        inverses.append(np.linalg.inv(c.T @ (c * weight[:, None])))
    if not contrasts:
        return *none, "one_row"
    b = np.concatenate(contrasts)
    middle = np.zeros((len(b), len(b)))
    start = 0
    for inverse in inverses:
        end = start + len(inverse)
        middle[start:end, start:end] = inverse
        start = end
    delta = middle @ (b @ cov @ b.T)
    trace, square = float(np.trace(delta)), float(np.trace(delta @ delta))
    if not trace > 1e-14 or df <= 0:
        return *none, "no_variance"
    df1 = trace**2 / square
    statistic = pearson / trace
    return statistic, df1, df1 * df, float(stats.f.sf(statistic, df1, df1 * df)), ""


def _interaction(rows: int, columns: int) -> Floats:
    """Interaction contrasts of a table's cells, orthogonal to rows and columns; (cells, (rows-1)(columns-1))."""
    a, b = (np.eye(k)[:, 1:] - 1 / k for k in (rows, columns))
    return np.asarray(np.kron(a, b), dtype=float)
