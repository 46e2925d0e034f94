"""What may be shown of outcomes, participant flow, indicators and times to an outcome.

They are complete counts: of a group that may not be shown the numbers must not come out by subtraction either, from a
total, from another rate, or from what was computed with it. What is shown beside a hidden group is computed without it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from .durations import Durations, log_rank
from .estimate import adjust
from .expressions import Mask
from .flow import Flow
from .gate import judged, protected
from .indicators import EDUCATION, STATUS, Indicators
from .outcomes import Outcomes
from .pooled import heterogeneity, partial_pooling
from .sentences import overlapping
from .thresholds import PROFILES, Profile

HIDING = ("few", "protect")  # reasons of what is hidden and not empty
Counts = npt.NDArray[np.integer[Any]]


def _closed(bases: Sequence[Counts], hidden: Mask, profile: Profile, sums: Sequence[Any] = (slice(None),)) -> Mask:
    """Which cells to hide: those of few people in one of the bases, and others so that none comes out by subtraction.

    Parameters
    ----------
    bases : sequence of ndarray of int, shape (cells,)
        People of each cell: all, those of whom something is known ...
    hidden : ndarray of bool, shape (cells,)
        Hidden already.
    profile : Profile
    sums : sequence of indices
        Cells whose sum a reader knows.
    """
    while True:
        before = hidden
        for n in bases:
            hidden = hidden | ((n > 0) & (n < profile.suppress_below))
            for cells in sums:
                people, gone = n[cells], hidden[cells]
                told = people[gone & (people > 0)]
                if len(told) and (len(told) < 2 or told.sum() < profile.suppress_below):
                    reason = np.select([people == 0, gone], ["empty", "few"], "")
                    rows = {"by": "x", "level": np.arange(len(gone)), "n": people, "status": "", "flagged": False}
                    found = protected(pd.DataFrame(rows | {"reason": reason}), profile)["reason"] == "protect"
                    hidden = hidden.copy()
                    hidden[cells] |= found.to_numpy()
        if (hidden == before).all():
            return hidden


def _judged(frame: pd.DataFrame, hidden: npt.ArrayLike, profile: Profile) -> pd.DataFrame:
    """With ``status``, ``reason`` and ``flagged``, and NaN for all numbers of what is hidden."""
    numbers = list(frame.select_dtypes("number").columns)
    frame = judged(frame.assign(asked=frame["n"], missing_share=0.0), profile).drop(columns=["asked", "missing_share"])
    gone = np.asarray(hidden, dtype=bool) | (frame["reason"] == "few").to_numpy()
    few = np.where(frame["n"] < profile.suppress_below, "few", "protect")
    frame["reason"] = np.where(gone, few, frame["reason"])
    frame.loc[gone, "status"] = "suppressed"
    frame[numbers] = frame[numbers].astype(float)
    frame.loc[gone, numbers] = np.nan
    frame.loc[frame["reason"] == "empty", [name for name in numbers if name != "n"]] = np.nan
    return frame


def gated_outcomes(result: Outcomes) -> pd.DataFrame:
    """The rates that may be shown, with the columns ``status``, ``reason`` and ``flagged``; NaN for what may not.

    A group is hidden where it has fewer than 20 participants, or fewer than 20 whose outcome is known; its rate of the
    completed as well where so few of those who left did not complete, since their outcomes would be the difference of
    two rates. Further groups are hidden until none of these comes out of a total (``protect``). Where groups are
    hidden, pooled rates and adjusted p are those of the shown groups alone. Who is in no group of a breakdown counts as
    one; where that one is hidden, there are no differences from everybody else. Breakdowns that are nested in each
    other are not seen, but for those crossed in ``by``.
    """
    return _gated(result)[0].copy()


@lru_cache(maxsize=4)  # a table, its notes and its takeaway ask for the same
def _gated(result: Outcomes) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rates, and what their pooling rests on."""
    profile = PROFILES[result.about.gate]
    of, total = result.frame, result.frame[result.frame["by"] == ""]
    gone, apart = pd.Series(False, of.index), pd.Series(True, of.index)
    for _, part in of.groupby("by", sort=False):
        for rate, hidden, told in _hidden_rates(result, part, total, profile):
            rows = part[part["rate"] == rate]
            gone[rows.index] = np.tile(hidden, len(result.definitions))
            apart[rows.index] = told
    frame, pooling = _judged(of, gone, profile), result.pooling.copy()
    frame.loc[gone, "test"] = ""
    for key, rows in frame[frame["by"] != ""].groupby(["definition", "rate", "by"], sort=False):
        if not apart[rows.index[0]]:
            frame.loc[rows.index, ["difference", "difference_low", "difference_high", "p", "p_adjusted"]] = np.nan
            frame.loc[rows.index, "test"] = ""
        if not rows["reason"].isin(HIDING).any():
            continue
        frame.loc[rows.index, "p_adjusted"] = adjust(frame.loc[rows.index, "p"], result.correction)
        shown = rows[rows["reason"] == ""]
        if key[2] not in result.overlapping:
            found = partial_pooling(shown["k"], shown["n"], result.confidence)
            frame.loc[shown.index, ["pooled", "pooled_low", "pooled_high"]] = np.c_[found.mean, found.low, found.high]
            row = (pooling[["definition", "rate", "by"]] == list(key)).all(axis=1)
            for name in ("pooling", "centre", "alpha", "beta"):
                pooling.loc[row, name] = getattr(found, name)
    return frame, pooling


