"""The rows of a log of corrections against a survey: whom and which cells each means, and whether that still holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from .cleaning_answers import cells_of, missing_cells, reason_code
from .cleaning_log import Fault
from .codes import as_numbers, as_texts
from .kinds import KINDS
from .questionnaire import NUMBER_TYPES, Question, did_you_mean
from .survey import Survey, all_repeats

if TYPE_CHECKING:
    from .checking import CheckReport

RECORD_COLUMNS = (
    "respondent", "variable", "rule", "action", "before", "after", "reason", "by", "date", "log", "log_row",
)  # fmt: skip
UNCHANGED = "it is the value that stands there. To leave it, use keep and say why."
ID_RULES = ("id_missing", "id_duplicate")  # of these the row decides, since the id does not


@dataclass
class Step:
    """What one row of a log comes to: of which respondent, which cells, and what goes on record."""

    row: dict[str, Any]
    question: Question | None
    cells: dict[str, str]
    position: int | None = None
    before: str = ""

    @property
    def number(self) -> int:
        """Its row in the log."""
        return int(self.row["log_row"])

    @property
    def after(self) -> str:
        """The new value, as a finding shows a value."""
        if self.row["action"] == "keep":
            return str(self.row["value"])
        return _shown(self.row["variable"], self.cells)


class Holds:
    """The survey before a log: where a respondent is, what a cell holds, what the check finds."""

    def __init__(self, survey: Survey):
        self.survey = survey
        self.frame = survey.responses
        self.identity = survey.about.respondent_id
        self.ids = as_texts(self.frame[self.identity]) if self.identity in self.frame else np.full(len(self.frame), "")
        self.offset = survey.row_number(0) - int(self.frame.index[0]) if len(self.frame) else 0
        self._texts: dict[str, npt.NDArray[np.object_]] = {}

    @cached_property
    def report(self) -> CheckReport:
        """The check, made when it is first asked for."""
        return self.survey.check()

    @property
    def checked(self) -> CheckReport | None:
        """The check, if it was made."""
        return self.__dict__.get("report")

    def findings(self, numbers: Iterable[int]) -> dict[int, list[dict[str, Any]]]:
        """What the check finds in some rows of the file, by row."""
        found = self.report.findings
        out: dict[int, list[dict[str, Any]]] = {}
        for finding in found[found.index.isin(list(numbers))].reset_index().to_dict("records"):
            out.setdefault(int(finding["row"]), []).append(finding)
        return out

    def matching(self, row: Mapping[str, Any]) -> npt.NDArray[np.intp]:
        """The places among the findings of the one that a row answers."""
        found = self.report.findings
        same = [found[column] == row[column] for column in ("respondent", "variable", "rule", "value")]
        return np.flatnonzero(np.logical_and.reduce(same))

    def where(self, wanted: set[str]) -> dict[str, npt.NDArray[np.intp]]:
        """The positions of respondents by their id."""
        at = np.flatnonzero(pd.Series(self.ids, dtype=object).isin(wanted))
        return {
            str(key): at[places]
            for key, places in pd.Series(self.ids[at], dtype=object).groupby(self.ids[at]).indices.items()
        }

    def at_row(self, row: str) -> int | None:
        """The position of a row of the file."""
        label = int(row) - self.offset if row.isdecimal() else -1
        return int(self.frame.index.get_loc(label)) if label in self.frame.index else None

    def row_of(self, position: int) -> int:
        """The row of the file of a position."""
        return int(self.frame.index[position]) + self.offset

    def text(self, column: str, position: int) -> str:
        """A cell as its code."""
        if column not in self._texts:
            self._texts[column] = as_texts(self.frame[column])
        return str(self._texts[column][position])

    def same(self, variable: str, one: str, other: str) -> bool:
        """Whether two codes are the same; of numbers, as 0.85 and 0.8500 are."""
        form, design = self.survey.questionnaire, self.survey.design
        number = form[variable].type in NUMBER_TYPES if variable in form else variable in (design.weight, design.fpc)
        first, second = as_numbers([one, other]) if number else (np.nan, np.nan)
        return one == other or bool(first == second)

    def value(self, variable: str, question: Question | None, position: int) -> str | None:
        """The value of a variable as a finding shows it; None where it has no cell."""
        if variable in self.frame:
            return self.text(variable, position)
        if question is None:
            return None
        columns = (*question.columns, *question.optional_columns)
        return _shown(variable, {c: self.text(c, position) for c in columns if c in self.frame})


def _shown(variable: str, cells: Mapping[str, str]) -> str:
    """The cells of a variable as one value: of a multiple response question, the names of the chosen or its code."""
    if variable in cells:
        return cells[variable]
    values = set(cells.values())
    if len(values) == 1 and not values & {"0", "1"}:
        return values.pop()
    return " ".join(column.removeprefix(f"{variable}/") for column, text in cells.items() if text == "1")


class WrongError(Exception):
    """A row of a log that cannot be applied."""

    def __init__(self, row: Mapping[str, Any], column: str, said: str):
        super().__init__(said)
        self.fault = Fault(int(row["log_row"]), column, str(row[column]), said)


def meant(row: dict[str, Any], survey: Survey) -> Step:
    """What a row wants, whatever the survey holds now."""
    form, variable, action = survey.questionnaire, row["variable"], row["action"]
    columns = survey.responses.columns
    if row["rule"] and row["rule"] not in KINDS:
        raise WrongError(
            row, "rule", f"there is no such rule{did_you_mean(row['rule'], KINDS)} Leave it as it was sent."
        )
    name = variable if variable in form else variable.partition("/")[0]
    question = next((one for one in form if one.name == name), None)
    if question and variable != name and variable not in (*question.columns, *question.optional_columns):
        question = None
    if action == "keep" and not row["rule"]:
        raise WrongError(row, "rule", "what is kept is named by its rule. Leave it as it was sent.")
    if action in ("keep", "drop"):
        return Step(row, question, {})
    if question is None and variable not in columns:
        inside = next((repeat.name for repeat in all_repeats(form) if repeat.name == name), "")
        if inside:
            raise WrongError(row, "variable", f"it is asked of each {inside}. Correct the table of {inside} itself.")
        near = did_you_mean(variable, [q.name for q in form])
        raise WrongError(row, "variable", f"there is no such question or column{near} Name the one to correct.")
    if question and question.extra.get("recode_of"):
        raise WrongError(row, "variable", f"it is made of {question.extra['recode_of']}. Correct that one.")
    if question and not any(c in columns for c in (*question.columns, *question.optional_columns)):
        raise WrongError(row, "variable", "the responses have no column of it. There is nothing to correct.")
    try:
        if question and action == "change":
            cells = cells_of(question, variable, row["answer"], columns)
        elif question:
            cells = missing_cells(question, reason_code(question, row["answer"]), columns)
        elif action == "missing":
            raise ValueError("it is no question, so no answer to it is missing. Give a value, or drop the interview.")
        else:
            cells = {variable: row["answer"]}
    except ValueError as error:
        raise WrongError(row, "answer", str(error)) from None
    step = Step(row, question, cells)
    if step.after == row["value"] and (variable in cells or step.after):  # of a set, all 0 and all blank look the same
        raise WrongError(row, "answer", UNCHANGED)
    return step


def entry(step: Step) -> dict[str, str]:
    """The row of the record that a row of a log makes."""
    row = step.row
    return {
        "respondent": row["respondent"], "variable": row["variable"], "rule": row["rule"], "action": row["action"],
        "before": step.before, "after": step.after, "reason": row["reason"], "by": row["by"], "date": row["date"],
        "log": row["log"], "log_row": str(row["log_row"]),
    }  # fmt: skip


def key(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """What says of an entry, or of a row, which it is: all but the old value."""
    return tuple(str(entry[column]) for column in RECORD_COLUMNS if column != "before")


def on_record(record: pd.DataFrame, identity: str) -> set[tuple[str, ...]]:
    """The keys of all that is on record, also under the id that the same log corrected."""
    entries = record.to_dict("records")
    old: dict[tuple[str, str], str] = {
        (one["log"], one["after"]): one["before"] for one in entries if one["variable"] == identity
    }
    keys = {key(one) for one in entries}
    for one in entries:
        if (before := old.get((one["log"], one["respondent"]))) is not None:
            keys.add(key(one | {"respondent": before}))
    return keys


_NOBODY = np.empty(0, dtype=np.intp)


def find(step: Step, holds: Holds, there: Mapping[str, npt.NDArray[np.intp]]) -> None:
    """Set the position of the respondent; none for a finding on the whole file."""
    row, who = step.row, step.row["respondent"]
    by_row = holds.at_row(row["row"])
    by_id = there.get(who, _NOBODY) if who else _NOBODY
    of_identity = row["rule"] in ID_RULES or row["variable"] == holds.identity
    if of_identity and by_row is not None:
        now = holds.ids[by_row]
        if now != who and not (row["action"] == "change" and now == step.after):
            raise WrongError(row, "row", f"the id of that row is {now!r}, not {who!r}. Make a new sheet of findings.")
        step.position = by_row
    elif len(by_id) == 1:
        step.position = int(by_id[0])
    elif who and not len(by_id):
        found = holds.matching(row)
        if row["action"] == "drop" and len(found) and (position := holds.report.people[found[0]]) >= 0:
            step.position = int(position)  # a member of a repeat: the interview they were told of in
            return
        if row["action"] == "keep" and len(found):
            return
        raise WrongError(row, "respondent", "there is no such respondent. Correct the id, or clear the row.")
    elif by_row is not None and holds.ids[by_row] == who:
        step.position = by_row
    elif who:
        raise WrongError(row, "respondent", f"{len(by_id)} rows have this id. Say in the column row which is meant.")
    elif row["action"] != "keep":
        raise WrongError(row, "respondent", "it is blank. Give the id, or for a missing id the row of the file.")


def done(step: Step, holds: Holds, record: pd.DataFrame) -> bool:
    """Whether the survey is already as the row wants it."""
    row = step.row
    if row["action"] == "keep":
        kept = record[(record["action"] == "keep") & (record["respondent"] == row["respondent"])]
        same = (kept["variable"] == row["variable"]) & (kept["rule"] == row["rule"]) & (kept["before"] == row["value"])
        return bool(same.any())
    if row["action"] == "drop" or step.position is None:
        return False
    if not all(holds.same(column, holds.text(column, step.position), code) for column, code in step.cells.items()):
        return False
    if step.after == row["value"]:
        raise WrongError(row, "answer", UNCHANGED)
    return True


def not_current(steps: list[Step], holds: Holds) -> Iterator[Fault]:
    """Rows whose old value, or whose finding, is no longer there; sets what stands there now."""
    found = holds.findings({holds.row_of(step.position) for step in steps if step.position is not None})
    for step in steps:
        row = step.row
        at = found.get(holds.row_of(step.position), []) if step.position is not None else []
        own = [finding for finding in at if finding["variable"] == row["variable"]]
        now = None if step.position is None else holds.value(row["variable"], step.question, step.position)
        hidden = row["rule"] == "identifier" or any(finding["rule"] == "identifier" for finding in own)
        step.before = row["value"] if hidden or now is None or row["action"] == "keep" else now
        if any(f["value"] == row["value"] and row["rule"] in ("", f["rule"]) for f in own):
            continue
        if row["action"] == "drop" and not row["variable"]:
            continue
        if (step.position is None or now is None) and len(holds.matching(row)):
            continue
        who = f"{row['respondent'] or 'row ' + row['row']}, {row['variable']}"
        if now is None or row["action"] == "keep" or row["rule"] in ID_RULES:
            said = f"{who}: the check finds no such fault in the file. Make a new sheet of findings."
            yield Fault(step.number, "rule", row["rule"], said)
            continue
        same = holds.same(row["variable"], now, row["value"])
        if not same and step.question and step.question.type == "select_multiple":
            same = set(now.split()) == set(row["value"].replace(";", " ").split())
        if not same:
            shown = "another value" if hidden else repr(now)
            yield Fault(step.number, "value", row["value"],
                        f"{who}: the file holds {shown} now. Make a new sheet of findings.")  # fmt: skip


def conflicts(steps: list[Step]) -> Iterator[Fault]:
    """Rows of one log that want different things of one cell or interview."""
    cells: dict[tuple[int, str], tuple[str, int]] = {}
    dropped = {step.position: step for step in steps if step.row["action"] == "drop" and step.position is not None}
    for step in steps:
        if step.position is None or step.row["action"] in ("drop", "keep"):
            continue
        for column, code in step.cells.items():
            other, number = cells.setdefault((step.position, column), (code, step.number))
            if other != code:
                said = (
                    f"row {number} of the log gives {column} the value {other!r}. Decide for one and clear the other."
                )
                yield Fault(step.number, "answer", step.row["answer"], said)
    for step in steps:
        if step.position is None or step.row["action"] == "drop":
            continue
        if step.position in dropped:
            number = dropped[step.position].number
            yield Fault(
                step.number, "action", step.row["action"], f"row {number} of the log drops the interview. Clear one."
            )
        if step.row["action"] == "keep":
            own = (step.row["variable"],) if step.question is None else (
                step.question.name, *step.question.columns, *step.question.optional_columns)  # fmt: skip
            numbers = {cells[step.position, c][1] for c in own if (step.position, c) in cells}
            for number in sorted(numbers):
                yield Fault(step.number, "action", "keep", f"row {number} of the log changes the value. Clear one.")


def without_twins(steps: list[Step]) -> list[Step]:
    """The rows without those that say the same of the same interview once more."""
    seen: dict[Any, Step] = {}
    for step in steps:
        row = step.row
        what = (row["variable"], row["rule"], row["value"]) if row["action"] == "keep" else tuple(step.cells.items())
        seen.setdefault((step.position, row["action"] == "keep", what), step)
    return list(seen.values())
