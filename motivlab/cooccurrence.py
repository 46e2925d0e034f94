"""Co-occurrence: which choices of a multiple response question are named together, and how many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from .about import Base
from .design import DesignArrays, Ints, design_arrays
from .domains import breakdowns
from .estimate import Estimates, adjust, require_confidence, response_columns, rows_of, tidy
from .expressions import Mask
from .intervals import Floats, design_effect, wald
from .prevalence import items_of
from .reduction import (
    Domains,
    Ratios,
    Sums,
    count_by_level,
    kish_sizes,
    number_ratios,
    reduce_survey,
    response_counts,
    share_ratios,
)
from .shown import Shown
from .survey import Survey
from .variance import Solution, covariance, solve

OTHER = "(other)"
NO_CHOICE = "(none)"
JOINED = " + "


@dataclass(frozen=True, repr=False, eq=False)
class Setting:
    """What the frames of one co-occurrence have in common.

    Attributes
    ----------
    question, base : str
    confidence : float
    response : dict of str to ndarray, shape (levels,)
        The columns on who did not answer; the levels of all breakdowns stand one after the other.
    size : ndarray of float, shape (levels,)
        Kish's effective size of the base, for shares of 0 and 1.
    """

    question: str
    base: str
    confidence: float
    response: dict[str, np.ndarray]
    size: Floats

    def frame(
        self, names: Sequence[str], domains: Sequence[Domains], result: Solution, interval: str = "korn-graubard"
    ) -> pd.DataFrame:
        """The columns of :class:`motivlab.estimate.Estimates`."""
        size = np.broadcast_to(self.size[: len(result.n), None], result.n.shape)
        columns = tidy(self.question, self.base, names, domains, result, interval, self.confidence, size=size)
        level, _ = rows_of(domains, len(names))
        return pd.DataFrame(columns | {"net": False} | {name: v[level] for name, v in self.response.items()})


@dataclass(frozen=True, repr=False, eq=False)
class Partition:
    """Shares of parts that add up to 1, and what it takes to put several parts together.

    Attributes
    ----------
    frame : DataFrame
        The columns of :class:`motivlab.estimate.Estimates`, a row per part and level. The analyst's numbers.
    items : tuple of str
    solution : Solution
        Arrays of shape (levels, items); the levels of all breakdowns stand one after the other.
    covariance : ndarray of float, shape (levels, items, items)
    domains : tuple of Domains
        Without their respondents.
    setting : Setting
    """

    frame: pd.DataFrame
    items: tuple[str, ...]
    solution: Solution
    covariance: Floats
    domains: tuple[Domains, ...]
    setting: Setting

    def merged(self, parts: Sequence[tuple[str, Sequence[int]]]) -> Partition:
        """Parts put together, with the standard errors and intervals of their sums.

        Parameters
        ----------
        parts : sequence of (str, sequence of int)
            The name of each new part, and the positions among ``items`` of what it is made of.
        """
        total = np.zeros((len(self.items), len(parts)))
        for new, (_, members) in enumerate(parts):
            total[list(members), new] = 1
        was = self.solution
        n, k = was.n[:, : len(parts)], was.k @ total
        if len(parts) > was.n.shape[1]:
            raise ValueError("parts can be put together, not taken apart.")
        estimate = np.where(k >= n, 1.0, np.where(k == 0, 0.0, was.estimate @ total))
        estimate = np.where(n > 0, estimate, np.nan)
        variance = np.einsum("ia,lij,ja->la", total, self.covariance, total)
        with np.errstate(invalid="ignore"):
            se = np.where((k == 0) | (k >= n), 0.0, np.sqrt(np.maximum(variance, 0.0)))
        se = np.where(n > 0, se, np.nan)
        df = was.df[:, : len(parts)]
        solution = Solution(estimate, se, df, n, k, design_effect(estimate, se, n))
        names = tuple(name for name, _ in parts)
        frame = self.setting.frame(names, self.domains, solution)
        cov = np.einsum("ia,lij,jb->lab", total, self.covariance, total)
        return replace(self, frame=frame, items=names, solution=solution, covariance=cov)


@dataclass(frozen=True, repr=False, eq=False)
class Cooccurrence(Shown):
    """Which choices of a multiple response question are named together.

    In a notebook it shows as three gated tables: how many choices are named, which pairs, which exact combinations.

    Attributes
    ----------
    choices : Estimates
        The share of each choice that is not exclusive, over the same base as all the rest.
    mean : Estimates
        The mean number of choices named, overall and by group.
    numbers : Partition
        The shares of those who named 0, 1, 2, ... choices, overall and by group.
    pairs : DataFrame
        One row per pair of choices, ``first`` and ``second``, with the columns of an estimate for the share naming
        both; to the right ``expected``, what independence would give; ``ratio`` of the two, ``ratio_low`` and
        ``ratio_high``; ``difference`` of the two, its ``difference_se``, ``difference_low`` and ``difference_high``;
        ``t`` and ``p`` of the logarithm of the ratio; ``p_adjusted``, Holm's within the pairs; ``phi``.
    combinations : Partition
        The exact combinations named most often; ``(none)``, those who named none; ``(other)``, all the rest.
    members : dict of str to tuple of str
        The choices of each combination.

    Notes
    -----
    The frames are the analyst's numbers. What few respondents named together may be one person's answers: a table or
    figure counts it under the other combinations.
    """

    choices: Estimates
    mean: Estimates
    numbers: Partition
    pairs: pd.DataFrame
    combinations: Partition
    members: dict[str, tuple[str, ...]]

    @property
    def question(self) -> str:
        """The question."""
        return self.choices.question

    @property
    def language(self) -> str:
        """The language it is shown in."""
        return self.choices.language

    def to(self, language: str) -> Cooccurrence:
        """The same, shown in another language (lv, en or ru)."""
        return replace(self, choices=self.choices.to(language), mean=self.mean.to(language))


def cooccurrence(
    survey: Survey,
    question: str,
    base: Base | None = None,
    where: str = "",
    by: str | Sequence[str | tuple[str, ...]] | None = (),
    confidence: float = 0.95,
    most: int = 12,
) -> Cooccurrence:
    r"""Which choices of a multiple response question are named together: their number, pairs, exact combinations.

    Parameters
    ----------
    survey : Survey
    question : str
        A ``select_multiple`` question. Exclusive choices ("none of these") and missing reasons are part of no
        combination: who chose only such a one named no choice.
    base, where, by, confidence
        As for :func:`motivlab.prevalence`; who answered only some of the choices is left out of the base ``asked``
        and ``any``. The groups of ``by`` are for the number of choices.
    most : int
        How many combinations are listed, from the most frequent; the rest is one row.

    Returns
    -------
    Cooccurrence
        Intervals of shares are Korn-Graubard's, of the mean number Wald's.

    Raises
    ------
    ValueError
        If the question is not ``select_multiple``, has fewer than two choices that are not exclusive, or ``most`` is
        less than 1; and as :func:`motivlab.prevalence`.

    Notes
    -----
    With :math:`p_{ij}` the share naming both, the ratio to independence is :math:`p_{ij} / (p_i p_j)`. Its logarithm
    has the gradient :math:`(1/p_{ij}, -1/p_i, -1/p_j)`, which with the covariance of the three shares gives its
    standard error, interval and test, on t at the design's degrees of freedom. R: ``svymean(~both + a + b, design)``
    and ``svycontrast(m, quote(log(both / (a * b))))``.

    Where everybody in the base named at least one choice, who did not name one is the likelier to have named another:
    ratios are below 1 even of choices that have nothing to do with one another.

    Examples
    --------
    >>> df = pd.DataFrame({"q/a": [1, 1, 1, 0, 0] * 20, "q/b": [1, 1, 0, 1, 0] * 20, "q/c": [0, 0, 1, 0, 0] * 20})
    >>> found = cooccurrence(Survey.from_frame(df), "q")
    >>> found.combinations.frame[["item", "k", "estimate"]].values.tolist()
    [['a + b', 40, 0.4], ['a + c', 20, 0.2], ['b', 20, 0.2], ['(none)', 20, 0.2]]
    >>> found.pairs[["item", "estimate", "expected", "ratio"]].round(2).values.tolist()
    [['a + b', 0.4, 0.36, 1.11], ['a + c', 0.2, 0.12, 1.67], ['b + c', 0.0, 0.12, 0.0]]
    """
    require_confidence(confidence)
    if not isinstance(most, (int, np.integer)) or most < 1:
        raise ValueError(f"most={most!r}: give how many combinations are to be listed, 1 or more.")
    answered = _answered(survey, question, base)
    design = design_arrays(survey)
    within, domains = breakdowns(survey, by, where)
    everybody = share_ratios(answered.of[:, None], answered.of[:, None])
    size = kish_sizes(design, domains, everybody)[:, 0]
    setting = Setting(question, answered.base, confidence, _response(answered, domains), size)
    common: dict[str, Any] = {
        "question": question, "base": answered.base, "confidence": confidence, "where": where,
        "questionnaire": survey.questionnaire, "about": survey.about, "language": survey.language,
    }  # fmt: skip
    left_out = {d.by: int((within & answered.of & (d.codes < 0)).sum()) for d in domains if d.by}
    left_out = {name: count for name, count in left_out.items() if count}
    choices, pairs = _pairs(design, domains[0], answered, setting)
    number = answered.chosen.sum(axis=1)
    least = 1 if answered.base == "any" else 0
    inside = answered.of & within
    highest = max(int(number[inside].max(initial=0)), least)
    counted = np.where(answered.of & (number <= highest), number - least, -1)
    names = tuple(str(i) for i in range(least, highest + 1))
    sets, members = _combinations(answered, inside, design.weight, most)
    return Cooccurrence(
        choices=Estimates(choices, interval="korn-graubard", **common),
        mean=Estimates(
            _mean(design, domains, answered, number, setting),
            interval="wald", statistic="mean", left_out=left_out, **common,
        ),
        numbers=_partition(design, domains, counted, names, setting),
        pairs=pairs,
        combinations=_partition(design, domains[:1], sets, tuple(members), setting),
        members=members,
    )  # fmt: skip


@dataclass(frozen=True)
class _Answered:
    """Who named which of the choices that are not exclusive, and who is in the base: one base for all of them."""

    base: str
    names: tuple[str, ...]
    chosen: Mask
    of: Mask
    valid: Mask
    given: Any


def _answered(survey: Survey, question: str, base: Base | None) -> _Answered:
    asked_for = survey.question(question)
    if asked_for.type != "select_multiple":
        multiple = [q.name for q in survey.questionnaire if q.type == "select_multiple"]
        raise ValueError(
            f"question {question!r} is of type {asked_for.type}: choices are named together only in a select_multiple "
            f"question. Name one of {', '.join(multiple) or 'these, of which the survey has none'}."
        )
    items = items_of(survey, question, base)
    given = items.answers
    open_choices = np.array([not choice.exclusive for choice in given.choices])
    names = tuple(c.name for c in given.choices if not c.exclusive)
    if len(names) < 2:
        raise ValueError(
            f"question {question!r} has {len(names)} choices that are not exclusive: combinations need two or more. "
            "Name another question."
        )
    if odd := [name for name in names if JOINED in name]:
        raise ValueError(
            f"question {question!r}: the choice {odd[0]!r} holds {JOINED!r}, which joins choices. Rename it."
        )
    valid = given.valid if given.valid.shape[1] == 1 else given.valid[:, open_choices]
    complete = np.asarray(valid.all(axis=1))
    chosen = given.chosen[:, open_choices]
    of = {"all": np.ones(len(chosen), dtype=bool), "asked": complete, "any": complete & chosen.any(axis=1)}[items.base]
    return _Answered(items.base, names, chosen & of[:, None], of, complete, given)


def _response(answered: _Answered, domains: Sequence[Domains]) -> dict[str, np.ndarray]:
    """The columns on who did not answer, by level of all breakdowns."""
    valid = count_by_level(domains, answered.valid.astype(np.int8), 2)[:, 1]
    return response_columns(response_counts(answered.given, domains), valid)


# ------------------------------------------------------------------------------------------- numbers, combinations


def _mean(
    design: DesignArrays, domains: Sequence[Domains], answered: _Answered, number: Ints, setting: Setting
) -> pd.DataFrame:
    """The mean number of choices named; ``k`` is n, as for any number."""
    count = number[:, None].astype(float)
    ratios = number_ratios(count, np.ones_like(count), answered.of[:, None])
    result = solve(reduce_survey(design, domains, ratios), ratios, design)
    return setting.frame(["mean"], domains, result, "wald")


def _combinations(
    answered: _Answered, inside: Mask, weight: Floats, most: int
) -> tuple[Ints, dict[str, tuple[str, ...]]]:
    """The part of each respondent, -1 outside the base; and the parts, the most frequent first, with their choices."""
    packed = np.packbits(answered.chosen, axis=1)
    key = np.ascontiguousarray(packed).view(np.dtype((np.void, packed.shape[1]))).ravel()
    _, where, code = np.unique(key, return_index=True, return_inverse=True)
    held = np.bincount(code[inside], minlength=len(where)) > 0
    share = np.bincount(code[inside], weight[inside], minlength=len(where))
    patterns = answered.chosen[where]
    named = np.flatnonzero(held & patterns.any(axis=1))
    # the most frequent first; where two are the same, the one whose choices come first
    share = np.round(share / max(share.sum(), 1e-300), 12)
    place = np.lexsort((*(-patterns[named].T[::-1].astype(int)), -share[named]))
    order = named[place]
    members: dict[str, tuple[str, ...]] = {}
    part = np.full(len(where), min(most, len(order)) + 1)
    for i, at in enumerate(order[:most]):
        choices = tuple(name for name, hit in zip(answered.names, patterns[at], strict=True) if hit)
        members[JOINED.join(choices)] = choices
        part[at] = i
    part[~patterns.any(axis=1)] = len(members)
    nobody = not held[~patterns.any(axis=1)].any()
    if nobody:
        part[part > len(members)] -= 1
    else:
        members[NO_CHOICE] = ()
    if len(order) > most:
        members[OTHER] = ()
    found = np.where(inside, part[code], -1)
    return found, members or {NO_CHOICE: ()}


def _partition(
    design: DesignArrays, domains: Sequence[Domains], part: Ints, names: tuple[str, ...], setting: Setting
) -> Partition:
    """Shares of parts, of which everybody in the base is in one."""
    ratios = _part_ratios(part, len(names))
    sums = reduce_survey(design, domains, ratios)
    result = solve(sums, ratios, design)
    levels = result.estimate.shape[0]
    every = np.arange(len(names))
    shared = [covariance(sums, ratios, design, np.full(len(names), level), every) for level in range(levels)]
    frame = setting.frame(names, domains, result)
    nobody = np.zeros(0, dtype=np.int16)
    bare = tuple(replace(d, codes=nobody) for d in domains)
    return Partition(frame, names, result, np.stack(shared), bare, setting)


def _part_ratios(part: Ints, parts: int) -> Ratios:
    """The base and an indicator per part; nobody is in two, so that the product of two is a column of zeros."""
    num, zero = np.arange(1, parts + 1), parts + 1
    product = np.full((parts + 2, parts + 2), zero)
    product[np.arange(parts + 2), np.arange(parts + 2)] = np.arange(parts + 2)
    product[num, 0] = product[0, num] = num

    def columns(rows: slice) -> Floats:
        code = part[rows, None]
        return np.concatenate([code >= 0, code == np.arange(parts), np.zeros_like(code)], axis=1).astype(float)

    den = np.zeros(parts, dtype=np.intp)
    return Ratios(columns, parts + 2, num, den, den, num, product)


# ------------------------------------------------------------------------------------------------------- pairs


def _pairs(
    design: DesignArrays, whole: Domains, answered: _Answered, setting: Setting
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Each choice, and each pair of choices."""
    j = len(answered.names)
    at = list(combinations(range(j), 2))
    one, two = np.array(at).T
    ratios = _pair_ratios(answered, one, two)
    sums = reduce_survey(design, [whole], ratios)
    result = solve(sums, ratios, design)
    names = [*answered.names, *(f"{answered.names[a]}{JOINED}{answered.names[b]}" for a, b in at)]
    frame = setting.frame(names, [whole], result)
    choices, both = frame.iloc[:j].reset_index(drop=True), frame.iloc[j:].reset_index(drop=True)
    shared = np.stack([_shared(sums, ratios, design, j + i, a, b) for i, (a, b) in enumerate(at)])
    p, df = result.estimate[0], result.df[0, j:]
    found = _association(p[j:], p[one], p[two], shared, df, setting.confidence)
    found["p_adjusted"] = adjust(found["p"], "holm")
    first, second = (np.array(answered.names, dtype=object)[i] for i in (one, two))
    order = [*found.columns.drop(["p_adjusted", "phi"]), "p_adjusted", "phi"]
    return choices, pd.concat([both.assign(first=first, second=second), found[order]], axis=1)


