"""Gains that participants report: change between measurements, overall and by group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from .about import About, Analysis
from .codes import choose
from .design import DesignArrays
from .domains import breakdowns, comparison_group
from .estimate import Correction, Estimates, adjust, require_confidence
from .expressions import Mask
from .intervals import Floats
from .measured import PAIRED, SHIFT, Measured, measured, moments, of_one_design, sampling_design
from .paired import (
    MeanChange,
    OccasionTest,
    against_zero,
    changes,
    d_av,
    d_z,
    directions,
    extremes,
    mcnemar,
    mean_change,
    occasions,
    risk_difference,
    signed_rank,
    spread,
    welch,
)
from .prevalence import prevalence
from .programme import Instrument
from .questionnaire import Questionnaire
from .reduction import Domains, number_ratios, reduce_survey
from .scales import is_binary, score
from .shown import Shown
from .summaries import By
from .survey import Survey
from .variance import covariance, degrees, solve

COLUMNS = (
    "outcome", "design", "change", "by", "level", "n", "n_pre", "n_post", "n_paired", "mean_pre", "sd_pre",
    "mean_post", "sd_post", "estimate", "se", "ci_low", "ci_high", "df", "t", "p", "p_adjusted", "d_z", "d_z_low",
    "d_z_high", "d_av", "d_av_low", "d_av_high", "w", "p_wilcoxon", "rank_biserial", "improved", "same", "worse",
    "k_improved", "k_same", "k_worse", "floor_pre", "ceiling_pre", "floor_post", "ceiling_post", "binary", "b", "c",
    "p_mcnemar", "test", "lowest", "highest",
)  # fmt: skip
OCCASIONS = ("outcome", "by", "level", "n_complete", "n_any", "test", "statistic", "df", "p")
VERSUS = (
    "outcome", "change", "by", "level", "n_participants", "n_comparison", "participants", "comparison", "difference",
    "se", "ci_low", "ci_high", "df", "p",
)  # fmt: skip


@dataclass(frozen=True, repr=False, eq=False)
class Gains(Shown):
    """The changes between measurements of the same people. In a notebook it shows as the gated table.

    Attributes
    ----------
    frame : DataFrame
        One row per outcome, change and domain; see :func:`gains`.
    occasions : DataFrame
        Tests over three or more occasions, of outcomes that have as many: ``outcome``, ``by``, ``level``,
        ``n_complete`` (with all occasions), ``n_any`` (with at least one), ``test`` (``cochran_q`` of 0/1,
        ``friedman`` of single items, ``mixed`` of scales), ``statistic`` (chi-square), ``df``, ``p``, and
        ``mean_pre``, ``mean_post``, ``mean_later_1`` ...: of those with all occasions, of a mixed model its own. Not
        weighted, and not adjusted.
    versus : DataFrame
        Participants against the comparison group; see :func:`difference_in_differences`. Empty without one.
    outcomes : tuple of str
        The keys of ``gains`` in ``survey.yml``.
    design : {"pre_post", "retro_pre_post"}
    confidence : float
    correction : {"holm", "bh", "none"}
    family : tuple of str
        The outcomes whose p values are adjusted together.
    questionnaire, about, language
        For labels.
    where : str
    left_out : dict of str to int
        Breakdown to the number of participants who are in none of its groups.
    weighted : bool
        Whether estimates know a design; if not, they are the classical paired ones.
    """

    frame: pd.DataFrame
    occasions: pd.DataFrame
    versus: pd.DataFrame
    outcomes: tuple[str, ...]
    design: Literal["pre_post", "retro_pre_post"]
    confidence: float
    correction: Correction
    family: tuple[str, ...]
    questionnaire: Questionnaire
    about: About
    language: str
    where: str = ""
    left_out: dict[str, int] = field(default_factory=dict)
    weighted: bool = False

    @property
    def breakdowns(self) -> tuple[str, ...]:
        """The names in the column ``by``, without the total's."""
        return tuple(name for name in dict.fromkeys(self.frame["by"]) if name)

    def to(self, language: str) -> Gains:
        """The same, shown in another language (lv, en or ru)."""
        return replace(self, language=language)


