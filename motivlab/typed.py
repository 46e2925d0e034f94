"""Responses with a dtype per kind of question, and the questionnaire that a plain table suggests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from .about import About
from .codes import as_days, as_numbers, as_texts
from .questionnaire import NUMBER_TYPES, Choice, Question, Questionnaire

MAX_INFERRED_CHOICES = 20
EXACT = 2**53  # beyond it a float is not every whole number any more


def infer_questionnaire(frame: pd.DataFrame) -> Questionnaire:
    """The questionnaire that a frame's columns suggest; see :meth:`Survey.from_frame`."""
    multiple: dict[str, list[str]] = {}
    for column in frame:
        name, slash, choice = str(column).partition("/")
        if slash and choice and set(as_texts(frame[column])) <= {"0", "1", ""}:
            multiple.setdefault(name, []).append(choice)
    questions: dict[str, Question] = {}
    for column in map(str, frame):
        name, _, choice = column.partition("/")
        if choice in multiple.get(name, ()):
            choices = tuple(Choice(c, {"": c}) for c in multiple[name])
            questions.setdefault(name, Question(name, "select_multiple", {"": name}, choices, name))
        elif column not in multiple:  # the parent column of a set says the same again, as text
            questions[column] = _inferred_question(column, frame[column])
    return Questionnaire(tuple(questions.values()), {"": ""})


def _inferred_question(name: str, column: pd.Series) -> Question:
    labels, texts = {"": name}, as_texts(column)
    if column.dtype.kind == "M":
        return Question(name, "date", labels)
    codes = set(texts) - {""}
    few = 0 < len(codes) <= MAX_INFERRED_CHOICES
    if isinstance(column.dtype, pd.CategoricalDtype):
        order = [code for code in dict.fromkeys(as_texts(column.cat.categories)) if code]
        if not order:
            return Question(name, "text", labels)
    elif column.dtype.kind in "iufb":
        known = as_numbers(column)
        whole = _whole(known[~np.isnan(known)])
        if not (few and whole):
            return Question(name, "integer" if whole else "decimal", labels)
        order = sorted(codes, key=float)
    else:
        if not few or len(codes) > len(texts) / 2:
            return Question(name, "text", labels)
        order = sorted(codes)
    return Question(name, "select_one", labels, tuple(Choice(code, {"": code}) for code in order), name)


def _whole(values: npt.NDArray[np.float64]) -> bool:
    return bool((np.floor(values) == values).all() and np.isfinite(values).all())


def typed(raw: pd.DataFrame, form: Questionnaire, about: About) -> pd.DataFrame:
    """Responses with a dtype per kind of question.

    A choice becomes a categorical of codes (unknown codes are kept, after the known), a number or 0/1 column a
    number, a date a date. A column that holds anything else stays text, so that a check can name what is wrong:
    nothing is lost or turned into a blank here. A column that is already what its question needs is taken over.

    Parameters
    ----------
    raw : DataFrame
        The cells as text, or of any dtype whose codes are those of :func:`motivlab.codes.as_texts`; NA where blank.
    """
    columns: dict[str, pd.Series] = {str(column): raw[column] for column in raw}

    def to_number(column: str, whole: bool) -> None:
        if column not in columns:
            return
        given = columns[column]
        if given.dtype in ((pd.Int8Dtype(), pd.Int64Dtype()) if whole else (float,)):
            return
        if given.dtype.kind == "M":  # no number, though it can be turned into one
            return
        texts = given.astype("str") if isinstance(given.dtype, pd.CategoricalDtype) else given
        try:
            numbers = pd.to_numeric(texts, errors="coerce")
            if numbers.dtype.kind == "c" or (numbers.isna() & given.notna()).any():
                return
            numbers = numbers.astype(float)
        except OverflowError:  # a whole number of more digits than a float has
            return
        known = numbers.dropna().to_numpy()
        most = np.abs(known).max(initial=0)
        if whole and _whole(known) and most < EXACT:
            columns[column] = numbers.astype("Int8" if most < 128 else "Int64")
        else:
            columns[column] = numbers

    for question in form:
        if question.type == "select_multiple":
            for column in (*question.columns, *question.optional_columns):
                to_number(column, whole=True)
        elif question.name not in columns:
            continue
        elif question.type == "select_one":
            columns[question.name] = _categorical(columns[question.name], [one.name for one in question.choices])
        elif question.type in NUMBER_TYPES:
            to_number(question.name, whole=question.type != "decimal")
        elif question.type == "date":
            if columns[question.name].dtype == "datetime64[us]":
                continue
            dates = as_days(columns[question.name])
            if not (np.isnat(dates) & columns[question.name].notna().to_numpy()).any():
                columns[question.name] = pd.Series(dates.astype("datetime64[us]"), raw.index)
    for role, column in about.design.columns.items():
        if role in ("weight", "fpc"):
            to_number(column, whole=False)
    for column in about.design.replicate_columns(columns):
        to_number(column, whole=False)
    return pd.DataFrame(columns, index=raw.index, copy=False)


def _categorical(column: pd.Series, names: list[str]) -> pd.Series:
    """A column as a categorical of the choices and, after them, of the codes that are none."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        known = column.cat.categories
        if known.dtype == "str" and known[: len(names)].tolist() == names:
            used = set(column.cat.codes[column.cat.codes >= len(names)].unique()) if len(known) > len(names) else ()
            if len(used) == len(known) - len(names):
                return column.cat.as_unordered() if column.cat.ordered else column
    elif column.dtype != "str":
        column = pd.Series(as_texts(column), column.index, dtype="str").replace("", pd.NA)
    texts = column.astype("str")
    return texts.astype(pd.CategoricalDtype([*names, *sorted(set(texts.dropna().unique()) - set(names))]))


def declared_columns(form: Questionnaire, about: About, columns: Iterable[str] = ()) -> Mapping[str, str]:
    """Every column the responses must have, with what declares it: a question, or a key of ``survey.yml``.

    Of replicate weights that are declared by a pattern, those among ``columns``.
    """
    declared = {column: question.name for question in form for column in question.columns}
    for role, column in {"respondent_id": about.respondent_id, **about.design.columns}.items():
        declared.setdefault(column, role)
    for column in about.design.replicate_columns(columns):
        declared.setdefault(column, "replicates")
    return declared
