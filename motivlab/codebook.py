"""The codebook of a survey: every question with its wording, base, codes and unweighted counts, safe to hand out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .codebook_counts import (
    Cell,
    Count,
    count_answers,
    gives_away,
    hidden,
    hidden_choices,
    percentiles,
)
from .questionnaire import META_TYPES, Choice, Question, Questionnaire
from .shown import Shown
from .survey import Survey, all_repeats
from .thresholds import PROFILES

FILES = (".docx", ".html")


@dataclass(frozen=True)
class Entry:
    """One question of a codebook.

    Attributes
    ----------
    question : Question
    cells : tuple of Cell
        Each respondent is counted in one, but in the answers of a ``select_multiple``, which overlap and stand
        under their ``answered``. None for a note, for what a device or the interviewer filled in, and where the
        responses have no such column.
    asked : int, optional
        Whom the question was put to; None where it is hidden or not known.
    percentiles : mapping of int to str
        Of a number or a date: percentile to value, as far as enough respondents stand on either side.
    known : bool
        Whether the condition under which it is asked can be worked out on a finished table.
    silent : bool
        Whether its values are not counted at all: ids, weights, what a device filled in.
    """

    question: Question
    cells: tuple[Cell, ...] = ()
    asked: int | None = None
    percentiles: Mapping[int, str] = field(default_factory=dict)
    known: bool = True
    silent: bool = False


@dataclass(frozen=True)
class Section:
    """Questions that stand in the same groups, or in one repeat.

    Attributes
    ----------
    path : tuple of mapping of str to str
        The labels of the groups, language code to wording, outermost first; empty outside all groups.
    entries : tuple of Entry
    repeat : str
        The name of the repeat whose members answer; empty for the questions of the respondent.
    n : int, optional
        Respondents, or members of the repeat; None where there are too few to tell.
    relevant : tuple of str
        The conditions of the repeat, as the form has them.
    """

    path: tuple[Mapping[str, str], ...]
    entries: tuple[Entry, ...]
    repeat: str = ""
    n: int | None = None
    relevant: tuple[str, ...] = ()

    def title(self, language: str) -> str:
        """The labels of the groups in a language; empty outside all groups."""
        texts = (labels.get(language) or next(filter(None, labels.values()), "") for labels in self.path)
        return " – ".join(filter(None, texts))


@dataclass(frozen=True, repr=False)
class Codebook(Shown):
    """What a survey asked, whom, and what came back: for people. It holds no count that was not let through.

    Attributes
    ----------
    survey : Survey
        For its title, questionnaire and language; its responses are not shown.
    sections : tuple of Section
    columns : tuple of (str, str)
        The columns that are no questions, and the role of each: ``respondent_id``, ``weight``, ``strata``,
        ``cluster``, ``fpc``, ``replicates``, ``repeat`` (the ids of a repeat's members) or ``other``.
    least : int
        Counts of fewer respondents are hidden.
    """

    survey: Survey
    sections: tuple[Section, ...]
    columns: tuple[tuple[str, str], ...]
    least: int

    @property
    def language(self) -> str:
        """The language of the survey."""
        return self.survey.language

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages of the questionnaire, the survey's own first; ``""`` for one that is not named."""
        known = list(self.survey.questionnaire.languages) or [""]
        return tuple(sorted(known, key=lambda code: code != self.language))

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Every question, in order, those of repeats last."""
        return tuple(entry for section in self.sections for entry in section.entries)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """A row per cell: ``repeat``, ``question``, ``type``, ``code``, ``kind``, ``missing``, ``n`` (NaN: hidden)."""
        rows = [
            (section.repeat, entry.question.name, entry.question.type, cell.code, cell.kind,
             entry.question.missing_codes.get(cell.code, ""), cell.n)
            for section in self.sections for entry in section.entries for cell in entry.cells
        ]  # fmt: skip
        names = ["repeat", "question", "type", "code", "kind", "missing", "n"]
        return pd.DataFrame(rows, columns=names).astype({"n": float})


def codebook(survey: Survey) -> Codebook:
    """The codebook of a survey, safe to leave the machine.

    Counts are unweighted. Answers of 1 to 19 respondents (under the gate ``standard``) are hidden, and with them as
    many other counts that no hidden one comes out by subtraction from the number of respondents, from whom routing
    put a follow-up question to, or from those who answered a ``select_multiple`` but did not choose. Which of the
    hidden ones are small is not told. How many gave no answer is shown, as elsewhere in the package, unless it gives
    away an answer or fewer than 20 were asked. Of numbers and dates percentiles are shown, each only if at least 20
    respondents stand on either side of it: a minimum or a maximum is the answer of one respondent. Of texts, places
    and files no more is told than how many there are; of ids, weights and what a device filled in nothing.

    Hidden counts are protected within a question and along routing. That two questions of other wording ask for the
    same thing cannot be known here.

    Parameters
    ----------
    survey : Survey
        Codes that the questionnaire does not know are counted together, not shown.

    Returns
    -------
    Codebook
        In a notebook, its sections; :func:`motivlab.write_survey` writes it as .docx or .html.

    Examples
    --------
    >>> made = codebook(Survey.from_frame(pd.DataFrame({"worked": ["yes", "no"] * 30 + ["perhaps"]})))
    >>> made.frame[["code", "n"]].values.tolist()
    [['no', nan], ['perhaps', nan], ['yes', 30.0]]
    """
    about, form = survey.about, survey.questionnaire
    least = PROFILES[about.gate].suppress_below
    context = survey.context
    sections = list(_sections(form, survey.responses, _quiet(survey), least, context))
    for repeat in all_repeats(form):
        members = survey.repeats.get(repeat.name, pd.DataFrame())
        path = (*(group.labels or {"": group.name} for group in repeat.groups), repeat.labels or {"": repeat.name})
        within = context.within(repeat.name) if repeat.name in context.repeats else None
        outer = tuple(filter(None, (*(group.relevant for group in repeat.groups), repeat.relevant)))
        sections += [
            replace(section, path=(*path, *section.path), repeat=repeat.name, relevant=outer)
            for section in _sections(repeat.form, members, set(), least, within)
        ]
    columns = tuple(
        (column.name if name == "responses" else f"{name}: {column.name}", column.role)
        for name, _, found in tables_of(survey) for column in found if column.question is None
    )  # fmt: skip
    return Codebook(survey, tuple(sections), columns, least)


def write_codebook(survey: Survey, file: str | Path) -> list[str]:
    """Write the codebook of a survey as .docx or .html, whole or not at all; the same survey gives the same bytes.

    Returns
    -------
    list of str
        What a codebook leaves out.

    Raises
    ------
    ValueError
        If the file ends in neither.
    """
    from .files import new_file

    file, made = Path(file), None
    if file.suffix.lower() not in FILES:
        raise ValueError(f"{file}: a codebook is written as {' or '.join(FILES)}. Name the file so.")
    made = codebook(survey)
    # by name, since this layer knows of none above
    kind = file.suffix.lower()
    module, writer = ("codebook_word", "write_word") if kind == ".docx" else ("tables_codebook", "write_html")
    with new_file(file) as work:
        getattr(import_module(f"motivlab.{module}"), writer)(made, work)
    return [
        "a codebook describes the responses and holds none: use .sav, .dta, .parquet or .csv for them.",
        f"counts below {made.least} are hidden, and others that would give them away."
        if made.least > 1 else "the gate is open: small counts are shown.",
    ]  # fmt: skip


def _sections(form: Questionnaire, frame: pd.DataFrame, quiet: set[str], least: int, context: Any) -> Iterator[Section]:
    total = len(frame) if least <= len(frame) or len(frame) == 0 else None
    counted: dict[str, Count] = {}
    for groups, questions in groupby(form, key=lambda question: question.groups):
        entries = []
        for question in questions:
            told = question.type not in ("note", *META_TYPES) and question.name not in quiet
            count = count_answers(question, frame, context) if told else None
            none = Entry(question, silent=not told and question.type != "note")
            entries.append(none if count is None else _entry(question, count, counted, total, least))
        path = tuple(group.labels or {"": group.name} for group in groups)
        yield Section(path, tuple(entries), n=total)


def _entry(question: Question, count: Count, counted: dict[str, Count], total: int | None, least: int) -> Entry:
    """The gated numbers of one question; what is hidden of it is kept for the questions that it leads to."""
    sizes = np.bincount(count.place, minlength=len(count.names))
    kinds = [kind for _, kind in count.names]
    apart = np.isin(kinds, ["passed", "not_asked"])
    asked = int(sizes[~apart].sum())
    forced = ~apart & (asked < least)
    routing = question.routing if count.known else ()
    forced[-1] = least > 1 and any(
        gives_away(counted, expression, count.place != len(kinds) - 1) for expression in routing
    )
    silent = np.isin(kinds, ["refused", "dont_know", "invalid", "unknown", "blank"])  # of these nothing is told
    out = np.ones(len(sizes), dtype=bool) if total is None else hidden(sizes, least, forced, silent)
    cells = [
        Cell(code, kind, None if shut else int(n))
        for (code, kind), n, shut in zip(count.names, sizes, out, strict=True)
    ]
    shut_choices: tuple[str, ...] = ()
    if question.type == "select_multiple":
        answered = kinds.index("answered")
        tops = [int((mask & (count.place == answered)).sum()) for _, mask in count.chosen]
        shut = hidden_choices(tops, int(sizes[answered]), bool(out[answered]), count, least)
        shut_choices = tuple(choice.name for (choice, _), one in zip(count.chosen, shut, strict=True) if one)
        cells[answered + 1 : answered + 1] = [
            Cell(choice.name, "answer", None if one else n)
            for (choice, _), n, one in zip(count.chosen, tops, shut, strict=True)
        ]
    counted[question.name] = replace(count, out=out, shut=shut_choices)
    known = count.known and total is not None and not out[apart].any()
    quantiles = {}
    if count.values is not None and "answered" in kinds and not out[kinds.index("answered")]:
        quantiles = percentiles(count.values, question, least)
    shown = tuple(cell for cell in cells if cell.n != 0 or cell.kind not in ("unknown", "blank", "passed"))
    return Entry(question, shown, asked if known else None, quantiles, count.known)


# -------------------------------------------------------------------------------------------------------- columns


def _quiet(survey: Survey) -> set[str]:
    """Questions whose answers single out a respondent or an interviewer, or belong to the design."""
    paradata, design = survey.about.paradata, survey.about.design
    said = (paradata.interviewer, paradata.start, paradata.end, survey.about.respondent_id, design.weight, design.fpc)
    person = survey.about.programme.person if survey.about.programme else None
    return {name for name in (*said, design.cluster, person) if name}


@dataclass(frozen=True)
class Column:
    """A column of a table, and what stands behind it: a question, perhaps one choice of it, or a role."""

    name: str
    question: Question | None = None
    choice: Choice | None = None
    role: str = ""


def tables_of(survey: Survey) -> Iterator[tuple[str, pd.DataFrame, list[Column]]]:
    """Every table of a survey with its columns in the order of the file: ``responses``, then the repeats."""
    design = survey.about.design
    roles = dict.fromkeys(design.replicate_columns(survey.responses.columns), "replicates")
    roles |= {column: role for role, column in design.columns.items()}
    identity = {survey.about.respondent_id: "respondent_id"}
    yield "responses", survey.responses, _columns(survey.responses, survey.questionnaire, roles | identity)
    for repeat in all_repeats(survey.questionnaire):
        if repeat.name in survey.repeats:
            members, identity = survey.repeats[repeat.name], {**identity, repeat.identity: "repeat"}
            yield repeat.name, members, _columns(members, repeat.form, identity)


def _columns(frame: pd.DataFrame, form: Questionnaire, roles: Mapping[str, str]) -> list[Column]:
    known = {question.name: Column(question.name, question) for question in form}
    known |= {
        question.column(choice): Column(question.column(choice), question, choice)
        for question in form if question.type == "select_multiple" for choice in question.choices
    }  # fmt: skip
    found = [known.get(name, Column(name)) for name in map(str, frame)]
    return [replace(one, role=roles.get(one.name, "" if one.question else "other")) for one in found]


def plain(text: str) -> str:
    """A label without the HTML and Markdown that forms carry, and without what a file of XML cannot hold."""
    text = re.sub(r"</?(?:span|b|i|u|em|strong|font|br|p|div|h\d)\b[^>]*>", " ", text)
    text = re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", text)
    return "\n".join(" ".join(line.split()) for line in text.strip().splitlines() if line.strip())


def named(codes: Iterable[str]) -> dict[str, str]:
    """Column names to ids that XML and HTML allow: letters, digits, and no two alike."""
    out: dict[str, str] = {}
    used: set[str] = set()
    for code in codes:
        base = "v_" + re.sub(r"[^A-Za-z0-9_.-]", "_", code)
        one, i = base, 2
        while one in used:
            one, i = f"{base}_{i}", i + 1
        used.add(one)
        out[code] = one
    return out
