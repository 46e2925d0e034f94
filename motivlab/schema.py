"""The questionnaire as a Pandera schema, and the check of a survey against it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from tabulate import tabulate

from .about import About
from .codes import as_days, as_numbers, as_texts
from .expressions import Expression, Mask, parse_expression
from .language import known, say
from .questionnaire import CHOICE_TYPES, NUMBER_TYPES, Question, Questionnaire
from .rules import Rule, duplicated, programme_rules
from .survey import Survey, declared_columns

if TYPE_CHECKING:
    import pandera.pandas as pa

FINDING_COLUMNS = ("respondent", "variable", "value", "rule", "severity", "message")


def rules(form: Questionnaire, about: About | None = None, columns: Iterable[str] = ()) -> Iterator[Rule]:
    """All rules that a questionnaire, the design and the programme put on the responses, which have ``columns``."""
    for question in form:
        if question.columns:
            yield from _value_rules(question, form)
            yield from _routing_rules(question, form)
    if about is None:
        return
    identity, weight = about.respondent_id, about.design.weight
    yield Rule("id_missing", identity, (identity,), lambda frame: _blank(frame[identity]))
    yield Rule("id_duplicate", identity, (identity,), lambda frame: duplicated(frame[identity]))
    if weight:
        yield Rule("weight", weight, (weight,), lambda frame: ~_positive(frame[weight]))
    for role, column in about.design.columns.items():
        if role != "weight":
            yield Rule("design", column, (column,), lambda frame, c=column: _blank(frame[c]))  # type: ignore[misc]
    for column in about.design.replicate_columns(columns):
        yield Rule(
            "wrong_type", column, (column,),
            lambda frame, c=column: ~np.isfinite(as_numbers(frame[c])), "decimal",  # type: ignore[misc]
        )  # fmt: skip
        yield Rule(
            "out_of_range", column, (column,),
            lambda frame, c=column: as_numbers(frame[c]) < 0, "≥ 0",  # type: ignore[misc]
        )  # fmt: skip
    if about.programme:
        yield from programme_rules(form, about.programme)


def _read_by(question: Question, expressions: Iterable[Expression], form: Questionnaire) -> tuple[str, ...]:
    """The columns of a question and of all questions that its expressions refer to."""
    names = dict.fromkeys([question.name, *(name for expression in expressions for name in expression.names)])
    return tuple(column for name in names for column in form[name].columns)


def _blank(column: pd.Series) -> Mask:
    return np.asarray(column.isna(), dtype=bool)


def _positive(column: pd.Series) -> Mask:
    values = as_numbers(column)
    return (values > 0) & np.isfinite(values)


def _not_in(column: pd.Series, allowed: list[str]) -> Mask:
    if isinstance(column.dtype, pd.CategoricalDtype):
        good = np.append(np.isin(as_texts(column.cat.categories), allowed), True)
        return np.asarray(~good[column.cat.codes.to_numpy()])
    return np.asarray(~np.isin(as_texts(column), [*allowed, ""]))


def _value_rules(question: Question, form: Questionnaire) -> Iterator[Rule]:
    """Rules on the values of one question: codes, types, limits."""
    name, missing = question.name, list(question.missing_codes)
    if question.type in CHOICE_TYPES:
        single = question.type == "select_one"
        allowed = [choice.name for choice in question.choices] if single else ["0", "1", *missing]
        for column in question.columns:
            yield Rule(
                "unknown_code", column, (column,),
                lambda frame, c=column: _not_in(frame[c], allowed), ", ".join(allowed),  # type: ignore[misc]
            )  # fmt: skip
    if question.type in NUMBER_TYPES or question.type == "date":
        whole = question.type == "integer"

        def wrong(frame: pd.DataFrame) -> Mask:
            column = frame[name]
            if question.type == "date":
                good = ~np.isnat(as_days(column))
            else:
                values = as_numbers(column)
                good = (values == np.floor(values) if whole else True) & np.isfinite(values)
            return ~good & ~np.isin(as_texts(column), ["", *missing])

        yield Rule("wrong_type", name, (name,), wrong, question.type)
    low, high = question.limits if question.type == "range" else (None, None)
    if low is not None or high is not None:
        floor, ceiling = -np.inf if low is None else low, np.inf if high is None else high

        def outside(frame: pd.DataFrame) -> Mask:
            values = as_numbers(frame[name])
            return ((values < floor) | (values > ceiling)) & ~np.isin(as_texts(frame[name]), missing)

        yield Rule("out_of_range", name, (name,), outside, f"{floor:g}-{ceiling:g}")
    if question.constraint:
        expression = parse_expression(question.constraint)

        def off_limits(frame: pd.DataFrame) -> Mask:
            present = _answered(frame, question)
            if question.type in (*NUMBER_TYPES, "date"):  # what is no number or date has its own finding
                present &= ~wrong(frame)
            return present & ~expression.mask(frame, name)

        yield Rule("out_of_range", name, _read_by(question, [expression], form), off_limits, question.constraint)


def _answered(frame: pd.DataFrame, question: Question) -> Mask:
    """Where there is an answer: not blank, and no missing reason."""
    missing = ["", *question.missing_codes]
    out = np.zeros(len(frame), dtype=bool)
    for column in question.columns:
        if column in frame:
            out |= ~np.isin(as_texts(frame[column]), missing)
    return out


def _empty(frame: pd.DataFrame, question: Question) -> Mask:
    """Where nothing at all is entered, or only that the question was not asked."""
    nothing = ["", *(code for code, reason in question.missing_codes.items() if reason == "not_asked")]
    out = np.ones(len(frame), dtype=bool)
    for column in (*question.columns, *question.optional_columns):
        if column in frame:
            out &= np.isin(as_texts(frame[column]), nothing)
    return out


def _routing_rules(question: Question, form: Questionnaire) -> Iterator[Rule]:
    """Rules on who answers what: routing in both directions, exclusive choices."""
    condition = " and ".join(expression.text for expression in question.routing)

    needs = _read_by(question, question.routing, form)
    required = question.extra.get("required", "").lower() in ("yes", "true", "true()")
    if question.routing:
        yield Rule(
            "answered_not_asked", question.name, needs,
            lambda frame: ~_empty(frame, question) & ~question.routed(frame), condition,
        )  # fmt: skip
    if question.routing or required:
        yield Rule(
            "asked_not_answered", question.name, needs,
            lambda frame: _empty(frame, question) & question.routed(frame), condition or "required",
            "error" if required or question.type in CHOICE_TYPES else "warning",
        )  # fmt: skip
    alone = [choice for choice in question.choices if choice.exclusive or choice.missing]
    if question.type == "select_multiple" and alone:
        names = {question.column(choice) for choice in alone}

        def together(frame: pd.DataFrame) -> Mask:
            columns = [c for c in (*question.columns, *question.optional_columns) if c in frame]
            hits = np.stack([as_numbers(frame[column]) == 1 for column in columns], axis=1)
            apart = np.array([column in names for column in columns])
            return np.asarray(hits[:, apart].any(axis=1) & (hits.sum(axis=1) > 1))

        detail = ", ".join(choice.name for choice in alone)
        yield Rule("exclusive", question.name, question.columns, together, detail)


def schema(form: Questionnaire, about: About | None = None, columns: Iterable[str] = ()) -> pa.DataFrameSchema:
    """The Pandera schema of a questionnaire.

    Rules on one column are checks of that column. Rules that read several columns (routing, exclusive choices, limits
    that refer to other questions) are each one dataframe-level check, which says whether the rule holds; which
    respondents break it, :func:`check` says. Every check is named ``rule:variable``.

    Parameters
    ----------
    form : Questionnaire
    about : About, optional
        With it the respondent id and the design are checked too, and no undeclared column is allowed.
    columns : iterable of str, optional
        Those of the responses: replicate weights that are declared by a pattern are looked for among them.

    Returns
    -------
    pandera.pandas.DataFrameSchema
        Extend it with ``schema.update_column`` or ``schema.add_columns``; :func:`check` takes the result.

    Examples
    --------
    >>> from motivlab.questionnaire import Question, Questionnaire
    >>> list(schema(Questionnaire((Question("age", "integer"),))).columns)
    ['age']
    """
    import pandera.pandas as pa

    by_column: dict[str, list[pa.Check]] = {}
    whole: list[pa.Check] = []
    columns = list(columns)
    for rule in rules(form, about, columns):
        if rule.needs == (rule.variable,):
            check = pa.Check(_holds_in_column(rule), name=rule.key, ignore_na=False)
            by_column.setdefault(rule.variable, []).append(check)
        else:
            whole.append(pa.Check(_holds(rule), name=rule.key, ignore_na=False))
    declared = [column for question in form for column in question.columns]
    optional = [column for question in form for column in question.optional_columns]
    if about is not None:
        declared = list(declared_columns(form, about, columns))
        optional += about.other_columns
    fields = {name: pa.Column(required=False, nullable=True) for name in optional}
    fields |= {name: pa.Column(checks=by_column.get(name, []), nullable=True) for name in declared}
    return pa.DataFrameSchema(fields, checks=whole, unique_column_names=True, strict=about is not None)


def _holds(rule: Rule) -> Callable[[pd.DataFrame], bool]:
    def holds(frame: pd.DataFrame) -> bool:
        return not rule.mask(frame).any()

    return holds


def _holds_in_column(rule: Rule) -> Callable[[pd.Series], pd.Series]:
    def holds(column: pd.Series) -> pd.Series:
        return pd.Series(~rule.mask(column.to_frame()), index=column.index)

    return holds


@dataclass(frozen=True, repr=False)
class CheckReport:
    """What is wrong in a survey's responses: which respondent, which variable, by which rule.

    Attributes
    ----------
    findings : DataFrame
        One row per respondent and rule broken. Columns: ``respondent`` (id; empty for a column that is absent or not
        declared), ``variable``, ``value``, ``rule``, ``severity`` (``error`` or ``warning``), ``message``. The index,
        ``row``, is the row of the file, whose head is row 1, or without a file of the frame, from 1.
    respondents : int
        The number of rows that were checked.
    file : str
        The name of the file.
    language : str
    """

    findings: pd.DataFrame
    respondents: int
    file: str
    language: str = "en"

    @property
    def ok(self) -> bool:
        """True if nothing was found."""
        return self.findings.empty

    @cached_property
    def summary(self) -> pd.DataFrame:
        """Counts by rule and severity: columns ``rule``, ``severity``, ``variables``, ``count``."""
        grouped = self.findings.groupby(["severity", "rule"], sort=True)
        rows = [
            (rule, severity, ", ".join(dict.fromkeys(part["variable"])), len(part))
            for (severity, rule), part in grouped
        ]
        return pd.DataFrame(rows, columns=["rule", "severity", "variables", "count"])

    @property
    def headline(self) -> str:
        """One sentence: how many respondents, how many findings."""
        people = say("respondents", self.language, n=self.respondents)
        if self.ok:
            return say("check_clean", self.language, file=self.file, respondents=people)
        respondents = self.findings[~self.findings["rule"].isin(["column_missing", "column_unknown"])]
        affected = int(respondents.index.nunique())
        return say(
            "check_found", self.language, file=self.file, respondents=people,
            findings=say("findings", self.language, n=len(self.findings)),
            affected=affected,
        )  # fmt: skip

    def shown(self) -> pd.DataFrame:
        """The summary with rules and headings in the report's language."""
        words = self.summary
        return pd.DataFrame({
            say("check_rule", self.language): [say(f"rule_{r}", self.language) for r in words["rule"]],
            say("check_severity", self.language): [say(f"severity_{s}", self.language) for s in words["severity"]],
            say("check_variables", self.language): words["variables"].to_numpy(),
            say("check_count", self.language): words["count"].to_numpy(),
        })  # fmt: skip

    def __repr__(self) -> str:
        if self.ok:
            return self.headline
        shown = self.shown()
        table = tabulate(shown.to_numpy().tolist(), list(shown), "simple", disable_numparse=True)
        return f"{self.headline}\n\n{table}"

    def _repr_html_(self) -> str:
        from html import escape

        table = "" if self.ok else self.shown().to_html(index=False, border=0, justify="left", classes="motivlab")
        return f"<p>{escape(self.headline)}</p>{table}"