def gains(
    survey: Survey, outcomes: str | Sequence[str] | None = None, by: By = (), where: str = "",
    confidence: float = 0.95, correction: Correction = "holm", family: Sequence[str] | None = None,
) -> Gains | Estimates:  # fmt: skip
    """Gains by the design that ``survey.yml`` declares for each instrument; those of different designs never together.

    Parameters
    ----------
    survey : Survey
    outcomes : str or sequence of str, optional
        Names under ``gains`` in ``survey.yml``, all of one design; of a check-list or a global rating one. By default
        all of the design ``pre_post``; if there are none, all of ``retro_pre_post``; else what else is declared.
    by, where, confidence
        As for :func:`motivlab.prevalence`.
    correction : {"holm", "bh", "none"}
        Of the p values within the family: in the total all outcomes and changes, in each breakdown these in all its
        groups. The response shift is not of the family.
    family : sequence of str, optional
        The outcomes whose p values are adjusted, by default all; the others have none that is adjusted.

    Returns
    -------
    Gains
        Of ``pre_post`` and ``retro_pre_post``. The columns of its frame: ``outcome``; ``design``; ``change``:
        ``post - pre``, ``later_1 - pre``, ``post - then``, and ``then - pre``, the response shift; below, the name
        before the minus is "post", the one behind it "pre". ``by``, ``level``; ``n``, participants, ``n_pre`` and
        ``n_post``, those with each measurement, ``n_paired``, with both (where pre, then and post were asked, with
        all three, so that the changes add up): all else is about these. ``mean_pre``, ``sd_pre``, ``mean_post``,
        ``sd_post``; ``estimate``, the mean change, with the sign as measured; ``se``; ``ci_low``, ``ci_high``;
        ``df``, ``t``, ``p`` of the test that ``test`` names (``paired_t``, ``mcnemar``, or ``design_t``), and
        ``p_adjusted``. ``d_z`` and ``d_av``, see :func:`motivlab.paired.d_z` and :func:`motivlab.paired.d_av`, with
        bounds; ``w``, ``p_wilcoxon``, ``rank_biserial`` (positive: post is higher). ``improved``, ``same``,
        ``worse``: shares, by the instrument's ``better`` and ``smallest``, and ``k_improved``, ``k_same``,
        ``k_worse``, people. ``floor_pre``, ``ceiling_pre``, ``floor_post``, ``ceiling_post``: shares at the lowest
        and highest value. ``binary``: the outcome is 0/1; then ``estimate`` is the paired risk difference, ``b`` and
        ``c`` count who went from 1 to 0 and from 0 to 1, ``p_mcnemar`` is exact, and d, Wilcoxon's test, floor and
        ceiling are NaN. ``lowest``, ``highest``: the values the scale can have.
    Estimates
        Of a ``checklist`` the prevalence of its choices; of a ``global_rating`` also of the nets ``improved``,
        ``same``, ``worse``.

    Raises
    ------
    ValueError
        If an outcome is not declared, outcomes are of different designs, the two measurements are of different
        scales, a value is outside of the range of its scale; the message names key or row, and the remedy.

    Notes
    -----
    Without weight, strata and clusters the interval and test are the paired t's, of a 0/1 outcome Bonett and Price's
    and McNemar's. With a design the mean change is that of R's ``svymean(~I(post - pre), subset(design, paired))``;
    means, standard deviations and shares are weighted; the intervals of d stand on the effective size (sd / se)^2;
    Wilcoxon's and McNemar's tests and those over occasions are not weighted. Where ``programme.comparison`` names a
    comparison group, the frame is of the participants alone.

    Fewer than two pairs have no test. Where nobody changed, that is stated: 0, with the interval from 0 to 0 (of a
    0/1 outcome Bonett and Price's), p = 1 and d = 0; where everybody changed by the same, there is no test.

    Examples
    --------
    >>> df = pd.DataFrame({"before": [2, 3, 3, 4, 1, 2], "after": [3, 3, 5, 5, 3, None]})
    >>> survey = Survey.from_frame(df)
    >>> declared = {"confidence": Instrument(design="pre_post", pre="before", post="after")}
    >>> survey = replace(survey, about=survey.about.model_copy(update={"gains": declared}))
    >>> gains(survey).frame[["n", "n_paired", "estimate", "k_improved", "p"]].round(3).values.tolist()
    [[6.0, 5.0, 1.2, 4.0, 0.033]]
    """
    choose(correction=(correction, ("holm", "bh", "none")))
    require_confidence(confidence)
    names = of_one_design(survey, outcomes)
    declared = survey.about.gains
    if declared[names[0]].design not in PAIRED:
        return _rated(survey, declared[names[0]], by, where, confidence)
    chosen = tuple(names if family is None else ([family] if isinstance(family, str) else family))
    if strange := [name for name in chosen if name not in names]:
        raise ValueError(f"family names {strange[0]!r}, which is none of the outcomes {', '.join(names)}. Correct it.")
    all_measured = [m for name in names for m in measured(survey, name)]
    within, domains = breakdowns(survey, by, where)
    compared = comparison_group(survey)
    own = [replace(d, codes=np.where(compared, -1, d.codes)) for d in domains]
    design = sampling_design(survey)
    rows = [row for m in all_measured for row in _rows(m, own, design, confidence)]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    frame["p_adjusted"] = _adjusted(frame, chosen, correction)
    versus = difference_in_differences(survey, names, by, where, confidence) if compared.any() else None
    nowhere = {d.by: within & ~compared for d in own if d.by}
    for d in own:
        if d.by:
            nowhere[d.by] = nowhere[d.by] & (d.codes < 0)
    return Gains(
        frame, _occasions(survey, names, own), pd.DataFrame(columns=list(VERSUS)) if versus is None else versus, names,
        "pre_post" if declared[names[0]].design == "pre_post" else "retro_pre_post", confidence, correction, chosen,
        survey.questionnaire, survey.about, survey.language, where,
        {name: int(mask.sum()) for name, mask in nowhere.items() if mask.any()}, design is not None,
    )  # fmt: skip


