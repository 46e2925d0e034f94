"""The sampling design of a survey as arrays: weights, strata, clusters, replicates, calibration."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from .about import Replicates
from .answers import margin_variables
from .codes import as_numbers, as_texts
from .expressions import Mask
from .intervals import Floats
from .survey import Calibration, Survey

Ints = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class ReplicateArrays:
    """Replicate weights: the variance is the sum over replicates of ``scale * (estimate - centre) ** 2``.

    Attributes
    ----------
    weights : ndarray of float, shape (respondents, replicates)
    scale : ndarray of float, shape (replicates,)
        R's ``scale * rscales``.
    mse : bool
        Centre on the estimate of the full sample, not on the mean of the replicates.
    """

    weights: Floats
    scale: Floats
    mse: bool


@dataclass(frozen=True)
class CalibrationArrays:
    """What calibrated weights reproduce; a residual from it takes the place of each influence value.

    Attributes
    ----------
    raking : bool
        Residuals by ten sweeps over the margins with equal weights, as R's ``rake``; else by one regression with
        the weights before calibration, as R's ``calibrate`` and ``postStratify``.
    before : ndarray of float, shape (respondents,)
        The weights of that regression.
    x : ndarray of float, shape (units, columns)
        The calibration variables, the same for all respondents of a unit.
    margins : tuple of ndarray of int, shape (units,)
        For raking: the level of each unit in each margin.
    """

    raking: bool
    before: Floats
    x: Floats
    margins: tuple[Ints, ...]


@dataclass(frozen=True)
class DesignArrays:
    """The sampling design as arrays; made once from a survey.

    Attributes
    ----------
    weight : ndarray of float, shape (respondents,)
    unit : ndarray of int, shape (respondents,)
        What totals are reduced to: the cluster of each respondent, or without clusters the stratum; in a calibrated
        survey its part with the same calibration variables.
    psu : ndarray of int, shape (units,)
        The cluster, or without clusters the stratum, of each unit.
    stratum : ndarray of int, shape (psus,)
        The stratum of each psu.
    size : ndarray of float, shape (strata,)
        Clusters, or without clusters respondents, in each stratum.
    sampled_share : ndarray of float, shape (strata,)
        The finite population correction's f: 0 without one.
    clustered : bool
    lonely : str
        The rule for strata of size one.
    names : tuple of str
        The strata, for messages.
    replicates : ReplicateArrays, optional
    calibration : CalibrationArrays, optional
    """

    weight: Floats
    unit: Ints
    psu: Ints
    stratum: Ints
    size: Floats
    sampled_share: Floats
    clustered: bool
    lonely: str
    names: tuple[str, ...]
    replicates: ReplicateArrays | None = None
    calibration: CalibrationArrays | None = None


def design_arrays(survey: Survey) -> DesignArrays:
    """The design of a survey as arrays.

    Raises
    ------
    ValueError
        If a column is missing, a weight is not a positive number, a stratum or cluster is blank, a cluster is in two
        strata and ``nest`` is not said, the finite population correction varies within a stratum or is smaller than
        the sample, or the replicate weights are not as many as declared or not numbers.
    """
    design, frame = survey.design, survey.responses
    for role, column in design.columns.items():
        if column not in frame:
            raise ValueError(
                f"{survey.responses_file}: the {role} column {column!r} is missing. Correct `design` in survey.yml."
            )
    weight = weights(survey, design.weight) if design.weight else np.ones(len(frame))
    stratum, names = _groups(survey, design.strata)
    if design.cluster:
        cluster, labels = _groups(survey, design.cluster)
        pairs, psu = _pairs(stratum, cluster, len(names), len(labels))
        stratum_of, cluster_of = pairs // len(labels), pairs % len(labels)
        _require_nested(survey, stratum_of, cluster_of, names, labels)
    else:
        stratum_of, psu = np.arange(len(names)), stratum
    size = np.bincount(stratum_of if design.cluster else stratum, minlength=len(names)).astype(float)
    share = np.zeros(len(names))
    if design.fpc:
        share = _sampled_share(survey, design.fpc, stratum, size, names)
    arrays = DesignArrays(
        weight, psu.astype(np.int16 if len(stratum_of) < 2**15 else np.int32), np.arange(len(stratum_of)), stratum_of,
        size, share,
        bool(design.cluster), design.lonely, names,
    )  # fmt: skip
    if design.replicates:
        return replace(arrays, replicates=_replicates(survey, design.replicates, weight))
    return _calibrated(survey, arrays, survey.calibration) if survey.calibration else arrays


def weights(survey: Survey, column: str) -> Floats:
    """A weight column as positive numbers; shape (respondents,).

    Raises
    ------
    ValueError
        If one is blank, no number, zero, negative or infinite: row, respondent, value, remedy.
    """
    weight = as_numbers(survey.responses[column])
    bad = np.flatnonzero(~(weight > 0) | np.isinf(weight))
    if len(bad) == len(weight):
        raise ValueError(
            f"{survey.responses_file}: no value of the weight column {column!r} is a positive number. "
            "Name another column in `design.weight`, or none."
        )
    if len(bad):
        value = as_texts(survey.responses[column].iloc[bad[:1]])[0]
        others = f", and {len(bad) - 1} more are blank, zero, negative or infinite" if len(bad) > 1 else ""
        raise ValueError(
            f"{survey.row(int(bad[0]))}: the weight {column} is {value!r}{others}. "
            "It must be a positive number: correct it, or drop the respondent."
        )
    return weight


def _groups(survey: Survey, column: str | None) -> tuple[Ints, tuple[str, ...]]:
    """The group of each respondent, and the names of the groups."""
    if column is None:
        return np.zeros(len(survey.responses), dtype=np.int32), ("",)
    values = survey.responses[column]
    blank = np.flatnonzero(values.isna().to_numpy())
    if len(blank):
        raise ValueError(f"{survey.row(int(blank[0]))}: {column} is blank. Every respondent needs one in the design.")
    codes, found = pd.factorize(values)
    texts = as_texts(pd.Series(found)).astype(str)
    names, position = np.unique(texts, return_inverse=True)  # in order, whatever the order of rows
    return position.astype(np.int32)[codes], tuple(names.tolist())


def _pairs(stratum: Ints, cluster: Ints, strata: int, clusters: int) -> tuple[Ints, Ints]:
    """The pairs of stratum and cluster that occur, in order, and the position of each respondent's among them."""
    if strata * clusters > 4 * len(stratum) + 10_000:  # too many to look up
        return np.unique(stratum.astype(np.int64) * clusters + cluster, return_inverse=True)
    key = stratum * np.int32(clusters) + cluster
    seen = np.zeros(strata * clusters, dtype=bool)
    seen[key] = True
    return np.flatnonzero(seen), (np.cumsum(seen, dtype=np.int32) - np.int32(1))[key]