def check(survey: Survey, schema_: pa.DataFrameSchema | None = None) -> CheckReport:
    """Check a survey's responses against its questionnaire and design.

    The check is lazy and complete: every rule is tried on every respondent, and nothing is changed.

    Parameters
    ----------
    survey : Survey
    schema_ : DataFrameSchema, optional
        A schema of :func:`schema` with checks of your own added; they are reported under the rule ``schema``.

    Returns
    -------
    CheckReport

    Examples
    --------
    >>> from motivlab.survey import Survey
    >>> survey = Survey.from_frame(pd.DataFrame({"id": [1, 2, 2], "sex": ["f", "m", "f"]}), respondent_id="id")
    >>> check(survey).findings["rule"].tolist()
    ['id_duplicate', 'id_duplicate']
    """
    import pandera.pandas as pa

    frame, form, about = survey.responses, survey.questionnaire, survey.about
    schema_ = schema_ or schema(form, about, frame.columns)
    found: list[dict[str, Any]] = list(_structure(survey))
    try:
        schema_.validate(frame, lazy=True)
        failed: dict[str, pd.DataFrame] = {}
    except pa.errors.SchemaErrors as error:
        cases = error.failure_cases
        structure = ["column_in_dataframe", "column_in_schema"]  # said by _structure already
        cases = cases[~cases["check"].astype(str).isin(structure)]
        failed = {str(name): part for name, part in cases.groupby("check", sort=False)}
    own: set[str] = set()
    for rule in rules(form, about, frame.columns):
        if rule.key in failed:
            found += _rows(survey, rule)
            own.add(rule.key)
    for name, part in failed.items():
        if name in own:
            continue
        found += _foreign(survey, name, part)
    findings = pd.DataFrame(found, columns=["row", *FINDING_COLUMNS])
    findings = findings.drop_duplicates(["row", "variable", "rule", "value"])  # a range may break two limits at once
    findings = findings.astype({"row": "int64"}).sort_values(["row", "variable", "rule"], kind="stable")
    where = survey.files[-1].name if survey.files else "DataFrame"
    return CheckReport(findings.set_index("row"), len(frame), where, survey.language)


