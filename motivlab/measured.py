"""What the instruments of ``survey.yml`` measured: the outcomes that are meant, their occasions, who has both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from .codes import as_numbers
from .design import DesignArrays, design_arrays
from .expressions import Mask
from .intervals import Floats
from .paired import changes
from .programme import Instrument
from .questionnaire import did_you_mean
from .scales import is_binary, score, value_range
from .survey import Survey

PAIRED = ("pre_post", "retro_pre_post")
SHIFT = "then - pre"  # the response shift


def of_one_design(survey: Survey, outcomes: str | Sequence[str] | None) -> tuple[str, ...]:
    """The outcomes that are meant, all of one design; by default those of the first paired design declared.

    Raises
    ------
    ValueError
        If one is not declared, they are of different designs, or several are check-lists or global ratings.
    """
    declared = survey.about.gains
    file = survey.folder / "survey.yml" if survey.folder else "survey.yml"
    how = (
        "Write there, for each outcome, a name with the keys design (pre_post, retro_pre_post, global_rating or "
        "checklist), and pre and post, or then and post, or question."
    )
    if not declared:
        raise ValueError(f"{file}: it declares no gains, there is no key `gains`. {how}")
    if outcomes is None:
        designs_declared = [instrument.design for instrument in declared.values()]
        first = next((design for design in PAIRED if design in designs_declared), designs_declared[0])
        outcomes = [name for name, instrument in declared.items() if instrument.design == first]
    names = (outcomes,) if isinstance(outcomes, str) else tuple(outcomes)
    for name in names:
        if name not in declared:
            near = did_you_mean(name, declared)
            raise ValueError(
                f"{file}: `gains` declares no outcome {name!r}{near} Correct the name, or declare it. {how}"
            )
    if not names or len(set(names)) < len(names):
        raise ValueError(f"outcomes={list(names)!r}: name at least one outcome, and each once.")
    designs = {declared[name].design: name for name in reversed(names)}
    if len(designs) > 1:
        said = ", ".join(f"{name!r} is {design}" for design, name in reversed(designs.items()))
        raise ValueError(f"outcomes of different designs are never pooled: {said}. Call once per design.")
    if declared[names[0]].design not in PAIRED and len(names) > 1:
        raise ValueError(f"outcomes={list(names)!r}: each is a question of its own. Name one of them per call.")
    return names


@dataclass(frozen=True)
class Measured:
    """One change of one outcome: the two measurements of everybody, and who counts.

    Attributes
    ----------
    paired : ndarray of bool, shape (respondents,)
        Who has both measurements (of pre, then and post all three).
    difference : ndarray of float, shape (respondents,)
        Post less pre; 0 where it is not known.
    binary : bool
        Whether both are 0/1.
    bounds : tuple of float
        The lowest and highest value there can be.
    """

    name: str
    instrument: Instrument
    change: str
    pre: Floats
    post: Floats
    paired: Mask
    difference: Floats
    binary: bool
    bounds: tuple[float, float]


def moments(instrument: Instrument) -> dict[str, str]:
    """What the occasions of an instrument are called in ``change``, and their questions or scales."""
    named = {"pre": instrument.pre, "then": instrument.then, "post": instrument.post}
    named |= {f"later_{i}": name for i, name in enumerate(instrument.later, start=1)}
    return {moment: name for moment, name in named.items() if name}


def measured(survey: Survey, name: str) -> Iterator[Measured]:
    """The changes of one outcome, in order."""
    instrument = survey.about.gains[name]
    asked = moments(instrument)
    values = {moment: score(survey, question).values for moment, question in asked.items()}
    scales = [question in survey.about.scales for question in asked.values()]
    binary = is_binary(survey, *asked.values())
    alike = {value_range(survey, question) for question in asked.values()} if all(scales) else {()}
    words = [is_binary(survey, name) and not _numbered(survey, name) for name in asked.values()]
    if len(set(scales)) > 1 or len(alike) > 1 or (any(words) and not binary):
        raise ValueError(
            f"survey.yml: gains.{name}: {', '.join(asked.values())} are not measured alike. Name questions with the "
            "same answers, or scales with the same range and score."
        )
    bounds = value_range(survey, *asked.values())
    if instrument.design == "pre_post":
        pairs = [(moment, "pre") for moment in asked if moment != "pre"]
    else:
        pairs = [("post", "then"), *([("post", "pre"), ("then", "pre")] if instrument.pre else [])]
    all_three = np.asarray(~np.isnan(np.stack(list(values.values()))).any(axis=0))
    for later, first in pairs:
        pre, post = values[first], values[later]
        paired = all_three if instrument.design == "retro_pre_post" else np.asarray(~np.isnan(pre + post))
        difference = np.zeros(len(pre))
        difference[paired] = changes(pre[paired], post[paired])
        yield Measured(name, instrument, f"{later} - {first}", pre, post, paired, difference, binary, bounds)


def _numbered(survey: Survey, name: str) -> bool:
    """Whether the codes of a question are numbers."""
    return not np.isnan(as_numbers([choice.name for choice in survey.question(name).answers])).any()


def sampling_design(survey: Survey) -> DesignArrays | None:
    """The sampling design; None where everybody counts one and is drawn alone."""
    plain = not survey.design.columns and survey.design.replicates is None and survey.calibration is None
    return None if plain else design_arrays(survey)
