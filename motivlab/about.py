"""What ``survey.yml`` says: how the survey was made, its design, what is analysed."""

from __future__ import annotations

import datetime as dt
import fnmatch
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError, field_validator, model_validator

from .expressions import parse_expression
from .files import inside
from .kinds import Checks, Paradata
from .parts import Part, Text, faults, in_language
from .programme import Instrument, Programme, Scale
from .questionnaire import NUMBER_TYPES, Questionnaire, check_references, did_you_mean
from .readers import FILL_IN, read_yaml
from .recoding import Recode, with_recodes

Measure = Literal[
    "experienced_12_months", "experienced_5_years", "experienced", "encountered", "witnessed",
    "perceived_widespread", "group_membership", "response", "reported_gain", "record",
    "not_stated",
]  # fmt: skip
Base = Literal["all", "asked", "any"]
PeriodClass = Literal["now", "12_months", "5_years", "lifetime", "not_stated"]
# what the measure type alone says of the period that was asked about
PERIOD_OF: dict[str, PeriodClass] = {
    "experienced_12_months": "12_months", "experienced_5_years": "5_years", "perceived_widespread": "now",
    "group_membership": "now",
}  # fmt: skip
Lonely = Literal["fail", "adjust", "average", "certainty", "remove"]
Date = dt.date | Literal["?"]


class SurveyError(ValueError):
    """A survey that cannot be opened; the message names file, key or row, value and remedy."""


ReplicateKind = Literal["jackknife1", "jackknife", "brr", "fay", "bootstrap", "other"]


