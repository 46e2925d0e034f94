"""The draft of a survey folder: what an import has found, written so that a person can fill in the rest."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .about import About
from .codes import as_days, as_texts
from .files import new_folder, sha256
from .questionnaire import NUMBER_TYPES, Choice, Questionnaire
from .readers import FILL_IN
from .survey import Survey, all_repeats, open_survey
from .typed import typed

RESPONDENT_ID = r"(case|resp|respondent|interview|record)?_?(id|nr|no|number)|respondent|caseid|uuid|_id"
_DEMOGRAPHIC = r"gender|\bsex\b|\bage\b|educat|dzimum|vecum|izglīt|пол\b|возраст|образован"
_INTERVIEWER = r"enumerator|interviewer|intervētāj|intervetaj|aptaujas[ _]veic|интервью[её]р"
_AGE = r"\bage\b|\bvecums\b|\bвозраст\b"
# whole names or wordings of choices that are no answer, in lv, en, ru
_NO_ANSWER = {
    "dont_know": r"(i )?(do ?n.?t|do not) know|d\.?k\.?|nezinu( / grūti pateikt)?|grūti (pa)?teikt|(я )?не знаю|"
    r"затрудняюсь ответить",
    "refused": r"(prefer|would rather) not (to )?(answer|say)|refus(ed|al|e)( to (answer|say))?|"
    r"atteic(ās|os)( atbildēt)?|nevēlos atbildēt|отказ(ался)?( от ответа| ответить)?|не хочу отвечать",
}
# files of a folder with a meaning of their own, and what Windows takes for a device
_TAKEN = (
    "responses", "responses_clean", "cleaning_record", "margins", "readme", "survey", "con", "prn", "aux", "nul",
    *(f"{port}{i}" for port in ("com", "lpt") for i in range(1, 10)),
)  # fmt: skip
LONGEST_NAME = 100  # letters of a file's name
MOST_ANALYSED = 6  # sets that a draft of the analysis names; a person chooses
MOST_CELLS = 20_000_000  # of a .csv; beyond it reading takes longer than a person waits


@dataclass(frozen=True)
class Draft:
    """What a file says of a survey.

    Attributes
    ----------
    responses : DataFrame
        One row per respondent, the columns of the questionnaire and of the design; of any dtype whose codes are those
        of :func:`motivlab.codes.as_texts`.
    questionnaire : Questionnaire
    respondent_id, weight : str
        Columns of the responses; the weight is empty where none was found.
    sets : tuple of str
        The questions that were multiple response sets, in the file's order of sets.
    notes : tuple of str
        What was inferred, and what could not be.
    other_columns : tuple of str
        Columns of the responses that are no questions.
    paradata : mapping of str to str
        What tells of the interview, as ``paradata`` of ``survey.yml``: ``{"start": "start"}``.
    repeats : mapping of str to DataFrame of str
        The members of repeated groups; see :class:`motivlab.Survey`.
    title : str
        The survey's own; empty where the file does not say it.
    tables : mapping of str to DataFrame
        What else is put into the folder, name to table: disagreements within the file.
    """

    responses: pd.DataFrame
    questionnaire: Questionnaire
    respondent_id: str
    weight: str
    sets: tuple[str, ...]
    notes: tuple[str, ...]
    other_columns: tuple[str, ...] = ()
    paradata: Mapping[str, str] = field(default_factory=dict)
    repeats: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    title: str = ""
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    @property
    def days(self) -> tuple[str, str] | None:
        """The first and the last day of the interviews that the paradata tell of; None if they tell of none."""
        for key in ("day", "start"):
            column = self.paradata.get(key, "")
            if column in self.responses:
                days = as_days(self.responses[column])
                days = days[~np.isnat(days)]
                if len(days):
                    return str(days.min()), str(days.max())
        return None


def find_paradata(form: Questionnaire, frame: pd.DataFrame, notes: list[str]) -> dict[str, str]:
    """What tells of the interview: by the types of an XLSForm; interviewer and age by name, which the notes say."""
    found: dict[str, str] = {}
    by_type = {"start": "start", "end": "end", "today": "day"}
    for question in form:
        if question.type in by_type and question.name in frame:
            found.setdefault(by_type[question.type], question.name)
    for question in form:
        words = " ".join((question.name.replace("_", " "), *question.labels.values()))
        if question.name not in frame:
            continue
        if re.search(_INTERVIEWER, question.name.replace("_", " "), re.IGNORECASE) and "interviewer" not in found:
            found["interviewer"] = question.name
            notes.append(f"interviewer: {question.name}, by its name. Correct `paradata` in survey.yml if it is not.")
        elif question.type in NUMBER_TYPES and re.search(_AGE, words, re.IGNORECASE) and "age" not in found:
            found["age"] = question.name
            notes.append(f"age: {question.name}, by name or wording. Correct `paradata` in survey.yml if it is not.")
    return found


def with_reasons(form: Questionnaire, notes: list[str]) -> Questionnaire:
    """A form whose choices for "don't know" and "prefer not to answer" are marked as missing reasons.

    Only where the form marks none itself: XLSForm has no column for it.
    """
    if any(choice.missing for question in form for choice in question.choices):
        return form
    found: dict[str, str] = {}

    def marked(choice: Choice) -> Choice:
        said = [choice.name.replace("_", " "), *choice.labels.values()]
        for reason, words in _NO_ANSWER.items():
            if any(re.fullmatch(words, text.strip(" .").casefold()) for text in said):
                found[choice.name] = reason
                return replace(choice, missing=reason)
        return choice

    def within(part: Questionnaire) -> Questionnaire:
        return replace(
            part,
            questions=tuple(replace(q, choices=tuple(map(marked, q.choices))) for q in part),
            repeats=tuple(replace(repeat, form=within(repeat.form)) for repeat in part.repeats),
        )

    form = within(form)
    if found:
        said = ", ".join(f"{code} = {reason}" for code, reason in found.items())
        notes.append(
            f"missing reasons, by name or wording: {said}. Correct the column `missing` of questionnaire/choices.csv "
            "where one is an answer."
        )
    return form


def survey_of(draft: Draft, file: Path, language: str = "en") -> Survey:
    """A draft as a survey in memory, with what is still to be filled in marked ``?``."""
    about = About.model_validate(_about(draft, file))
    form = draft.questionnaire
    repeats = {
        repeat.name: typed(draft.repeats[repeat.name], repeat.form, about)
        for repeat in all_repeats(form)
        if repeat.name in draft.repeats
    }
    return Survey(typed(draft.responses, form, about), form, about, language, files=(file,), repeats=repeats)


def write_draft(draft: Draft, file: Path, folder: Path) -> list[str]:
    """Write a draft as a new survey folder, whole or not at all.

    Responses are written as .csv, of more than 20 million cells as .parquet.

    Parameters
    ----------
    file : path
        What it was read from.
    folder : path
        The folder to make; it must not exist yet.

    Returns
    -------
    list of str
        The keys of ``survey.yml`` that are left to be filled in.

    Raises
    ------
    FileExistsError
        If the folder is there already.
    ValueError
        If a repeated group has a name that no file of a folder can have.
    """
    for name in draft.repeats:
        taken = (*_TAKEN, *draft.tables)
        if name.lower().partition(".")[0] in taken or not re.fullmatch(r"\w[\w.-]*", name) or len(name) > LONGEST_NAME:
            raise ValueError(f"{file}: the repeated group {name!r} cannot be a file {name}.csv. Rename it in the form.")
    with new_folder(folder) as work:
        draft.questionnaire.write(work / "questionnaire")
        if draft.responses.size > MOST_CELLS:
            draft.responses.to_parquet(work / "responses.parquet", index=False)
        else:
            _write_csv(draft.responses, work / "responses.csv")
        for name, table in {**draft.repeats, **draft.tables}.items():
            _write_csv(table, work / f"{name}.csv")
        left = _write_yaml(draft, file, work / "survey.yml")
        names = sorted(path.name for path in work.glob("*.*") if path.suffix != ".yml")
        (work / "README.md").write_text(_readme(draft, file, left, names), encoding="utf-8")
        open_survey(work)  # what cannot be opened again is not handed over
    return left


def _write_csv(frame: pd.DataFrame, file: Path) -> None:
    texts = {column: frame[column] if frame[column].dtype == "str" else as_texts(frame[column]) for column in frame}
    pd.DataFrame(texts).to_csv(file, index=False, lineterminator="\n")


def _about(draft: Draft, file: Path) -> dict[str, Any]:
    """The keys of ``survey.yml`` that a draft can fill in."""
    single = [q for q in draft.questionnaire if q.type == "select_one" and 2 <= len(q.answers) <= 8]
    by = [q.name for q in single if re.search(_DEMOGRAPHIC, q.label(""), re.IGNORECASE)][:3]
    main = list(draft.sets[:MOST_ANALYSED]) or [q.name for q in single[:1]]
    first, last = map(dt.date.fromisoformat, draft.days) if draft.days else (FILL_IN, FILL_IN)
    about: dict[str, Any] = {
        "title": draft.title or str(file.stem),
        "synthetic": False,
        "respondent_id": draft.respondent_id,
        "design": {"weight": draft.weight} if draft.weight else {},
        "population": FILL_IN,
        "fieldwork": {"start": first, "end": last},
        "source": f"{file.name} (SHA-256 {sha256(file)})",
        "gate": "standard",
        "analysis": {name: {"measure": "not_stated", "base": "asked", "by": list(by)} for name in main},
    }
    if draft.paradata:
        about["paradata"] = dict(draft.paradata)
    if draft.other_columns:
        about["other_columns"] = list(draft.other_columns)
    return about


def _write_yaml(draft: Draft, file: Path, target: Path) -> list[str]:
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap

    about = CommentedMap(_about(draft, file))
    for key in ("design", "fieldwork", "analysis"):
        about[key] = CommentedMap(about[key])
    for name, one in about["analysis"].items():
        about["analysis"][name] = one = CommentedMap(one)
        one.yaml_add_eol_comment("to be filled in: what the question measures, see data/README.md", "measure")
        one.yaml_add_eol_comment("suggested by the labels", "by")
    known = draft.title != ""
    about.yaml_add_eol_comment(
        f"of the {'form' if known else 'file'}; put the survey's own title, in lv, en, ru", "title"
    )
    about.yaml_add_eol_comment("to be filled in: whom the respondents stand for", "population")
    for key, which in (("start", "first"), ("end", "last")):
        said = (
            f"the {which} day in the data; put the one that was planned"
            if draft.days
            else "to be filled in: a date, 2021-10-31"
        )
        about["fieldwork"].yaml_add_eol_comment(said, key)
    about["design"].yaml_set_comment_before_after_key(
        "weight", before="strata, cluster and fpc: add them if there are any", indent=2
    )
    if draft.paradata:
        about.yaml_set_comment_before_after_key("paradata", before="by type or name: correct what is not so")
    yaml = YAML()
    yaml.width = 4096
    yaml.allow_unicode = True
    with target.open("w", encoding="utf-8") as stream:
        yaml.dump(about, stream)
    measures = [f"analysis.{name}.measure" for name in about["analysis"]] or ["analysis"]
    return ["population", *([] if draft.days else ["fieldwork.start", "fieldwork.end"]), *measures]


def _readme(draft: Draft, file: Path, left: list[str], names: list[str]) -> str:
    what = {
        "responses.csv": "codes, one row per respondent",
        "responses.parquet": "codes, one row per respondent; too many for a .csv that is read in a moment",
        "disagreements.csv": "where the column of a multiple response question contradicts those of its choices",
    } | {f"{name}.csv": f"the members of the repeated group `{name}`, one row each" for name in draft.repeats}
    lines = [
        f"# {draft.title or file.stem}",
        "",
        f"Imported by motivlab from `{file.name}`, SHA-256 `{sha256(file)}`:",
        f"{len(draft.responses):,} respondents, {len(draft.questionnaire)} questions.",
        "",
        "| file | what it is |",
        "|---|---|",
        "| `survey.yml` | how the survey was made, its design, what is analysed |",
        "| `questionnaire/` | questions and choices, XLSForm sheets as text |",
        *(f"| `{name}` | {what[name]} |" for name in names),
        "",
        "## Inferred, or not",
        "",
        *(f"- {note}" for note in draft.notes),
        "",
        "## To be filled in, in `survey.yml`",
        "",
        *(f"- `{key}`" for key in left),
        "",
    ]
    return "\n".join(lines)