def _rated(survey: Survey, instrument: Instrument, by: By, where: str, confidence: float) -> Estimates:
    """The prevalence of a check-list, or of a global rating with its nets."""
    if instrument.question not in survey.about.analysis:  # what it measures is said by its design
        analysis = {**survey.about.analysis, instrument.question: Analysis(measure="reported_gain")}
        survey = replace(survey, about=survey.about.model_copy(update={"analysis": analysis}))
    if instrument.design == "checklist":
        return prevalence(survey, instrument.question, by=by, where=where, confidence=confidence)
    parts = {"improved": instrument.improved, "same": instrument.same, "worse": instrument.worse}
    known = [choice.name for choice in survey.question(instrument.question).answers]
    said = [choice for members in parts.values() for choice in members]
    if sorted(said) != sorted(known):
        raise ValueError(
            f"gains of {instrument.question!r}: improved, same and worse name {', '.join(said)}; together they must "
            f"name each of {', '.join(known)} once. Correct survey.yml."
        )
    # a choice may have the name of a net, "same": the column `net` tells them apart
    nets = {f"net {name}": members for name, members in parts.items() if members}
    found = prevalence(survey, instrument.question, by=by, where=where, confidence=confidence, nets=nets)
    items = found.frame["item"].where(~found.frame["net"], found.frame["item"].str.removeprefix("net "))
    return replace(found, frame=found.frame.assign(item=items))


# ---------------------------------------------------------------------------------------------------------- the rows


def _rows(
    m: Measured, domains: Sequence[Domains], design: DesignArrays | None, confidence: float
) -> Iterator[dict[str, Any]]:
    """The rows of one change, domain by domain."""
    known = None
    if design is not None:
        ratios = number_ratios(m.difference[:, None], np.ones((len(m.pre), 1)), m.paired[:, None])
        known = solve(reduce_survey(design, domains, ratios), ratios, design)
    at = 0
    for d in domains:
        for i, level in enumerate(d.levels):
            inside = d.codes == i
            tested, weight = None, None
            if known is not None and design is not None:
                enough = known.n[at, 0] > 1
                se = float(known.se[at, 0]) if enough else np.nan
                tested = against_zero(float(known.estimate[at, 0]), se, float(known.df[at, 0]), confidence)
                weight = design.weight[inside & m.paired]
            at += 1
            yield {
                "outcome": m.name, "design": m.instrument.design, "change": m.change, "by": d.by, "level": level,
                "n": int(inside.sum()), "n_pre": int((inside & ~np.isnan(m.pre)).sum()),
                "n_post": int((inside & ~np.isnan(m.post)).sum()), "lowest": m.bounds[0], "highest": m.bounds[1],
                **_row(m, inside & m.paired, tested, weight, confidence),
            }  # fmt: skip


