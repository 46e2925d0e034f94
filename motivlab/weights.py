"""Weights: raking, post-stratification and linear calibration to known margins, trimming, and what weights cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from .about import About
from .codes import as_numbers, as_texts, choose
from .design import design_arrays, weights
from .intervals import Floats
from .questionnaire import Questionnaire, did_you_mean
from .readers import read_responses
from .shown import Shown
from .survey import Calibration, Survey, crossed
from .svy_bridge import UnmetMarginsError, calibrated_weights

Method = Literal["rake", "poststratify", "linear"]
SHARES_ADD_UP = 0.002  # what rounding of published shares may leave of their sum
TOTALS_ADD_UP = 1e-6


def rake(
    survey: Survey,
    margins: pd.DataFrame | str | Path,
    method: Method = "rake",
    *,
    trim: tuple[float, float] | None = None,
    name: str = "weight_calibrated",
    tolerance: float = 1e-9,
    most_sweeps: int = 1000,
) -> Survey:
    """Weights that reproduce known margins of the population; standard errors then know of it.

    Parameters
    ----------
    survey : Survey
        Its weight is where the calibration starts; without one, every respondent starts from 1.
    margins : DataFrame or path
        Tidy: ``variable``, a ``select_one`` question or several crossed, ``"gender × age_group"``; ``level``, a
        choice (crossed, ``"woman × 18_24"``); and ``total`` or ``share``. With shares the sum of the weights stays.
        For ``linear``, a number may be a variable: its level is empty and its total that of the population.
    method : {"rake", "poststratify", "linear"}
        ``rake`` fits the margins in turn until all hold; ``poststratify`` takes one margin; ``linear`` (GREG) fits all
        at once, and may give weights below zero, which are refused.
    trim : tuple of float, optional
        The least and the greatest ratio of a weight to the mean weight, as ``(0.2, 5)``. Trimming and calibration take
        turns until both hold.
    name : str
        The column of the new weight. Replicate weights are calibrated each, as ``name_1``, ``name_2``, ...
    tolerance : float
        The greatest relative miss of a margin that counts as reached.
    most_sweeps : int
        Over the margins, before it is given up.

    Returns
    -------
    Survey
        With the new weight in its design and, in ``calibration``, where it comes from: a row per margin level (n,
        before, target, after, miss), the range of the ratio of new to old weights, and Kish's design effect before
        and after. Shown by :func:`weight_summary`.

    Raises
    ------
    ValueError
        If a margin has a level without respondents or a respondent is in no level of it, margins do not add up, the
        weights do not converge, or one would not be positive; variable, level, respondent and remedy are named.

    Notes
    -----
    The mathematics is svy's. Standard errors follow R's ``survey``: influence values are replaced by their residuals
    from the calibration variables, by ten sweeps of unweighted margins after ``rake(design, list(~a, ~b), ...)``, by
    a regression with the weights before after ``calibrate`` and ``postStratify``. Trimmed weights are treated alike.

    Examples
    --------
    >>> df = pd.DataFrame({"sex": list("ffffmm"), "job": list("yynnyn")})
    >>> margins = pd.DataFrame({"variable": ["sex"] * 2, "level": ["f", "m"], "share": [0.5, 0.5]})
    >>> raked = rake(Survey.from_frame(df), margins)
    >>> raked.responses["weight_calibrated"].tolist()
    [0.75, 0.75, 0.75, 0.75, 1.5, 1.5]
    """
    choose(method=(method, get_args(Method)))
    if trim is not None and not 0 <= trim[0] < 1 < trim[1]:
        raise ValueError(f"trim={trim!r}: give bounds around 1, the mean weight, for instance (0.2, 5).")
    if survey.calibration:
        raise ValueError("the weights of this survey are calibrated already. Begin with the survey as it was opened.")
    if name in survey.responses:
        raise ValueError(f"the responses have a column {name!r}. Choose another `name` for the new weight.")
    before_column = survey.design.weight or ""
    before = weights(survey, before_column) if before_column else np.ones(len(survey.responses))
    table = _margins(survey, margins, method, float(before.sum()))
    _require_levels(survey, table)

    def calibrated(weight: Floats) -> Floats:
        return calibrated_weights(survey.responses, weight, table, method, trim, tolerance, most_sweeps)

    try:
        after = calibrated(before)
    except UnmetMarginsError as error:
        raise ValueError(
            f"{method}: {error}. Merge small levels, leave a margin out, widen `trim`, or allow more `most_sweeps`."
        ) from error
    if (after <= 0).any():
        raise ValueError(
            f"{survey.row(int(np.argmin(after)))}: the calibrated weight would be {after.min():.4g}, and "
            f"{int((after <= 0).sum())} in all would not be positive. Use method='rake', or merge levels."
        )
    columns: dict[str, Any] = {name: after}
    design: dict[str, Any] = {"weight": name}
    if said := survey.design.replicates:
        replicates = design_arrays(survey).replicates
        if replicates is None:
            raise TypeError("the design has replicate weights")
        new = [f"{name}_{i}" for i in range(1, replicates.weights.shape[1] + 1)]
        columns |= dict(zip(new, map(calibrated, replicates.weights.T), strict=True))
        design["replicates"] = said.model_copy(update={"columns": tuple(new)})
    calibration = Calibration(
        method=method, margins=table, weight_before=before_column, weight=name,
        report=_report(survey, table, before, after),
        ratio=(float((after / before).min()), float((after / before).max())),
        trimmed=0 if trim is None else _at_bounds(after, trim),
        deff_before=kish(before), deff_after=kish(after),
    )  # fmt: skip
    return replace(
        survey,
        responses=survey.responses.assign(**columns),
        about=_said(survey.about, design, before_column),
        calibration=calibration,
    )


def _said(about: About, design: dict[str, Any], before: str) -> About:
    """``about`` with the new columns of the design; the weight before is a column that nobody analyses."""
    old = [before] if before else []
    old += about.design.replicates.columns if about.design.replicates and design.get("replicates") else ()
    return about.model_copy(
        update={
            "design": about.design.model_copy(update=design),
            "other_columns": [*about.other_columns, *(column for column in old if column not in about.other_columns)],
        }
    )


def kish(weight: Floats) -> float:
    """Kish's design effect of unequal weights, n times the sum of squares over the square of the sum.

    References
    ----------
    Kish, L. (1965). Survey Sampling. Wiley, section 11.7.

    Examples
    --------
    >>> kish(np.array([1.0, 1.0, 1.0, 3.0]))
    1.3333333333333333
    """
    return float(len(weight) * np.square(weight).sum() / weight.sum() ** 2)


def _at_bounds(weight: Floats, trim: tuple[float, float]) -> int:
    ratio = weight / weight.mean()
    return int((np.isclose(ratio, trim[0], rtol=1e-4) | np.isclose(ratio, trim[1], rtol=1e-4)).sum())


# ---------------------------------------------------------------------------------------------------- the margins


def _margins(survey: Survey, margins: pd.DataFrame | str | Path, method: Method, weighted: float) -> pd.DataFrame:
    """The margins as ``variable``, ``level``, ``total``, checked by themselves."""
    where = str(margins) if isinstance(margins, (str, Path)) else "margins"
    frame = read_responses(Path(margins)) if isinstance(margins, (str, Path)) else margins
    frame = frame.reset_index(drop=True)
    for column in ("variable", "level"):
        if column not in frame:
            raise ValueError(
                f"{where}: the column {column!r} is missing. It needs variable, level, and total or share."
            )
    figures = [column for column in ("total", "share") if column in frame]
    if len(figures) != 1:
        raise ValueError(
            f"{where}: give either the column 'total' or 'share', not {' and '.join(figures) or 'neither'}."
        )
    if frame.empty:
        raise ValueError(f"{where}: it has no rows. Give a row per level of each margin.")
    value = as_numbers(frame[figures[0]])
    table = pd.DataFrame({"variable": as_texts(frame["variable"]), "level": as_texts(frame["level"]), "total": value})
    for i in np.flatnonzero(~(value > 0) | np.isinf(value)):
        raise ValueError(
            f"{where}, row {i + 1}: the {figures[0]} of {table['variable'][i]} = {table['level'][i]!r} is "
            f"{as_texts(frame[figures[0]])[i]!r}. It must be a positive number; leave out levels that nobody has."
        )
    if (twice := table.duplicated(["variable", "level"])).any():
        row = table[twice].iloc[0]
        raise ValueError(f"{where}: {row['variable']} = {row['level']!r} is there twice. Keep one row.")
    sums = {str(v): float(rows["total"].sum()) for v, rows in table.groupby("variable", sort=False)
            if (rows["level"] != "").any()}  # fmt: skip
    if method == "poststratify" and len(sums) != 1:
        raise ValueError(
            f"{where}: poststratify takes one margin, this has {len(sums)}: {', '.join(sums)}. Cross the variables, "
            "'a × b', or use method='rake'."
        )
    numeric = sorted(set(table["variable"]) - set(sums))
    if numeric and (method != "linear" or figures == ["share"] or not sums):
        raise ValueError(
            f"{where}: the margin {numeric[0]!r} has no levels. Totals of numbers go with method='linear', with the "
            "column 'total', and beside a margin that has levels."
        )
    if figures == ["share"]:
        for variable, sum_ in sums.items():
            if abs(sum_ - 1) > SHARES_ADD_UP:
                raise ValueError(f"{where}: the shares of {variable} add up to {sum_:.4g}, not to 1. Correct them.")
        table["total"] *= weighted / table["variable"].map(sums)
    else:
        least, most = min(sums, key=lambda v: sums[v]), max(sums, key=lambda v: sums[v])
        if sums[most] - sums[least] > TOTALS_ADD_UP * sums[most]:
            raise ValueError(
                f"{where}: the totals of {least} add up to {sums[least]:,.10g}, those of {most} to {sums[most]:,.10g}. "
                "Margins of one population add up to the same: correct them, or give shares."
            )
    return table


def _require_levels(survey: Survey, table: pd.DataFrame) -> None:
    """Every level has respondents, and every respondent a level."""
    for variable, rows in table.groupby("variable", sort=False):
        for part in str(variable).split(" × "):
            question = survey.question(part)
            if part not in survey.responses:
                raise ValueError(f"{survey.responses_file}: the column {part!r} of a margin is missing.")
            if question.type != "select_one" and (rows["level"] != "").any():
                raise ValueError(f"the margin {part!r} is a {question.type} question. Rake to select_one questions.")
        if (rows["level"] == "").all():
            bad = np.flatnonzero(np.isnan(as_numbers(survey.responses[variable])))
            if len(bad):
                raise ValueError(
                    f"{survey.row(int(bad[0]))}: {variable} is no number, and {len(bad)} in all. "
                    "Fill them in, or drop these respondents."
                )
            continue
        levels = crossed(survey.responses, str(variable))
        known, held = list(rows["level"]), set(levels)
        for level in known:
            if level not in held:
                near = did_you_mean(level, sorted(held - {""}))
                raise ValueError(
                    f"margins: nobody has {variable} = {level!r}{near} Correct the level, or merge it with another."
                )
        without = np.flatnonzero(~np.isin(levels.astype(str), known))
        if len(without):
            value = levels[without[0]]
            raise ValueError(
                f"{survey.row(int(without[0]))}: {variable} is {value!r}, which no margin has, and {len(without)} "
                f"respondents in all are in no level of {variable}. Add the level, impute the value, or drop them."
            )


def _report(survey: Survey, table: pd.DataFrame, before: Floats, after: Floats) -> pd.DataFrame:
    """Weighted totals before and after, for every margin level."""

    def totals() -> Iterator[tuple[int, float, float]]:
        for variable, level in zip(table["variable"], table["level"], strict=True):
            if level == "":
                x = as_numbers(survey.responses[variable])
                yield len(x), float(before @ x), float(after @ x)
            else:
                here = crossed(survey.responses, variable) == level
                yield int(here.sum()), float(before[here].sum()), float(after[here].sum())

    n, old, new = zip(*totals(), strict=True)
    out = table.rename(columns={"total": "target"}).assign(n=n, before=old, after=new)
    out["miss"] = (out["after"] - out["target"]).abs() / out["target"].abs()
    return out[["variable", "level", "n", "before", "target", "after", "miss"]]


# ---------------------------------------------------------------------------------------------------- the summary


@dataclass(frozen=True, repr=False, eq=False)
class WeightSummary(Shown):
    """What the weights of a survey are like, and what they cost.

    Attributes
    ----------
    frame : DataFrame
        One row per weight (``weight``: its column; ``stage``: ``before`` and ``after`` calibration, or ``now``):
        ``n``, ``sum``, ``mean``, ``smallest`` and ``greatest`` (over the mean), ``ratio`` of the two, ``cv``,
        ``deff`` (Kish), ``n_eff`` and ``top_share``, the share of all weight that the top 1 % of respondents hold.
    relative : dict of str to ndarray of float
        By stage: the weights over their mean, in order; for the figure.
    calibration : Calibration, optional
    questionnaire, about, language
        For labels and title.
    """

    frame: pd.DataFrame
    relative: dict[str, Floats]
    calibration: Calibration | None
    questionnaire: Questionnaire
    about: About
    language: str


def weight_summary(survey: Survey) -> WeightSummary:
    """What the weights of a survey are like: range, Kish's design effect, effective n, who holds how much.

    Raises
    ------
    ValueError
        If the survey has no weight, or one that is not a positive number.

    Notes
    -----
    Kish's design effect is that of unequal weights alone, ``n sum(w^2) / sum(w)^2 = 1 + cv^2``; of a question it may
    be smaller or greater, see the column ``deff`` of its estimates. The top 1 % are the n/100 respondents, rounded
    up, with the greatest weights.

    Examples
    --------
    >>> df = pd.DataFrame({"q": list("aabb"), "w": [1.0, 1.0, 1.0, 3.0]})
    >>> weight_summary(Survey.from_frame(df, weight="w")).frame[["ratio", "deff", "n_eff", "top_share"]].values.tolist()
    [[3.0, 1.3333333333333333, 3.0, 0.5]]
    """
    column = survey.design.weight
    if not column:
        raise ValueError("the survey has no weight: every respondent counts one. Name it in `design.weight`.")
    stages = {"now": column}
    if survey.calibration:
        stages = {"before": survey.calibration.weight_before, "after": column}
    rows, relative = [], {}
    for stage, name in stages.items():
        weight = weights(survey, name) if name else np.ones(len(survey.responses))
        relative[stage] = np.sort(weight / weight.mean())
        top = int(np.ceil(len(weight) / 100))
        deff = kish(weight)
        rows.append({
            "stage": stage, "weight": name, "n": len(weight), "sum": weight.sum(), "mean": weight.mean(),
            "smallest": relative[stage][0], "greatest": relative[stage][-1], "ratio": weight.max() / weight.min(),
            "cv": np.sqrt(max(deff - 1, 0.0)), "deff": deff, "n_eff": len(weight) / deff,
            "top_share": relative[stage][-top:].sum() / len(weight),
        })  # fmt: skip
    return WeightSummary(
        pd.DataFrame(rows), relative, survey.calibration, survey.questionnaire, survey.about, survey.language
    )
