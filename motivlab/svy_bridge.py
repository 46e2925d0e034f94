"""The one adapter between svy and motivlab: a survey as an svy ``Sample``, and what is asked of it as plain arrays.

svy is imported inside the functions: it takes a second, and most of motivlab works without it. Nothing of svy's goes
out of this module but the ``Sample``, which is handed back to functions of this module.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from .design import DesignArrays, design_arrays, weights
from .intervals import Floats
from .survey import Survey

if TYPE_CHECKING:
    import svy

# ---------------------------------------------------------------------------------------------------- the design

# The columns of the design in a sample; svy reads them by these names.
OWN = "motivlab_"
WEIGHT, STRATUM, CLUSTER, POPULATION = (OWN + name for name in ("weight", "stratum", "cluster", "population"))
BEFORE, CALIBRATED = OWN + "weight_before", OWN + "calibrated_"

# R's options(survey.lonely.psu=) as svy calls it. In one stage of clusters R's certainty and remove are the same.
LONELY: dict[str, Literal["center", "scale", "skip"]] = {
    "adjust": "center", "average": "scale", "certainty": "skip", "remove": "skip",
}  # fmt: skip


def to_sample(survey: Survey, columns: pd.DataFrame) -> svy.Sample:
    """A survey's design with some columns to analyse, as an svy ``Sample``.

    Weight, strata, clusters and finite population correction are those of the survey's :class:`Design`, and
    calibration is that of the survey, read as every other estimate reads them.

    Parameters
    ----------
    survey : Survey
    columns : DataFrame
        The columns to analyse, a row per respondent in the order of ``survey.responses``. Its index is not looked at.

    Returns
    -------
    svy.Sample
        With all respondents: a subpopulation is a mask for svy's ``where=``, never filtered data.

    Raises
    ------
    ValueError
        If the rows are not those of the responses, a column has a name that is kept for the design, the design
        cannot be used or has replicate weights, or a stratum has a single cluster and ``design.lonely`` names no rule
        that svy has for it.

    Notes
    -----
    ``design.lonely`` in svy's words: ``adjust`` is ``center``, ``average`` is ``scale``, ``certainty`` and ``remove``
    are ``skip``. A stratum whose single cluster is all there is in the population has no variance under any rule.
    Unlike :func:`motivlab.prevalence`, with ``fail`` svy looks at the whole design, not only at the strata of a
    subpopulation.

    Examples
    --------
    >>> survey = Survey.from_frame(pd.DataFrame({"w": [1.0, 2.0, 1.0, 2.0], "h": list("aabb")}), weight="w", strata="h")
    >>> to_sample(survey, pd.DataFrame({"y": [0, 1, 1, 1]})).data.columns
    ['y', 'motivlab_weight', 'motivlab_stratum']
    """
    import polars as pl
    import svy

    if len(columns) != len(survey.responses):
        raise ValueError(
            f"the columns have {len(columns)} rows and the responses {len(survey.responses)}. "
            "Give a row per respondent, in the order of the responses; a subpopulation is a mask."
        )
    if taken := [column for column in columns if str(column).startswith(OWN)]:
        raise ValueError(f"the column {taken[0]!r} has a name that is kept for the design. Rename it.")
    design = design_arrays(survey)
    if design.replicates:
        # svy centres on the mean of the replicates only, and has other degrees of freedom
        raise ValueError(
            f"{survey.responses_file}: the design has replicate weights, which regressions cannot use. Declare its "
            "strata and clusters in place of `design.replicates`, if the file has them."
        )
    rule = _singleton_rule(survey, design)
    cluster = design.psu[design.unit]
    stratum = design.stratum[cluster]
    own: dict[str, Any] = {WEIGHT: design.weight}
    if survey.design.strata:
        own[STRATUM] = stratum
    if design.clustered:
        own[CLUSTER] = cluster  # numbered through all strata
    if survey.design.fpc:
        # a stratum of which nothing is said to be sampled has a population without end
        share = np.maximum(design.sampled_share, np.finfo(float).tiny * design.size)
        own[POPULATION] = (design.size / share)[stratum]
    adjustment = None
    if survey.calibration and design.calibration:
        before = survey.calibration.weight_before
        own[BEFORE] = weights(survey, before) if before else np.ones(len(columns))
        parts = design.calibration.margins if design.calibration.raking else tuple(design.calibration.x.T)
        names = tuple(f"{CALIBRATED}{i}" for i in range(len(parts)))
        own |= {name: part[design.unit] for name, part in zip(names, parts, strict=True)}
        adjustment = svy.WgtAdjustment(
            kind="raking" if design.calibration.raking else "calibration",
            prev_wgt=BEFORE,
            new_wgt=WEIGHT,
            cells=names if design.calibration.raking else None,
            aux=None if design.calibration.raking else names,
        )
    data = pl.from_pandas(columns.reset_index(drop=True)).with_columns(**{k: pl.Series(v) for k, v in own.items()})
    return svy.Sample(
        data,
        svy.Design(
            wgt=WEIGHT,
            stratum=STRATUM if STRATUM in own else None,
            psu=CLUSTER if CLUSTER in own else None,
            pop_size=POPULATION if POPULATION in own else None,
            singleton=rule,
            wgt_adjustment=adjustment,
        ),
    )


def _singleton_rule(survey: Survey, design: DesignArrays) -> Literal["center", "scale", "skip"] | None:
    """What svy is to do with strata of a single cluster; None where there are none."""
    single = design.size == 1
    lonely = single & (design.sampled_share < 1)
    if not single.any():
        return None
    if not lonely.any():
        return "skip"
    name = design.names[int(np.flatnonzero(lonely)[0])]
    where = f"the stratum {name!r}" if name else "the survey"
    what = "cluster" if design.clustered else "respondent"
    if design.lonely not in LONELY:
        raise ValueError(
            f"{where} has a single {what}, so its variance cannot be estimated. Merge it with another, or set "
            f"design.lonely to {', '.join(LONELY)}."
        )
    if design.lonely == "average" and (single & ~lonely).any():
        # svy counts a stratum that is wholly in the sample among the lonely ones, R does not
        raise ValueError(
            f"{where} has a single {what}, and so has a stratum that is wholly in the sample: svy has no rule "
            f"'average' for the one alone. Merge {where} with another, or set design.lonely to adjust or certainty."
        )
    return LONELY[design.lonely]


# --------------------------------------------------------------------------------------------------- regression

TOLERANCE, ITERATIONS = 1e-12, 100


@dataclass(frozen=True)
class Regression:
    """A survey-weighted regression, and what it says of the levels of its first variable.

    Attributes
    ----------
    terms : tuple of (str, int or None)
        Of each coefficient the column and, of a category, the level. The intercept is ``("", None)``.
    estimate, se : ndarray of float, shape (coefficients,)
        On the scale of the link; se is NaN where the coefficient has no finite value.
    margins, margins_se : ndarray of float, shape (levels,)
        Of each level of the first variable the mean prediction over the respondents of the model, weighted, were all
        of them of that level. NaN where a coefficient has no finite value.
    differences, differences_se : ndarray of float, shape (levels - 1,)
        The margins of the other levels less that of the first.
    converged : bool
    """

    terms: tuple[tuple[str, int | None], ...]
    estimate: Floats
    se: Floats
    margins: Floats
    margins_se: Floats
    differences: Floats
    differences_se: Floats
    converged: bool

    @property
    def separated(self) -> tuple[str, ...]:
        """The columns with a coefficient that has no finite value: they predict some answers perfectly."""
        return tuple(dict.fromkeys(name for (name, _), se in zip(self.terms, self.se, strict=True) if np.isnan(se)))


class Aliased(ValueError):  # noqa: N818 - it is named after what is the matter
    """A column says what others say already; ``columns`` are those that svy names, perhaps none."""

    def __init__(self, columns: tuple[str, ...]) -> None:
        self.columns = columns
        super().__init__(f"a column is a combination of others: {', '.join(columns) or 'svy does not say which'}.")


def regress(
    sample: svy.Sample,
    outcome: str,
    on: tuple[str, Sequence[int]],
    categories: Sequence[str] = (),
    numbers: Sequence[str] = (),
    *,
    within: str,
    family: Literal["binomial", "gaussian"] = "binomial",
) -> Regression:
    """Regress a 0/1 column on a category and on further columns, within a subpopulation of the whole design.

    Parameters
    ----------
    sample : svy.Sample
        From :func:`to_sample`.
    outcome : str
        A column of 0 and 1.
    on : (str, sequence of int)
        The column whose levels are compared, and its levels in order, the reference first. Each has respondents.
    categories, numbers : sequence of str
        Further columns: of whole numbers, of which each value is a level and the smallest the reference; and of
        numbers that enter as they are.
    within : str
        A column of booleans: the subpopulation. No column may be blank in it.
    family : {"binomial", "gaussian"}
        Logistic, or linear.

    Returns
    -------
    Regression

    Raises
    ------
    Aliased
        If the columns are linearly dependent.
    """
    import svy
    from svy.errors import ModelError

    name, levels = on
    glm = sample.glm
    features: list[Any] = [svy.Cat(name, ref=levels[0]), *(svy.Cat(c) for c in categories), *numbers]
    with warnings.catch_warnings():
        # both are told by what is returned
        warnings.filterwarnings("ignore", r"\[(GLM_SEPARATION|MAX_ITER_REACHED)\]", svy.SvyUserWarning)
        try:
            glm.fit(
                outcome, x=features, family=family, where={within: True}, tol=TOLERANCE, max_iter=ITERATIONS,
                use_labels=False,
            )  # fmt: skip
        except ModelError as error:
            if error.code != "RANK_DEFICIENT":
                raise
            named = [c for c in (name, *categories, *numbers) if f"'{c}'" in error.detail or f"'{c}_" in error.detail]
            raise Aliased(tuple(named)) from error
    fit: Any = glm.fitted
    terms: dict[str, tuple[str, int | None]] = {"_intercept_": ("", None)}
    terms.update({number: (number, None) for number in numbers})
    for category in (name, *categories):
        terms.update({dummy: (category, level) for dummy, level in fit.term_info[category]["dummies"]})
    se = np.array([c.se for c in fit.coefs], dtype=float)
    margins, differences = np.full((2, len(levels)), np.nan), np.full((2, len(levels) - 1), np.nan)
    if not np.isnan(se).any():
        at: Any = glm.margins(at={name: list(levels)})
        effects: Any = glm.margins(variables=[name])
        place = {level: i for i, level in enumerate(fit.term_info[name]["levels"][1:])}
        margins = np.array([at.margin, at.se], dtype=float)
        differences = np.array([effects[0].margin, effects[0].se], dtype=float)[:, [place[i] for i in levels[1:]]]
    return Regression(
        terms=tuple(terms[c.term] for c in fit.coefs),
        estimate=np.array([c.est for c in fit.coefs], dtype=float),
        se=se,
        margins=margins[0],
        margins_se=margins[1],
        differences=differences[0],
        differences_se=differences[1],
        converged=fit.stats.iterations < ITERATIONS,
    )


# ------------------------------------------------------------------------------------------------------ weights


def calibrated_weights(
    weight: Floats, x: Floats, totals: Floats, margins: tuple[npt.NDArray[np.intp], ...], method: str,
    trim: tuple[float, float] | None, tolerance: float, most_sweeps: int,
) -> Floats:  # fmt: skip
    """Weights calibrated to margins, as near as they come: whether all is met is for the caller to see.

    Parameters
    ----------
    weight : ndarray of float, shape (respondents,)
        Where to start from; not negative, and each level of each margin has some. A weight of 0 stays 0.
    x : ndarray of float, shape (respondents, columns)
        The calibration variables: an indicator per level, margin after margin, or a number, for ``linear`` only.
    totals : ndarray of float, shape (columns,)
        What they are to add up to.
    margins : tuple of ndarray of int, shape (respondents,)
        The level in each margin, as numbered in ``x``.
    method : str
        ``rake``, ``poststratify`` or ``linear``.
    trim : tuple of float, optional
        Bounds on the weights that are not 0.
    """
    import polars as pl
    import svy
    from svy.weighting.types import TrimConfig

    if method == "linear":
        size = np.sqrt(np.square(x).mean(axis=0))  # or svy loses its digits to a number such as an income

        def solved(start: Floats) -> Floats:
            weighting = svy.Sample(pl.DataFrame({"w": start}), svy.Design(wgt="w")).weighting
            new: Any = weighting.calibrate_matrix(
                aux_vars=x / size, controls=totals / size, weights_only=True, on_nonconvergence="ignore"
            )
            return np.asarray(new, dtype=float)

        new, held = solved(weight), weight > 0
        low, high = trim or (-np.inf, np.inf)
        for _ in range(most_sweeps if trim else 2):  # svy's own turns end at 1e-4; without bounds, what rounding left
            if within(new[held], trim, tolerance) and (np.abs(x.T @ new - totals) <= tolerance * np.abs(totals)).all():
                break
            new = solved(np.where(held, np.clip(new, low, high), 0.0))
        return new
    columns = {f"m{i}": codes for i, codes in enumerate(margins)}
    ends = np.cumsum([codes.max() + 1 for codes in margins])[:-1]
    controls: dict[str, Any] = {
        name: dict(enumerate(part.tolist())) for name, part in zip(columns, np.split(totals, ends), strict=True)
    }
    weighting = svy.Sample(pl.DataFrame(columns | {"w": weight}), svy.Design(wgt="w")).weighting
    if method == "poststratify" and not trim:
        done = weighting.poststratify(controls["m0"], cells="m0", wgt_name="new")
    else:  # with bounds, one margin is raked: svy's own turns of post-stratification end at 1e-4
        trimming = TrimConfig(lower=trim[0] or None, upper=trim[1], max_iter=most_sweeps) if trim else None
        done = weighting.rake(
            controls=controls, wgt_name="new", tol=tolerance, max_iter=most_sweeps, trimming=trimming,
            on_nonconvergence="ignore",
        )  # fmt: skip
    data: Any = done.data
    return np.asarray(data["new"].to_numpy(), dtype=float)


def within(weight: Floats, trim: tuple[float, float] | None, tolerance: float) -> bool:
    """Whether all weights are within bounds, but for a relative tolerance."""
    return trim is None or bool(
        (weight >= trim[0] * (1 - tolerance)).all() and (weight <= trim[1] * (1 + tolerance)).all()
    )


def drawn_replicates(survey: Survey, kind: str, count: int | None, seed: int, rho: float) -> tuple[Floats, Floats]:
    """Replicate weights made from a design.

    Parameters
    ----------
    kind : str
        ``jackknife``, ``bootstrap``, ``brr`` or ``fay``.
    count, seed, rho
        How many, where there is a choice; of the random draws; Fay's coefficient.

    Returns
    -------
    ndarray of float, shape (respondents, replicates)
    ndarray of float, shape (replicates,)
        The coefficient of each in the variance, without finite population correction.

    Raises
    ------
    ValueError
        If the design does not allow them.
    """
    import svy

    sample = to_sample(survey, pd.DataFrame({"row": np.arange(len(survey.responses))}))
    psu = None if survey.design.cluster else "row"
    make = sample.weighting
    prefix = f"{OWN}replicate"
    try:
        if kind == "jackknife":
            made = make.create_jk_wgts(psu=psu, rep_prefix=prefix)
        elif kind == "bootstrap":
            made = make.create_bs_wgts(count or 500, psu=psu, rep_prefix=prefix, rstate=seed)
        else:
            fay = rho if kind == "fay" else 0.0
            made = make.create_brr_wgts(count, psu=psu, rep_prefix=prefix, fay_coef=fay, rstate=seed)
    except svy.SvyError as error:
        raise ValueError(f"{kind}: {error.title}: {error.detail}".rstrip(". ") + ".") from error
    said: Any = made.design.rep_wgts
    data: Any = made.data
    columns = [f"{prefix}{i}" for i in range(1, said.n_reps + 1)]
    return data.select(columns).to_numpy(), np.asarray(said.coefficients(), dtype=float)
