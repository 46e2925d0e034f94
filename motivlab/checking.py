"""The check of a survey: every rule on every respondent, and the report of what was found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
from tabulate import tabulate

from . import rules_form
from .about import About
from .codes import as_texts
from .expressions import Mask
from .findings import Findings, Table
from .kinds import SEVERITIES
from .language import say
from .masks import conditions, holds
from .questionnaire import Questionnaire, Repeat
from .rules import Overall, Rule, remembering
from .schema import identity_rules, read_margins, rules
from .survey import Survey
from .typed import declared_columns

if TYPE_CHECKING:
    import pandera.pandas as pa


@dataclass(frozen=True, eq=False, repr=False)
class CheckReport:
    """What a check found.

    Attributes
    ----------
    findings : DataFrame
        One row per finding. ``respondent``: the id, of a member of a repeat that of the member, ``R1/2``; empty if the
        finding is about the whole file. ``variable``: the question or column, of a repeat ``repeat/question``.
        ``value``: what stands there. ``rule``: its id, see ``data/README.md``. ``severity``: ``error``, ``warning`` or
        ``note``. ``message``: what is wrong and what to do. ``interviewer``, ``day``: of the interview; empty where
        they are not known. The index is the row of the file, whose head is row 1, or without a file of the frame, from
        1; a column that is absent or not declared is a finding of row 1, what is about the whole file of row 0.
    respondents : int
        The number of rows that were checked.
    file : str
        The name of the file.
    language : str
    left_out : tuple of str
        Rules that could not be tried, and why, one sentence for each reason.
    kept : DataFrame
        Findings that the record of the cleaning keeps as they are; columns as of ``findings``, which do not hold them.
    questionnaire : Questionnaire
    about : About
        Those of the survey.
    people : ndarray of int, shape (len(findings),)
        The position of the respondent among the responses, -1 where there is none.
    """

    findings: pd.DataFrame
    respondents: int
    file: str
    language: str
    left_out: tuple[str, ...]
    kept: pd.DataFrame
    questionnaire: Questionnaire
    about: About
    people: npt.NDArray[np.intp]

    @property
    def ok(self) -> bool:
        """True if there is no error and no warning; notes do not count."""
        return bool((self.findings["severity"] == "note").all())

    @cached_property
    def summary(self) -> pd.DataFrame:
        """Counts by severity and rule, errors first.

        Columns ``rule``, ``severity``, ``variables`` (joined by commas), ``count`` (of findings) and ``respondents``
        (how many different ones they are about).
        """
        rows = []
        order = {severity: i for i, severity in enumerate(SEVERITIES)}
        numbered = self.findings.assign(person=self.people)
        for (severity, rule), part in numbered.groupby(["severity", "rule"], sort=True):
            people = part["person"]
            variables = ", ".join(part["variable"].unique())
            rows.append((rule, severity, variables, len(part), people[people >= 0].nunique()))
        rows.sort(key=lambda row: order[row[1]])
        return pd.DataFrame(rows, columns=["rule", "severity", "variables", "count", "respondents"])

    @property
    def headline(self) -> str:
        """One sentence: how many respondents, how many errors, warnings and notes."""
        people = say("respondents", self.language, n=self.respondents)
        counts = self.findings["severity"].value_counts()
        said = [say(f"check_{s}s", self.language, n=int(counts[s])) for s in SEVERITIES if counts.get(s, 0)]
        if not said:
            return say("check_clean", self.language, file=self.file, respondents=people)
        if self.ok:
            return say("check_only_notes", self.language, file=self.file, respondents=people, notes=said[0])
        return say(
            "check_found", self.language, file=self.file, respondents=people,
            findings=say("findings", self.language, n=len(self.findings)), parts=", ".join(said),
            affected=len(np.unique(self.people[self.people >= 0])),
        )  # fmt: skip

    def shown(self) -> pd.DataFrame:
        """The summary with rules and headings in the report's language."""
        words = self.summary
        return pd.DataFrame({
            say("check_rule", self.language): [say(f"rule_{r}", self.language) for r in words["rule"]],
            say("check_severity", self.language): [say(f"severity_{s}", self.language) for s in words["severity"]],
            say("check_variables", self.language): [_shortened(text) for text in words["variables"]],
            say("check_count", self.language): words["count"].to_numpy(),
            say("check_respondents", self.language): words["respondents"].to_numpy(),
        })  # fmt: skip

    def _notes(self) -> list[str]:
        kept = [say("check_kept", self.language, n=len(self.kept))] if len(self.kept) else []
        return [*kept, *self.left_out]

    def __repr__(self) -> str:
        parts = [self.headline]
        if len(self.findings):
            shown = self.shown()
            parts.append(tabulate(shown.to_numpy().tolist(), list(shown), "simple", disable_numparse=True))
        if notes := self._notes():
            parts.append("\n".join(notes))
        return "\n\n".join(parts)

    def _repr_html_(self) -> str:
        from html import escape

        found = len(self.findings) > 0
        table = self.shown().to_html(index=False, border=0, justify="left", classes="motivlab") if found else ""
        notes = "".join(f"<li>{escape(note)}</li>" for note in self._notes())
        return f"<p>{escape(self.headline)}</p>{table}" + (f"<ul>{notes}</ul>" if notes else "")


