"""Time to an outcome: how many days after leaving the first outcome came, with those still without one as censored."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from .about import About
from .domains import breakdowns
from .estimate import require_confidence
from .expressions import Mask
from .participants import Participants, participants
from .questionnaire import Questionnaire
from .reduction import Domains
from .shown import Shown
from .survey import Survey

Days = npt.NDArray[np.int64]

# By when the summary says how many have an outcome: four weeks, a quarter, half a year, a year.
HORIZONS = (28, 91, 182, 365)
CURVE = ("day", "at_risk", "events", "censored", "estimate", "ci_low", "ci_high")
TESTS = ("by", "test", "statistic", "df", "p", "n", "levels", "left_out")
_CLOSE = float(np.sqrt(np.finfo(float).eps))  # how near a share is to a half that is a half, as in R


@dataclass(frozen=True, repr=False)
class Durations(Shown):
    """How long after leaving the outcome came. In a notebook it shows as its table.

    Attributes
    ----------
    frame : DataFrame
        One row per group and day on which something happened, and day 0: ``by`` and ``level``, both empty in the total;
        ``day`` after leaving; ``at_risk``, who was without the outcome and followed until that day; ``events``, whose
        outcome began on it; ``censored``, who was followed no longer; ``estimate``, the share with an outcome by then;
        ``ci_low`` and ``ci_high``, NaN where that is 0 or 1.
    summary : DataFrame
        One row per group: ``by``; ``level``; ``n``, who is in the analysis; ``events``; ``censored``; ``undated`` and
        ``unknown``, who is left out, see below; ``share_28``, ``share_28_low``, ``share_28_high`` and so on for
        91, 182 and 365 days, NaN where nobody was followed so long; ``median``, ``median_low``, ``median_high``, in
        days, NaN where it was not reached.
    tests : DataFrame
        One row per breakdown, whether its groups differ: ``by``; ``test``, ``logrank``; ``statistic``; ``df``; ``p``;
        ``n``; ``levels``, how many were compared; ``left_out``, how many were not: nobody in them was followed until
        an outcome of anybody. Groups that overlap have no test.
    definition : str
    censored_at : date
        The last date in the file. Who has no outcome is censored at the follow-up, or without one on this day.
    at_follow_up, at_end : int
        How many are censored at their follow-up, and how many at ``censored_at``.
    undated : int
        Who has an outcome of the definition without a date; left out.
    unknown : int
        Who left and whose outcome is not known; left out, since nobody knows how long they were without one.
    left_out : dict of str to int
        Breakdown to how many of the analysis are in none of its groups.
    confidence : float
    questionnaire : Questionnaire
    about : About
    language : str
    """

    frame: pd.DataFrame
    summary: pd.DataFrame
    tests: pd.DataFrame
    definition: str
    censored_at: dt.date
    at_follow_up: int
    at_end: int
    undated: int
    unknown: int
    confidence: float
    questionnaire: Questionnaire
    about: About
    language: str = "en"
    left_out: dict[str, int] = field(default_factory=dict)

    @property
    def breakdowns(self) -> tuple[str, ...]:
        """The names in the column ``by``, without the total's."""
        return tuple(name for name in dict.fromkeys(self.summary["by"]) if name)

    def to(self, language: str) -> Durations:
        """The same, shown in another language (lv, en or ru)."""
        return replace(self, language=language)


