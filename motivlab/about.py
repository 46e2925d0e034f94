"""What ``survey.yml`` says: how the survey was made, its design, what is analysed."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from .questionnaire import Questionnaire, did_you_mean
from .readers import FILL_IN, read_yaml

Text = str | dict[str, str]
Measure = Literal[
    "experienced_12_months", "experienced_5_years", "experienced", "encountered", "witnessed",
    "perceived_widespread", "group_membership", "response", "not_stated",
]  # fmt: skip
Base = Literal["all", "asked", "any"]
Lonely = Literal["fail", "adjust", "average", "certainty", "remove"]
Date = dt.date | Literal["?"]


class SurveyError(ValueError):
    """A survey that cannot be opened; the message names file, key or row, value and remedy."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Design(_Part):
    """The columns of the sampling design, declared once and used by every estimate.

    Attributes
    ----------
    weight, strata, cluster : str, optional
        Columns of the responses. Without a weight every respondent counts one.
    fpc : str, optional
        Column of the finite population correction: the number of clusters (or, without clusters, of people) in the
        stratum, or the sampling fraction where no value is above 1.
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
    lonely: Lonely = "fail"

    @property
    def columns(self) -> dict[str, str]:
        """Role to column, for the roles that are declared."""
        roles = {"weight": self.weight, "strata": self.strata, "cluster": self.cluster, "fpc": self.fpc}
        return {role: column for role, column in roles.items() if column}


class Fieldwork(_Part):
    """First and last day of the interviews; ``?`` where it is still to be filled in."""

    start: Date
    end: Date

    @model_validator(mode="after")
    def _in_order(self) -> Fieldwork:
        if isinstance(self.start, dt.date) and isinstance(self.end, dt.date) and self.start > self.end:
            raise ValueError(f"it ends on {self.end}, before it starts on {self.start}")
        return self


class Analysis(_Part):
    """How one question is analysed: what it measures, over which base, by which questions."""

    measure: Measure
    base: Base = "asked"
    period: Text = ""
    by: tuple[str | tuple[str, ...], ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _lists(cls, values: Any) -> Any:
        """YAML has lists where we want tuples; ``strict`` would refuse them."""
        if isinstance(values, dict) and isinstance(values.get("by"), list):
            by = tuple(tuple(part) if isinstance(part, list) else part for part in values["by"])
            return values | {"by": by}
        return values


class About(_Part):
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


def in_language(text: Text, language: str) -> str:
    """A text of ``survey.yml`` in a language, or in the first one there is; empty where it is marked ``?``."""
    if isinstance(text, dict):
        text = text.get(language) or next((t for t in text.values() if t), "")
    return "" if text == FILL_IN else text


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
        raise SurveyError("\n".join(_yaml_errors(file, error))) from error
    _require_questions(about, form, file)
    return about


def _yaml_errors(file: Path, error: ValidationError) -> Iterator[str]:
    """Each fault of a ``survey.yml``: file, key, remedy."""
    seen = set()
    for fault in error.errors():
        # pydantic names the members of a union in the path ("str", "dict[str,str]"): they are no keys
        first, *rest = map(str, fault["loc"])
        parts = [first, *(part for part in rest if not re.search(r"\[|^(str|date|dict|tuple)$|^literal", part))]
        key = ".".join(parts)
        model: Any = {"design": Design, "fieldwork": Fieldwork, "analysis": Analysis}.get(parts[0], About)
        known = model.model_fields if len(parts) > 1 else About.model_fields
        if key in seen:
            continue
        seen.add(key)
        if fault["type"] == "extra_forbidden":
            near = did_you_mean(parts[-1], known)
            yield f"{file}: unknown key {key!r}{near} Remove it, or use one of {', '.join(known)}."
        elif fault["type"] == "missing":
            yield f'{file}: the key {key!r} is missing. Add it; write "?" for what is not known yet.'
        else:
            message = fault["msg"][0].lower() + fault["msg"][1:]
            yield f"{file}: {key!r} is {fault['input']!r}: {message}. Correct the value."


def _require_questions(about: About, form: Questionnaire, file: Path) -> None:
    names = [question.name for question in form]
    for name, analysis in about.analysis.items():
        if name not in form:
            raise SurveyError(f"{file}: analysis.{name}: no such question{did_you_mean(name, names)} Correct the name.")
        for part in analysis.by:
            for by in (part,) if isinstance(part, str) else part:
                if by not in form:
                    near = did_you_mean(by, names)
                    raise SurveyError(f"{file}: analysis.{name}.by: no question {by!r}{near} Correct the name.")