def _hidden_rates(
    result: Outcomes, part: pd.DataFrame, total: pd.DataFrame, profile: Profile
) -> Iterator[tuple[str, Mask, bool]]:
    """Of each rate of a breakdown: which of its groups are hidden, and whether everybody else may be told of."""
    by, few = part["by"].iloc[0], profile.suppress_below
    levels = list(dict.fromkeys(part["level"]))
    own, whole = ({key: _people(rows) for key, rows in of.groupby(["definition", "rate"])} for of in (part, total))
    hidden = np.zeros(len(levels) + 1, dtype=bool)  # the last is who is in no group
    for rate in result.rates:
        pairs = [(own[name, rate], whole[name, rate]) for name in result.definitions]
        if rate == "completed":  # who dropped out is what is left of those who left
            pairs += [
                (own[d, "exited"] - own[d, rate], whole[d, "exited"] - whole[d, rate]) for d in result.definitions
            ]
        counts = [(n, int(everybody[0])) for groups, all_ in pairs for n, everybody in zip(groups, all_, strict=True)]
        if by in result.overlapping:
            known = result.tests[(result.tests["by"] == by) & (result.tests["rate"] == rate)]
            answered, people = int(known["n"].iloc[0]), own[result.definitions[0], rate][0]
            left = whole[result.definitions[0], rate][0, 0] - answered
            beside = [n for n, _ in counts] + [everybody - n for n, everybody in counts] + [answered - people]
            small = np.any([(n > 0) & (n < few) for n in beside], axis=0)
            hidden = np.append(hidden[:-1] | small, hidden[-1] | (0 < left < few))
        else:
            bases = [np.append(n, everybody - n.sum()) for n, everybody in counts]
            hidden = _closed(bases, hidden, profile, [slice(None), *_margins(by, levels)])
        reference = result.reference.get(by, "")
        yield rate, hidden[:-1], not hidden[levels.index(reference) if reference else -1]


def _people(rows: pd.DataFrame) -> Counts:
    """All, and those whose outcome is known; shape (2, levels)."""
    return np.array([rows["n"], rows["n"] - rows["unknown"]])


def _margins(by: str, levels: Sequence[str]) -> Iterator[Counts]:
    """Of crossed groups, those that another breakdown may have together."""
    parts = np.array([level.split(" × ") for level in levels]).T if " × " in by else ()
    for names in parts:
        for name in np.unique(names):
            yield np.flatnonzero(names == name)


