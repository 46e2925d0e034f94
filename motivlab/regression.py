"""Survey-weighted regressions of items on a question and covariates: what is fitted, and why an item has no model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from .design import DesignArrays, degrees_of_freedom, design_arrays
from .expressions import Mask
from .intervals import Floats, logit
from .survey import Survey
from .svy_bridge import Aliased, Regression, regress, to_sample

SHARE = ("", "_se", "_low", "_high")
DIFFERENCE = ("_difference", "_difference_se", "_difference_low", "_difference_high", "_difference_p")
ODDS = ("odds_ratio", "odds_ratio_low", "odds_ratio_high", "odds_ratio_p")


@dataclass(frozen=True)
class Unfitted:
    """Why an item has no model: a cell in which all respondents answered the same.

    Attributes
    ----------
    item : str
    reason : {"constant", "separated", "diverged"}
        ``constant``: all respondents of the model answered the same; ``separated``: those of a level did, or a
        combination of variables tells exactly who did; ``diverged``: the model found no end.
    variable, level : str
        The cell; both empty where it is the whole model. Where no single level does it, ``variable`` names all the
        variables that take part, joined by ``×``, and ``level`` is empty.
    n : int
        Respondents in the cell, or in the model.
    everyone : bool
        True where all of the cell chose the item, False where nobody did.
    """

    item: str
    reason: Literal["constant", "separated", "diverged"]
    variable: str
    level: str
    n: int
    everyone: bool = False

    def __str__(self) -> str:
        who = "everybody" if self.everyone else "nobody"
        if self.reason == "constant":
            return f"{self.item!r}: {who} of the {self.n} respondents of the model chose it, so there is none to fit."
        if self.reason == "diverged":
            return f"{self.item!r}: the model did not converge. Take fewer covariates, or group their levels."
        if not self.level:
            return (
                f"{self.item!r}: a combination of {self.variable} tells exactly who of some respondents chose it, so "
                "its odds have no finite value. Group their levels, or leave one out of `given`."
            )
        return (
            f"{self.item!r}: {who} of the {self.n} respondents with {self.variable} = {self.level!r} chose it, so its "
            f"odds have no finite value there. Group the level with another, leave it out by `where`, or leave "
            f"{self.variable!r} out of the model."
        )


@dataclass(frozen=True)
class Variable:
    """A question in the model: the position of each respondent's level, or the number; NaN where there is none."""

    name: str
    levels: tuple[str, ...]
    values: Floats

    @property
    def number(self) -> bool:
        """Whether it is a number and not a category."""
        return not self.levels

    @property
    def known(self) -> Mask:
        """Who gave a valid answer; shape (respondents,)."""
        return ~np.isnan(self.values)

    def counts(self, mask: Mask) -> npt.NDArray[np.int64]:
        """Respondents of a mask by level."""
        return np.bincount(self.values[mask & self.known].astype(np.intp), minlength=len(self.levels))


@dataclass(frozen=True)
class Model:
    """What one item is modelled from: who chose it, among whom."""

    item: str
    net: bool
    chosen: Mask
    within: Mask


def fit_models(
    survey: Survey,
    models: Sequence[Model],
    compared: Variable,
    covariates: Sequence[Variable],
    first: int,
    confidence: float,
) -> tuple[list[dict[str, Floats]], pd.DataFrame, tuple[Unfitted, ...]]:
    """The numbers of each item by level, all coefficients, and the cells for which there are none."""
    # columns are named by their number, and levels are numbers: a name of the questionnaire may hold anything
    variables = {f"x{i}": variable for i, variable in enumerate((compared, *covariates))}
    columns: dict[str, npt.NDArray[np.generic]] = {
        name: np.where(v.known, v.values, 0.0).astype(float if v.number else np.int64) for name, v in variables.items()
    }
    for j, model in enumerate(models):
        columns |= {f"y{j}": model.chosen.astype(float), f"in{j}": model.within}
    sample = to_sample(survey, pd.DataFrame(columns))
    categories = [name for name, v in variables.items() if not v.number][1:]
    linear = [name for name, v in variables.items() if v.number]
    design = design_arrays(survey)
    fits, tables, unfitted = [], [], []
    for j, model in enumerate(models):
        n = compared.counts(model.within)
        levels = [first, *(i for i in np.flatnonzero(n).tolist() if i != first)]
        on, within = ("x0", levels), f"in{j}"
        rows: dict[str, Floats] = {}
        size = 1 + sum(len(np.unique(v.values[model.within])) - 1 if not v.number else 1 for v in variables.values())
        df = _degrees_of_freedom(design, model, size)
        rows["adjusted_df"] = np.full(len(n), float(df))
        rows["unadjusted_df"] = rows["adjusted_df"] + size - len(levels)
        alone = regress(sample, f"y{j}", on, within=within, family="gaussian")
        rows |= _margins("unadjusted", alone, n, levels, rows["unadjusted_df"][0], confidence)
        why = _constant(model)
        if not why:
            try:
                fit = regress(sample, f"y{j}", on, categories, linear, within=within)
            except Aliased as error:
                raise _aliased(error, variables) from error
            why = _separated(model, fit, variables)
        if why:
            unfitted += why
        else:
            rows |= _margins("adjusted", fit, n, levels, df, confidence)
            table = _coefficients(model, fit, variables, df, confidence)
            tables.append(table)
            rows |= _odds_ratios(table, compared, len(n))
        rows["reason"] = np.full(len(n), why[0].reason if why else "", dtype=object)
        fits.append(rows)
    empty = _coefficients(models[0], None, variables, 0, confidence)
    return fits, pd.concat(tables, ignore_index=True) if tables else empty, tuple(unfitted)