def _row(
    m: Measured, pairs: Mask, tested: MeanChange | None, weight: Floats | None, confidence: float
) -> dict[str, Any]:
    """The statistics of the pairs of one domain; ``tested`` is what the design gives."""
    pre, post = m.pre[pairs], m.post[pairs]
    n, change = len(pre), changes(pre, post)
    shares, people = directions(change, m.instrument.smallest, m.instrument.better, weight)
    test = "design_t" if tested else "paired_t"
    found = tested or mean_change(pre, post, confidence)
    sd_pre, sd_post, sd_change = (spread(values, weight) for values in (pre, post, change))
    row: dict[str, Any] = {
        "n_paired": n, "mean_pre": _mean(pre, weight), "sd_pre": sd_pre, "mean_post": _mean(post, weight),
        "sd_post": sd_post, **dict(zip(("improved", "same", "worse"), shares, strict=True)),
        **dict(zip(("k_improved", "k_same", "k_worse"), people.astype(int), strict=True)), "binary": m.binary,
    }  # fmt: skip
    if m.binary:
        b, c, exact = mcnemar(pre, post)
        row |= {"b": b, "c": c, "p_mcnemar": exact if n else np.nan}
        if not tested and n > 1:
            low, high = risk_difference(b, c, n, confidence)
            found, test = replace(found, low=low, high=high, df=np.nan, t=np.nan, p=exact), "mcnemar"
    else:
        # the size of a simple random sample with this standard error
        size = (sd_change / found.se) ** 2 if tested and found.se > 0 else float(n)
        by_changes = d_z(found.estimate, sd_change, size, found.df, confidence)
        by_scores = d_av(found.estimate, sd_pre, sd_post, sd_change, size, confidence)
        row |= {"d_z": by_changes.d, "d_z_low": by_changes.low, "d_z_high": by_changes.high}
        row |= {"d_av": by_scores.d, "d_av_low": by_scores.low, "d_av_high": by_scores.high}
        row |= dict(zip(("w", "p_wilcoxon", "rank_biserial"), signed_rank(pre, post), strict=True))
        row |= dict(zip(("floor_pre", "ceiling_pre"), extremes(pre, *m.bounds, weight), strict=True))
        row |= dict(zip(("floor_post", "ceiling_post"), extremes(post, *m.bounds, weight), strict=True))
    return row | {
        "estimate": found.estimate, "se": found.se, "ci_low": found.low, "ci_high": found.high, "df": found.df,
        "t": found.t, "p": found.p, "test": test,
    }  # fmt: skip


def _mean(values: Floats, weight: Floats | None) -> float:
    return float(np.average(values, weights=weight)) if len(values) else np.nan


def _adjusted(frame: pd.DataFrame, family: Sequence[str], correction: Correction) -> pd.Series:
    """The p values adjusted within each breakdown; of what is not of the family, none."""
    counted = frame["outcome"].isin(family) & (frame["change"] != SHIFT)
    p = frame["p"].astype(float).where(counted)
    return p.groupby(frame["by"], sort=False).transform(lambda part: adjust(part, correction))


def _occasions(survey: Survey, names: Sequence[str], domains: Sequence[Domains]) -> pd.DataFrame:
    """Tests over all occasions of the outcomes that have three or more."""
    rows, most = [], 0
    for name in names:
        instrument = survey.about.gains[name]
        if not instrument.later:
            continue
        asked = moments(instrument)
        most = max(most, len(asked))
        values = np.stack([score(survey, question).values for question in asked.values()], axis=1)
        test: OccasionTest = "friedman"
        if is_binary(survey, instrument.pre):
            test = "cochran_q"
        elif instrument.pre in survey.about.scales or survey.question(instrument.pre).type != "select_one":
            test = "mixed"
        for d in domains:
            for i, level in enumerate(d.levels):
                part = values[d.codes == i]
                part = part[~np.isnan(part).all(axis=1)]
                statistic, df, p, means = occasions(part, test)
                rows.append({
                    "outcome": name, "by": d.by, "level": level, "n_complete": int((~np.isnan(part).any(axis=1)).sum()),
                    "n_any": len(part), "test": test, "statistic": statistic, "df": df, "p": p,
                    **{f"mean_{moment}": mean for moment, mean in zip(asked, means, strict=True)},
                })  # fmt: skip
    last = [f"mean_later_{i}" for i in range(1, most - 1)]
    return pd.DataFrame(rows, columns=[*OCCASIONS, *(["mean_pre", "mean_post", *last] if rows else [])])