class Replicates(Part):
    """Replicate weights that come with the responses.

    Attributes
    ----------
    columns : str or tuple of str
        Their columns, or a pattern: ``repwt*`` is every column that starts so, ``repwt2`` before ``repwt10``; the
        weight of the full sample is none of them.
    kind : str
        ``jackknife1`` (JK1, no strata), ``jackknife`` (JKn), ``brr``, ``fay``, ``bootstrap`` or ``other``.
    scale : float, optional
        By default that of the kind, for R replicates: (R-1)/R, 1, 1/R, 1/(R (1-rho)^2), 1/(R-1) and 1.
    rscales : float or tuple of float, optional
        A factor per replicate; 1 by default. A jackknife of strata needs them: (n_h-1)/n_h for each.
    rho : float, optional
        Fay's coefficient, for ``fay`` only.
    combined : bool
        Whether each holds the sampling weight as well, as most files have it; else it multiplies the weight.
    mse : bool
        Centre on the full sample's estimate; by default, as R's, on the mean of the replicates.
    count : int, optional
        How many there are by the survey's documentation, to be held against the columns.

    Examples
    --------
    >>> said = Replicates(columns="rep*", kind="brr")
    >>> said.among(["w", "rep1", "rep10", "rep2"]), said.scales(2).tolist()
    (['rep1', 'rep2', 'rep10'], [0.5, 0.5])
    """

    columns: str | tuple[str, ...]
    kind: ReplicateKind
    scale: float | None = None
    rscales: float | tuple[float, ...] | None = None
    rho: float | None = None
    combined: bool = True
    mse: bool = False
    count: int | None = None

    @model_validator(mode="after")
    def _complete(self) -> Replicates:
        if (self.kind == "fay") != (self.rho is not None):
            raise ValueError("rho, between 0 and 1, is for kind: fay, which needs it")
        if self.rho is not None and not 0 <= self.rho < 1:
            raise ValueError(f"rho is {self.rho:g}, it must be at least 0 and below 1")
        if self.kind == "jackknife" and self.rscales is None:
            raise ValueError("a jackknife of strata needs rscales: (n_h-1)/n_h for each replicate")
        named = () if isinstance(self.columns, str) else self.columns
        if twice := [column for column in named if named.count(column) > 1]:
            raise ValueError(f"columns names {twice[0]!r} twice; name each replicate weight once")
        if self.scale is not None and not 0 < self.scale < np.inf:
            raise ValueError(f"scale is {self.scale:g}, it must be above 0")
        factors = () if self.rscales is None else np.atleast_1d(np.asarray(self.rscales, dtype=float))
        for factor in factors:
            if not 0 <= factor < np.inf:
                raise ValueError(f"rscales has {factor:g}, none may be below 0")
        if self.count is not None and self.count < 2:
            raise ValueError(f"count is {self.count}, at least two replicate weights are needed")
        return self

    def among(self, columns: Iterable[str]) -> list[str]:
        """Their columns among those of the responses, in order of number."""
        if not isinstance(self.columns, str):
            return list(self.columns)
        found = [column for column in columns if fnmatch.fnmatchcase(column, self.columns)]
        return sorted(found, key=lambda c: [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", c)])

    def scales(self, count: int) -> npt.NDArray[np.float64]:
        """``scale * rscales``; shape (count,).

        Raises
        ------
        ValueError
            If there are not as many rscales as replicates.
        """
        by_kind = {
            "jackknife1": (count - 1) / count, "brr": 1 / count, "bootstrap": 1 / (count - 1),
            "fay": 1 / (count * (1 - (self.rho or 0)) ** 2),
        }  # fmt: skip
        scale = by_kind.get(self.kind, 1.0) if self.scale is None else self.scale
        each = np.asarray(1.0 if self.rscales is None else self.rscales, dtype=float)
        if each.ndim and len(each) != count:
            raise ValueError(
                f"`design.replicates` has {len(each)} rscales for {count} replicate weights. Give one for each, or one."
            )
        return np.broadcast_to(scale * each, (count,)).copy()


class Design(Part):
    """The columns of the sampling design, declared once and used by every estimate.

    Attributes
    ----------
    weight, strata, cluster : str, optional
        Columns of the responses. Without a weight every respondent counts one.
    fpc : str, optional
        Column of the finite population correction: the number of clusters (or, without clusters, of people) in the
        stratum, or the sampling fraction where no value is above 1.
    nest : bool
        Whether clusters are numbered anew in every stratum, so that the same number in two strata is two clusters.
    replicates : Replicates, optional
        Replicate weights; where there are some, variances come from them and not from strata and clusters.
    lonely : str
        What a stratum with one cluster contributes to the variance: ``fail`` (the default) raises; ``adjust``,
        ``average``, ``certainty`` and ``remove`` are R's ``options(survey.lonely.psu=)``.

    Examples
    --------
    >>> Design(weight="w", strata="region").columns
    {'weight': 'w', 'strata': 'region'}
    """

    weight: str | None = None
    strata: str | None = None
    cluster: str | None = None
    fpc: str | None = None
    nest: bool = False
    replicates: Replicates | None = None
    lonely: Lonely = "fail"

    @model_validator(mode="after")
    def _weighted(self) -> Design:
        if self.replicates and not self.weight:
            raise ValueError("replicate weights need the weight of the full sample beside them: name it in `weight`")
        return self

    @property
    def columns(self) -> dict[str, str]:
        """Role to column, for the roles that are declared."""
        roles = {"weight": self.weight, "strata": self.strata, "cluster": self.cluster, "fpc": self.fpc}
        return {role: column for role, column in roles.items() if column}

    def replicate_columns(self, columns: Iterable[str]) -> list[str]:
        """The replicate weights among the columns of the responses; of a list of columns all, there or not.

        Examples
        --------
        >>> Design(weight="w", replicates=Replicates(columns="w*", kind="brr")).replicate_columns(["w", "w1", "w2"])
        ['w1', 'w2']
        """
        if self.replicates is None:
            return []
        found = self.replicates.among(columns)
        return [c for c in found if c != self.weight] if isinstance(self.replicates.columns, str) else found


class Fieldwork(Part):
    """First and last day of the interviews; ``?`` where it is still to be filled in."""

    start: Date
    end: Date

    @model_validator(mode="after")
    def _in_order(self) -> Fieldwork:
        if isinstance(self.start, dt.date) and isinstance(self.end, dt.date) and self.start > self.end:
            raise ValueError(f"it ends on {self.end}, before it starts on {self.start}")
        return self


class Analysis(Part):
    """How one question is analysed: what it measures, over which base, by which questions."""

    measure: Measure
    base: Base = "asked"
    period: Text = ""
    period_class: PeriodClass | None = None
    by: tuple[str | tuple[str, ...], ...] = ()


class About(Part):
    """What ``survey.yml`` says of how the survey was made.

    A text is one string, or a string per language (lv, en, ru). ``?`` marks what is still to be filled in.
    """

    title: Text
    synthetic: bool
    respondent_id: str
    population: Text = FILL_IN
    fieldwork: Fieldwork
    design: Design = Design()
    mode: Text = ""
    sponsor: Text = ""
    sample: Text = ""
    weighting: Text = ""
    source: Text = ""
    limitations: list[Text] = []
    gate: Literal["standard", "open"] = "standard"
    analysis: dict[str, Analysis] = {}
    responses: str = ""
    other_columns: list[str] = []
    published: str = ""
    faulty_responses: str = ""
    scales: dict[str, Scale] = {}
    gains: dict[str, Instrument] = {}
    programme: Programme | None = None
    paradata: Paradata = Paradata()
    checks: Checks = Checks()
    recodes: dict[str, Recode] = {}
    margins: str = ""
    cleaning: str = ""

    @field_validator("responses", "cleaning", "margins", "faulty_responses")
    @classmethod
    def _of_the_folder(cls, name: str) -> str:
        if not inside(name):
            raise ValueError(f"{name!r} leads out of the survey folder. Put the file into it, and write its name")
        return name

    @field_validator("published")
    @classmethod
    def _beside_the_folder(cls, name: str) -> str:
        if not inside(re.sub(r"^(\.\./)+", "", name)):
            raise ValueError(f"{name!r} is not a path from the survey folder. Write it as ../published/figures.csv")
        return name

    def text(self, key: str, language: str) -> str:
        """One of the texts in a language, or in the first one there is; empty if it is still to be filled in."""
        return in_language(getattr(self, key), language)

    @property
    def to_fill(self) -> list[str]:
        """The keys still marked ``?``, and the analysed questions whose measure is not stated."""
        return [
            *(key for key in type(self).model_fields if getattr(self, key) == FILL_IN),
            *(f"fieldwork.{key}" for key in ("start", "end") if getattr(self.fieldwork, key) == FILL_IN),
            *(f"analysis.{name}.measure" for name, a in self.analysis.items() if a.measure == "not_stated"),
            *([] if self.analysis else ["analysis"]),
        ]


def read_about(file: Path, form: Questionnaire) -> About:
    """Read and validate a ``survey.yml``, on its own and against the questionnaire.

    Raises
    ------
    SurveyError
        Naming the file, each key and the remedy.
    """
    data = read_yaml(file)
    if not isinstance(data, dict):
        raise SurveyError(f"{file}: it holds no keys. Write `title: ...`, `synthetic: true` and so on.")
    try:
        about = About.model_validate(data)
    except ValidationError as error:
        raise SurveyError("\n".join(f"{file}: {said}" for said in faults(error, About, file=True))) from error
    try:
        form = with_recodes(form, about.recodes)
    except ValueError as error:
        raise SurveyError(f"{file}: {error}") from None
    _require_questions(about, form, file)
    return about


def _require_questions(about: About, form: Questionnaire, file: Path) -> None:
    for place, name, types in _named(about):
        if name not in form:
            near = did_you_mean(name, [*(question.name for question in form), *about.scales])
            raise SurveyError(f"{file}: {place}: no question {name!r}{near} Correct the name.")
        if types and form[name].type not in types:
            raise SurveyError(
                f"{file}: {place}: {name!r} is of type {form[name].type}; name a question of type {' or '.join(types)}."
            )
    for place, name, members in _choices_named(about):
        known = [choice.name for choice in form[name].choices]
        for member in members:
            if member not in known:
                near = did_you_mean(member, known)
                raise SurveyError(f"{file}: {place}: {name!r} has no choice {member!r}{near} Correct the name.")
    for place, where in _conditions(about):
        try:
            check_references(parse_expression(where), {question.name: question for question in form})
        except ValueError as error:
            raise SurveyError(f"{file}: {place}: {error}") from None


def _named(about: About) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Every question that is named, where, and which types it may have; none: any."""
    for name, analysis in about.analysis.items():
        yield f"analysis.{name}", name, ()
        for part in analysis.by:
            for by in (part,) if isinstance(part, str) else part:
                yield f"analysis.{name}.by", by, ()
    if about.paradata.age:
        yield "paradata.age", about.paradata.age, NUMBER_TYPES
    if about.paradata.born:
        yield "paradata.born", about.paradata.born, (*NUMBER_TYPES, "date")
    countable = ("select_one", "integer", "decimal")
    for name, scale in about.scales.items():
        for item in scale.items:
            yield f"scales.{name}.items", item, countable
    for name, instrument in about.gains.items():
        for occasion in instrument.occasions:
            if occasion not in about.scales:
                yield f"gains.{name}", occasion, countable
        if instrument.question:
            kind = "select_multiple" if instrument.design == "checklist" else "select_one"
            yield f"gains.{name}.question", instrument.question, (kind,)
    if about.programme:
        for moment, name in about.programme.dates.items():
            yield f"programme.{moment}", name, ("date",)
        for choice, name in about.programme.outcome_dates.items():
            yield f"programme.outcome_dates.{choice}", name, ("date",)
        yield "programme.outcome", about.programme.outcome, ("select_multiple",)
        if about.programme.drop_out:
            yield "programme.drop_out", about.programme.drop_out, ("select_one",)
        if about.programme.person:
            yield "programme.person", about.programme.person, ()


def _choices_named(about: About) -> Iterator[tuple[str, str, Iterable[str]]]:
    """Every place that names choices, the question, and the choices."""
    for name, instrument in about.gains.items():
        for key in ("improved", "same", "worse"):
            if getattr(instrument, key):
                yield f"gains.{name}.{key}", instrument.question, getattr(instrument, key)
    if about.programme:
        for name, definition in about.programme.definitions.items():
            yield f"programme.definitions.{name}.choices", about.programme.outcome, definition.choices
        yield "programme.outcome_dates", about.programme.outcome, about.programme.outcome_dates


def _conditions(about: About) -> Iterator[tuple[str, str]]:
    """Every place that holds an expression, and the expression."""
    if about.programme:
        if about.programme.comparison:
            yield "programme.comparison", about.programme.comparison
        for name, indicator in about.programme.indicators.items():
            if indicator.where:
                yield f"programme.indicators.{name}.where", indicator.where