def _pair_ratios(answered: _Answered, one: Ints, two: Ints) -> Ratios:
    """Choices and pairs as items; the products that their covariances need are columns already."""
    both = answered.chosen[:, one] & answered.chosen[:, two]
    ratios = share_ratios(np.concatenate([answered.chosen, both], axis=1), answered.of[:, None])
    pair = ratios.num[answered.chosen.shape[1] :]
    product = ratios.product.copy()
    for a, b in ((ratios.num[one], ratios.num[two]), (pair, ratios.num[one]), (pair, ratios.num[two])):
        product[a, b] = product[b, a] = pair
    return replace(ratios, product=product)


def _shared(sums: Sums, ratios: Ratios, design: DesignArrays, pair: int, one: int, two: int) -> Floats:
    """The covariance matrix of the share naming both and of the two choices."""
    kept = np.array([pair, one, two])
    den = None if ratios.den is None else ratios.den[kept]
    three = replace(ratios, num=ratios.num[kept], den=den, base=ratios.base[kept], hit=ratios.hit[kept])
    return covariance(sums, three, design, np.zeros(3, dtype=np.intp), np.arange(3))


def _association(both: Floats, a: Floats, b: Floats, shared: Floats, df: Floats, confidence: float) -> pd.DataFrame:
    """Observed against expected under independence, by the delta method.

    Parameters
    ----------
    both, a, b, df : ndarray of float, shape (pairs,)
    shared : ndarray of float, shape (pairs, 3, 3)
        The covariances of ``both``, ``a`` and ``b``.
    """
    expected = a * b
    spread = np.trace(shared, axis1=1, axis2=2)

    def error(gradient: Floats, scale: Floats) -> Floats:
        variance = np.einsum("pi,pij,pj->p", gradient, shared, gradient)
        # what rounding leaves of a variance that is none would be a test of nothing
        return np.sqrt(np.where(variance > 1e-14 * np.maximum(scale * spread, 1e-300), variance, 0.0))

    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(expected > 0, both / expected, np.nan)
        known = (both > 0) & (expected > 0)
        slope = np.where(known, 1.0, np.nan)[:, None] / np.stack([both, -a, -b], axis=1)
        log_se = error(np.nan_to_num(slope), np.nan_to_num(np.square(slope).sum(axis=1)))
        degrees = np.where(df > 0, df, np.nan)
        half = -stats.t.ppf((1 - confidence) / 2, degrees) * log_se
        t = np.where(known & (log_se > 0), np.log(ratio) / log_se, np.nan)
        low, high = (np.where(known, ratio * np.exp(sign * half), np.nan) for sign in (-1, 1))
        difference = both - expected
        difference_se = error(np.stack([np.ones_like(a), -b, -a], axis=1), 1 + a**2 + b**2)
        phi = difference / np.sqrt(a * (1 - a) * b * (1 - b))
    bounds = wald(difference, difference_se, df, df, confidence)
    return pd.DataFrame(
        {
            "expected": expected, "ratio": ratio, "ratio_low": low, "ratio_high": high, "difference": difference,
            "difference_se": difference_se, "difference_low": bounds[0], "difference_high": bounds[1], "t": t,
            "p": 2 * stats.t.sf(np.abs(t), degrees), "phi": np.where(np.isfinite(phi), phi, np.nan),
        }
    )  # fmt: skip
