"""What a check finds, gathered: each rule tried once, and a row of the report for everything that breaks it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from .codes import as_days, as_texts
from .expressions import ExpressionError
from .kinds import KINDS, Setting
from .language import say
from .questionnaire import Questionnaire
from .rules import Detail, Found, Overall, Positions, Rule, chosen, coded, paradata
from .survey import Survey

if TYPE_CHECKING:
    import pandera.pandas as pa

FINDING_COLUMNS = ("respondent", "variable", "value", "rule", "severity", "message", "interviewer", "day")
HEAD, WHOLE = 1, 0  # the rows of what is about a column of the file, and about all of it

# Of two rules on one question that the same respondent breaks, the more telling one: rule to those that say it better.
SAID_BY: Mapping[str, tuple[str, ...]] = {
    "out_of_range": ("wrong_type", "unknown_code"),
    "calculation": ("wrong_type",),
    "not_offered": ("unknown_code", "answered_not_asked"),
    "asked_not_answered": ("other_without_text",),
    "answered_not_asked": ("text_without_other",),
    "age_impossible": ("wrong_type", "out_of_range"),
    "age_disagrees": ("wrong_type", "out_of_range", "age_impossible"),
    "outside_fieldwork": ("wrong_type",),
    "after_interview": ("wrong_type", "outside_fieldwork"),
    "weight_extreme": ("weight",),
}


Texts = Sequence[str] | npt.NDArray[np.object_]


@dataclass(frozen=True, eq=False)
class Table:
    """A table that is checked.

    Attributes
    ----------
    name : str
        Of the repeat; empty for the responses.
    frame : DataFrame
    form : Questionnaire
        The questions of its rows.
    identity : str
        The column of the ids of its rows.
    people : ndarray of int, shape (len(frame),)
        Of each row the position of the respondent among the responses, -1 where there is none.
    """

    name: str
    frame: pd.DataFrame
    form: Questionnaire
    identity: str
    people: npt.NDArray[np.intp]

    def named(self, variable: str) -> str:
        """How a finding names a variable: that of a repeat as ``repeat/question``."""
        return f"{self.name}/{variable}" if self.name else variable


@dataclass(frozen=True, eq=False)
class _Part:
    """Findings of one rule on one variable."""

    table: int
    rule: str
    variable: str
    severity: str
    rows: npt.NDArray[np.int64]
    people: npt.NDArray[np.intp]
    respondents: Texts
    values: Texts
    messages: Texts


class Findings:
    """All that is found in a survey, table by table."""

    def __init__(self, survey: Survey) -> None:
        self.survey = survey
        self.language = survey.language
        self.first = 2 if survey.files else 1
        self.parts: list[_Part] = []
        self.tables: list[str] = []
        self.missed: dict[str, dict[str, None]] = {}
        self.absent: list[str] = []

    # ------------------------------------------------------------------------------------------------- what is tried

    def structure(self, table: Table, declared: Mapping[str, str], known: Iterable[str] = ()) -> None:
        """Columns that are declared and absent, or there and not declared; ``known`` are declared elsewhere."""
        optional = {column for question in table.form for column in question.optional_columns} | set(known)
        optional |= set(self.survey.about.other_columns if not table.name else ())
        for column, by in declared.items():
            if column not in table.frame:
                self._of_file(table, "column_missing", HEAD, Found(column, detail=by))
        for column in map(str, table.frame):
            if column not in declared and column not in optional:
                self._of_file(table, "column_unknown", HEAD, Found(column))

    def no_table(self, name: str) -> None:
        """The members of a repeat are not there."""
        self.absent.append(name)

    def tried(self, table: Table, rules: Iterable[Rule | Overall]) -> None:
        """Try rules, each once. Of two that one answer breaks, the more telling one says it."""
        broken: list[tuple[Rule, Positions]] = []
        by_kind: dict[tuple[str, str], Positions] = {}
        for rule in rules:
            try:
                if isinstance(rule, Overall):
                    for found in rule.found(table.frame):
                        self._of_file(table, rule.id, WHOLE, found, rule.severity)
                    continue
                at = np.flatnonzero(rule.mask(table.frame))
            except ExpressionError as error:
                self.missed.setdefault(str(error), {})[f"{rule.id}:{table.named(rule.variable)}"] = None
                continue
            if not len(at):
                continue
            key = (rule.id, rule.variable)
            if key in by_kind:  # a value may break two limits at once
                at = np.setdiff1d(at, by_kind[key], assume_unique=True)
            by_kind[key] = np.union1d(by_kind.get(key, at), at)
            broken.append((rule, at))
        for rule, at in broken:
            for better in SAID_BY.get(rule.id, ()):
                if (better, rule.variable) in by_kind:
                    at = np.setdiff1d(at, by_kind[better, rule.variable], assume_unique=True)
            if len(at):
                self._of_rows(table, rule, at)

    def foreign(self, table: Table, schema: pa.DataFrameSchema) -> None:
        """What somebody added to the schema: tried by Pandera, without the rules that are tried already."""
        import pandera.pandas as pa

        try:
            _without_rules(schema).validate(table.frame, lazy=True)
        except pa.errors.SchemaErrors as error:
            cases = error.failure_cases
        else:
            return
        checks = cases["check"].astype(str)
        # said by the structure already
        said = (checks == "column_in_schema") | ((checks == "column_in_dataframe") & cases["failure_case"].isin(
            [part.variable for part in self.parts if part.rule == "column_missing"]
        ))  # fmt: skip
        cases = cases[~said.to_numpy()]
        columns = cases["column"].astype(str).where(cases["column"].isin(list(table.frame)), "")
        columns = columns.mask(cases["check"] == "column_in_dataframe", cases["failure_case"].astype(str))
        for (name, column), case in cases.groupby([cases["check"].astype(str), columns], sort=True):
            inside = case["index"].notna().to_numpy()
            at = table.frame.index.get_indexer(pd.Index(case["index"][inside]))
            values = _plain(case["failure_case"])
            self._add(table, "schema", column or name, at, values[inside], [name] * len(at))
            for value in values[~inside]:
                self._of_file(table, "schema", WHOLE, Found(column or name, "" if column == "" else value, name))

    # --------------------------------------------------------------------------------------------------- how it is told

    def _of_file(self, table: Table, rule: str, row: int, found: Found, severity: str = "") -> None:
        """A finding that is about no respondent."""
        if not self.survey.about.checks.on(rule):
            return
        variable = table.named(found.variable)
        detail = found.detail if isinstance(found.detail, str) else found.detail(self.language)
        message = self._message(rule, variable, found.value, detail)
        self.parts.append(_Part(
            self._number(table), rule, variable, self._severity(rule, severity), np.array([row], dtype=np.int64),
            np.array([-1]), [""], [found.value], [message],
        ))  # fmt: skip

    def _of_rows(self, table: Table, rule: Rule, at: Positions) -> None:
        values = _values(table, rule.variable, at)
        if rule.secret:
            from .rules_identifiers import masked

            values = np.array([masked(value) for value in values], dtype=object)
        details = rule.told(table.frame, at) if rule.told else [rule.detail] * len(at)
        self._add(table, rule.id, rule.variable, at, values, details, rule.severity)

    def _add(
        self, table: Table, rule: str, variable: str, at: Positions, values: Texts,
        details: Sequence[Detail], severity: str = "",
    ) -> None:  # fmt: skip
        """Findings of respondents, or of members of a repeat."""
        if not len(at) or not self.survey.about.checks.on(rule):
            return
        named = table.named(variable)
        said: dict[Detail, str] = {}
        texts: dict[tuple[str, str], str] = {}
        messages = []
        for value, detail in zip(values, details, strict=True):
            if detail not in said:
                said[detail] = detail if isinstance(detail, str) else detail(self.language)
            key = (value, said[detail])
            if key not in texts:
                texts[key] = self._message(rule, named, *key)
            messages.append(texts[key])
        who = table.frame[table.identity].iloc[at] if table.identity in table.frame else pd.Series([""] * len(at))
        rows = np.asarray(table.frame.index, dtype=np.int64)[at] + self.first
        self.parts.append(_Part(
            self._number(table), rule, named, self._severity(rule, severity), rows, table.people[at], as_texts(who),
            values, messages,
        ))  # fmt: skip

    def _number(self, table: Table) -> int:
        if table.name not in self.tables:
            self.tables.append(table.name)
        return self.tables.index(table.name)

    def _message(self, rule: str, variable: str, value: str, detail: str) -> str:
        shown = value or say("blank", self.language)
        return say(f"message_{rule}", self.language, variable=variable, value=shown, detail=detail)

    def _severity(self, rule: str, given: str) -> str:
        """That of survey.yml, else of the rule, else of its kind."""
        setting = self.survey.about.checks.rules.get(rule)
        return (setting.severity if isinstance(setting, Setting) else None) or given or KINDS[rule].severity

    # --------------------------------------------------------------------------------------------------- the report

    def report(self) -> dict[str, Any]:
        """The fields of the report."""
        parts, survey = self.parts, self.survey
        sizes = [len(part.rows) for part in parts]

        def each(of: Callable[[_Part], Any]) -> npt.NDArray[Any]:
            return np.repeat(np.array([of(part) for part in parts], dtype=object), sizes)

        def joined(of: Callable[[_Part], Any], kind: Any) -> npt.NDArray[Any]:
            return np.concatenate([np.empty(0, dtype=kind), *(np.asarray(of(part), dtype=kind) for part in parts)])

        rows = joined(lambda part: part.rows, np.int64)
        people = joined(lambda part: part.people, np.intp)
        kinds = sorted({(part.variable, part.rule) for part in parts})
        rank = {kind: i for i, kind in enumerate(kinds)}
        order = np.lexsort((
            np.repeat([rank[part.variable, part.rule] for part in parts], sizes).astype(int), rows,
            np.repeat([part.table for part in parts], sizes).astype(int),
        ))  # fmt: skip
        interviewer, day = _interviews(survey, people)
        columns = {
            "respondent": joined(lambda part: part.respondents, object),
            "variable": each(lambda part: part.variable),
            "value": joined(lambda part: part.values, object),
            "rule": each(lambda part: part.rule),
            "severity": each(lambda part: part.severity),
            "message": joined(lambda part: part.messages, object),
            "interviewer": interviewer,
            "day": day,
        }
        index = pd.Index(rows[order], name="row")
        findings = pd.DataFrame({name: pd.Series(columns[name][order], index, dtype="str") for name in FINDING_COLUMNS})
        kept = _kept(findings, survey.cleaning)
        return {
            "findings": findings[~kept],
            "kept": findings[kept],
            "people": people[order][~kept],
            "respondents": len(survey.responses),
            "file": survey.files[-1].name if survey.files else "DataFrame",
            "language": self.language,
            "left_out": tuple(self._left_out()),
        }

    def _left_out(self) -> Iterable[str]:
        for name in self.absent:
            yield say("check_no_table", self.language, table=name)
        for why, keys in self.missed.items():
            by_rule: dict[str, list[str]] = {}
            for key in keys:
                rule, _, variable = key.partition(":")
                by_rule.setdefault(rule, []).append(variable)
            named = "; ".join(
                f"{say(f'rule_{rule}', self.language)}: {', '.join(names)}" for rule, names in by_rule.items()
            )
            yield say("check_left_out", self.language, rules=named, why=why)


def _values(table: Table, variable: str, at: Positions) -> npt.NDArray[np.object_]:
    """The values that stand there: the cells, or the names of the chosen of a multiple response question."""
    frame = table.frame
    if variable in frame:
        if frame[variable].dtype.kind in "fM":  # of many different values
            return as_texts(frame[variable].iloc[at])
        given = coded(frame, variable)
        return given.levels[given.places[at]]
    out = np.full(len(at), "", dtype=object)
    if variable in table.form:
        question = table.form[variable]
        for choice in question.choices if question.type == "select_multiple" else ():
            if (column := question.column(choice)) in frame:
                hit = chosen(frame, column)[at]
                out[hit] = np.where(out[hit] == "", "", out[hit] + " ") + choice.name
    return out


def _interviews(survey: Survey, people: npt.NDArray[np.intp]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Interviewer and day of the respondents at these positions."""
    frame = survey.responses
    of = paradata(survey.questionnaire, survey.about, frame.columns)
    there = people >= 0

    def told(name: str, read: Callable[[pd.Series], npt.NDArray[Any]]) -> npt.NDArray[Any]:
        out = np.full(len(people), "", dtype=object)
        if name and there.any():
            places, back = np.unique(people[there], return_inverse=True)
            out[there] = read(frame[name].iloc[places])[back]
        return out

    return told(of.interviewer, as_texts), told(of.day, _iso)


