"""Attrition: those with a follow-up against those lost, and how much of a change hangs on who was lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from .about import About
from .balance import Characteristic, Unweighed, change_bounds, mean_of, side_by_side
from .design import DesignArrays, design_arrays
from .estimate import require_confidence
from .expressions import Mask
from .intervals import Floats, wald
from .nonresponse import (
    FollowUp,
    Method,
    ResponseWeights,
    characteristic,
    follow_up,
    known_at_entry,
    occasion_at,
    weighed,
)
from .programme import Instrument
from .questionnaire import Questionnaire, did_you_mean
from .reduction import Domains, number_ratios, reduce_survey
from .scales import score, value_range
from .shown import Shown
from .survey import Survey
from .variance import solve

OUT_OF_BALANCE = 0.25  # a standardised difference above it is flagged
LOW_FOLLOW_UP = 0.70  # a share of those with a follow-up below it is


@dataclass(frozen=True, repr=False, eq=False)
class Attrition(Shown):
    """Who has no follow-up, and how much of the change hangs on it.

    Attributes
    ----------
    frame : DataFrame
        Those with a follow-up ("kept") and those without ("lost"), one row per number and per level of a question.
        Columns: ``variable``; ``level``, empty of a number; ``missing``, True of those without a valid answer;
        ``n_kept`` and ``n_lost``, those of them in the level, or with the number, unweighted; ``base``, ``kept`` and
        ``lost``, the weighted share, or mean, of everybody and of either; ``sd_kept`` and ``sd_lost``, of a number;
        ``difference``, kept less lost, standardised; ``overall``, that of all levels of a question together, where it
        has more than two that do not overlap; ``flag``, whether the one or the other is above 0.25; ``weighted``,
        as ``kept``, with the weights for non-response: what is left of the way from ``kept`` to ``base``.
        NaN where a side is empty; of a number also where one has a single value.
    result : DataFrame
        The change with and without them, a row per change and way. Columns: ``change`` ("post - pre"); ``way``;
        ``n``, people; ``estimate``, the mean change in the unit of the scale, of a 0/1 outcome the difference of two
        shares; ``se``; ``ci_low``, ``ci_high`` and ``df``. Ways: ``complete``, those with both, as they are;
        ``weighted``, the same, weighted for non-response; ``no_change``, all of the base, had the lost not changed;
        ``worst`` and ``best``, had each of them changed by as much as the scale allows, from where they stood. NaN
        where the scale has no ends, or there are no weights.
    outcome, design, at, where : str
        The outcome, its instrument design, the occasion of the follow-up, the subpopulation.
    n_base, n_kept : int
        Those with a pre (without one in the design, all), and those of them with a follow-up.
    without_pre : int
        Those with a follow-up and no pre, who are in neither.
    weights : ResponseWeights, optional
        None where there are none; ``unweighed`` says why.
    unweighed : Unweighed, optional
    confidence : float
    questionnaire, about, language
        For labels and title.
    """

    frame: pd.DataFrame
    result: pd.DataFrame
    outcome: str
    design: str
    at: str
    n_base: int
    n_kept: int
    without_pre: int
    weights: ResponseWeights | None
    unweighed: Unweighed | None
    confidence: float
    where: str
    questionnaire: Questionnaire
    about: About
    language: str

    @property
    def n_lost(self) -> int:
        """Those of the base without a follow-up."""
        return self.n_base - self.n_kept

    @property
    def follow_up(self) -> float:
        """The share of the base with a follow-up, unweighted."""
        return self.n_kept / self.n_base

    @property
    def low(self) -> bool:
        """Whether it is below 70 %."""
        return self.follow_up < LOW_FOLLOW_UP

    @property
    def flagged(self) -> tuple[str, ...]:
        """The variables on which those left and those lost differ by more than 0.25."""
        return tuple(dict.fromkeys(self.frame.loc[self.frame["flag"], "variable"]))

    def to(self, language: str) -> Attrition:
        """The same, shown in another language (lv, en or ru)."""
        weights = self.weights.to(language) if self.weights else None
        return replace(self, language=language, weights=weights)


def attrition(
    survey: Survey,
    outcome: str,
    known: str | Sequence[str] | None = None,
    at: str = "post",
    where: str = "",
    *,
    method: Method = "propensity",
    trim: float | None = None,
    limits: tuple[float, float] | None = None,
    confidence: float = 0.95,
) -> Attrition:
    """Those with a follow-up against those lost, and the change with and without weights for it, and within bounds.

    Parameters
    ----------
    survey : Survey
    outcome : str
        One of the ``gains`` of ``survey.yml`` with the design ``pre_post`` or ``retro_pre_post``.
    known : str or sequence of str, optional
        Questions and scales known at entry: with choices, or a number. A question that is the pre of a gain and whose
        codes are numbers, more than two, is a number. By default the pres of all gains, and the questions by which
        ``survey.yml`` has questions analysed (``by``), as far as they are not asked later.
    at : str
        The follow-up: ``post``, or ``later_1``, ``later_2`` ..., or their questions.
    where : str
        As for :func:`motivlab.prevalence`.
    method, trim
        Of the weights, as for :func:`motivlab.response_weights`.
    limits : tuple of float, optional
        The lowest and the highest value of the outcome, for the bounds. By default those of the scale, of the codes of
        a ``select_one``, or of a ``range``; other numbers have none.
    confidence : float

    Returns
    -------
    Attrition

    Raises
    ------
    ValueError
        If there is no such outcome, occasion or variable, a variable is known only later, nobody is in the base, or
        nobody of it has a follow-up.

    Notes
    -----
    The weights are treated as fixed: the standard error knows the design, not that propensities were estimated. R:
    ``svymean(~change, subset(svydesign(ids, strata, weights = ~w / p), kept))``. The bounds assume nothing of the lost
    but the ends of the scale (Horowitz and Manski 2000); their standard errors are those of the bounds themselves. In
    ``retro_pre_post`` with a pre, "post - then" has the same base, and whoever has no "then" is among its lost.

    References
    ----------
    Horowitz, J. L. and Manski, C. F. (2000). Nonparametric analysis of randomized experiments with missing covariate
    and outcome data. JASA 95, 77-84.

    Stuart, E. A. (2010). Matching methods for causal inference. Statistical Science 25, 1-21 (differences up to 0.25).

    Examples
    --------
    >>> from motivlab.programme import Instrument
    >>> df = pd.DataFrame({"sex": list("wwwwwmmmmm"), "before": [1, 2, 3, 4, 5] * 2,
    ...                    "after": [2, 3, 3, 4, 5, 3, 3, None, None, None]})
    >>> survey = Survey.from_frame(df)
    >>> gains = {"trust": Instrument(design="pre_post", pre="before", post="after")}
    >>> survey = replace(survey, about=survey.about.model_copy(update={"gains": gains}))
    >>> found = attrition(survey, "trust", known="sex", limits=(1, 5))
    >>> found.frame[["level", "n_kept", "n_lost", "difference", "flag"]].round(2).values.tolist()
    [['m', 2, 3, -2.24, True], ['w', 5, 0, 2.24, True]]
    >>> found.result.set_index("way")["estimate"].round(2).to_dict()
    {'complete': 0.71, 'weighted': 0.95, 'no_change': 0.5, 'worst': -0.4, 'best': 0.8}
    """
    require_confidence(confidence)
    if outcome not in survey.about.gains:
        every = ", ".join(survey.about.gains) or "none; declare it under `gains` in survey.yml"
        raise ValueError(f"there is no gain {outcome!r}{did_you_mean(outcome, survey.about.gains)} Known: {every}.")
    instrument = survey.about.gains[outcome]
    if instrument.question:
        raise ValueError(
            f"the gain {outcome!r} is a {instrument.design}: it has no change from one occasion to another. Name one "
            "that is pre_post or retro_pre_post; `response_weights` weights its respondents."
        )
    follow = follow_up(survey, outcome, at, where)
    names = known_at_entry(survey, known, outcome)
    characteristics = [characteristic(survey, name).of(follow.base) for name in names]
    design = design_arrays(survey)
    found = weighed(survey, follow, characteristics, method, trim, where)
    weights = None if isinstance(found, Unweighed) else found
    frame = side_by_side(characteristics, follow.kept[follow.base], design.weight[follow.base])
    above = frame[["difference", "overall"]].abs() > OUT_OF_BALANCE
    frame["flag"] = above.any(axis=1)
    frame["weighted"] = _after(characteristics, weights.weights[follow.base]) if weights else np.nan
    rows = [row for change in _changes(survey, instrument, follow.at) for row in
            _ways(survey, instrument, change, follow, design, weights, limits, confidence)]  # fmt: skip
    return Attrition(
        frame, pd.DataFrame(rows), outcome, instrument.design, follow.at, int(follow.base.sum()),
        int(follow.kept.sum()), follow.without_pre, weights, found if isinstance(found, Unweighed) else None,
        confidence, where, survey.questionnaire, survey.about, survey.language,
    )  # fmt: skip


def _after(characteristics: Sequence[Characteristic], weight: Floats) -> list[float]:
    """The shares and means of those with a follow-up, weighted, in the order of :func:`side_by_side`."""
    out = []
    for c in characteristics:
        if not c.levels:
            held = weight > 0
            out.append(mean_of(c.columns[held, 0], weight[held]))
        out += [float(weight[people].sum() / weight.sum()) for _, _, people in c.groups]
    return out


# -------------------------------------------------------------------------------------------------------- the result


@dataclass(frozen=True)
class _Change:
    name: str
    before: str
    after: str


def _changes(survey: Survey, instrument: Instrument, at: str) -> Iterator[_Change]:
    after = occasion_at("", instrument, at)[1]
    if instrument.pre:
        yield _Change(f"{at} - pre", instrument.pre, after)
    if instrument.then:
        yield _Change("post - then", instrument.then, instrument.post)


def _ways(
    survey: Survey, instrument: Instrument, change: _Change, follow: FollowUp, design: DesignArrays,
    weights: ResponseWeights | None, limits: tuple[float, float] | None, confidence: float,
) -> Iterator[dict[str, Any]]:  # fmt: skip
    """The rows of one change."""
    before, after = (score(survey, name).values for name in (change.before, change.after))
    ends_before, ends_after = (value_range(survey, name) for name in (change.before, change.after))
    if limits is not None:
        ends_before = ends_after = _limits(survey, limits, {change.before: before, change.after: after})
    known = follow.base & ~np.isnan(before + after)
    difference = after - before
    low, high = change_bounds(before, after, ends_before, ends_after)
    worst, best = (low, high) if instrument.better == "higher" else (high, low)
    ways: dict[str, tuple[Floats, Mask, DesignArrays] | None] = {
        "complete": (difference, known, design),
        "weighted": (difference, known, _weighted(survey, weights)) if weights else None,
        "no_change": (np.where(known, difference, 0.0), follow.base, design),
        "worst": (worst, follow.base, design),
        "best": (best, follow.base, design),
    }
    for way, found in ways.items():
        numbers = dict.fromkeys(("n", "estimate", "se", "ci_low", "ci_high", "df"), np.nan)
        yield {"change": change.name, "way": way} | numbers | (_mean(*found, confidence) if found else {"n": 0})


def _limits(survey: Survey, limits: tuple[float, float], occasions: dict[str, Floats]) -> tuple[float, float]:
    low, high = limits
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise ValueError(f"limits={limits!r}: give the lowest and the highest value of the outcome, (1, 5).")
    for name, values in occasions.items():
        for row in np.flatnonzero((values < low) | (values > high)):
            raise ValueError(
                f"{survey.row(int(row))}: {name} is {values[row]:g}, outside limits={limits!r}. Correct the one or the "
                "other."
            )
    return low, high


def _weighted(survey: Survey, weights: ResponseWeights) -> DesignArrays:
    """The design with the weights for non-response, which no longer reproduce margins; the lost weigh nothing."""
    design = design_arrays(replace(survey, calibration=None))
    repeated = design.replicates
    if repeated is not None:
        factor = weights.weights / design.weight
        repeated = replace(repeated, weights=repeated.weights * factor[:, None])
    return replace(design, weight=weights.weights, replicates=repeated)


def _mean(values: Floats, people: Mask, design: DesignArrays, confidence: float) -> dict[str, Any]:
    """The weighted mean over some of the respondents, as a domain of the whole design."""
    row: dict[str, Any] = {"n": int(people.sum())}
    if not people.any() or np.isnan(values[people]).any():
        return row
    centre = float(values[people].mean())  # far from 0 sums of squares would lose what varies
    ratios = number_ratios((values - centre)[:, None], np.ones((len(values), 1)), people[:, None])
    domain = Domains("", ("",), np.where(people, 0, -1).astype(np.int8))
    found = solve(reduce_survey(design, [domain], ratios), ratios, design)
    estimate, se, n, df = (a[0, 0] for a in (found.estimate + centre, found.se, found.n, found.df))
    low, high = wald(np.array(estimate), np.array(se), np.array(n), np.array(df), confidence)
    return row | {"estimate": estimate, "se": se, "ci_low": float(low), "ci_high": float(high), "df": float(df)}
