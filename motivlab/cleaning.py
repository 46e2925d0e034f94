"""Cleaning: the answered sheets applied to the responses, each change checked again, all of it on record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from .cleaning_log import LOG_COLUMNS, CleaningError, Fault, read_log, refuse
from .cleaning_rows import (
    RECORD_COLUMNS,
    Holds,
    Step,
    WrongError,
    conflicts,
    done,
    entry,
    find,
    key,
    meant,
    not_current,
    on_record,
    without_twins,
)
from .codes import as_texts
from .files import new_file
from .readers import read_responses, read_yaml
from .recoding import recoded
from .shown import Shown
from .survey import Survey
from .typed import typed

if TYPE_CHECKING:
    from .checking import CheckReport

RESPONSES, RECORD = "responses_clean.csv", "cleaning_record.csv"


@dataclass(frozen=True, repr=False)
class Cleaning(Shown):
    """A survey that was cleaned, and the record of how.

    Attributes
    ----------
    survey : Survey
        With the corrected responses, and the record as its ``cleaning``. The one it was made from stays as it is.
    record : DataFrame of str
        Every correction of this and of earlier logs, in order: ``respondent`` (the id as corrected), ``variable``,
        ``rule`` (that found it), ``action`` (``change``, ``missing``, ``drop``, ``keep``), ``before`` and ``after``
        (codes; of what identifies a person, as masked as the sheet had it), ``reason``, ``by`` and ``date`` as the
        log gives them, ``log`` and ``log_row``, where it stands there.
    open : DataFrame of str
        The rows that nobody has answered yet, with the columns of :func:`motivlab.cleaning_log.read_log`.
    done : int
        Rows of the logs that were done already.
    checked : CheckReport, optional
        The check of the cleaned survey, where it was made on the way; ``report`` makes it where it was not.
    """

    survey: Survey
    record: pd.DataFrame
    open: pd.DataFrame
    done: int = 0
    checked: CheckReport | None = None

    @cached_property
    def report(self) -> CheckReport:
        """The check of the cleaned survey."""
        return self.checked or self.survey.check()

    @property
    def language(self) -> str:
        """The language of the survey."""
        return self.survey.language

    @property
    def counts(self) -> dict[str, int]:
        """How many of each action are on record, and how many rows are ``open``."""
        by_action = Counter(self.record["action"])
        return {action: by_action[action] for action in ("change", "missing", "drop", "keep")} | {
            "open": len(self.open)
        }

    def write(self, folder: str | Path | None = None) -> tuple[Path, Path]:
        """Write ``responses_clean.csv`` and ``cleaning_record.csv``, both or neither.

        A cell that was not corrected is written as the file of responses has it.

        Parameters
        ----------
        folder : path, optional
            By default the folder of the survey.

        Raises
        ------
        CleaningError
            If there is no folder, nothing was corrected, or a file that the survey was read from is to be replaced
            without its record.
        """
        where = Path(folder) if folder is not None else self.survey.folder
        if where is None:
            raise CleaningError("the survey was not opened from a folder. Name the folder to write to.")
        if self.record.empty:
            raise CleaningError("nothing was corrected: no row of the logs is answered. There is nothing to write.")
        responses, record = where / RESPONSES, where / RECORD
        source = self.survey.files[-1].resolve() if self.survey.files else None
        if source == responses.resolve() and record.resolve() not in {file.resolve() for file in self.survey.files}:
            raise CleaningError(
                f"{responses}: the survey was read from it without its record. Add `cleaning: {RECORD}` to survey.yml, "
                "or open the survey from the raw responses."
            )
        texts = written(self.survey)
        with new_file(responses) as first, new_file(record) as second:
            texts.to_csv(first, index=False, lineterminator="\n")
            self.record.to_csv(second, index=False, lineterminator="\n")
        return responses, record


def written(survey: Survey) -> pd.DataFrame:
    """The responses as text: a cell as the file of responses has it, where it holds the same, else its code."""
    form = survey.questionnaire
    made = {c for question in form if question.extra.get("recode_of") for c in (*question.columns, question.name)}
    made |= {c for question in form if question.extra.get("recode_of") for c in question.optional_columns}
    frame = survey.responses[[column for column in survey.responses if column not in made]]
    texts = pd.DataFrame({column: as_texts(frame[column]) for column in frame}, index=frame.index)
    if not (survey.folder and survey.files and survey.files[-1].is_file()):
        return texts
    raw = read_responses(survey.files[-1])
    if not frame.index.isin(raw.index).all():
        return texts
    raw = raw.loc[frame.index, [column for column in raw if column in frame]]
    held = typed(raw, form, survey.about)
    for column in raw:
        same = as_texts(held[column]) == texts[column].to_numpy()
        texts[column] = np.where(same, raw[column].fillna("").to_numpy(dtype=object), texts[column])
    return texts


def raw_responses(folder: str | Path) -> str:
    """The name of the raw responses of a survey folder, also where ``survey.yml`` names the cleaned ones.

    Returns
    -------
    str
        Empty where it is the file that the folder opens anyway.

    Raises
    ------
    FileNotFoundError
        If ``survey.yml`` names the cleaned responses, and no others are there.
    """
    folder = Path(folder)
    yml = folder / "survey.yml"
    said = read_yaml(yml) if yml.is_file() else None
    if not isinstance(said, dict) or said.get("responses") != RESPONSES:
        return ""
    names = [f"responses.{kind}" for kind in ("csv", "parquet", "sav", "dta", "xlsx")]
    there = [name for name in names if (folder / name).exists()]
    if not there:
        raise FileNotFoundError(
            f"{folder}: survey.yml names {RESPONSES}, and there is no {', '.join(names)} that it was made from. "
            "Say with --responses which file holds the raw responses."
        )
    return there[0]


def apply_cleaning(survey: Survey, *logs: str | Path | pd.DataFrame) -> Cleaning:
    """Correct a survey by answered sheets of findings, one after the other.

    An answer is a new value (``change``), the reason why there is none (``missing``), the end of a whole interview
    (``drop``), or that it is right as it is (``keep``). Everything is checked again: a change after which the same
    variable of the same respondent still has an error is refused. A row that is done already stays done; one whose old
    value is no longer what the survey holds is refused. One fault refuses the whole log, and all its faults are told.

    Parameters
    ----------
    survey : Survey
    *logs : path or DataFrame
        See :func:`motivlab.cleaning_log.read_log`. A later one may start from what an earlier one made.

    Returns
    -------
    Cleaning

    Raises
    ------
    CleaningError
        Naming the log and each row, column, value and remedy.
    ReadError, FileNotFoundError
        If a log cannot be read.

    Examples
    --------
    >>> from motivlab.questionnaire import Question, Questionnaire
    >>> survey = Survey.from_frame(pd.DataFrame({"id": ["a", "b"], "age": [30, 180]}), respondent_id="id")
    >>> log = pd.DataFrame({"respondent": ["b"], "variable": "age", "value": "180", "answer": "30", "by": "office"})
    >>> cleaned = apply_cleaning(survey, log)
    >>> cleaned.survey.responses["age"].tolist(), cleaned.record[["before", "after"]].to_numpy().tolist()
    (['30', '30'], [['180', '30']])
    """
    if not logs:
        raise CleaningError("no log was given. Name at least one answered sheet.")
    if survey.calibration is not None:
        raise CleaningError("the weights were calibrated to the faulty responses. Clean first, and weight then.")
    done_already, unanswered, answered = 0, [], []
    holds = Holds(survey)
    for log in [read_log(one) for one in logs]:
        rows = log[log["action"] != ""]
        if len(rows):
            holds, again = _apply(holds, rows)
            done_already += again
        answered.append(rows)
        notes = log["severity"] == "note" if "severity" in log else False
        unanswered.append(log[(log["action"] == "") & ~notes])
    survey, record = holds.survey, record_of(holds.survey)
    return Cleaning(survey, record, _still_open(unanswered, answered, record), done_already, holds.checked)


def record_of(survey: Survey) -> pd.DataFrame:
    """The record of a survey as text, empty where nothing was ever corrected."""
    record = survey.cleaning if survey.cleaning is not None else pd.DataFrame(columns=list(RECORD_COLUMNS))
    texts = {column: as_texts(record[column]) if column in record else "" for column in RECORD_COLUMNS}
    return pd.DataFrame(texts, index=range(len(record)), dtype=object)


def _still_open(unanswered: list[pd.DataFrame], answered: list[pd.DataFrame], record: pd.DataFrame) -> pd.DataFrame:
    """The rows without an answer that no other row answers, of interviews that were not dropped."""
    columns = ["respondent", "row", "variable", "rule"]
    rows = pd.concat(unanswered, ignore_index=True).drop_duplicates(columns)
    told = {tuple(row) for row in pd.concat(answered)[columns].to_numpy()}
    dropped = record.loc[record["action"] == "drop", "respondent"]
    left = ~rows["respondent"].isin(dropped).to_numpy()
    left &= np.array([tuple(row) not in told for row in rows[columns].to_numpy()], dtype=bool)
    return rows.loc[left, [*LOG_COLUMNS, "log", "log_row"]].reset_index(drop=True)


def _apply(holds: Holds, rows: pd.DataFrame) -> tuple[Holds, int]:
    """The survey after one log, and how many of its rows were done already."""
    log, survey = str(rows["log"].iloc[0]), holds.survey
    record = record_of(survey)
    steps: list[Step] = []
    faults: list[Fault] = []
    for row in rows.to_dict("records"):
        try:
            steps.append(meant(row, survey))
        except WrongError as wrong:
            faults.append(wrong.fault)
    refuse(log, faults)
    known = on_record(record, holds.identity)
    dropped = set(record.loc[record["action"] == "drop", "respondent"]) - {""}
    new: list[Step] = []
    there = holds.where({str(row) for row in rows["respondent"]})
    for step in steps:
        gone = step.row["action"] == "drop" and step.row["respondent"] in dropped - there.keys()
        if gone or key(entry(step)) in known:
            continue
        try:
            find(step, holds, there)
            if not done(step, holds, record):
                new.append(step)
        except WrongError as wrong:
            faults.append(wrong.fault)
    refuse(log, faults)
    if not new:
        return holds, len(steps)
    faults += not_current(new, holds)
    faults += conflicts(new)
    refuse(log, faults)
    kept = without_twins(new)
    cleaned = _changed(holds, kept, record)
    if not len(cleaned.responses):
        raise CleaningError(f"{log}: it drops every interview. Keep at least one.")
    after = Holds(cleaned)
    refuse(log, _errors_left(kept, holds, after))
    return after, len(steps) - len(kept)


def _changed(holds: Holds, steps: list[Step], record: pd.DataFrame) -> Survey:
    """The survey with the steps taken, and its record."""
    survey, frame = holds.survey, holds.frame
    texts: dict[str, npt.NDArray[np.object_]] = {}
    gone = np.array([step.position for step in steps if step.row["action"] == "drop"], dtype=np.intp)
    if len(gone):  # a column that was text for a fault of theirs may be one of numbers now
        texts = {str(c): as_texts(frame[c]) for c in frame if frame[c].dtype.kind != "M" and frame[c].dtype != "Int8"}
    for step in steps:
        for column, code in step.cells.items():
            if column not in texts:
                texts[column] = as_texts(frame[column])
            texts[column][step.position] = code
    stay = np.ones(len(frame), dtype=bool)
    stay[gone] = False
    if texts:
        raw = pd.DataFrame(texts, index=frame.index, dtype="str")[stay].replace("", pd.NA)
        again = typed(raw, survey.questionnaire, survey.about)
        frame = frame[stay].assign(**{str(column): again[column] for column in again})
        frame = recoded(frame, survey.questionnaire, survey.about.recodes)
    new_ids = texts.get(holds.identity, holds.ids)
    entries = [
        entry(step) | ({} if step.position is None else {"respondent": str(new_ids[step.position])}) for step in steps
    ]
    whole = pd.concat([record, pd.DataFrame(entries, columns=list(RECORD_COLUMNS), dtype=object)], ignore_index=True)
    left = set(holds.ids[gone]) - set(new_ids[stay])
    return replace(survey, responses=frame, repeats=_members(survey, left), cleaning=whole)


def _members(survey: Survey, gone: set[str]) -> Mapping[str, pd.DataFrame]:
    """The tables of repeated groups without the members of interviews that are no longer there."""
    out = dict(survey.repeats)

    def remove(repeats: Any, parent: str, ids: set[str]) -> None:
        for repeat in repeats:
            table = out.get(repeat.name)
            if table is None or not ids or parent not in table:
                continue
            left = pd.Series(as_texts(table[parent]), table.index).isin(ids)
            out[repeat.name] = table[~left]
            if repeat.identity in table:
                remove(repeat.form.repeats, repeat.identity, set(as_texts(table.loc[left, repeat.identity])))

    remove(survey.questionnaire.repeats, survey.about.respondent_id, gone)
    return out


def _errors_left(steps: list[Step], holds: Holds, after: Holds) -> Iterator[Fault]:
    """Errors that the check still has, or has now, of a variable that was changed."""
    changed = [s for s in steps if s.row["action"] in ("change", "missing") and s.position is not None]
    found = after.findings({holds.row_of(step.position) for step in changed if step.position is not None})
    for step in changed:
        number = holds.row_of(step.position or 0)
        position = after.at_row(str(number))
        for finding in found.get(number, []):
            # one on the whole file stands in the first row, without a respondent
            of_them = position is not None and finding["respondent"] == after.ids[position]
            same = finding["variable"].partition("/")[0] == step.row["variable"].partition("/")[0]
            if of_them and same and finding["severity"] == "error":
                said = f"not accepted, since it is checked again: {finding['message']}"
                yield Fault(step.number, "answer", step.row["answer"], said)