def _structure(survey: Survey) -> Iterator[dict[str, Any]]:
    declared = declared_columns(survey.questionnaire, survey.about, survey.responses.columns)
    optional = {c for q in survey.questionnaire for c in q.optional_columns} | set(survey.about.other_columns)
    for column, by in declared.items():
        if column not in survey.responses:
            yield _finding(survey, None, "column_missing", column, "", by)
    for column in survey.responses:
        if column not in declared and column not in optional:
            yield _finding(survey, None, "column_unknown", str(column), "", "")


def _finding(
    survey: Survey, position: int | None, rule: str, variable: str, value: str, detail: str, severity: str = "error"
) -> dict[str, Any]:
    identity = survey.about.respondent_id
    shown = value or say("blank", survey.language)
    detail = say(f"detail_{detail}", survey.language) if known(f"detail_{detail}") else detail
    message = say(f"message_{rule}", survey.language, variable=variable, value=shown, detail=detail)
    named = position is not None and identity in survey.responses
    return {
        "row": 1 if position is None else survey.row_number(position),
        "respondent": as_texts(survey.responses[identity].iloc[[position]])[0] if named else "",
        "variable": variable,
        "value": value,
        "rule": rule,
        "severity": severity,
        "message": message,
    }


def _rows(survey: Survey, rule: Rule) -> Iterator[dict[str, Any]]:
    for position in np.flatnonzero(rule.mask(survey.responses)):
        value = _value(survey, rule, int(position))
        yield _finding(survey, int(position), rule.id, rule.variable, value, str(rule.detail), rule.severity or "error")


def _value(survey: Survey, rule: Rule, position: int) -> str:
    """The value a rule is broken by: the cell, or the names of the chosen of a multiple response question."""
    frame = survey.responses.iloc[[position]]
    if rule.variable in frame:
        return str(as_texts(frame[rule.variable])[0])
    question = survey.questionnaire[rule.variable]
    columns = (*question.columns, *question.optional_columns)
    chosen = [c for c in columns if c in frame and as_numbers(frame[c])[0] == 1]
    return " ".join(column.removeprefix(f"{rule.variable}/") for column in chosen)


def _foreign(survey: Survey, name: str, cases: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Findings of checks that somebody added to the schema."""
    for case in cases.itertuples():
        position = None if pd.isna(case.index) else int(survey.responses.index.get_loc(int(case.index)))
        value = "" if pd.isna(case.failure_case) else str(case.failure_case)
        yield _finding(survey, position, "schema", str(case.column), value, name)