def _degrees_of_freedom(design: DesignArrays, model: Model, parameters: int) -> int:
    """Those of the design, as far as it holds anybody of the model, less the parameters but one."""
    occupied = np.bincount(design.psu[design.unit[model.within]], minlength=len(design.stratum)).astype(float)
    of_design = int(degrees_of_freedom(design, occupied[:, None])[0])
    df = of_design - (parameters - 1)
    if df <= 0:
        held = f"{np.count_nonzero(occupied)} clusters" if design.clustered else f"{model.within.sum()} respondents"
        raise ValueError(
            f"item {model.item!r}: the {held} of the model leave {of_design} degrees of freedom, too few for the "
            f"{parameters} coefficients. Take fewer covariates, or group the levels."
        )
    return df


def _aliased(error: Aliased, variables: dict[str, Variable]) -> ValueError:
    names = [variables[column].name for column in error.columns]
    what = f"{names[0]!r} says" if names else "one of them says"
    every = ", ".join(variable.name for variable in variables.values())
    return ValueError(f"of {every}, {what} what others say already. Leave one of them out of `given`.")


def _constant(model: Model) -> list[Unfitted]:
    k, n = int((model.chosen & model.within).sum()), int(model.within.sum())
    return [Unfitted(model.item, "constant", "", "", n, k == n)] if k in (0, n) else []


def _separated(model: Model, fit: Regression, variables: dict[str, Variable]) -> list[Unfitted]:
    """The cells that leave a model without finite coefficients; none where it has them."""
    involved = [variables[column] for column in fit.separated if column]
    cells = []
    for variable in involved:
        if variable.number:
            continue
        n, k = variable.counts(model.within), variable.counts(model.within & model.chosen)
        cells += [
            Unfitted(model.item, "separated", variable.name, variable.levels[i], int(n[i]), bool(k[i]))
            for i in np.flatnonzero((n > 0) & ((k == 0) | (k == n)))
        ]
    if fit.separated and not cells:
        names = " × ".join(variable.name for variable in involved or variables.values())
        cells = [Unfitted(model.item, "separated", names, "", int(model.within.sum()))]
    if not cells and not fit.converged:
        cells = [Unfitted(model.item, "diverged", "", "", int(model.within.sum()))]
    return cells


def _margins(
    name: str, fit: Regression, n: npt.NDArray[np.int64], levels: Sequence[int], df: float, confidence: float
) -> dict[str, Floats]:
    """The columns of shares and differences, by level."""
    share, se, difference, difference_se = (np.full(len(n), np.nan) for _ in range(4))
    share[levels], se[levels] = fit.margins, fit.margins_se
    difference[levels[1:]], difference_se[levels[1:]] = fit.differences, fit.differences_se
    # what rounding leaves of a share of 0 or 1
    near = np.round(share, 12)
    share, se = np.where(np.isin(near, (0, 1)), near, share), np.where(np.isin(near, (0, 1)), 0.0, se)
    low, high = logit(share, se, n.astype(float), np.full(len(n), df), confidence)
    t = stats.t.ppf((1 + confidence) / 2, df)
    with np.errstate(invalid="ignore", divide="ignore"):
        p = 2 * stats.t.sf(np.abs(difference) / difference_se, df)
    shares = dict(zip(SHARE, (share, se, low, high), strict=True))
    half = t * difference_se
    differences = zip(DIFFERENCE, (difference, difference_se, difference - half, difference + half, p), strict=True)
    return {name + end: values for end, values in (shares | dict(differences)).items()}


def _coefficients(
    model: Model, fit: Regression | None, variables: dict[str, Variable], df: float, confidence: float
) -> pd.DataFrame:
    """One row per coefficient; without a fit, the columns."""
    rows = []
    for (column, level), b, se in zip(fit.terms, fit.estimate, fit.se, strict=True) if fit else ():
        variable = variables.get(column)
        n = int(model.within.sum()) if variable is None or level is None else int(variable.counts(model.within)[level])
        half = float(stats.t.ppf((1 + confidence) / 2, df)) * se
        rows.append({
            "item": model.item, "variable": variable.name if variable else "",
            "level": variable.levels[level] if variable and level is not None else "", "n": n,
            "estimate": b, "se": se, "df": df, "p": float(2 * stats.t.sf(abs(b) / se, df)),
            "odds_ratio": np.exp(b), "odds_ratio_low": np.exp(b - half), "odds_ratio_high": np.exp(b + half),
        })  # fmt: skip
    names = (
        "item", "variable", "level", "n", "estimate", "se", "df", "p",
        "odds_ratio", "odds_ratio_low", "odds_ratio_high",
    )  # fmt: skip
    return pd.DataFrame(rows, columns=list(names))


def _odds_ratios(table: pd.DataFrame, compared: Variable, levels: int) -> dict[str, Floats]:
    own = table[table["variable"] == compared.name]
    places = [compared.levels.index(level) for level in own["level"]]
    out = {name: np.full(levels, np.nan) for name in ODDS}
    for name in ODDS:
        out[name][places] = own["p" if name == "odds_ratio_p" else name]
    return out
