"""Calibration of weights to known margins: raking, post-stratification, linear calibration, trimming."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from .about import About
from .answers import margin_variables, numbers
from .codes import as_texts, choose
from .design import design_arrays
from .intervals import Floats
from .margins_file import read_margins
from .questionnaire import did_you_mean
from .survey import Calibration, Survey, crossed
from .svy_bridge import calibrated_weights, within
from .weights import kish

Method = Literal["rake", "poststratify", "linear"]
ROUNDING, SOLVED = 1e-12, 1e-9  # what floats leave of a margin that is raked, and of one that is solved for
AT_BOUND = 1e-6  # a weight this near to a bound of `trim` stands at it


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
        The least and the greatest ratio of a weight to the mean weight, as ``(0.2, 5)``; 0 for no least. Trimming and
        calibration take turns until both hold. A replicate weight is held against the mean of those above 0.
    name : str
        The column of the new weight. Replicate weights are calibrated each, as ``name_1``, ``name_2``, ...
    tolerance : float
        The greatest relative miss of a margin, and of a bound of ``trim``, that counts as reached.
    most_sweeps : int
        Over the margins, and turns of trimming and calibration, before it is given up.

    Returns
    -------
    Survey
        With the new weight in its design and, in ``calibration``, where it comes from: a row per margin level (n,
        before, target, after, miss), the range of the ratio of new to old weights, and Kish's design effect before
        and after. Shown by :func:`weight_summary`.

    Raises
    ------
    ValueError
        If the design cannot be used, a margin has a level without respondents or a respondent is in no level of it,
        margins do not add up, the weights do not converge, or one would not be positive; variable, level, respondent,
        replicate and remedy are named.
    FileNotFoundError
        If there is no such file of margins.

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
    bounds = _bounds(trim)
    if survey.calibration:
        raise ValueError("the weights of this survey are calibrated already. Begin with the survey as it was opened.")
    arrays = design_arrays(survey)
    replicates = np.empty((len(arrays.weight), 0)) if arrays.replicates is None else arrays.replicates.weights
    names = [f"{name}_{i}" for i in range(1, replicates.shape[1] + 1)]
    for column in (name, *names):
        if column in survey.responses:
            raise ValueError(f"the responses have a column {column!r}. Choose another `name` for the new weight.")
    before_column, before = survey.design.weight or "", arrays.weight
    table = read_margins(margins, method)
    if "share" in table:  # the sum of the weights stays
        table["total"] = table.pop("share") * float(before.sum())
    _require_levels(survey, table)
    x, levels = margin_variables(survey, table)
    goal = _Goal(table, x, levels, method, bounds, tolerance, most_sweeps)
    after = _calibrated(goal, before)
    if (after <= 0).any():
        raise ValueError(
            f"{survey.row(int(np.argmin(after)))}: the calibrated weight would be {after.min():.4g}, and "
            f"{int((after <= 0).sum())} in all would not be positive. Use method='rake', or merge levels."
        )
    columns: dict[str, Any] = {name: after}
    design: dict[str, Any] = {"weight": name}
    old = [before_column] if before_column else []
    if said := survey.design.replicates:
        old += (own := survey.design.replicate_columns(survey.responses.columns))
        for new, column, weight in zip(names, own, replicates.T, strict=True):
            columns[new] = made = _calibrated(goal, weight, f"the replicate weight {column}: ")
            if (made < 0).any():
                raise ValueError(
                    f"{survey.row(int(np.argmin(made)))}: the calibrated replicate weight {column} would be "
                    f"{made.min():.4g}, and {int((made < 0).sum())} in all would be below 0. Use method='rake', or "
                    "merge levels."
                )
        design["replicates"] = said.model_copy(update={"columns": tuple(names), "combined": True})
    frame = survey.responses
    calibration = Calibration(
        method=method, margins=table, weight_before=before_column, weight=name,
        report=_report(table, x, before, after),
        ratio=(float((after / before).min()), float((after / before).max())),
        trimmed=0 if bounds is None else _at_bounds(after, bounds),
        deff_before=kish(before), deff_after=kish(after),
    )  # fmt: skip
    return replace(
        survey,
        responses=pd.concat([frame, pd.DataFrame(columns, index=frame.index)], axis=1),
        about=_said(survey.about, design, old),
        calibration=calibration,
    )


def _bounds(trim: tuple[float, float] | None) -> tuple[float, float] | None:
    """The bounds of an argument, or a refusal."""
    if trim is None:
        return None
    try:
        low, high = map(float, trim)
    except (TypeError, ValueError):
        low = high = np.nan
    if not 0 <= low < 1 < high:
        raise ValueError(
            f"trim={trim!r}: give two bounds around 1, the mean weight, for instance (0.2, 5). 0 is no lower bound."
        )
    return low, high


def _said(about: About, design: dict[str, Any], before: list[str]) -> About:
    """``about`` with the new columns of the design; those before are columns that nobody analyses."""
    return about.model_copy(
        update={
            "design": about.design.model_copy(update=design),
            "other_columns": [
                *about.other_columns,
                *(column for column in before if column not in about.other_columns),
            ],
        }
    )


def _at_bounds(weight: Floats, bounds: tuple[float, float]) -> int:
    ratio = weight / weight.mean()
    return int(sum(np.isclose(ratio, bound, rtol=AT_BOUND, atol=0).sum() for bound in bounds))


# --------------------------------------------------------------------------------------------------- the weights


@dataclass(frozen=True)
class _Goal:
    """What weights are to meet: the totals of ``x`` and, in ratios to the mean weight, bounds."""

    table: pd.DataFrame
    x: Floats
    levels: tuple[npt.NDArray[np.intp], ...]
    method: Method
    bounds: tuple[float, float] | None
    tolerance: float
    most_sweeps: int

    @property
    def totals(self) -> Floats:
        return np.asarray(self.table["total"], dtype=float)

    @property
    def slack(self) -> float:
        """The miss that counts as reached; what is solved at once is not as exact as one may ask for."""
        return self.tolerance + ROUNDING if self.method == "rake" else max(self.tolerance, SOLVED)

    def from_(self, weight: Floats, trim: tuple[float, float] | None = None) -> Floats:
        return calibrated_weights(
            weight, self.x, self.totals, self.levels, self.method, trim, self.tolerance, self.most_sweeps
        )

    def miss(self, weight: Floats) -> Floats:
        """The relative miss of each total."""
        return np.asarray(np.abs(self.x.T @ weight - self.totals) / np.abs(self.totals))

    def named(self, row: int) -> str:
        variable, level = self.table["variable"].iloc[row], self.table["level"].iloc[row]
        return f"{variable} = {level!r}" if level else str(variable)


def _calibrated(goal: _Goal, weight: Floats, who: str = "") -> Floats:
    """Weights that meet the goal, or a refusal that begins with whose weights they are."""
    held = weight > 0
    levels = np.asarray(goal.table["level"] != "")
    for row in np.flatnonzero(levels & (goal.x.T @ weight == 0)):
        raise ValueError(
            f"{who}nobody with {goal.named(int(row))} has any weight in it, so that the level cannot reach its total. "
            "Merge the level with another, leave the margin out, or leave the replicate out."
        )
    plain = goal.from_(weight)
    miss = goal.miss(plain)
    worst = int(np.argmax(miss))
    if not miss[worst] <= goal.slack:
        # another round from where this one ended: where margins contradict each other it gets no nearer
        more = goal.method == "rake" and goal.miss(goal.from_(plain)).max() < miss[worst] / 4
        sweeps = f" in {goal.most_sweeps:,} sweeps" if goal.method == "rake" else ""
        why = "" if more else "; margins that contradict each other are never met"
        raise ValueError(
            f"{who}{goal.method} did not converge{sweeps}: {goal.named(worst)} has "
            f"{goal.x[:, worst] @ plain:,.10g} in place of its total of {goal.totals[worst]:,.10g}, a miss of "
            f"{miss[worst]:.2g} of it{why}. "
            f"Merge small levels, leave a margin out{', or allow more `most_sweeps`' if more else ''}."
        )
    if goal.bounds is None:
        return plain
    first = goal.table["variable"] == goal.table["variable"][levels].iloc[0]
    mean = goal.totals[first].sum() / held.sum()
    trim = (goal.bounds[0] * mean, goal.bounds[1] * mean)
    if within(plain[held], trim, goal.slack):
        return plain
    _require_reach(goal, held, mean, who)
    after = goal.from_(weight, trim)
    if goal.miss(after).max() <= goal.slack and within(after[held], trim, goal.slack):
        return after
    ratio = after[held] / mean
    again = goal.from_(np.where(held, np.clip(after, *trim), 0.0), trim)[held] / mean
    more = _excess(again, goal.bounds) < _excess(ratio, goal.bounds) / 4
    why = "" if more else "; bounds and margins that leave no weights are never met"
    raise ValueError(
        f"{who}{goal.method} with trim={goal.bounds} did not converge in {goal.most_sweeps:,} turns: where the margins "
        f"are met, the weights are from {ratio.min():.6g} to {ratio.max():.6g} times their mean{why}. "
        f"Widen `trim`, merge small levels, leave a margin out{', or allow more `most_sweeps`' if more else ''}."
    )


def _excess(ratio: Floats, bounds: tuple[float, float]) -> float:
    """How far the weights are out of bounds at most."""
    return float(max(bounds[0] - ratio.min(), ratio.max() - bounds[1], 0.0))


def _require_reach(goal: _Goal, held: npt.NDArray[np.bool_], mean: float, who: str) -> None:
    """Every level can reach its total with weights within the bounds."""
    low, high = goal.bounds or (0, np.inf)
    for row in np.flatnonzero(goal.table["level"] != ""):
        n = int(goal.x[held, row].sum())
        needed = goal.totals[row] / n / mean
        if not low <= needed <= high:
            raise ValueError(
                f"{who}{goal.named(int(row))} cannot reach its total of {goal.totals[row]:,.6g} within trim="
                f"{goal.bounds}: {_people(n)} would need {needed:.4g} times the mean weight on average. "
                "Widen `trim`, or merge the level with another."
            )


def _people(n: int) -> str:
    return f"{n:,} respondent{'' if n == 1 else 's'}"


# ---------------------------------------------------------------------------------------------------- the margins


def _require_levels(survey: Survey, table: pd.DataFrame) -> None:
    """Every level has respondents, and every respondent a level."""
    for variable, rows in table.groupby("variable", sort=False):
        parts = str(variable).split(" × ")
        if len(parts) > 1 and variable in survey.questionnaire:
            raise ValueError(
                f"the margin {variable!r} is a question with ' × ' in its name, which joins crossed variables. "
                "Rename the question."
            )
        for part in parts:
            question = survey.question(part)
            if question.type != "select_one" and (rows["level"] != "").any():
                raise ValueError(f"the margin {part!r} is a {question.type} question. Rake to select_one questions.")
            if part not in survey.responses and question.columns == (part,):
                raise ValueError(
                    f"{survey.responses_file}: the column {part!r} of a margin is missing. Add it, or leave the margin "
                    "out."
                )
            if len(parts) > 1 and any(" × " in choice.name for choice in question.choices):
                raise ValueError(
                    f"the margin {variable!r}: a choice of {part!r} has ' × ' in its name, which joins crossed levels. "
                    "Rename it."
                )
        if (rows["level"] == "").all():
            bad = np.flatnonzero(np.isnan(numbers(survey, str(variable)).values))
            if len(bad):
                value = as_texts(survey.responses[variable].iloc[bad[:1]])[0]
                raise ValueError(
                    f"{survey.row(int(bad[0]))}: {variable} is no number but {value!r}, and {_people(len(bad))} in all "
                    f"{'has' if len(bad) == 1 else 'have'} none to add up. Fill them in, or drop these respondents."
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
                f"{survey.row(int(without[0]))}: {variable} is {value!r}, which no margin has, and "
                f"{_people(len(without))} in all {'is' if len(without) == 1 else 'are'} in no level of {variable}. "
                "Add the level, impute the value, or drop them."
            )


def _report(table: pd.DataFrame, x: Floats, before: Floats, after: Floats) -> pd.DataFrame:
    """Weighted totals before and after, for every margin level."""
    n = np.where(table["level"] == "", len(x), (x != 0).sum(axis=0))
    out = table.rename(columns={"total": "target"}).assign(n=n, before=before @ x, after=after @ x)
    out["miss"] = (out["after"] - out["target"]).abs() / out["target"].abs()
    return out[["variable", "level", "n", "before", "target", "after", "miss"]]