def time_to_outcome(
    survey: Survey, definition: str, by: str | Sequence[str | tuple[str, ...]] | None = (), confidence: float = 0.95
) -> Durations:
    """Days from leaving to the first outcome, by Kaplan and Meier.

    An outcome on or before the day of leaving counts as day 0. Who has none is censored at the follow-up, or without
    one on the last date in the file. Who has an outcome without a date, and whose outcome is not known, is counted and
    left out.

    Parameters
    ----------
    survey : Survey
        With a ``programme`` whose ``outcome_dates`` say when an outcome began.
    definition : str
        One of ``programme.definitions``: which choices of the outcome question count.
    by : str or sequence of str or tuple of str
        Questions with choices to break down by, as in :func:`motivlab.prevalence`.
    confidence : float
        Of the intervals, between 0 and 1.

    Returns
    -------
    Durations
        With ``frame``, ``summary`` and ``tests``; their columns are named there.

    Raises
    ------
    ValueError
        If there is no programme, no such definition, no date for any of its choices, nobody to analyse, or a date out
        of order; the message names the value and the remedy.

    Notes
    -----
    Everybody is followed until the outcome or until censored; it is assumed that whoever is censored is no different
    from those who are followed on. Intervals are pointwise, log-log, with Greenwood's variance. The median is the first
    day by which half have an outcome; where the curve is flat at exactly a half, the middle of that stretch. R:
    ``survfit(Surv(day, event) ~ group, conf.type = "log-log")``, ``quantile(fit, 0.5)``, ``survdiff``.

    References
    ----------
    Kalbfleisch, J. D. and Prentice, R. L. (2002). The Statistical Analysis of Failure Time Data. 2nd edition. Wiley.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from motivlab.programme import Programme
    >>> left = pd.to_datetime(["2021-03-01"] * 4)
    >>> df = pd.DataFrame({"entered": pd.to_datetime(["2021-01-04"] * 4), "left": left, "result/job": [1, 1, 1, 0],
    ...                    "result/none": [0, 0, 0, 1], "hired": left + pd.to_timedelta([10, 20, 40, None], "D")})
    >>> survey = Survey.from_frame(df)
    >>> declared = Programme(entry="entered", exit="left", outcome="result", outcome_dates={"job": "hired"},
    ...                      complete=True, definitions={"work": {"choices": ("job",)}})
    >>> survey = replace(survey, about=survey.about.model_copy(update={"programme": declared}))
    >>> work = time_to_outcome(survey, "work")
    >>> work.frame[["day", "at_risk", "events", "censored", "estimate"]].round(2).to_dict("split")["data"]
    [[0, 4, 0, 0, 0.0], [10, 4, 1, 0, 0.25], [20, 3, 1, 0, 0.5], [40, 2, 1, 1, 0.75]]
    >>> work.summary[["share_28", "median"]].round(2).to_dict("list"), work.censored_at
    ({'share_28': [0.5], 'median': [30.0]}, datetime.date(2021, 4, 10))
    """
    require_confidence(confidence)
    register = participants(survey)
    day, event, found = _observed(register, definition)
    _, domains = breakdowns(survey, by)
    groups = [(d.by, level, d.codes == code) for d in domains for code, level in enumerate(d.levels)]
    curves, rows = [], []
    for name, level, member in groups:
        inside = found.included & member
        curve = kaplan_meier(day[inside], event[inside], confidence)
        curves.append(curve.assign(by=name, level=level))
        kept_out = {"undated": int((found.undated & member).sum()), "unknown": int((found.unknown & member).sum())}
        counts = {"n": int(inside.sum()), "events": int(event[inside].sum()), "censored": int((~event[inside]).sum())}
        rows.append({"by": name, "level": level, **counts, **kept_out, **_summed_up(curve)})
    frame = pd.concat(curves, ignore_index=True)[["by", "level", *CURVE]]
    within = {d.by: found.included for d in domains if d.by}
    for d in domains:
        if d.by:  # overlapping groups are a breakdown each, under one name
            within[d.by] = within[d.by] & (d.codes < 0)
    left_out = {name: int(mask.sum()) for name, mask in within.items() if mask.any()}
    tests = pd.DataFrame(list(_tests(domains, day, event, found.included)), columns=list(TESTS))
    censored = found.included & ~event
    return Durations(
        frame, pd.DataFrame(rows), tests, definition, found.last, int((censored & register.followed).sum()),
        int((censored & ~register.followed).sum()), int(found.undated.sum()), int(found.unknown.sum()), confidence,
        survey.questionnaire, survey.about, survey.language, left_out,
    )  # fmt: skip