def gated_tests(result: Outcomes) -> pd.DataFrame:
    """``Outcomes.tests`` of the groups that may be shown; with fewer than two the ``reason`` is ``suppressed``."""
    tests = result.tests.astype({"n": float})
    groups = dict(iter(gated_outcomes(result).groupby(["definition", "rate", "by"])))
    for row, *key in tests[["definition", "rate", "by"]].itertuples(name=None):
        rows = groups[tuple(key)]
        if not rows["reason"].isin(HIDING).any():
            continue
        shown = rows[rows["reason"] == ""]
        found = heterogeneity(shown["k"], shown["n"])
        reason = tests.at[row, "reason"] or ("" if found.test else "suppressed")
        values = ("", np.nan, np.nan, np.nan, np.nan) if reason else (
            found.test, found.statistic, found.df, found.p, found.n)  # fmt: skip
        for name, value in zip(("test", "statistic", "df", "p", "n"), values, strict=True):
            tests.at[row, name] = value
        tests.at[row, "reason"] = reason
    return tests


def gated_pooling(result: Outcomes) -> pd.DataFrame:
    """``Outcomes.pooling`` of the groups that may be shown."""
    return _gated(result)[1].copy()


_TOTAL, _GROUPS = slice(1), slice(1, None)


def gated_flow(result: Flow) -> pd.DataFrame:
    """The steps that may be shown, with the columns ``status``, ``reason`` and ``flagged``; NaN for what may not.

    Hidden is all of a group of fewer than 20, what a step of fewer than 20 consists of, and reasons for dropping out
    that fewer than 20 had; further ones until none of them comes out by subtraction. ``status`` is ``bracketed`` where
    the step above has fewer than 50.
    """
    profile = PROFILES[result.about.gate]
    steps = result.frame.drop_duplicates("step").set_index("step")["parent"]
    groups = result.frame.drop_duplicates(["by", "level"])[["by", "level"]].itertuples(index=False, name=None)
    keys = list(groups)
    n = result.frame.set_index(["by", "level", "step"])["n"]
    by_step = {step: np.array([n[(*key, step)] for key in keys]) for step in steps.index}  # the total first
    cells = {step: np.append(all_, all_[0] - all_[1:].sum() if len(keys) > 1 else 0) for step, all_ in by_step.items()}
    inside: dict[str, Mask] = {}  # where the parts of a step are hidden: in the total, in groups, in none of them
    hidden: dict[str, Mask] = {}
    for step, parent in steps.items():
        hidden[step] = start = inside.get(parent, np.zeros(len(keys) + 1, dtype=bool))
        if step in set(steps):
            inside[step] = np.append(*(_closed([cells[step][at]], start[at], profile) for at in (_TOTAL, _GROUPS)))
    hidden["enrolled"] = inside["enrolled"]
    if reasons := [step for step, parent in steps.items() if parent == "dropped_out"]:
        found = _reasons(np.array([cells[step] for step in reasons]), inside["dropped_out"], profile)
        hidden |= dict(zip(reasons, found, strict=True))
    place = {key: i for i, key in enumerate(keys)}
    frame = result.frame.astype(dict.fromkeys(("n", "share_of_enrolled", "share_of_parent"), float))
    rows = list(frame[["by", "level", "step", "parent"]].itertuples(index=False, name=None))
    gone = np.array([hidden[step][place[by, level]] for by, level, step, _ in rows])
    above = np.array([n[by, level, parent or step] for by, level, step, parent in rows])
    conditions = [gone & (frame["n"] < profile.suppress_below), gone, above == 0]
    reason = np.select(conditions, ["few", "protect", "empty"], "")
    status = np.select([reason != "", above < profile.bracket_below], ["suppressed", "bracketed"], "shown")
    frame.loc[gone, ["n", "share_of_enrolled", "share_of_parent"]] = np.nan
    return frame.assign(status=status, reason=reason, flagged=False)


def _reasons(cells: Counts, inside: Mask, profile: Profile) -> npt.NDArray[np.bool_]:
    """Which reasons are hidden, and where; shape (reasons, total and groups and none of them)."""
    total = _closed([cells[:, 0]], np.repeat(inside[0], len(cells)), profile)
    groups = cells[:, 1:]
    place = np.arange(groups.size).reshape(groups.shape)
    sums = [*place.T, *place[~total]]  # of a reason that is hidden in the total nobody knows the sum
    found = _closed([groups.ravel()], (total[:, None] | inside[None, 1:]).ravel(), profile, sums)
    return np.column_stack([total, found.reshape(groups.shape)])


