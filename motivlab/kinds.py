"""The rules a survey is checked by: their severity and threshold, and what ``survey.yml`` changes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import Field, model_validator

from .parts import Part
from .questionnaire import did_you_mean

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True)
class Kind:
    """One kind of rule.

    Attributes
    ----------
    severity : {"error", "warning", "note"}
        An error has to be corrected or explained, a warning looked at, a note known.
    threshold : float, optional
        From where on the rule is broken, in the unit that the table in ``data/README.md`` names; None: it has none.
    """

    severity: Severity
    threshold: float | None = None


KINDS: Mapping[str, Kind] = {
    # structure
    "column_missing": Kind("error"),
    "column_unknown": Kind("error"),
    "id_missing": Kind("error"),
    "id_duplicate": Kind("error"),
    "duplicate_interview": Kind("error"),
    "near_duplicate": Kind("warning", 0.95),  # share of equal answers
    "orphan": Kind("error"),  # a member of a repeat whose respondent is not there
    # values
    "wrong_type": Kind("error"),
    "unknown_code": Kind("error"),
    "out_of_range": Kind("error"),
    "not_offered": Kind("error"),  # a choice that choice_filter did not offer
    "calculation": Kind("warning"),  # a calculated value that is not what its formula gives
    # routing and sets
    "answered_not_asked": Kind("error"),
    "asked_not_answered": Kind("error"),
    "exclusive": Kind("error"),
    "other_without_text": Kind("warning"),
    "text_without_other": Kind("warning"),
    # dates and ages
    "outside_fieldwork": Kind("error"),
    "end_before_start": Kind("error"),
    "after_interview": Kind("error"),  # a date later than the interview it was told in
    "age_impossible": Kind("error", 110),  # years
    "age_disagrees": Kind("error", 1),  # years between the age and the year or date of birth
    # the interview and the interviewer
    "too_short": Kind("warning", 0.4),  # share of the median length
    "straight_lining": Kind("warning", 5),  # items of a grid
    "no_answer_respondent": Kind("warning", 0.5),  # share of the questions put to the respondent
    "no_answer_question": Kind("warning", 0.3),  # share of the respondents it was put to
    "no_answer_interviewer": Kind("warning", 2),  # times the share of the other interviewers
    "interviewer_effect": Kind("warning", 0.1),  # intraclass correlation
    # weights and sample
    "weight": Kind("error"),
    "design": Kind("error"),
    "weight_extreme": Kind("warning", 5),  # times the mean
    "weight_sum": Kind("warning", 0.01),  # relative difference from the total of the margins
    "weight_effect": Kind("warning", 2),  # Kish's design effect
    "off_margins": Kind("warning", 0.05),  # points of share, as 0.05 is five
    # what identifies a person
    "identifier": Kind("error"),
    # the questionnaire
    "nobody_answered": Kind("note"),
    "unused_code": Kind("note"),
    "label_missing": Kind("note"),
    # the register of a programme
    "date_order": Kind("error"),
    "not_exited": Kind("error"),
    "outcome_before_entry": Kind("error"),
    "outcome_not_chosen": Kind("error"),
    "person_duplicate": Kind("error"),
    # checks that somebody added
    "schema": Kind("error"),
}


class Setting(Part):
    """What ``survey.yml`` changes of one kind of rule."""

    threshold: float | None = None
    severity: Severity | None = None


class Checks(Part):
    """``checks`` of ``survey.yml``: rule to ``off``, a threshold, or both keys of a :class:`Setting`.

    Examples
    --------
    >>> checks = Checks(rules={"near_duplicate": 0.9, "unused_code": "off"})
    >>> checks.threshold("near_duplicate"), checks.on("unused_code"), checks.severity("near_duplicate")
    (0.9, False, 'warning')
    """

    rules: dict[str, float | bool | Literal["on", "off"] | Setting] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, values: object) -> object:
        """In the file the rules stand right under ``checks``."""
        if isinstance(values, dict) and set(values) != {"rules"}:
            return {"rules": values}
        return values

    @model_validator(mode="after")
    def _known(self) -> Checks:
        for rule, setting in self.rules.items():
            if rule not in KINDS:
                raise ValueError(f"there is no rule {rule!r}{did_you_mean(rule, KINDS)} Known: {', '.join(KINDS)}")
            given = _number(setting)
            if given is not None and KINDS[rule].threshold is None:
                raise ValueError(f"{rule} is {given:g}; it has no threshold. Use on or off")
            if given is not None and not given > 0:
                raise ValueError(f"{rule} is {given:g}; a threshold is above 0")
        return self

    def on(self, rule: str) -> bool:
        """Whether a rule is checked."""
        return self.rules.get(rule, True) not in (False, "off")

    def threshold(self, rule: str) -> float:
        """From where on a rule is broken."""
        given = _number(self.rules.get(rule))
        return float(KINDS[rule].threshold or 0) if given is None else given

    def severity(self, rule: str) -> Severity:
        """How much it weighs that a rule is broken."""
        setting = self.rules.get(rule)
        return (setting.severity if isinstance(setting, Setting) else None) or KINDS[rule].severity


def _number(setting: object) -> float | None:
    """The threshold that a setting gives; None if it gives none."""
    given = setting.threshold if isinstance(setting, Setting) else setting
    return float(given) if isinstance(given, (int, float)) and not isinstance(given, bool) else None


class Paradata(Part):
    """The questions and columns that tell of the interview itself, of one respondent each.

    Attributes
    ----------
    interviewer : str
        Who asked.
    start, end : str
        When the interview began and ended, with the time of the day.
    day : str
        The day of the interview.
    age : str
        The question for the age, in years.
    born : str
        The question for the year or the date of birth.
    """

    interviewer: str = ""
    start: str = ""
    end: str = ""
    day: str = ""
    age: str = ""
    born: str = ""
