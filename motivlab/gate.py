"""The gate between estimates and everything that shows or exports them: reliability and disclosure.

Thresholds stand in ``thresholds.PROFILES``, one line each. What a figure, a table or an export gets is a
:class:`Gated`, which holds no number that was not let through.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from .estimate import Estimates
from .thresholds import PROFILES, Profile

# What a suppressed row may not tell: all that is computed from its answers, and with too few respondents their number.
_ANSWERS = (
    "k", "estimate", "se", "ci_low", "ci_high", "deff", "n_eff", "difference", "difference_low", "difference_high",
)  # fmt: skip
_NUMBERS = ("n", "df", "asked", "missing", "refused", "dont_know", "invalid", "no_answer", "missing_share", "not_asked")


@dataclass(frozen=True)
class Gated:
    """Estimates that have passed the gate.

    Attributes
    ----------
    estimates : Estimates
        Its frame has NaN for what is suppressed, and to the right the columns ``status`` (``shown``, ``bracketed`` or
        ``suppressed``), ``reason`` (``few``, ``nonresponse``, ``empty`` or nothing) and ``flagged`` (item
        non-response above the lower threshold).
    profile : Profile
    name : str
        The name of the profile.
    """

    estimates: Estimates
    profile: Profile
    name: str

    @property
    def frame(self) -> pd.DataFrame:
        """The gated numbers, unrounded."""
        return self.estimates.frame


def gate(estimates: Estimates | Gated) -> Gated:
    """Let through what may be shown, under the profile that the survey names.

    A row is suppressed where its base has fewer than 20 respondents or where more than 30 % of those asked gave no
    valid answer; it is bracketed with 20 to 49 respondents, and flagged where item non-response is above 10 %. The
    profile ``open``, for open data, lets everything through but empty groups, and is named in every output.

    A suppressed level is not protected against subtraction: where all levels but one of a breakdown are shown next to
    their total, the counts of the one left out can be worked out from ``n``.

    Parameters
    ----------
    estimates : Estimates or Gated
        What has passed already is handed back.

    Returns
    -------
    Gated

    Examples
    --------
    >>> from motivlab.prevalence import prevalence
    >>> from motivlab.survey import Survey
    >>> survey = Survey.from_frame(pd.DataFrame({"worked": ["yes", "no"] * 9}))
    >>> gate(prevalence(survey, "worked")).frame[["item", "n", "estimate", "status", "reason"]].values.tolist()
    [['no', nan, nan, 'suppressed', 'few'], ['yes', nan, nan, 'suppressed', 'few']]
    """
    if isinstance(estimates, Gated):
        return estimates
    name = estimates.about.gate
    profile = PROFILES[name]
    frame = judged(estimates.frame, profile)
    reason, asked = frame["reason"].to_numpy(), frame["asked"].to_numpy()
    numbers = [column for column in frame.columns if column in (*_ANSWERS, *_NUMBERS)]
    frame[numbers] = frame[numbers].astype(float)
    frame.loc[reason != "", [c for c in numbers if c in _ANSWERS]] = np.nan
    frame.loc[reason == "few", [c for c in numbers if c in _NUMBERS]] = np.nan
    # of a large base few may have been asked, and then who did not answer is told of few
    rarely = (asked > 0) & (asked < profile.suppress_below)
    frame.loc[rarely, [c for c in _NUMBERS if c not in ("n", "df")]] = np.nan
    return Gated(replace(estimates, frame=frame), profile, name)


def judged(frame: pd.DataFrame, profile: Profile) -> pd.DataFrame:
    """A copy with the columns ``status``, ``reason`` and ``flagged``, see :class:`Gated`; nothing is taken out yet.

    Parameters
    ----------
    frame : DataFrame
        With the columns ``n``, ``asked`` and ``missing_share``.
    """
    n, asked = frame["n"].to_numpy(), frame["asked"].to_numpy()
    missing = frame["missing_share"].fillna(0.0).to_numpy()
    # nobody answered, but somebody was asked: as few as were asked, and no empty group
    people = np.where(n == 0, asked, n)
    reason = np.select(
        [people == 0, people < profile.suppress_below, (n == 0) | (missing > profile.suppress_missing)],
        ["empty", "few", "nonresponse"],
        "",
    )
    status = np.where(reason != "", "suppressed", np.where(n < profile.bracket_below, "bracketed", "shown"))
    return frame.assign(status=status, reason=reason, flagged=(missing > profile.flag_missing) & (reason == ""))


def protected(frame: pd.DataFrame, profile: Profile, series: Sequence[str] = ()) -> pd.DataFrame:
    """Hide further groups of a complete count, so that none of the hidden ones comes out by subtraction.

    Where groups of a breakdown are suppressed for few people, the total less the shown groups tells of the hidden
    ones together. The smallest shown groups are hidden as well until at least two are, with no fewer people than the
    threshold; their ``reason`` is ``protect``. For groups that do not overlap.

    Parameters
    ----------
    frame : DataFrame
        As :func:`judged` gives it, with the columns ``by``, ``level``, ``n``.
    profile : Profile
    series : sequence of str
        Columns that tell counts apart that do not add up to each other.

    Examples
    --------
    >>> counts = pd.DataFrame({"by": "town", "level": ["a", "b", "c"], "n": [5, 30, 60], "asked": [5, 30, 60]})
    >>> found = protected(judged(counts.assign(missing_share=0.0), PROFILES["standard"]), PROFILES["standard"])
    >>> found["reason"].tolist()
    ['few', 'protect', '']
    """
    frame = frame.copy()
    for _, rows in frame[frame["by"] != ""].groupby([*series, "by"], sort=False, dropna=False):
        hidden = rows["reason"] == "few"
        if not hidden.any():
            continue
        count, people = int(hidden.sum()), int(rows.loc[hidden, "n"].sum())
        for row, n in rows.loc[rows["reason"] == "", "n"].sort_values(kind="stable").items():
            if count > 1 and people >= profile.suppress_below:
                break
            frame.loc[row, ["status", "reason", "flagged"]] = ["suppressed", "protect", False]
            count, people = count + 1, people + int(n)
    return frame
