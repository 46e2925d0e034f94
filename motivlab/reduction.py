"""The one pass over the data: totals per cell of unit x domain, which are all that the algebra needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from .answers import NON_RESPONSE, Answers, Numbers
from .design import DesignArrays, Ints
from .expressions import Mask
from .intervals import Floats

CHUNK = 1 << 15  # rows held as floats at a time: what keeps the peak of memory below the size of the data


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
class Ratios:
    """What is estimated: per item the ratio of the totals of two columns, or the total of one.

    Attributes
    ----------
    columns : callable
        From a slice of respondents to an array of shape (rows, width): the values of all columns, 0 outside the base.
    width : int
    num : ndarray of int, shape (items,)
        The column of each item's numerator.
    den : ndarray of int, shape (items,), or None
        The column of its denominator; None for totals.
    base : ndarray of int, shape (items,)
        The 0/1 column of who is in the base.
    hit : ndarray of int, shape (items,)
        The 0/1 column of who is counted in ``k``.
    product : ndarray of int, shape (width, width)
        The column that holds the product of two columns; -1 where none does.
    """

    columns: Callable[[slice], Floats]
    width: int
    num: Ints
    den: Ints | None
    base: Ints
    hit: Ints
    product: Ints


@dataclass(frozen=True)
class Sums:
    """Totals of every column; the levels of all breakdowns stand one after the other.

    Attributes
    ----------
    w, one, before : ndarray of float, shape (units, levels, width)
        Weighted, unweighted, and weighted as before calibration.
    w2 : ndarray of float, shape (units, levels, width)
        With squared weights; for designs without clusters, whose variance is among respondents.
    all_w, all_w2, all_before : ndarray of float, shape (units,)
        The weights themselves over every respondent, in a domain or not; for calibrated designs.
    replicates : ndarray of float, shape (replicates, levels, width)
    rank : ndarray of float, shape (levels, 1)
        The rank of the replicate weights of each level's respondents.
    """

    w: Floats
    one: Floats
    w2: Floats | None = None
    before: Floats | None = None
    all_w: Floats | None = None
    all_w2: Floats | None = None
    all_before: Floats | None = None
    replicates: Floats | None = None
    rank: Floats | None = None


def reduce_totals(
    keys: Callable[[slice], Ints], groups: int, weights: Sequence[Floats | None], columns: Callable[[slice], Floats],
    width: int, rows: int,
) -> list[Floats]:  # fmt: skip
    """Weighted sums of columns by group: the one pass over the data.

    It alone touches respondents. Another engine can take its place; all else is algebra on what it returns.

    Parameters
    ----------
    keys : callable
        From a slice of respondents to their group in each breakdown, an array of shape (rows, breakdowns); the
        number ``groups`` itself stands for none.
    groups : int
    weights : sequence of ndarray of float, shape (rows,), or None
        None counts each respondent one.
    columns : callable
        From a slice to values, shape (rows, width).
    width, rows : int

    Returns
    -------
    list of ndarray of float, shape (groups, width)
        One for each of the weights.

    Examples
    --------
    >>> group, values = np.array([[0], [1], [0], [2]]), np.array([[1.0], [1.0], [3.0], [9.0]])
    >>> by_weight = reduce_totals(lambda s: group[s], 2, [None, np.array([1.0, 2, 3, 4])], lambda s: values[s], 1, 4)
    >>> [sums.ravel().tolist() for sums in by_weight]
    [[4.0, 1.0], [10.0, 2.0]]
    """
    out = [np.zeros((groups + 1, width)) for _ in weights]
    for start in range(0, rows, CHUNK):
        part = slice(start, min(start + CHUNK, rows))
        key, values = keys(part), columns(part)
        n, breakdowns = key.shape
        indices, ends = key.ravel(), np.arange(0, n * breakdowns + 1, breakdowns, dtype=key.dtype)
        for total, weight in zip(out, weights, strict=True):
            data = np.ones(len(indices)) if weight is None else np.repeat(weight[part], breakdowns)
            # column by column, so that the data are read in order: y[group] += weight * x[respondent]
            total += sparse.csc_array((data, indices, ends), shape=(groups + 1, n)) @ values
    return [total[:groups] for total in out]


def reduce_survey(design: DesignArrays, domains: Sequence[Domains], ratios: Ratios) -> Sums:
    """Totals of all columns for every unit and every level of every breakdown."""
    rows = len(design.weight)
    if design.replicates is not None:
        key, groups = _keys(domains)
        of_level: list[Floats | None] = [design.weight, None, *design.replicates.weights.T]
        w, one, *repeated = reduce_totals(key, groups, of_level, ratios.columns, ratios.width, rows)
        rank = _rank(design.replicates.weights, domains, ratios)
        return Sums(w[None], one[None], replicates=np.stack(repeated), rank=rank)
    units = len(design.psu)
    key, groups = _keys(domains, design.unit, units)
    calibration = design.calibration
    wanted: list[Floats | None] = [design.weight, None]
    wanted += [design.weight**2] if calibration or not design.clustered else []
    wanted += [calibration.before] if calibration else []
    found = reduce_totals(key, groups, wanted, ratios.columns, ratios.width, rows)
    sums = Sums(*(total.reshape(units, -1, ratios.width) for total in found))
    if calibration is None:
        return sums

    def alone(weight: Floats) -> Floats:
        return np.bincount(design.unit, weight, units).astype(float)

    return replace(
        sums, all_w=alone(design.weight), all_w2=alone(design.weight**2), all_before=alone(calibration.before)
    )


def _keys(domains: Sequence[Domains], unit: Ints | None = None, units: int = 1) -> tuple[Callable[[slice], Ints], int]:
    """The cell of unit x level of each respondent in each breakdown, and how many cells there are."""
    offsets = np.cumsum([0, *(len(d.levels) for d in domains)])
    levels = int(offsets[-1])
    groups = units * levels
    kind: Any = np.int32 if groups < np.iinfo(np.int32).max else np.int64

    def key(part: slice) -> Ints:
        start = 0 if unit is None else unit[part].astype(kind) * kind(levels)
        cells = [
            np.where(d.codes[part] >= 0, start + d.codes[part].astype(kind) + kind(offset), groups)
            for d, offset in zip(domains, offsets, strict=False)
        ]
        return np.stack(cells, axis=1)

    return key, groups


def kish_sizes(design: DesignArrays, domains: Sequence[Domains], ratios: Ratios) -> Floats:
    """The effective size of each base, given its weights alone: (sum of w)^2 / sum of w^2; shape (levels, items)."""
    bases, of_item = np.unique(ratios.base, return_inverse=True)
    key, groups = _keys(domains)
    w, w2 = reduce_totals(
        key, groups, [design.weight, design.weight**2], lambda part: ratios.columns(part)[:, bases], len(bases),
        len(design.weight),
    )  # fmt: skip
    with np.errstate(invalid="ignore"):
        return np.asarray((w**2 / w2)[:, of_item])


def _rank(weights: Floats, domains: Sequence[Domains], ratios: Ratios) -> Floats:
    """The rank of the replicate weights of each level's respondents, as R's ``degf`` has it; shape (levels, 1)."""
    gram = [np.zeros((len(d.levels), weights.shape[1], weights.shape[1])) for d in domains]
    for start in range(0, len(weights), CHUNK):
        part = slice(start, start + CHUNK)
        someone = ratios.columns(part)[:, np.unique(ratios.base)].any(axis=1)
        for product, d in zip(gram, domains, strict=True):
            for level in range(len(d.levels)):
                rows = weights[part][someone & (d.codes[part] == level)]
                product[level] += rows.T @ rows
    roots = np.sqrt(np.maximum(np.linalg.eigvalsh(np.concatenate(gram)), 0.0))
    return (roots > 1e-5 * roots.max(axis=1, keepdims=True)).sum(axis=1, keepdims=True).astype(float)


def share_ratios(chosen: Mask, base: Mask, products: bool = False) -> Ratios:
    """Shares of those who chose each item among its base.

    Parameters
    ----------
    chosen : ndarray of bool, shape (respondents, items)
    base : ndarray of bool, shape (respondents, items), or (respondents, 1) for all items
    products : bool
        Whether the products of all columns are reduced as well, for covariances between items.
    """
    bases, items = base.shape[1], chosen.shape[1]
    width = bases + items
    num = np.arange(bases, width)
    den = np.zeros(items, dtype=np.intp) if bases == 1 else np.arange(items)
    product = np.full((width, width), -1)
    product[np.arange(width), np.arange(width)] = np.arange(width)  # a square of 0 or 1 is itself
    product[num, den] = product[den, num] = num  # who chose is in the base
    first, second = np.nonzero(np.triu(product < 0))
    if not products:
        first, second = first[:0], second[:0]
    product[first, second] = product[second, first] = width + np.arange(len(first))
    product = np.pad(product, (0, len(first)), constant_values=-1)

    def columns(part: slice) -> Floats:
        own = np.concatenate([base[part], chosen[part] & base[part]], axis=1)
        return (np.concatenate([own, own[:, first] & own[:, second]], axis=1) if len(first) else own).astype(float)

    return Ratios(columns, width + len(first), num, den, den, num, product)


def cell_ratios(within: Ratios, domain: Domains) -> tuple[Ratios, Ints, Ints, Ints]:
    """Items by groups as columns of one domain, for covariances across items and groups.

    Parameters
    ----------
    within : Ratios
        The items over everybody, with the products of columns that a design without clusters needs.
    domain : Domains
        The groups.

    Returns
    -------
    Ratios
        Of every item in every group, group by group.
    ndarray of int, shape (levels, items)
        The column of each item's numerator in each group; ...
    ndarray of int, shape (levels, items)
        ... of its denominator in each group; ...
    ndarray of int, shape (items,)
        ... and of its denominator over all groups.
    """
    if within.den is None:
        raise TypeError("totals have no base")
    width, levels = within.width, len(domain.levels)
    dens, of_item = np.unique(within.den, return_inverse=True)
    squares = within.product[np.ix_(dens, dens)]
    overall = np.unique(np.concatenate([dens, squares[squares >= 0]]))  # reduced over all groups as well
    place = levels * width + np.searchsorted(overall, np.arange(width))
    total = place[dens]
    zero = levels * width + len(overall)

    def columns(part: slice) -> Floats:
        values, code = within.columns(part), domain.codes[part]
        cells = (code[:, None] == np.arange(levels))[:, :, None] * values[:, None, :]
        whole = values[:, overall] * (code >= 0)[:, None]
        return np.concatenate([cells.reshape(len(code), -1), whole, np.zeros((len(code), 1))], axis=1)

    product = np.full((zero + 1, zero + 1), -1)
    product[: levels * width, : levels * width] = zero  # nobody is in two groups
    for level in range(levels):
        own = slice(level * width, (level + 1) * width)
        inside = np.where(within.product < 0, -1, within.product + level * width)
        product[own, own] = inside
        product[own, total] = inside[:, dens]
        product[total, own] = inside[dens]
    product[np.ix_(total, total)] = np.where(squares < 0, -1, place[squares])
    at = np.arange(levels)[:, None] * width
    num, den = at + within.num, at + within.den
    ratios = Ratios(
        columns, zero + 1, num.ravel(), den.ravel(), (at + within.base).ravel(), (at + within.hit).ravel(), product
    )
    return ratios, num, den, total[of_item]


def number_ratios(num: Floats, den: Floats | None, base: Mask) -> Ratios:
    """Ratios of numbers over their base; without ``den``, totals. A mean is the ratio to 1.

    Parameters
    ----------
    num, den : ndarray of float, shape (respondents, items)
    base : ndarray of bool, shape (respondents, items)
    """
    items = num.shape[1]
    kinds = 3 if den is None else 6  # base, a, a^2, b, ab, b^2

    def columns(part: slice) -> Floats:
        in_base = base[part]
        a = np.where(in_base, num[part], 0.0)
        if den is None:
            return np.concatenate([in_base, a, a * a], axis=1)
        b = np.where(in_base, den[part], 0.0)
        return np.concatenate([in_base, a, a * a, b, a * b, b * b], axis=1)

    at = np.arange(items)
    product = np.full((kinds * items, kinds * items), -1)
    product[at + items, at + items] = at + 2 * items
    if den is not None:
        product[at + items, at + 3 * items] = product[at + 3 * items, at + items] = at + 4 * items
        product[at + 3 * items, at + 3 * items] = at + 5 * items
    return Ratios(columns, kinds * items, at + items, None if den is None else at + 3 * items, at, at, product)


def count_by_level(domains: Sequence[Domains], state: npt.NDArray[np.int8], states: int) -> Floats:
    """How many respondents of each level are in each state; shape (levels of all breakdowns, states)."""
    out = []
    for d in domains:
        key = np.where(d.codes >= 0, d.codes * np.int32(states) + state, len(d.levels) * states)
        out.append(np.bincount(key, minlength=len(d.levels) * states + 1)[:-1].reshape(len(d.levels), states))
    return np.concatenate(out).astype(float)


def response_counts(given: Answers | Numbers, domains: Sequence[Domains]) -> Floats:
    """Of each level: how many were not asked, answered, and did not for each reason of ``NON_RESPONSE``.

    Returns
    -------
    ndarray of float, shape (levels of all breakdowns, 2 + reasons)
    """
    state = given.asked.astype(np.int8)
    for i, reason in enumerate(NON_RESPONSE, start=2):
        state[given.reason[reason]] = i
    return count_by_level(domains, state, 2 + len(NON_RESPONSE))