@dataclass(frozen=True)
class _Found:
    """Who is in the analysis, who is not and why, and the last date in the file."""

    included: Mask
    undated: Mask
    unknown: Mask
    last: dt.date


def _observed(register: Participants, definition: str) -> tuple[Days, Mask, _Found]:
    """Days from leaving to the outcome or to censoring, whether there was an outcome, and who is in the analysis."""
    choices = register.definition(definition).choices
    dated = [choice for choice in choices if choice in register.outcome_dates]
    if not dated:
        raise ValueError(
            f"definition={definition!r}: none of its choices ({', '.join(choices)}) has a date, so there is no time to "
            "it. Name their date questions under `programme.outcome_dates` in survey.yml."
        )
    some, known = register.success(definition)
    first = np.full(len(some), np.datetime64("NaT"), dtype="datetime64[D]")
    for choice in dated:
        chosen = register.chosen[:, register.choices.index(choice)]
        first = np.fmin(first, np.where(chosen, register.outcome_dates[choice], np.datetime64("NaT")))
    event = some & ~np.isnat(first)
    undated, unknown = some & ~event, register.exited & ~known
    included = known & ~undated
    if not included.any():
        raise ValueError(
            f"definition={definition!r}: nobody is left to analyse. {int(register.exited.sum())} have left; the "
            f"outcome of {int(unknown.sum())} of them is not known, and {int(undated.sum())} have one without a date."
        )
    every = np.concatenate([*register.dates.values(), *register.outcome_dates.values()])
    last = np.nanmax(every)
    censored = np.full(len(some), last)
    if "follow_up" in register.dates:
        censored = np.where(register.followed, register.dates["follow_up"], last)
    until = np.where(event, first, censored) - register.dates["exit"]
    day = np.where(included, until.astype(np.int64), 0)
    return np.maximum(day, 0), event, _Found(included, undated, unknown, pd.Timestamp(last).date())


