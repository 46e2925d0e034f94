"""Gains that have passed the gate, and the wordings of what was measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from .estimate import adjust
from .gains import Gains
from .gate import judged, protected
from .measured import SHIFT
from .parts import in_language
from .thresholds import PROFILES

_COUNTS = ("n", "n_pre", "n_post", "n_paired", "n_complete", "n_any")
_OPEN = ("lowest", "highest")  # of the scale, not of who answered


def gated_gains(result: Gains) -> pd.DataFrame:
    """The changes that may be shown: NaN for all numbers of a group with fewer than 20 pairs.

    Parameters
    ----------
    result : Gains

    Returns
    -------
    DataFrame
        The frame of the gains, and to the right ``status`` (``shown``, ``bracketed`` or ``suppressed``) and
        ``reason``: ``few`` pairs; ``protect``, hidden as well since else the few could be had by subtraction from the
        total; ``nonresponse``, participants but no pairs; ``empty``, no participants; or nothing. Of few, the numbers
        of participants and of pairs are hidden, too; of a group that protects others ``n`` and ``n_pre`` are hidden
        in every row, since they are the same in all of them. ``p_adjusted`` is over the tests that are shown: else it
        could tell of one that is not.

    Notes
    -----
    Whoever has one measurement alone is not judged as item non-response, since pairs are less than 70 % of the
    participants in most follow-ups: :func:`motivlab.attrition.attrition` says what they are like.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from .gains import gains
    >>> from .programme import Instrument
    >>> from .survey import Survey
    >>> df = pd.DataFrame({"before": [2, 3, 1] * 30, "after": [3, 3, 2] * 30, "town": ["a"] * 9 + ["b", "c", "b"] * 27})
    >>> survey = Survey.from_frame(df)
    >>> declared = {"confidence": Instrument(design="pre_post", pre="before", post="after")}
    >>> survey = replace(survey, about=survey.about.model_copy(update={"gains": declared}))
    >>> gated_gains(gains(survey, by="town"))[["level", "n_paired", "status", "reason"]].values.tolist()[1:]
    [['a', nan, 'suppressed', 'few'], ['b', 54.0, 'shown', ''], ['c', nan, 'suppressed', 'protect']]
    """
    frame = _gated(result, result.frame, "n_paired", ("outcome", "change"))
    counted = frame["outcome"].isin(result.family) & (frame["change"] != SHIFT)
    p = frame["p"].where(counted).groupby(frame["by"], sort=False)
    return frame.assign(p_adjusted=p.transform(lambda part: adjust(part, result.correction)))


def gated_occasions(result: Gains) -> pd.DataFrame:
    """The tests over all occasions that may be shown, judged on those who have all of them.

    Returns
    -------
    DataFrame
        ``result.occasions`` with NaN for what is hidden, ``status`` and ``reason``, as :func:`gated_gains` has them.
    """
    return _gated(result, result.occasions, "n_complete", ("outcome",))


def _gated(result: Gains, frame: pd.DataFrame, n: str, series: Sequence[str]) -> pd.DataFrame:
    profile = PROFILES[result.about.gate]
    people = frame["n"] if "n" in frame else frame["n_any"]
    plain = frame[["by", "level", *series]].assign(n=frame[n], asked=people, missing_share=0.0)
    passed = judged(plain, profile)
    for by in result.breakdowns:
        rows = passed["by"] == by
        if not overlapping_groups(result, by):
            passed.loc[rows] = protected(passed[rows], profile, series)
    if "change" in passed:
        passed = _in_every_change(passed)
    hidden = passed["reason"] != ""
    told = [c for c in frame.select_dtypes("number") if c not in _OPEN]
    out = frame.assign(status=passed["status"], reason=passed["reason"])
    out[told] = out[told].astype(float)
    out.loc[hidden, [c for c in told if c not in _COUNTS]] = np.nan
    out.loc[passed["reason"].isin(["few", "protect"]), [c for c in told if c in _COUNTS]] = np.nan
    # these are the same in every change, or outcome, whether the group is hidden there or not
    groups = pd.MultiIndex.from_frame(frame[["by", "level"]])
    protecting = groups.isin(groups[passed["reason"] == "protect"])
    out.loc[protecting, [c for c in ("n", "n_pre") if c in told]] = np.nan
    return out


def _in_every_change(passed: pd.DataFrame) -> pd.DataFrame:
    """Hide what is hidden in one change in another one as well, if a group that protects has as many pairs there.

    They may be the same people, and then the other change would tell their mean before.
    """
    passed = passed.copy()
    for _, rows in passed[passed["by"] != ""].groupby(["outcome", "by"], sort=False):
        changes = [own.set_index("level") for _, own in rows.assign(row=rows.index).groupby("change", sort=False)]
        for own in changes:
            protecting = own[own["reason"] == "protect"]
            for other in changes:
                if (other["n"].reindex(protecting.index) == protecting["n"]).any():
                    gone = other.loc[other["reason"].eq("") & own["reason"].isin(["few", "protect"]), "row"]
                    passed.loc[gone, ["status", "reason"]] = ["suppressed", "protect"]
    return passed


def overlapping_groups(result: Gains, by: str) -> bool:
    """Whether one participant may be in several groups of a breakdown."""
    form = result.questionnaire
    return any(form[name].type == "select_multiple" for name in ([by] if by in form else by.split(" × ")))


def outcome_label(result: Gains, outcome: str) -> str:
    """What an outcome is called: as ``survey.yml`` labels it, else as its scale or its first question."""
    instrument = result.about.gains[outcome]
    return in_language(instrument.label, result.language) or measure_label(result, instrument.occasions[0])


def measure_label(result: Gains, name: str) -> str:
    """The label of a scale, or the wording of a question."""
    scales = result.about.scales
    if name in scales:
        return in_language(scales[name].label, result.language) or name
    return result.questionnaire[name].label(result.language)