def _require_nested(
    survey: Survey, stratum_of: Ints, cluster_of: Ints, strata: tuple[str, ...], clusters: tuple[str, ...]
) -> None:
    if survey.design.nest or len(np.unique(cluster_of)) == len(cluster_of):
        return
    order = np.argsort(cluster_of, kind="stable")
    first = int(np.flatnonzero(np.diff(cluster_of[order]) == 0)[0])
    one, two = order[first], order[first + 1]
    raise ValueError(
        f"{survey.responses_file}: the cluster {survey.design.cluster} = {clusters[cluster_of[one]]!r} is in the "
        f"strata {strata[stratum_of[one]]!r} and {strata[stratum_of[two]]!r}. If clusters are numbered anew in every "
        "stratum, set `nest: true` in the design; if not, correct the stratum or the cluster."
    )


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
    fraction = (values <= 1).all()
    bad = (first < 0) | (first > 1) if fraction else first < size
    if bad.any():
        at = int(np.flatnonzero(bad)[0])
        raise ValueError(
            f"{survey.responses_file}: the fpc {column} of the stratum {names[at]!r} is {first[at]:g}, smaller than "
            f"the sample of {size[at]:g}. Give the number of clusters, or of people, in the stratum."
        )
    return first if fraction else size / first


def _replicates(survey: Survey, said: Replicates, weight: Floats) -> ReplicateArrays:
    columns = survey.design.replicate_columns(survey.responses.columns)
    for column in columns:
        if column not in survey.responses:
            raise ValueError(
                f"{survey.responses_file}: the replicate weight column {column!r} is missing. "
                "Correct `design.replicates.columns`."
            )
    if survey.design.weight in columns:
        raise ValueError(
            f"{survey.responses_file}: the replicate weight {survey.design.weight!r} is the weight of the full sample. "
            "Leave it out of `design.replicates.columns`."
        )
    if said.count and len(columns) != said.count:
        raise ValueError(
            f"{survey.responses_file}: {len(columns)} replicate weights match {said.columns!r}, "
            f"`design.replicates.count` says {said.count}. Correct the one or the other."
        )
    if len(columns) < 2:
        raise ValueError(
            f"{survey.responses_file}: {len(columns)} replicate weights match {said.columns!r}. At least two are "
            "needed: correct `design.replicates.columns`."
        )
    values = np.stack([as_numbers(survey.responses[column]) for column in columns], axis=1)
    bad = np.argwhere(~(values >= 0) | np.isinf(values))
    if len(bad):
        row, j = map(int, bad[0])
        text = as_texts(survey.responses[columns[j]].iloc[[row]])[0]
        value = repr(text) if np.isnan(values[row, j]) else text
        raise ValueError(
            f"{survey.row(row)}: the replicate weight {columns[j]} is {value}. "
            "It must be a number that is not negative: correct it."
        )
    if not said.combined:
        values = values * weight[:, None]
    return ReplicateArrays(values, said.scales(len(columns)), said.mse)