def _shortened(text: str) -> str:
    names = text.split(", ")
    return text if len(names) <= MOST_VARIABLES else f"{', '.join(names[:MOST_VARIABLES])} … ({len(names)})"


MOST_VARIABLES = 12  # named in the summary


def check(survey: Survey, schema: pa.DataFrameSchema | None = None) -> CheckReport:
    """Check a survey's responses against its questionnaire, its design, and what interviews should be like.

    The check is complete: every rule is tried on every respondent, and nothing is changed. Of two rules that one
    answer breaks, the more telling one says it: an age that is no number is not out of range as well. The members of
    each repeat are checked by the questions of the repeat, their ids, and whether their respondent is there.

    Parameters
    ----------
    survey : Survey
    schema : DataFrameSchema, optional
        :meth:`Survey.schema` with checks of your own added, or some taken away; yours are reported under the rule
        ``schema``.

    Returns
    -------
    CheckReport

    Raises
    ------
    ReadError, FileNotFoundError
        If the file of margins that ``survey.yml`` names cannot be read.

    Examples
    --------
    >>> from motivlab.survey import Survey
    >>> survey = Survey.from_frame(pd.DataFrame({"id": [1, 2, 2], "sex": ["f", "m", "f"]}), respondent_id="id")
    >>> check(survey).findings["rule"].tolist()
    ['id_duplicate', 'id_duplicate']
    """
    form, about = survey.questionnaire, survey.about
    main = Table("", survey.responses, form, about.respondent_id, np.arange(len(survey.responses)))
    found = Findings(survey)
    with remembering(main.frame, *survey.repeats.values()):
        asked = rules(form, about, main.frame.columns, survey.context, read_margins(survey))
        found.structure(main, declared_columns(form, about, main.frame.columns), _named_in(schema))
        found.tried(main, asked if schema is None else _left_in(schema, asked))
        if schema is not None:
            found.foreign(main, schema)
        _check_members(survey, form, main, found)
    return CheckReport(**found.report(), questionnaire=form, about=about)


def _named_in(schema: pa.DataFrameSchema | None) -> tuple[str, ...]:
    return () if schema is None else tuple(map(str, schema.columns))


def _left_in(schema: pa.DataFrameSchema, asked: Iterable[Rule | Overall]) -> Iterator[Rule | Overall]:
    """The rules that are checks of the schema still."""
    names = {check.name for part in (schema, *schema.columns.values()) for check in part.checks}
    return (rule for rule in asked if rule.key in names)


def _check_members(survey: Survey, form: Questionnaire, above: Table, found: Findings) -> None:
    """Check the members of each repeat of a form, and of the repeats in it."""
    for repeat in form.repeats:
        if repeat.name not in survey.repeats:
            found.no_table(repeat.name)
            continue
        frame, outer = survey.repeats[repeat.name], above.identity
        given = frame[outer] if outer in frame else pd.Series(pd.NA, frame.index, dtype="str")
        ids = pd.Index(as_texts(above.frame[outer]) if outer in above.frame else [])
        first = ~ids.duplicated() & (ids != "")
        place = pd.Index(ids[first]).get_indexer(pd.Index(as_texts(given)))
        owner = np.where(place < 0, -1, np.flatnonzero(first)[place] if first.any() else -1)
        people = np.append(above.people, -1)[owner]
        table = Table(repeat.name, frame, repeat.form, repeat.identity, people)
        declared = {repeat.identity: repeat.name, outer: repeat.name}
        declared |= {column: question.name for question in repeat.form for column in question.columns}
        found.structure(table, declared)
        found.tried(table, _member_rules(survey, repeat, table, above, owner))
        _check_members(survey, repeat.form, table, found)


def _member_rules(
    survey: Survey, repeat: Repeat, table: Table, above: Table, owner: npt.NDArray[np.intp]
) -> Iterator[Rule | Overall]:
    """The rules on the members of a repeat.

    Those of its questions, their ids, that they belong to somebody, and that routing put the repeat to whom they
    belong to.
    """
    from . import rules_identifiers

    checks, columns = survey.about.checks, list(table.frame.columns)
    own = rules_form.rules(table.form, survey.about, columns, survey.context.within(table.name))
    lonely = Rule("orphan", above.identity, (above.identity,), lambda frame: owner < 0, table.name)
    some = [*own, *identity_rules(table.identity), lonely]
    if asked := conditions(repeat):
        context = survey.context.within(above.name) if above.name else survey.context

        def not_put(frame: pd.DataFrame) -> Mask:
            put = np.logical_and.reduce([holds(above.frame, text, "", context) for text in asked])
            return ~np.append(put, True)[owner]

        some.append(Rule("answered_not_asked", repeat.identity, (repeat.identity,), not_put, " and ".join(asked)))
    some += rules_identifiers.rules(table.form, survey.about, columns)
    return (rule for rule in some if checks.on(rule.id))
