"""A survey: responses, questionnaire, design, and how it was made; opened from a folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from .about import About, Analysis, Design, Fieldwork, Lonely, Replicates, SurveyError, read_about
from .codes import as_texts
from .evaluate import Context, Table
from .files import inside, require_file
from .language import LANGUAGES
from .parts import in_language
from .questionnaire import NUMBER_TYPES, Question, Questionnaire, Repeat, did_you_mean
from .readers import FILL_IN, read_responses
from .recoding import recoded, with_recodes
from .rules import paradata
from .typed import infer_questionnaire, typed

if TYPE_CHECKING:
    import pandera.pandas as pa

    from .checking import CheckReport


@dataclass(frozen=True, eq=False)
class Calibration:
    """What the weights of a survey were calibrated to: the provenance of the weight, and what standard errors need.

    Attributes
    ----------
    method : str
        ``rake``, ``poststratify`` or ``linear``.
    margins : DataFrame
        ``variable``, ``level`` (empty for the total of a number) and ``total``.
    weight_before, weight : str
        The columns of the weight before (empty if there was none) and after.
    report : DataFrame
        One row per margin level: ``variable``, ``level``, ``n``, ``before``, ``target``, ``after`` (weighted totals)
        and ``miss``, |after - target| / target.
    ratio : tuple of float
        The least and the greatest ratio of a weight to the one before.
    trimmed : int
        Respondents whose weight stands at a bound.
    deff_before, deff_after : float
        Kish's design effect of the weights.
    """

    method: Literal["rake", "poststratify", "linear"]
    margins: pd.DataFrame
    weight_before: str
    weight: str
    report: pd.DataFrame
    ratio: tuple[float, float]
    trimmed: int
    deff_before: float
    deff_after: float


def crossed(frame: pd.DataFrame, variable: str) -> npt.NDArray[np.object_]:
    """The levels of a question, or of several crossed, ``"a × b"``; empty where one of them is blank."""
    parts = [as_texts(frame[name]) for name in variable.split(" × ")]
    joined = parts[0]
    for part in parts[1:]:
        joined = np.where((joined == "") | (part == ""), "", joined + " × " + part)
    return np.asarray(joined, dtype=object)


@dataclass(frozen=True)
class Survey:
    """Responses, and all that is needed to read them.

    Attributes
    ----------
    responses : DataFrame
        Codes, one row per respondent; see the README of ``data/``.
    questionnaire : Questionnaire
    about : About
        How the survey was made, with its ``design``.
    language : str
        ``lv``, ``en`` or ``ru``: the language everything made from the survey is shown in.
    folder : Path, optional
        Where it was opened.
    files : tuple of Path
        Every file that was read.
    calibration : Calibration, optional
        What the weights were calibrated to; see :func:`motivlab.rake`.
    repeats : mapping of str to DataFrame
        The members of each repeated group, name to table: the member's id (``R1/2``) in ``<name>_id``, the id of the
        respondent, or of the member of the outer repeat, in the column named as there, then codes as in ``responses``.
    cleaning : DataFrame, optional
        The record of what was corrected, dropped or kept as it is; see :func:`motivlab.apply_cleaning`.

    Examples
    --------
    >>> Survey.from_frame(pd.DataFrame({"worked": ["yes", "no"]}), title="Pilot")
    Survey('Pilot', 2 respondents, 1 questions)
    """

    responses: pd.DataFrame
    questionnaire: Questionnaire
    about: About
    language: str = "en"
    folder: Path | None = None
    files: tuple[Path, ...] = field(default=())
    calibration: Calibration | None = None
    repeats: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    cleaning: pd.DataFrame | None = None

    def __repr__(self) -> str:
        title = in_language(self.about.title, self.language)
        return f"Survey({title!r}, {len(self.responses):,} respondents, {len(self.questionnaire)} questions)"

    @property
    def design(self) -> Design:
        """The sampling design."""
        return self.about.design

    @property
    def analysed(self) -> tuple[str, ...]:
        """The questions that ``survey.yml`` says are analysed, the main one first."""
        return tuple(self.about.analysis)

    @cached_property
    def context(self) -> Context:
        """What an expression may ask for beyond its row: the members of repeats, the day of the interview, wordings."""
        form, frame = self.questionnaire, self.responses
        top = Table(frame, self.about.respondent_id)
        tables: dict[str, Table] = {}

        def add(repeats: Iterable[Repeat], above: Table) -> None:
            for repeat in repeats:
                if repeat.name in self.repeats:
                    tables[repeat.name] = Table(self.repeats[repeat.name], repeat.identity, above)
                    add(repeat.form.repeats, tables[repeat.name])

        add(form.repeats, top)
        told = paradata(form, self.about, frame.columns)
        every = [question for part in (form, *(r.form for r in all_repeats(form))) for question in part]
        labels = {q.name: {choice.name: choice.label("") for choice in q.choices} for q in every if q.choices}
        numbers = frozenset(question.name for question in every if question.type in NUMBER_TYPES)
        return Context(self.about.respondent_id, told.day, told.end or told.start, tables, None, labels, numbers)

    @property
    def responses_file(self) -> str:
        """The file of the responses, for messages."""
        return str(self.files[-1]) if self.files else "the responses"

    def analysis(self, question: str) -> Analysis:
        """How a question is analysed; a question that ``survey.yml`` does not name has no measure stated."""
        return self.about.analysis.get(question) or Analysis(measure="not_stated")

    def question(self, name: str) -> Question:
        """A question by its name.

        Raises
        ------
        ValueError
            If there is none of that name.
        """
        if name not in self.questionnaire:
            known = [question.name for question in self.questionnaire]
            raise ValueError(f"there is no question {name!r}{did_you_mean(name, known)} Known: {', '.join(known)}.")
        return self.questionnaire[name]

    def row(self, position: int) -> str:
        """How a message names one respondent: the row of the file, where there is a file, and the id."""
        column = self.about.respondent_id
        named = column in self.responses and not pd.isna(self.responses[column].iloc[position])
        identity = f", respondent {self.responses[column].iloc[position]}" if named else ""
        return f"{self.responses_file}, row {self.row_number(position)}{identity}"

    def row_number(self, position: int) -> int:
        """The row of the file, whose head is row 1, of the respondent at a position; of a frame, counted from 1."""
        return int(self.responses.index[position]) + (2 if self.files else 1)

    def check(self, schema: pa.DataFrameSchema | None = None) -> CheckReport:
        """Check the responses against the questionnaire; see :func:`motivlab.check`."""
        from .checking import check

        return check(self, schema)

    def schema(self) -> pa.DataFrameSchema:
        """The rules as a Pandera schema, to be extended and given to :meth:`check`; see :func:`motivlab.schema`."""
        from .schema import survey_schema

        return survey_schema(self)

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        weight: str | None = None,
        strata: str | None = None,
        cluster: str | None = None,
        fpc: str | None = None,
        *,
        nest: bool = False,
        replicates: Replicates | None = None,
        respondent_id: str | None = None,
        title: str = "DataFrame",
        lonely: Lonely = "fail",
    ) -> Survey:
        """A survey from any DataFrame; its questionnaire is inferred.

        Categoricals, booleans, integers with at most 20 different values and texts with at most 20 values that
        repeat are ``select_one``; columns ``q/a``, ``q/b`` of 0/1 are one ``select_multiple`` question ``q``; other
        numbers, dates and texts are what they are. A column ``q`` beside such a set is left out: it says the same
        again. A blank is "no answer".

        Parameters
        ----------
        frame : DataFrame
            One row per respondent.
        weight, strata, cluster, fpc, nest, replicates, lonely : optional
            The design, see :class:`Design`.
        respondent_id : str, optional
            The column of the respondent's id; without it respondents are numbered from 1.
        title : str
            What figures and tables name as their source.

        Raises
        ------
        ValueError
            If a column of the design or the respondent's id is not in the frame, two columns have one name, or the
            frame has no rows.

        Examples
        --------
        >>> df = pd.DataFrame({"sex": ["f", "m", "f", "m"], "q/a": [1, 0, 1, 1], "w": [1.0, 2.0, 1.0, 2.0]})
        >>> survey = Survey.from_frame(df, weight="w")
        >>> [(question.name, question.type) for question in survey.questionnaire]
        [('sex', 'select_one'), ('q', 'select_multiple')]
        """
        frame = frame.reset_index(drop=True).rename(columns=str)
        if frame.empty:
            raise ValueError("the frame has no rows. It must hold a row per respondent.")
        if twice := frame.columns[frame.columns.duplicated()].tolist():
            raise ValueError(f"the frame has two columns {twice[0]!r}. Rename or remove one.")
        roles = {"weight": weight, "strata": strata, "cluster": cluster, "fpc": fpc}
        named = {role: str(column) for role, column in roles.items() if column is not None}
        design = Design(**named, nest=nest, replicates=replicates, lonely=lonely)
        design = _by_name(design, frame.columns, *([respondent_id] if respondent_id else NUMBERED))
        repeated = design.replicate_columns(frame.columns)
        wanted = [*design.columns.items(), *(("replicates", column) for column in repeated)]
        wanted += [("respondent_id", respondent_id)] if respondent_id else []
        for role, column in wanted:
            if column not in frame:
                near = did_you_mean(column, map(str, frame.columns))
                raise ValueError(f"{role}={column!r}: the frame has no such column{near} Correct the name.")
        identity = respondent_id or NUMBERED[0]
        if respondent_id is None:
            if identity in frame and not frame[identity].is_unique:
                identity = NUMBERED[1]
            if identity not in frame:
                frame.insert(0, identity, np.arange(1, len(frame) + 1))
        skip = {identity, design.weight, design.cluster, design.fpc, *repeated}
        form = infer_questionnaire(frame.drop(columns=[c for c in frame if c in skip]))
        about = About(
            title=title,
            synthetic=False,
            respondent_id=identity,
            fieldwork=Fieldwork(start=FILL_IN, end=FILL_IN),
            design=design,
            other_columns=sorted(set(frame) - skip - {c for q in form for c in q.columns}),
        )
        numbers = {c for c in (design.weight, design.fpc, *repeated) if c and frame[c].dtype.kind in "iuf"}
        texts = {c: frame[c] if c in numbers else pd.Series(as_texts(frame[c])).replace("", pd.NA) for c in frame}
        raw = pd.DataFrame(texts, index=frame.index)
        return cls(typed(raw, form, about), form, about)


NUMBERED = ("respondent", "respondent_number")  # where respondents are numbered; the second if the first is taken


def open_survey(folder: str | Path, language: str = "en", responses: str | None = None) -> Survey:
    """Open a survey folder.

    Parameters
    ----------
    folder : path
        A folder with ``survey.yml``, ``questionnaire/`` (or questionnaire.xlsx) and a responses file.
    language : {"lv", "en", "ru"}
        What is made from the survey is shown in this language.
    responses : str, optional
        Another file of the folder to read in place of the responses.

    Returns
    -------
    Survey
        Its responses are not checked yet: :meth:`Survey.check` does that.

    Raises
    ------
    FileNotFoundError
        If the folder or one of its files is missing.
    SurveyError, QuestionnaireError, ExpressionError
        If a file cannot be read; the message names the file, the place, the value and the remedy.

    Examples
    --------
    >>> open_survey("data/discrimination_survey").analysed
    ('grounds', 'encountered', 'situations', 'actions', 'perceived')
    """
    folder = Path(folder)
    if language not in LANGUAGES:
        raise ValueError(f"language is {language!r}. Use {', '.join(LANGUAGES)}.")
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such survey folder.")
    yml = folder / "survey.yml"
    if not yml.exists():
        raise FileNotFoundError(
            f"{folder}: not a survey folder, it holds no survey.yml. `motivlab import FILE --to {folder}` drafts one."
        )
    sheets = folder / "questionnaire"
    book = folder / "questionnaire.xlsx"
    form = Questionnaire.read(sheets if sheets.exists() or not book.exists() else book)
    about = read_about(yml, form)
    form = with_recodes(form, about.recodes)
    file = _responses_file(folder, responses or about.responses)
    raw = read_responses(file)
    about = about.model_copy(update={"design": _by_name(about.design, raw.columns, about.respondent_id)})
    form_files = sorted(file for file in sheets.glob("*.csv") if file.is_file()) if sheets.exists() else [book]
    tables = {repeat.name: folder / f"{repeat.name}.csv" for repeat in all_repeats(form)}
    members = {
        repeat.name: typed(read_responses(tables[repeat.name]), repeat.form, about)
        for repeat in all_repeats(form)
        if tables[repeat.name].exists()
    }
    record = folder / about.cleaning if about.cleaning else None
    corrections = _corrections(record) if record else None
    if corrections is not None:  # the members of an interview that was left out go with it; their files stay raw
        gone = set(corrections.loc[corrections["action"] == "drop", "respondent"]) - set(raw[about.respondent_id])
        members = _without(members, form.repeats, about.respondent_id, gone)
    return Survey(
        recoded(typed(raw, form, about), form, about.recodes), form, about, language, folder,
        files=(yml, *form_files, *(tables[name] for name in members), *([record] if record else []), file),
        repeats=members, cleaning=corrections,
    )  # fmt: skip


def _corrections(file: Path) -> pd.DataFrame:
    """The record of a cleaning, which survey.yml names."""
    require_file(file, "survey.yml names it under `cleaning`: put it there, or remove the key.")
    record = read_responses(file)
    made = "Let `motivlab clean` make it anew, or remove `cleaning` from survey.yml."
    if absent := [c for c in ("respondent", "variable", "rule", "action", "before", "after") if c not in record]:
        raise SurveyError(f"{file}: it is no record of a cleaning, it has no column {', '.join(absent)}. {made}")
    if (odd := ~record["action"].isin(["change", "missing", "drop", "keep"])).any():
        row = odd.idxmax()
        raise SurveyError(f"{file}, row {row + 2}: the action {record['action'][row]!r} is none of a cleaning. {made}")
    return record


def _without(
    tables: Mapping[str, pd.DataFrame], repeats: Iterable[Repeat], parent: str, gone: set[str]
) -> dict[str, pd.DataFrame]:
    """The tables of repeats without the members of parents that are gone, and without theirs."""
    kept = dict(tables)
    for repeat in repeats:
        if repeat.name in tables and parent in tables[repeat.name]:
            frame = tables[repeat.name]
            lost = frame[parent].isin(gone)
            kept[repeat.name] = frame[~lost]
            kept = _without(kept, repeat.form.repeats, repeat.identity, set(frame.loc[lost, repeat.identity]))
    return kept


def all_repeats(form: Questionnaire) -> Iterator[Repeat]:
    """The repeated groups of a form, and those inside them, the outer before the inner."""
    for repeat in form.repeats:
        yield repeat
        yield from all_repeats(repeat.form)


def _by_name(design: Design, columns: Iterable[str], *identities: str | None) -> Design:
    """The design with its replicate weights by name, where their pattern would take in the numbers of respondents."""
    known = list(columns)
    if not (design.replicates and {*design.replicate_columns([*known, *filter(None, identities)])} & {*identities}):
        return design
    found = tuple(column for column in design.replicate_columns(known) if column not in identities)
    return design.model_copy(update={"replicates": design.replicates.model_copy(update={"columns": found})})


def _responses_file(folder: Path, name: str) -> Path:
    if not inside(name):
        raise SurveyError(f"{folder}: the responses {name!r} are not in the folder. Name a file of the folder.")
    names = [name] if name else [f"responses.{kind}" for kind in ("csv", "parquet", "sav", "dta", "xlsx")]
    for candidate in names:
        if (folder / candidate).exists():
            return folder / candidate
    raise FileNotFoundError(f"{folder}: no responses, looked for {', '.join(names)}.")