def kaplan_meier(day: Days, event: Mask, confidence: float = 0.95) -> pd.DataFrame:
    """The share with an outcome by each day on which something happened.

    Parameters
    ----------
    day : ndarray of int, shape (people,)
        Days to the outcome, or to censoring.
    event : ndarray of bool, shape (people,)
        Whether there was an outcome. Of those with the same day, outcomes come before censoring.
    confidence : float

    Returns
    -------
    DataFrame
        ``day``, with day 0 first; ``at_risk``; ``events``; ``censored``; ``estimate``, 1 - S; ``ci_low``; ``ci_high``,
        NaN where the estimate is 0 or 1. Of nobody, day 0 with NaN.

    Examples
    --------
    >>> kaplan_meier(np.array([5, 5, 8, 9]), np.array([True, False, True, False]))["estimate"].tolist()
    [0.0, 0.25, 0.625, 0.625]
    """
    from statsmodels.duration.survfunc import SurvfuncRight

    days = np.union1d(day, [0]).astype(np.int64)
    events = np.bincount(np.searchsorted(days, day[event]), minlength=len(days))
    gone = np.bincount(np.searchsorted(days, day), minlength=len(days))
    at_risk = gone[::-1].cumsum()[::-1]
    fitted = SurvfuncRight(day, event.astype(np.int64))
    # the fit has the days of outcomes only; in between its last value holds
    place = np.searchsorted(fitted.surv_times, days, side="right")
    still = np.r_[1.0, fitted.surv_prob][place] if len(day) else np.full(len(days), np.nan)
    se = np.r_[np.nan, fitted.surv_prob_se][place]
    z = stats.norm.ppf((1 + confidence) / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        inner = np.where((still > 0) & (still < 1), still, np.nan)
        factor = np.exp(z * se / (inner * np.log(inner)))  # below 1
        low, high = 1 - inner**factor, 1 - inner ** (1 / factor)
    return pd.DataFrame({
        "day": days, "at_risk": at_risk, "events": events, "censored": gone - events, "estimate": 1 - still,
        "ci_low": low, "ci_high": high,
    })  # fmt: skip


def share_by(curve: pd.DataFrame, day: int) -> tuple[float, float, float]:
    """The share with an outcome by a day, and its interval; NaN where nobody was followed so long."""
    known = curve["day"].to_numpy()
    row = curve.iloc[int(np.searchsorted(known, day, side="right")) - 1]
    if day > known[-1] and row["estimate"] < 1:
        return np.nan, np.nan, np.nan
    return float(row["estimate"]), float(row["ci_low"]), float(row["ci_high"])


def quantile_day(curve: pd.DataFrame, share: float = 0.5) -> tuple[float, float, float]:
    """The day by which a share has an outcome, and its interval; NaN where that was not reached."""
    days = curve["day"].to_numpy()
    # the upper limit of the curve is the first to reach the share
    day, low, high = (_reached(days, curve[name].to_numpy(), share) for name in ("estimate", "ci_high", "ci_low"))
    return day, low, high


def _reached(days: Days, values: npt.NDArray[np.float64], share: float) -> float:
    """The first day with at least this share; where the values stay at exactly that, the middle of the stretch."""
    known = np.isfinite(values)
    reached = np.flatnonzero(known & (np.nan_to_num(values) >= share - _CLOSE))
    if not len(reached):
        return np.nan
    first = reached[0]
    if values[first] > share + _CLOSE:
        return float(days[first])
    above = np.flatnonzero(known & (np.nan_to_num(values) > share + _CLOSE))
    return float(days[first] + days[above[0] if len(above) else -1]) / 2


def _summed_up(curve: pd.DataFrame) -> dict[str, float]:
    out: dict[str, float] = {}
    for horizon in HORIZONS:
        name = f"share_{horizon}"
        out[name], out[f"{name}_low"], out[f"{name}_high"] = share_by(curve, horizon)
    out["median"], out["median_low"], out["median_high"] = quantile_day(curve)
    return out


def log_rank(day: Days, event: Mask, group: npt.NDArray[np.integer]) -> tuple[float, int, float, int]:
    """Whether the curves of several groups differ: the log-rank test.

    Parameters
    ----------
    day, event : ndarray, shape (people,)
        As for :func:`kaplan_meier`.
    group : ndarray of int, shape (people,)

    Returns
    -------
    statistic : float
        Chi-square; NaN, as p, where there is nothing to compare: no outcome, or fewer than two groups at risk then.
    df : int
    p : float
    levels : int
        How many groups were compared: those in which outcomes are expected.

    Notes
    -----
    R: ``survdiff(Surv(day, event) ~ group)``.
    """
    from statsmodels.duration.survfunc import survdiff

    first_event = day[event].min() if event.any() else np.inf
    # who was gone before the first outcome is in no comparison, nor is a group of such people
    inside = day >= first_event
    compared = np.unique(group[inside])
    df = max(len(compared) - 1, 0)
    # where all who are left have their outcome on that day, nothing is left to chance
    if df < 1 or bool((event[inside] & (day[inside] == first_event)).all()):
        return np.nan, df, np.nan, len(compared)
    statistic, _ = survdiff(day[inside], event[inside].astype(np.int64), group[inside])
    return float(statistic), df, float(stats.chi2.sf(statistic, df)), len(compared)


def _tests(domains: Sequence[Domains], day: Days, event: Mask, included: Mask) -> Iterator[tuple[object, ...]]:
    names = [d.by for d in domains]
    for d in domains:
        if not d.by or names.count(d.by) > 1:
            continue
        inside = included & (d.codes >= 0)
        statistic, df, p, levels = log_rank(day[inside], event[inside], d.codes[inside])
        yield d.by, "logrank", statistic, df, p, int(inside.sum()), levels, len(d.levels) - levels