def difference_in_differences(
    survey: Survey, outcomes: str | Sequence[str] | None = None, by: By = (), where: str = "", confidence: float = 0.95
) -> pd.DataFrame:
    """How much more participants changed than the comparison group that ``programme.comparison`` declares.

    Parameters
    ----------
    survey, outcomes, by, where, confidence
        As for :func:`gains`; the outcomes are of a paired design.

    Returns
    -------
    DataFrame
        One row per outcome, change and domain: ``outcome``; ``change``; ``by``; ``level``; ``n_participants`` and
        ``n_comparison``, pairs; ``participants`` and ``comparison``, the mean changes; ``difference`` of the two;
        ``se``, ``ci_low``, ``ci_high``, ``df``, ``p``: Welch's, or with a design those of the difference of two
        domain means with their covariance. p values are not adjusted.

    Raises
    ------
    ValueError
        If no comparison group is declared, and as :func:`gains`.

    Notes
    -----
    R: ``t.test(change ~ group)``; ``svycontrast(svyby(~change, ~group, design, svymean, covmat = TRUE), c(-1, 1))``.
    It is the programme's effect only if both groups would have changed alike without it.

    Examples
    --------
    >>> from .programme import Programme
    >>> df = pd.DataFrame({"group": list("aaaabbbb"), "before": [2, 3, 3, 4, 1, 2, 3, 2],
    ...                    "after": [3, 3, 5, 5, 1, 3, 3, 2], "come": "2020-01-01", "gone": "2020-02-01", "got/job": 0})
    >>> survey = Survey.from_frame(df)
    >>> programme = Programme(entry="come", exit="gone", outcome="got", definitions={}, complete=True,
    ...                       comparison="${group} = 'b'")
    >>> declared = {"confidence": Instrument(design="pre_post", pre="before", post="after")}
    >>> about = survey.about.model_copy(update={"gains": declared, "programme": programme})
    >>> found = difference_in_differences(replace(survey, about=about))
    >>> found[["participants", "comparison", "difference", "p"]].round(3).values.tolist()
    [[1.0, 0.25, 0.75, 0.178]]
    """
    require_confidence(confidence)
    if survey.about.programme is None or not survey.about.programme.comparison:
        raise ValueError(
            "there is no comparison group. Declare it in survey.yml: `programme.comparison`, an expression."
        )
    names = of_one_design(survey, outcomes)
    if survey.about.gains[names[0]].design not in PAIRED:
        raise ValueError(f"outcomes={list(names)!r}: they have no measurement before. Name outcomes with pre and post.")
    compared, design = comparison_group(survey), sampling_design(survey)
    _, domains = breakdowns(survey, by, where)
    rows = []
    for m in (m for name in names for m in measured(survey, name) if m.change != SHIFT):
        for d in domains:
            found = _welch(m, d, compared, confidence)
            if design is not None:
                found = _designed(m, d, compared, design, confidence)
            for i, (level, tested) in enumerate(zip(d.levels, found, strict=True)):
                parts = [(d.codes == i) & m.paired & group for group in (~compared, compared)]
                means = [_mean(m.difference[part], None if design is None else design.weight[part]) for part in parts]
                rows.append((
                    m.name, m.change, d.by, level, *(int(part.sum()) for part in parts), *means, tested.estimate,
                    tested.se, tested.low, tested.high, tested.df, tested.p,
                ))  # fmt: skip
    return pd.DataFrame(rows, columns=list(VERSUS))


def _welch(m: Measured, d: Domains, compared: Mask, confidence: float) -> list[MeanChange]:
    parts = [(d.codes == i) & m.paired for i in range(len(d.levels))]
    return [welch(m.difference[part & ~compared], m.difference[part & compared], confidence) for part in parts]


def _designed(m: Measured, d: Domains, compared: Mask, design: DesignArrays, confidence: float) -> list[MeanChange]:
    """The difference of two domain means that may share clusters, for each level."""
    levels = len(d.levels)
    codes = np.where(d.codes >= 0, d.codes.astype(np.int64) * 2 + compared, -1)
    split = Domains(d.by, tuple(f"{level} {part}" for level in d.levels for part in "01"), codes)
    ratios = number_ratios(m.difference[:, None], np.ones((len(codes), 1)), m.paired[:, None])
    sums = reduce_survey(design, [split, d], ratios)
    means, df = solve(sums, ratios, design), degrees(sums, ratios.base, design)[2 * levels :, 0]
    out = []
    for i in range(levels):
        both = np.array([2 * i, 2 * i + 1])
        estimate = float(means.estimate[both[0], 0] - means.estimate[both[1], 0])
        se = np.nan
        if means.n[both, 0].min() > 1:
            v = covariance(sums, ratios, design, both, np.zeros(2, dtype=np.intp))
            se = float(np.sqrt(max(v[0, 0] + v[1, 1] - 2 * v[0, 1], 0.0)))
            se = 0.0 if (means.se[both, 0] == 0).all() else se
        out.append(against_zero(estimate, se, float(df[i]), confidence))
    return out
