"""``recode``: a question made of another, with the cross-table of old and new codes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from .codes import as_numbers, as_texts
from .questionnaire import NUMBER_TYPES, did_you_mean
from .shown import Shown
from .survey import Survey


@dataclass(frozen=True, repr=False, eq=False)
class Recoded(Shown):
    """What a recode made of the codes of a question.

    Attributes
    ----------
    frame : DataFrame
        One row per old code, or per range of a number, in order: ``old``, ``new``, ``missing`` (the missing reason, or
        empty) and ``n``, respondents, unweighted. A choice of a ``select_multiple`` counts whoever chose it.
    name, of : str
        The new question and the old.
    survey : Survey
    """

    frame: pd.DataFrame
    name: str
    of: str
    survey: Survey

    @property
    def language(self) -> str:
        """The language it is shown in."""
        return self.survey.language


def recode(survey: Survey, name: str) -> Recoded:
    """The cross-table of old and new codes of a recode that ``survey.yml`` declares.

    The recoded question itself is among the questions of the survey since it was opened.

    Parameters
    ----------
    survey : Survey
    name : str
        A key of ``recodes`` in ``survey.yml``, see :class:`motivlab.recoding.Recode`.

    Returns
    -------
    Recoded

    Raises
    ------
    ValueError
        If there is no such recode, or a respondent has an answer that no code stands for: the message names the
        file, the row and the value.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from motivlab.recoding import Code, Recode, recoded, with_recodes
    >>> survey = Survey.from_frame(pd.DataFrame({"town": list("abcaba")}))
    >>> recodes = {"size": Recode(of="town", codes={"big": Code(of=("a",)), "small": Code(of=("b", "c"))})}
    >>> form = with_recodes(survey.questionnaire, recodes)
    >>> about = survey.about.model_copy(update={"recodes": recodes})
    >>> frame = recoded(survey.responses, form, recodes)
    >>> survey = replace(survey, responses=frame, questionnaire=form, about=about)
    >>> recode(survey, "size").frame[["old", "new", "n"]].values.tolist()
    [['a', 'big', 3], ['b', 'small', 2], ['c', 'small', 1]]
    """
    recodes = survey.about.recodes
    if name not in recodes:
        near = did_you_mean(name, recodes) if recodes else "."
        raise ValueError(f"survey.yml declares no recode {name!r}{near} Declare it under `recodes`.")
    one = recodes[name]
    old, new, frame = survey.question(one.of), survey.question(name), survey.responses
    rows = []
    if old.type == "select_multiple":
        for choice in old.choices:
            column = old.column(choice)
            n = int((as_numbers(frame[column]) == 1).sum()) if column in frame else 0
            to = next((code for code, said in one.codes.items() if choice.name in said.of), choice.name)
            rows.append((choice.name, to, choice.missing, n))
        return Recoded(_table(rows), name, one.of, survey)
    made, was = as_texts(frame[name]), as_texts(frame[one.of])
    known = {choice.name for choice in new.choices}
    strange = np.flatnonzero(~np.isin(made, ["", *known]))
    if len(strange):
        raise ValueError(
            f"{survey.row(int(strange[0]))}: {one.of} is {was[strange[0]]!r}, which no code of the recode {name!r} "
            f"stands for ({len(strange)} such respondents). Correct the answer, or name it in `recodes.{name}`."
        )
    if old.type in NUMBER_TYPES:
        for code, said in one.codes.items():
            low, high = said.limits
            rows.append((f"{low:g}–{high:g}", code, "", int((made == code).sum())))
        rows += [(code, code, reason, int((made == code).sum())) for code, reason in old.missing_codes.items()]
    else:
        into = {code: to for to, said in one.codes.items() for code in said.of}
        for choice in old.choices:
            n = int((was == choice.name).sum())
            rows.append((choice.name, into.get(choice.name, choice.name), choice.missing, n))
    return Recoded(_table(rows), name, one.of, survey)


def _table(rows: list[tuple[str, str, str, int]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["old", "new", "missing", "n"])
