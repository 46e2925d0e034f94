"""Replicate weights made for a survey that has none."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, get_args

import numpy as np
import pandas as pd

from .about import Replicates
from .codes import choose
from .design import design_arrays
from .survey import Survey
from .svy_bridge import drawn_replicates

Kind = Literal["jackknife", "bootstrap", "brr", "fay"]
MOST = 2000  # a column each, beside the responses


def with_replicates(
    survey: Survey,
    kind: Kind = "jackknife",
    *,
    count: int | None = None,
    seed: int = 1,
    rho: float = 0.3,
    name: str = "replicate",
) -> Survey:
    """Replicate weights for a survey that has none; its variances then come from them.

    Parameters
    ----------
    survey : Survey
    kind : {"jackknife", "bootstrap", "brr", "fay"}
        ``jackknife`` leaves out one cluster (or respondent) at a time; ``bootstrap`` is Rao and Wu's, rescaled;
        ``brr`` takes balanced half samples, ``fay`` weakens them by ``rho``; both need two clusters a stratum, and
        pair those of larger strata.
    count : int, optional
        Of a bootstrap, 500 by default; of half samples, as many as are balanced.
    seed : int
        Of the random draws.
    rho : float
        For ``fay``.
    name : str
        The columns are ``name_1``, ``name_2``, ...

    Returns
    -------
    Survey
        With the replicate weights in its responses and in its design.

    Raises
    ------
    ValueError
        If the survey has replicate weights, is calibrated, would need more than 2,000 replicates, has a stratum with
        a single cluster, or a finite population correction that the kind cannot take up.

    Notes
    -----
    The weights are svy's. R: ``as.svrepdesign(design, type = "JKn")``; with a finite population correction its 1 - f
    is in the coefficients. Calibrate after making them: :func:`motivlab.rake` calibrates each.

    Examples
    --------
    >>> df = pd.DataFrame({"q": list("aabbab") * 5, "psu": [i // 3 for i in range(30)], "w": [1.0, 2.0, 1.5] * 10})
    >>> survey = with_replicates(Survey.from_frame(df, weight="w", cluster="psu"))
    >>> len(survey.design.replicates.columns), survey.design.replicates.rscales[0]
    (10, 0.9)
    """
    choose(kind=(kind, get_args(Kind)))
    if survey.design.replicates:
        raise ValueError("the survey has replicate weights already, see `design.replicates`.")
    if survey.calibration:
        raise ValueError("the weights are calibrated. Make the replicates first: `rake` then calibrates each of them.")
    if survey.design.fpc and kind != "jackknife":
        raise ValueError(
            f"kind={kind!r} cannot take up the finite population correction {survey.design.fpc!r}. Use jackknife, or "
            "leave the fpc out of the design."
        )
    arrays = design_arrays(survey)
    units = int(arrays.size.sum())
    if kind == "jackknife" and units > MOST:
        raise ValueError(f"a jackknife of {units} would need as many replicates. Use kind='bootstrap'.")
    for stratum in np.flatnonzero((arrays.size == 1) & (arrays.sampled_share < 1)):
        where = f"the stratum {arrays.names[stratum]!r}" if arrays.names[stratum] else "the survey"
        raise ValueError(f"{where} has a single cluster: it cannot be left out. Merge it with another.")
    if kind in ("brr", "fay") and (odd := np.flatnonzero(arrays.size % 2)).size:
        what = "clusters" if arrays.clustered else "respondents"
        raise ValueError(
            f"kind={kind!r} takes half of two: the stratum {arrays.names[odd[0]]!r} has {arrays.size[odd[0]]:g} {what}"
            f"{f', and {len(odd) - 1} more have an odd number' if len(odd) > 1 else ''}. Use jackknife or bootstrap."
        )
    weights, scale = drawn_replicates(survey, kind, count, seed, rho)
    if kind == "jackknife":
        left_out = weights.argmin(axis=0)  # a respondent of the cluster whose weight is 0
        scale = scale * (1 - arrays.sampled_share[arrays.stratum[arrays.psu[arrays.unit[left_out]]]])
    columns = [f"{name}_{i}" for i in range(1, weights.shape[1] + 1)]
    if taken := sorted(set(columns) & set(survey.responses)):
        raise ValueError(f"the responses have a column {taken[0]!r}. Choose another `name`.")
    frame, weight = survey.responses, survey.design.weight
    if not weight:
        weight = f"{name}_full"
        frame = frame.assign(**{weight: 1.0})
    said = Replicates(columns=tuple(columns), kind="other", scale=1.0, rscales=tuple(scale.tolist()))
    design = survey.design.model_copy(update={"replicates": said, "weight": weight})
    about = survey.about.model_copy(update={"design": design})
    responses = pd.concat([frame, pd.DataFrame(weights, columns=columns, index=frame.index)], axis=1)
    return replace(survey, responses=responses, about=about)
