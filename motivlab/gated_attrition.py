"""What has passed the gate of attrition, of its weights, and of the reliability of a scale."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from .attrition import OUT_OF_BALANCE, Attrition
from .balance import overall_difference, standardised_difference
from .gate import judged, protected
from .nonresponse import ResponseWeights
from .scales import Reliability
from .thresholds import PROFILES


def gated_attrition(result: Attrition) -> pd.DataFrame:
    """Those with a follow-up against those lost, as far as it may be shown.

    Returns
    -------
    DataFrame
        The frame of the attrition with ``status`` and ``reason``. A level with fewer than 20 on either side is hidden
        (``few``), and another one where it could be had by subtraction (``protect``); so is ``overall`` then. Where
        those without a valid answer are few, their row is left out, and shares and differences are of those who
        answered, without n.
    """
    frame = _gated(result, result.frame, result.frame["n_kept"], result.frame["n_lost"])
    shares = ["base", "kept", "lost", "weighted"]
    for name in _with_few_missing(result, frame):
        rows = (frame["variable"] == name) & ~frame["missing"]
        if (frame.loc[rows, "level"] != "").all():
            gone = result.frame.loc[(frame["variable"] == name) & frame["missing"], shares].iloc[0]
            frame.loc[rows, shares] = frame.loc[rows, shares] / (1 - gone)
            p, q = (frame.loc[rows, side].to_numpy() for side in ("kept", "lost"))
            frame.loc[rows, "difference"] = standardised_difference(p, q, (p * (1 - p), q * (1 - q)))
            known = result.frame.loc[rows, ["kept", "lost"]].to_numpy() / (1 - gone[["kept", "lost"]].to_numpy())
            frame.loc[rows, "overall"] = overall_difference(*known.T.astype(float)) if rows.sum() > 2 else np.nan
        frame.loc[rows, ["n_kept", "n_lost"]] = np.nan
    frame = frame[~(frame["missing"] & (frame["reason"] != ""))].reset_index(drop=True)
    hidden = frame.loc[frame["reason"] != "", "variable"]
    frame.loc[frame["variable"].isin(hidden), "overall"] = np.nan
    above = frame[["difference", "overall"]].abs() > OUT_OF_BALANCE
    return frame.assign(flag=above.any(axis=1))


def gated_response(result: ResponseWeights) -> pd.DataFrame:
    """The terms of the response model that may be shown, hidden as in :func:`gated_attrition`."""
    frame = _gated(result, result.frame, result.frame["kept"], result.frame["n"] - result.frame["kept"])
    few = frame["variable"].isin(_with_few_missing(result, frame))
    frame.loc[few, ["n", "kept"]] = np.nan
    return frame[~(frame["missing"] & (frame["reason"] != ""))].reset_index(drop=True)


def gated_result(result: Attrition) -> pd.DataFrame:
    """The change with and without those lost, as far as it may be shown.

    Few pairs hide all of a change. Few lost hide its bounds, from which their answers could be worked out.
    """
    least, frame = PROFILES[result.about.gate].suppress_below, result.result.copy()
    pairs = frame["change"].map(frame[frame["way"] == "complete"].set_index("change")["n"])
    lost = result.n_base - pairs
    bound = frame["way"].isin(["worst", "best"]) & (lost > 0) & (lost < least)
    frame["reason"] = np.select([pairs < least, bound], ["few", "few_lost"], "")
    numbers = ["n", "estimate", "se", "ci_low", "ci_high", "df"]
    frame[numbers] = frame[numbers].astype(float)
    frame.loc[frame["reason"] != "", numbers] = np.nan
    status = np.where(pairs < PROFILES[result.about.gate].bracket_below, "bracketed", "shown")
    return frame.assign(status=np.where(frame["reason"] == "", status, "suppressed"))


def _plain(result: Any, name: str) -> bool:
    """Whether nobody can be in several of its levels."""
    form = result.questionnaire
    return name not in form or form[name].type != "select_multiple"


def _with_few_missing(result: Any, frame: pd.DataFrame) -> list[str]:
    """The variables of which those without an answer are few, and what is left of the others would tell how many."""
    found = frame.loc[frame["missing"] & (frame["reason"] != ""), "variable"]
    return [name for name in found if _plain(result, name)]


def _gated(result: Any, frame: pd.DataFrame, kept: pd.Series, lost: pd.Series) -> pd.DataFrame:
    """Judged on the smaller side of each level; those without an answer take no part in the subtraction."""
    profile = PROFILES[result.about.gate]
    smaller = np.minimum(kept, lost)
    plain = pd.DataFrame({"by": frame["variable"], "level": frame["level"], "n": smaller, "asked": kept + lost})
    passed = judged(plain.assign(missing_share=0.0), profile)
    # nobody lost, or left, of a level with people: as few
    passed.loc[(smaller == 0) & (kept + lost > 0), "reason"] = "few" if profile.suppress_below > 1 else ""
    inside = np.array([_plain(result, name) for name in frame["variable"]]) & ~frame["missing"].astype(bool)
    passed.loc[inside] = protected(passed[inside], profile)
    hidden = passed["reason"] != ""
    status = np.where(hidden, "suppressed", np.where(passed["status"] == "suppressed", "shown", passed["status"]))
    out = frame.assign(status=status, reason=passed["reason"])
    numbers = list(frame.select_dtypes("number"))
    out[numbers] = out[numbers].astype(float)
    out.loc[hidden, numbers] = np.nan
    return out


def gated_reliability(result: Reliability) -> pd.DataFrame:
    """The items of a scale, with ``status`` and ``reason``: NaN where fewer than 20 answered all items, or the item."""
    profile = PROFILES[result.about.gate]
    n = np.minimum(result.frame["n"], result.n)
    frame = judged(result.frame.assign(n=n, asked=n, missing_share=0.0), profile)
    frame = frame.assign(n=result.frame["n"]).drop(columns=["asked", "missing_share", "flagged"])
    numbers = ["n", "mean", "sd", "item_rest", "alpha_if_dropped"]
    frame[numbers] = frame[numbers].astype(float)
    frame.loc[frame["reason"] != "", numbers] = np.nan
    return frame
