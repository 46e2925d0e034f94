"""What ``survey.yml`` says of a programme: its scales, its instruments for gains, its outcomes and indicators."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import model_validator

from .parts import Part, Text

InstrumentDesign = Literal["pre_post", "retro_pre_post", "global_rating", "checklist"]
Score = Literal["mean", "sum", "percent"]


class Scale(Part):
    """A score over several items.

    Attributes
    ----------
    items : tuple of str
        Questions whose codes are numbers, at least two.
    reverse : tuple of str
        Those of them that point the other way: such an answer x counts as lowest + highest - x.
    range : tuple of (float, float)
        The lowest and the highest value of an item. An answer outside it is an error.
    score : {"mean", "sum", "percent"}
        ``sum`` and ``percent`` stand for all items: where one is missing, the mean of the answered ones stands in for
        it. ``percent`` is the sum rescaled to 0-100, as WHO-5 is scored.
    at_least : int, optional
        How many items must be answered for a score; by default all.
    label : str, or dict of language to str

    Examples
    --------
    >>> Scale(items=("a", "b"), range=(0, 5), score="percent").bounds
    (0.0, 100.0)
    """

    items: tuple[str, ...]
    range: tuple[float, float]
    reverse: tuple[str, ...] = ()
    score: Score = "mean"
    at_least: int | None = None
    label: Text = ""

    @model_validator(mode="after")
    def _complete(self) -> Scale:
        if len(self.items) < 2:
            raise ValueError(f"a scale has at least two items, it names {len(self.items)}")
        if twice := [item for item in self.items if self.items.count(item) > 1]:
            raise ValueError(f"items names {twice[0]!r} twice; name each item once")
        if strange := [item for item in self.reverse if item not in self.items]:
            raise ValueError(f"reverse names {strange[0]!r}, which is none of the items; correct the name")
        low, high = self.range
        if not (np.isfinite(low) and np.isfinite(high) and low < high):
            raise ValueError(f"range is from {low:g} to {high:g}; give the lowest and the highest value of an item")
        if self.at_least is not None and not 1 <= self.at_least <= len(self.items):
            raise ValueError(f"at_least is {self.at_least}; it is a number of items, from 1 to {len(self.items)}")
        return self

    @property
    def least(self) -> int:
        """How many items must be answered."""
        return len(self.items) if self.at_least is None else self.at_least

    @property
    def bounds(self) -> tuple[float, float]:
        """The lowest and the highest score there can be."""
        low, high = self.range
        by_score = {"mean": (low, high), "sum": (low * len(self.items), high * len(self.items)), "percent": (0, 100)}
        lowest, highest = by_score[self.score]
        return float(lowest), float(highest)


class Instrument(Part):
    """How a gain was asked for. The design is required, since gains of different designs are never pooled.

    Attributes
    ----------
    design : {"pre_post", "retro_pre_post", "global_rating", "checklist"}
        ``pre_post``: the same question or scale at entry and at exit. ``retro_pre_post``: at exit, now and looking
        back ("then"); with ``pre`` as well, both changes and the response shift are reported. ``global_rating``: one
        question at exit on how much changed. ``checklist``: a ``select_multiple`` question on what was gained.
    pre, then, post : str
        Questions or scales.
    later : tuple of str
        Further occasions after ``post``, in order.
    question : str
        Of a global rating or a check-list.
    improved, same, worse : tuple of str
        Of a global rating: which of its choices say so. Together they are all of its answers.
    better : {"higher", "lower"}
        Which end of the scale is the good one.
    smallest : float
        The smallest change that counts as improved or worse; 0 is any change.
    label : str, or dict of language to str
        By default the label of the scale, or the wording of the question.

    Examples
    --------
    >>> Instrument(design="pre_post", pre="confidence_entry", post="confidence_exit").occasions
    ('confidence_entry', 'confidence_exit')
    """

    design: InstrumentDesign
    label: Text = ""
    pre: str = ""
    then: str = ""
    post: str = ""
    later: tuple[str, ...] = ()
    question: str = ""
    improved: tuple[str, ...] = ()
    same: tuple[str, ...] = ()
    worse: tuple[str, ...] = ()
    better: Literal["higher", "lower"] = "higher"
    smallest: float = 0.0

    @model_validator(mode="after")
    def _complete(self) -> Instrument:
        needed = {
            "pre_post": ("pre", "post"), "retro_pre_post": ("then", "post"), "global_rating": ("question",),
            "checklist": ("question",),
        }[self.design]  # fmt: skip
        allowed = {
            "pre_post": ("pre", "post", "later"), "retro_pre_post": ("pre", "then", "post"),
            "global_rating": ("question", "improved", "same", "worse"), "checklist": ("question",),
        }[self.design]  # fmt: skip
        for key in needed:
            if not getattr(self, key):
                raise ValueError(f"the design {self.design} needs the key {key!r}; add it")
        for key in ("pre", "then", "post", "later", "question", "improved", "same", "worse"):
            if getattr(self, key) and key not in allowed:
                raise ValueError(f"the design {self.design} has no key {key!r}; remove it, or correct the design")
        if self.design == "global_rating" and not (self.improved and self.worse):
            raise ValueError("a global rating needs the choices that say improved, same and worse; name them")
        if not (np.isfinite(self.smallest) and self.smallest >= 0):
            raise ValueError(f"smallest is {self.smallest:g}; it is a change, 0 or more")
        return self

    @property
    def occasions(self) -> tuple[str, ...]:
        """The questions or scales in order of the time that they are about: pre, then, post, later."""
        return tuple(name for name in (self.pre, self.then, self.post, *self.later) if name)


class Definition(Part):
    """What counts as success: at least one of these choices of the outcome question."""

    choices: tuple[str, ...]
    label: Text = ""

    @model_validator(mode="after")
    def _complete(self) -> Definition:
        if not self.choices:
            raise ValueError("choices is empty; name the choices of the outcome question that count")
        return self


class Indicator(Part):
    """A number of participants: those for whom an expression of the questionnaire's language is true.

    Attributes
    ----------
    where : str
        ``"${age} > 54"``; empty for every participant.
    planned : float, optional
        What the project planned to achieve.
    label : str, or dict of language to str
        The common indicators of the European Social Fund (CO01, CR05 ...) need none.
    """

    where: str = ""
    planned: float | None = None
    label: Text = ""

    @model_validator(mode="after")
    def _complete(self) -> Indicator:
        if self.planned is not None and not (np.isfinite(self.planned) and self.planned >= 0):
            raise ValueError(f"planned is {self.planned:g}; it is a number of participants, 0 or more")
        return self


class Programme(Part):
    """The register of a programme: one row per participant, with dates, reasons and outcomes.

    Attributes
    ----------
    entry, start, completion, exit, follow_up : str
        Date questions: enrolled, first service, completed, left for whatever reason, reached at follow-up.
        Of these ``entry`` and ``exit`` are required.
    drop_out : str
        A ``select_one`` question: why somebody left without completing.
    outcome : str
        A ``select_multiple`` question: what somebody did after leaving. A missing reason is an unknown outcome.
    outcome_dates : dict of str to str
        A choice of it to the date question of when it began.
    definitions : dict of str to Definition
        Ways to count success. None is the default: an analysis names the one it uses.
    person : str
        A question with a pseudonym of the person. A person has one row; two rows of one are an error.
    complete : bool
        Whether the file holds every participant. Then an interval is a statement about a superpopulation.
    comparison : str
        An expression that is true for the comparison group, if there is one.
    window : int
        Days after leaving within which an immediate result counts; 28 by the rules of the European Social Fund.
    indicators : dict of str to Indicator

    Examples
    --------
    >>> Programme(entry="entered", exit="left", outcome="result", definitions={"work": {"choices": ("job",)}},
    ...           complete=True).dates
    {'entry': 'entered', 'exit': 'left'}
    """

    entry: str
    exit: str
    outcome: str
    definitions: dict[str, Definition]
    complete: bool
    start: str = ""
    completion: str = ""
    follow_up: str = ""
    drop_out: str = ""
    outcome_dates: dict[str, str] = {}
    person: str = ""
    comparison: str = ""
    window: int = 28
    indicators: dict[str, Indicator] = {}

    @model_validator(mode="after")
    def _complete(self) -> Programme:
        if self.window < 0:
            raise ValueError(f"window is {self.window}; it is a number of days after leaving, 0 or more")
        return self

    @property
    def dates(self) -> dict[str, str]:
        """Moment to its date question, in the order in which they follow each other."""
        moments = ("entry", "start", "completion", "exit", "follow_up")
        return {moment: getattr(self, moment) for moment in moments if getattr(self, moment)}
