"""What the weights of a survey are like, and what they cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from .about import About
from .design import weights
from .intervals import Floats
from .questionnaire import Questionnaire
from .shown import Shown
from .survey import Calibration, Survey


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
