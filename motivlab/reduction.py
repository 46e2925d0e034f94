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

CHUNK = 1 << 14  # rows held as floats at a time: what keeps the peak of memory below the size of the data


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
    w : ndarray of float, shape (units, levels, width)
        Weighted.
    one : ndarray of float, shape (levels, width)
        Not weighted.
    occupied : ndarray of float, shape (units, levels, bases)
        Respondents in each base.
    bases : ndarray of int, shape (bases,)
        The columns of the bases, in order.
    plain : ndarray of float, shape (units, levels, width)
        As the regression of a calibration weights them: as before calibration or, with raking, not at all.
    w2 : ndarray of float, shape (units, levels, width)
        With squared weights; for designs without clusters, whose variance is among respondents.
    all_w, all_w2, all_plain : ndarray of float, shape (units,)
        The weights themselves over every respondent, in a domain or not; for calibrated designs.
    replicates : ndarray of float, shape (replicates, levels, width)
    rank : ndarray of float, shape (levels, 1)
        The rank of the replicate weights of each level's respondents.
    """

    w: Floats
    one: Floats
    occupied: Floats
    bases: Ints
    w2: Floats | None = None
    plain: Floats | None = None
    all_w: Floats | None = None
    all_w2: Floats | None = None
    all_plain: Floats | None = None
    replicates: Floats | None = None
    rank: Floats | None = None


@dataclass(frozen=True)
class Wanted:
    """One set of sums.

    Attributes
    ----------
    key : callable
        From a slice of respondents to their group in each breakdown, an array of shape (rows, breakdowns); the number
        ``groups`` itself stands for none.
    groups : int
    weight : ndarray of float, shape (respondents,), or None
        None counts each respondent one.
    columns : ndarray of int, or None
        Which columns; None for all.
    """

    key: Callable[[slice], Ints]
    groups: int
    weight: Floats | None = None
    columns: Ints | None = None


def reduce_totals(wanted: Sequence[Wanted], columns: Callable[[slice], Floats], width: int, rows: int) -> list[Floats]:
    """Weighted sums of columns by group: the one pass over the data.

    It alone touches respondents. Another engine can take its place; all else is algebra on what it returns.

    Parameters
    ----------
    wanted : sequence of Wanted
    columns : callable
        From a slice to values, shape (rows, width).
    width, rows : int

    Returns
    -------
    list of ndarray of float, shape (groups, columns)

    Examples
    --------
    >>> group, values = np.array([[0], [1], [0], [2]]), np.array([[1.0], [1.0], [3.0], [9.0]])
    >>> both = [Wanted(lambda s: group[s], 2), Wanted(lambda s: group[s], 2, np.array([1.0, 2, 3, 4]))]
    >>> [sums.ravel().tolist() for sums in reduce_totals(both, lambda s: values[s], 1, 4)]
    [[4.0, 1.0], [10.0, 2.0]]
    """
    out = [np.zeros((one.groups + 1, width if one.columns is None else len(one.columns))) for one in wanted]
    for start in range(0, rows, CHUNK):
        part = slice(start, min(start + CHUNK, rows))
        values, keys = columns(part), {one.key: one.key(part) for one in wanted}
        for total, one in zip(out, wanted, strict=True):
            key = keys[one.key]
            n, breakdowns = key.shape
            ends = np.arange(0, n * breakdowns + 1, breakdowns, dtype=key.dtype)
            data = np.ones(key.size) if one.weight is None else np.repeat(one.weight[part], breakdowns)
            # column by column, so that the data are read in order: total[group] += weight * values[respondent]
            member = sparse.csc_array((data, key.ravel(), ends), shape=(one.groups + 1, n))
            total += member @ (values if one.columns is None else values[:, one.columns])
    return [total[:-1] for total in out]


def reduce_survey(design: DesignArrays, domains: Sequence[Domains], ratios: Ratios) -> Sums:
    """Totals of all columns for every unit and every level of every breakdown."""
    rows, calibration, bases = len(design.weight), design.calibration, np.unique(ratios.base)
    of_level, levels = _keys(domains)
    if design.replicates is not None:
        weights = [None, design.weight, *design.replicates.weights.T]
        asked = [Wanted(of_level, levels, weight) for weight in weights]
        one, w, *repeated = reduce_totals(asked, ratios.columns, ratios.width, rows)
        rank = _rank(design.replicates.weights, domains, ratios)
        return Sums(w[None], one, one[None][..., bases], bases, replicates=np.stack(repeated), rank=rank)
    units = len(design.psu)
    of_unit, cells = _keys(domains, design.unit, units)
    # what calibration needs beside: the weights of its regression
    plain = None if calibration is None or calibration.raking else calibration.before
    squares = calibration is not None or not design.clustered
    asked = [Wanted(of_level, levels), Wanted(of_unit, cells, columns=bases), Wanted(of_unit, cells, design.weight)]
    asked += [Wanted(of_unit, cells, design.weight**2)] if squares else []
    asked += [Wanted(of_unit, cells, plain)] if calibration else []
    one, *found = reduce_totals(asked, ratios.columns, ratios.width, rows)
    occupied, w, *more = (total.reshape(units, levels, -1) for total in found)
    sums = Sums(w, one, occupied, bases, *more)
    if calibration is None:
        return sums

    def alone(weight: Floats | None) -> Floats:
        return np.bincount(design.unit, weight, units).astype(float)

    return replace(sums, all_w=alone(design.weight), all_w2=alone(design.weight**2), all_plain=alone(plain))


def _keys(domains: Sequence[Domains], unit: Ints | None = None, units: int = 1) -> tuple[Callable[[slice], Ints], int]:
    """The cell of unit x level of each respondent in each breakdown, and how many cells there are."""
    offsets = np.cumsum([0, *(len(d.levels) for d in domains)])
    levels = int(offsets[-1])
    groups = units * levels
    kind: Any = np.int32 if groups < np.iinfo(np.int32).max else np.int64

    def key(part: slice) -> Ints:
        n = len(domains[0].codes[part])
        cells = np.empty((n, len(domains)), dtype=kind)
        start = kind(0) if unit is None else unit[part].astype(kind) * kind(levels)
        for i, d in enumerate(domains):
            code = d.codes[part]
            cells[:, i] = np.where(code >= 0, start + code + kind(offsets[i]), kind(groups))
        return cells

    return key, groups


def kish_sizes(design: DesignArrays, domains: Sequence[Domains], ratios: Ratios) -> Floats:
    """The effective size of each base, given its weights alone: (sum of w)^2 / sum of w^2; shape (levels, items)."""
    bases, of_item = np.unique(ratios.base, return_inverse=True)
    key, groups = _keys(domains)
    wanted = [Wanted(key, groups, weight, bases) for weight in (design.weight, design.weight**2)]
    w, w2 = reduce_totals(wanted, ratios.columns, ratios.width, len(design.weight))
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
        of = base[part]
        out = np.empty((len(of), width + len(first)))
        out[:, :bases] = of
        np.logical_and(chosen[part], of, out=out[:, bases:width], casting="unsafe")
        if len(first):
            out[:, width:] = out[:, first] * out[:, second]
        return out

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
    out = [np.zeros(len(d.levels) * states + 1) for d in domains]
    for start in range(0, len(state), CHUNK):
        part = slice(start, start + CHUNK)
        for total, d in zip(out, domains, strict=True):
            code = d.codes[part].astype(np.intp)
            key = np.where(code >= 0, code * states + state[part], len(total) - 1)
            total += np.bincount(key, minlength=len(total))
    return np.concatenate([total[:-1].reshape(-1, states) for total in out])


def response_counts(given: Answers | Numbers, domains: Sequence[Domains]) -> Floats:
    """Of each level: how many were not asked, answered, and did not for each reason of ``NON_RESPONSE``.

    Returns
    -------
    ndarray of float, shape (levels of all breakdowns, 2 + reasons)
    """
    return count_by_level(domains, given.state, 2 + len(NON_RESPONSE))