def _iso(column: pd.Series) -> npt.NDArray[np.object_]:
    days = as_days(column)
    return np.where(np.isnat(days), "", days.astype(str)).astype(object)


def _kept(findings: pd.DataFrame, record: pd.DataFrame | None) -> npt.NDArray[np.bool_]:
    """Which findings the record of the cleaning keeps as they are."""
    if record is None or not (keep := as_texts(record["action"]) == "keep").any():
        return np.zeros(len(findings), dtype=bool)
    said = [as_texts(record[name])[keep] for name in ("respondent", "variable", "rule", "before")]
    shown = [findings[name].to_numpy(dtype=object) for name in ("respondent", "variable", "rule", "value")]
    return np.asarray(pd.MultiIndex.from_arrays(shown).isin(pd.MultiIndex.from_arrays(said)))


def _without_rules(schema: pa.DataFrameSchema) -> pa.DataFrameSchema:
    """The schema with only those checks that somebody added."""
    out = copy.copy(schema)
    out.columns = {}
    for name, column in schema.columns.items():
        out.columns[name] = copy.copy(column)
        out.columns[name].checks = _added(column.checks)
    out.checks = _added(schema.checks)
    return out


def _added(checks: Iterable[Any]) -> list[Any]:
    return [check for check in checks if ":" not in str(check.name) or str(check.name).partition(":")[0] not in KINDS]


def _plain(values: pd.Series) -> npt.NDArray[np.object_]:
    return np.array(["" if value is None or value is pd.NA or value != value else str(value) for value in values],
                    dtype=object)  # fmt: skip
