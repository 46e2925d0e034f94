"""The rules of a survey, and the same as a Pandera schema that can be extended."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from . import rules_form
from .about import About
from .codes import as_numbers
from .expressions import ExpressionError, Mask
from .masks import METHODS, as_question
from .questionnaire import Questionnaire
from .rules import Overall, Rule, duplicated, is_in, numbers, programme_rules
from .survey import Survey
from .typed import declared_columns

if TYPE_CHECKING:
    import pandera.pandas as pa

    from .evaluate import Context


def rules(
    form: Questionnaire,
    about: About | None = None,
    columns: Iterable[str] = (),
    context: Context | None = None,
    margins: pd.DataFrame | None = None,
) -> Iterator[Rule | Overall]:
    """All rules that are put on responses with these columns, without those that ``survey.yml`` switches off.

    Parameters
    ----------
    form : Questionnaire
    about : About, optional
        Without it only the rules of the questionnaire.
    columns : iterable of str
        Those of the responses.
    context : Context, optional
        What expressions may need beside the frame: :attr:`Survey.context`.
    margins : DataFrame, optional
        Known totals of the population, as :func:`motivlab.margins_file.read_margins` reads them.

    Yields
    ------
    Rule or Overall
    """
    columns = list(columns)
    for rule in _all(form, about, columns, context, margins):
        if about is None or about.checks.on(rule.id):
            yield rule


def _all(
    form: Questionnaire,
    about: About | None,
    columns: list[str],
    context: Context | None,
    margins: pd.DataFrame | None,
) -> Iterator[Rule | Overall]:
    yield from rules_form.rules(form, about, columns, context)
    if about is None:
        return
    from . import rules_duplicates, rules_identifiers, rules_interview, rules_interviewers, rules_sample

    yield from identity_rules(about.respondent_id)
    yield from _design_rules(about, columns)
    if about.programme:
        yield from programme_rules(form, about.programme)
    for module in (rules_interview, rules_duplicates, rules_identifiers):
        yield from module.rules(form, about, columns)
    yield from rules_interviewers.rules(form, about, columns, context)
    yield from rules_sample.rules(form, about, columns, margins)


def identity_rules(name: str) -> Iterator[Rule]:
    """Every row has an id of its own."""
    yield Rule("id_missing", name, (name,), lambda frame: is_in(frame, name, [""]))
    yield Rule("id_duplicate", name, (name,), lambda frame: duplicated(frame[name]))


def _design_rules(about: About, columns: Iterable[str]) -> Iterator[Rule]:
    """The columns of the design are filled, weights are positive numbers."""
    for role, column in about.design.columns.items():
        broken = _not_positive if role == "weight" else _blank
        yield Rule("weight" if role == "weight" else "design", column, (column,), partial(broken, column))
    for column in about.design.replicate_columns(columns):
        yield Rule(
            "wrong_type", column, (column,), partial(_no_number, column), partial(rules_form.type_in_words, "decimal")
        )
        yield Rule("out_of_range", column, (column,), partial(_negative, column), "≥ 0")


def _blank(name: str, frame: pd.DataFrame) -> Mask:
    return np.asarray(frame[name].isna(), dtype=bool)


def _not_positive(name: str, frame: pd.DataFrame) -> Mask:
    values = numbers(frame, name)
    return ~((values > 0) & np.isfinite(values))


def _no_number(name: str, frame: pd.DataFrame) -> Mask:
    return ~np.isfinite(as_numbers(frame[name]))


def _negative(name: str, frame: pd.DataFrame) -> Mask:
    return as_numbers(frame[name]) < 0


def schema(
    form: Questionnaire,
    about: About | None = None,
    columns: Iterable[str] = (),
    context: Context | None = None,
    margins: pd.DataFrame | None = None,
) -> pa.DataFrameSchema:
    """The Pandera schema of a questionnaire.

    Rules on one column are checks of that column. Rules that read several columns (routing, exclusive choices, limits
    that refer to other questions) or the whole file are each one dataframe-level check, which says whether the rule
    holds; which respondents break it, :func:`motivlab.check` says. Every check is named ``rule:variable``. Those that
    the questionnaire gives are registered with Pandera, see :func:`register_checks`; they are kept when the schema is
    written to a file, the others are left out there with Pandera's warning.

    Parameters
    ----------
    form : Questionnaire
    about : About, optional
        With it the respondent id and the design are checked too, and no undeclared column is allowed.
    columns : iterable of str, optional
        Those of the responses: what they do not hold, as when an interview began, is not checked.
    context, margins : optional
        As of :func:`rules`; :meth:`Survey.schema` gives them.

    Returns
    -------
    pandera.pandas.DataFrameSchema
        Extend it with ``schema.update_column`` or ``schema.add_columns``; :func:`motivlab.check` takes the result.

    Examples
    --------
    >>> from motivlab.questionnaire import Question, Questionnaire
    >>> list(schema(Questionnaire((Question("age", "integer"),))).columns)
    ['age']
    """
    import pandera.pandas as pa

    register_checks()
    by_column: dict[str, list[pa.Check]] = {}
    whole: list[pa.Check] = []
    columns = list(columns)
    for rule in rules(form, about, columns, context, margins):
        if isinstance(rule, Rule) and rule.needs == (rule.variable,):
            by_column.setdefault(rule.variable, []).append(_check(rule))
        else:
            whole.append(_check(rule))
    declared = [column for question in form for column in question.columns]
    optional = [column for question in form for column in question.optional_columns]
    if about is not None:
        declared = list(declared_columns(form, about, columns))
        optional += about.other_columns
    optional += [column for column in by_column if column not in declared]
    fields = {
        name: pa.Column(checks=by_column.get(name, []), required=name in declared, nullable=True)
        for name in dict.fromkeys([*optional, *declared])
    }
    return pa.DataFrameSchema(fields, checks=whole, unique_column_names=True, strict=about is not None)


def survey_schema(survey: Survey) -> pa.DataFrameSchema:
    """The schema of a survey; see :meth:`Survey.schema`."""
    frame = survey.responses
    return schema(survey.questionnaire, survey.about, frame.columns, survey.context, read_margins(survey))


def read_margins(survey: Survey) -> pd.DataFrame | None:
    """The margins that ``survey.yml`` names, if it names some."""
    if not survey.about.margins or survey.folder is None:
        return None
    from .margins_file import read_margins as read

    return read(survey.folder / survey.about.margins, "linear")


def register_checks() -> None:
    """Register the checks that the questionnaire gives with Pandera: ``pa.Check.asked_not_answered(...)`` and so on.

    :func:`schema` does so; before a schema is read from a file by ``DataFrameSchema.from_yaml``, do it yourself. The
    names are those of :data:`motivlab.masks.METHODS`, and so are the statistics: the question, its type and codes, its
    missing reasons, the text of an expression.

    Examples
    --------
    >>> import pandera.pandas as pa
    >>> register_checks()
    >>> told = pa.Check.asked_not_answered(question="pay", type="integer", relevant="${worked} = 'yes'")
    >>> frame = pd.DataFrame({"worked": ["yes", "no"], "pay": [None, None]})
    >>> bool(told(frame).check_passed)
    False
    """
    import pandera.pandas as pa
    from pandera.api.extensions import register_check_method

    for name, method in METHODS.items():
        if name in pa.Check.REGISTERED_CUSTOM_CHECKS:
            continue
        told = _told(name)
        statistics = list(method.statistics)
        # Pandera looks at the signature for the names of the statistics
        told.__signature__ = _signature(statistics)  # type: ignore[attr-defined]
        register_check_method(told, statistics=statistics)


def _told(name: str) -> Callable[..., Any]:
    """The test of a registered check, which makes the question out of what it is told."""

    def test(data: pd.Series | pd.DataFrame, **statistics: Any) -> Any:
        question = as_question(**statistics)
        return _verdict(data, lambda frame: METHODS[name].test(frame, question, None))

    test.__name__ = test.__qualname__ = name
    return test


def _signature(statistics: Iterable[str]) -> Any:
    from inspect import Parameter, Signature

    named = [Parameter(name, Parameter.KEYWORD_ONLY, default=None) for name in statistics]
    return Signature([Parameter("data", Parameter.POSITIONAL_OR_KEYWORD), *named])


def _check(rule: Rule | Overall) -> pa.Check:
    """A rule as a check: Pandera finds the registered one by the name of the function."""
    import pandera.pandas as pa

    def test(data: pd.Series | pd.DataFrame) -> Any:
        try:
            if isinstance(rule, Overall):
                return not rule.found(data)
            return _verdict(data, rule.mask)
        except ExpressionError as error:  # no meaning on a table: not tried is not broken
            warnings.warn(f"{rule.key} was not tried: {error}", stacklevel=2)
            return True

    method = rule.method if isinstance(rule, Rule) else ""
    test.__name__ = method or "rule"
    statistics = dict(rule.statistics or {}) if isinstance(rule, Rule) else {}
    return pa.Check(test, name=rule.key, ignore_na=False, statistics=statistics)


def _verdict(data: pd.Series | pd.DataFrame, broken: Callable[[pd.DataFrame], Mask]) -> Any:
    """Of a column where the rule holds; of a frame whether it holds: rows of a frame, Pandera repeats per column."""
    if isinstance(data, pd.Series):
        return pd.Series(~broken(data.to_frame()), index=data.index)
    return not broken(data).any()