def gated_indicators(result: Indicators) -> pd.DataFrame:
    """The counts that may be shown, with the columns ``status``, ``reason`` and ``flagged``; NaN for what may not.

    Hidden are counts of fewer than 20 people, and what they would come out of by subtraction: of women and men, and of
    indicators that make up everybody.
    """
    profile, frame = PROFILES[result.about.gate], result.frame
    names = list(frame["indicator"])
    parts = [np.flatnonzero(np.isin(names, group)) for group in (STATUS, EDUCATION)]
    achieved = frame["achieved"].to_numpy()
    gone = _closed([achieved], np.zeros(len(frame), dtype=bool), profile, parts)
    reason = np.select([gone & (achieved < profile.suppress_below), gone], ["few", "protect"], "")
    genders = [name for name in ("women", "men") if name in frame]
    counts = frame[genders].to_numpy(dtype=int)
    cells = np.column_stack([counts, achieved - counts.sum(axis=1)])  # the last: gender not known
    place = np.arange(cells.size).reshape(cells.shape)
    sums = [*place, *(column for part in parts for column in place[part].T)]
    start = np.repeat(gone, cells.shape[1])
    hidden = _closed([cells.ravel()], start, profile, sums).reshape(cells.shape)
    frame = frame.assign(status=np.where(gone, "suppressed", "shown"), reason=reason, flagged=False)
    numbers = ["achieved", "share", "outside", "undated", "questioned", *genders]
    frame[numbers] = frame[numbers].astype(float)
    frame.loc[gone, numbers] = np.nan
    for name, column in zip(genders, hidden.T, strict=False):
        frame.loc[column, name] = np.nan
    return frame


def gated_durations(result: Durations) -> pd.DataFrame:
    """The summary of what may be shown, with ``status``, ``reason`` and ``flagged``; NaN for what may not.

    Groups of fewer than 20 are hidden, and further ones until none of them comes out by subtraction.
    """
    profile, summary = PROFILES[result.about.gate], result.summary
    gone = pd.Series(False, summary.index)
    everybody = int(summary.loc[summary["by"] == "", "n"].iloc[0])
    for by, rows in summary[summary["by"] != ""].groupby("by", sort=False):
        n = rows["n"].to_numpy()
        if _overlap(result, str(by)):
            gone[rows.index] = np.any([(m > 0) & (m < profile.suppress_below) for m in (n, everybody - n)], axis=0)
        else:
            bases, sums = [np.append(n, everybody - n.sum())], [slice(None), *_margins(str(by), list(rows["level"]))]
            gone[rows.index] = _closed(bases, np.zeros(len(n) + 1, dtype=bool), profile, sums)[:-1]
    return _judged(summary, gone, profile)


def gated_log_rank(result: Durations) -> pd.DataFrame:
    """``Durations.tests`` of the groups that may be shown; NaN with fewer than two."""
    gated, tests, curves = gated_durations(result), result.tests.copy(), result.frame
    for row, by in tests["by"].items():
        rows = gated[gated["by"] == by]
        if not rows["reason"].isin(HIDING).any():
            continue
        shown = rows.loc[rows["reason"] == "", "level"]
        own = curves[(curves["by"] == by) & curves["level"].isin(shown)]
        people = [
            own.loc[own.index.repeat(own[name])].assign(event=name == "events") for name in ("events", "censored")
        ]
        each = pd.concat(people)
        group = pd.Categorical(each["level"], shown).codes
        statistic, df, p, levels = log_rank(each["day"].to_numpy(), each["event"].to_numpy(dtype=bool), group)
        values = [(statistic, df, p, len(each), levels, len(shown) - levels)]
        tests.loc[[row], ["statistic", "df", "p", "n", "levels", "left_out"]] = values
    return tests


def _overlap(result: Any, by: str) -> bool:
    return overlapping(result, by)