def _calibrated(survey: Survey, arrays: DesignArrays, calibration: Calibration) -> DesignArrays:
    """Units split into their parts with the same calibration variables."""
    x, margins = margin_variables(survey, calibration.margins)
    key, part = np.unique(np.column_stack([arrays.unit, x]), axis=0, return_inverse=True)
    first = np.zeros(len(key), dtype=np.intp)
    first[part.ravel()] = np.arange(len(x))
    before = weights(survey, calibration.weight_before) if calibration.weight_before else np.ones(len(x))
    raking = calibration.method == "rake"
    return replace(
        arrays,
        unit=part.ravel().astype(np.int32),
        psu=arrays.psu[arrays.unit[first]],
        calibration=CalibrationArrays(
            raking, np.ones(len(x)) if raking else before, x[first], tuple(codes[first] for codes in margins)
        ),
    )


def degrees_of_freedom(design: DesignArrays, occupied: Floats) -> Floats:
    """Clusters (or respondents) less strata that hold anybody, as R's ``degf(subset(design, ...))``.

    Parameters
    ----------
    occupied : ndarray of float, shape (psus, ...)
        Respondents in the base.
    """
    count = (occupied > 0).astype(float) if design.clustered else occupied
    return np.asarray(count.sum(axis=0) - present(design, occupied).sum(axis=0))


def present(design: DesignArrays, occupied: Floats) -> Mask:
    """Which strata hold anybody; shape (strata, ...)."""
    return by_stratum(design, occupied) > 0


def by_stratum(design: DesignArrays, values: Floats) -> Floats:
    """Sums over the psus of each stratum; shape (strata, ...)."""
    if not design.clustered:
        return values
    return _sums(values, design.stratum)


def by_psu(design: DesignArrays, values: Floats) -> Floats:
    """Sums over the units of each psu; shape (psus, ...)."""
    return values if design.calibration is None else _sums(values, design.psu)


def _sums(values: Floats, group: Ints) -> Floats:
    """Sums of runs of rows: groups stand in order, and none is empty."""
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    return np.asarray(np.add.reduceat(values, starts, axis=0))
