"""Questions made of others: what ``recodes`` of ``survey.yml`` says, and what it makes of a form and of responses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import model_validator

from .codes import as_numbers, as_texts
from .parts import Part, Text
from .questionnaire import NUMBER_TYPES, Choice, Question, Questionnaire, did_you_mean


class Code(Part):
    """One code of a recoded question.

    Attributes
    ----------
    of : tuple of str
        The codes of the old question that it stands for.
    range : tuple of (float or None, float or None)
        Of a number: its lowest and highest value, both included; None is open.
    label : str, or dict of language to str
    """

    of: tuple[str, ...] = ()
    range: tuple[float | None, float | None] | None = None
    label: Text = ""

    @model_validator(mode="after")
    def _complete(self) -> Code:
        if bool(self.of) == (self.range is not None):
            raise ValueError("a code needs either `of`, the codes it stands for, or `range`, the numbers")
        if self.range is not None:
            low, high = self.limits
            if not low <= high:
                raise ValueError(f"range is from {low:g} to {high:g}; the lowest value comes first")
        return self

    @property
    def limits(self) -> tuple[float, float]:
        """The lowest and the highest number; infinite where open."""
        low, high = self.range or (None, None)
        return (-np.inf if low is None else low), (np.inf if high is None else high)


class Recode(Part):
    """A question made of another: several codes are one, or a number falls into classes.

    Attributes
    ----------
    of : str
        A ``select_one`` or ``select_multiple`` question, or a number.
    codes : dict of str to Code
        The new codes, in order. Together they stand for every answer of the old question, each once; its missing
        reasons stay what they are.
    label : str, or dict of language to str
        By default the wording of the old question.

    Examples
    --------
    >>> Recode(of="age", codes={"young": Code(range=(None, 34)), "older": Code(range=(35, None))}).codes["young"].limits
    (-inf, 34.0)
    """

    of: str
    codes: dict[str, Code]
    label: Text = ""


def with_recodes(form: Questionnaire, recodes: Mapping[str, Recode]) -> Questionnaire:
    """The form with a question for each recode, each right after the one it is made of.

    Raises
    ------
    ValueError
        If a recode names no question, is named as one, or its codes are not every answer of it, each once.
    """
    questions = list(form.questions)
    for name, recode in recodes.items():
        known = {question.name: question for question in questions}
        if recode.of not in known:
            raise ValueError(f"recodes.{name}.of: no question {recode.of!r}{did_you_mean(recode.of, known)}")
        if name in known:
            raise ValueError(f"recodes.{name}: there is a question {name!r} already. Give the recode another name.")
        old = known[recode.of]
        for fault in _faults(recode, old):
            raise ValueError(f"recodes.{name}: {fault}")
        questions.insert(questions.index(old) + 1, _question(name, recode, old))
    return replace(form, questions=tuple(questions))


def _faults(recode: Recode, old: Question) -> Iterator[str]:
    ranges = [(code, one.limits) for code, one in recode.codes.items() if one.range is not None]
    if old.type in NUMBER_TYPES:
        if len(ranges) < len(recode.codes):
            yield f"{old.name!r} is a number; give each code a `range`."
        ordered = sorted(ranges, key=lambda one: one[1])
        for (one, (_, high)), (other, (low, _)) in pairwise(ordered):
            if low <= high:
                yield f"the ranges of {one!r} and {other!r} overlap at {low:g}. Both ends of a range belong to it."
        return
    if not old.choices:
        yield f"{old.name!r} is of type {old.type}; name a question with choices, or a number."
        return
    if ranges:
        yield f"{old.name!r} has choices; name them in `of`, not a range ({ranges[0][0]!r})."
    answers = [choice.name for choice in old.answers]
    named = [code for one in recode.codes.values() for code in one.of]
    for code in named:
        if code not in answers:
            reason = old.missing_codes.get(code)
            said = (
                f" is a missing reason ({reason}) and stays what it is. Leave it out."
                if reason else f" is no choice of {old.name!r}{did_you_mean(code, answers)}"
            )  # fmt: skip
            yield f"{code!r}{said}"
        if named.count(code) > 1:
            yield f"{code!r} is named twice. Each code of {old.name!r} goes into one."
    if left := [code for code in answers if code not in named]:
        yield f"{', '.join(map(repr, left))} of {old.name!r} is in none of the codes. Name every code of it."


def _question(name: str, recode: Recode, old: Question) -> Question:
    choices = []
    kept = {choice.name: choice for choice in old.choices}
    for code, one in recode.codes.items():
        first = kept.get(one.of[0]) if len(one.of) == 1 else None
        labels = _labels(one.label, old) or (first.labels if first else {})
        exclusive = bool(one.of) and all(kept[c].exclusive for c in one.of)
        choices.append(Choice(code, labels, exclusive=exclusive))
    missing = [kept.get(code) or Choice(code, missing=reason) for code, reason in old.missing_codes.items()]
    kind = "select_multiple" if old.type == "select_multiple" else "select_one"
    return Question(
        name, kind, _labels(recode.label, old) or old.labels, (*choices, *missing), name, old.relevant,
        groups=old.groups, extra={"recode_of": old.name},
    )  # fmt: skip


def _labels(text: Text, old: Question) -> dict[str, str]:
    if isinstance(text, dict):
        return dict(text)
    return dict.fromkeys(old.labels or ("",), text) if text else {}


def recoded(frame: pd.DataFrame, form: Questionnaire, recodes: Mapping[str, Recode]) -> pd.DataFrame:
    """The responses with the columns of the recodes, made again where they are there.

    An answer that no code stands for stays as it is, so that a check finds it as an unknown code.

    Parameters
    ----------
    frame : DataFrame
        Codes; typed, as those of a :class:`motivlab.Survey`.
    form : Questionnaire
        With the recoded questions, see :func:`with_recodes`.
    """
    made: dict[str, pd.Series] = {}
    for name, recode in recodes.items():
        old, new = form[recode.of], form[name]
        source = frame.assign(**made) if recode.of in recodes else frame
        if old.type == "select_multiple":
            if not set(old.columns) <= set(source):
                continue
            for code, one in recode.codes.items():
                made[f"{name}/{code}"] = _any_of(source, [f"{old.name}/{c}" for c in one.of])
            for choice in new.choices:
                if choice.missing and f"{old.name}/{choice.name}" in source:
                    made[f"{name}/{choice.name}"] = source[f"{old.name}/{choice.name}"]
        elif old.name in source:
            texts = _codes(source[old.name], recode, old)
            names = [choice.name for choice in new.choices]
            unknown = sorted(set(texts) - {"", *names})
            made[name] = pd.Series(
                pd.Categorical(pd.Series(texts).replace("", None), categories=[*names, *unknown]), frame.index
            )
    return frame.drop(columns=[column for column in made if column in frame]).assign(**made) if made else frame


def _any_of(frame: pd.DataFrame, columns: list[str]) -> pd.Series:
    """1 where one of the columns is, else 0; what is neither 0 nor 1 in the first of them stays, blank or a code."""
    first = frame[columns[0]]
    chosen = np.logical_or.reduce([as_numbers(frame[column]) == 1 for column in columns])
    asked = np.isin(as_numbers(first), (0.0, 1.0))
    if first.dtype.kind in "iuf":
        return first.mask(asked | chosen, chosen.astype("int8"))
    return first.astype(object).mask(asked | chosen, chosen.astype("int8").astype(str).astype(object))


def _codes(column: pd.Series, recode: Recode, old: Question) -> npt.NDArray[np.object_]:
    """The new code of every answer; a blank, a missing reason, and what no code stands for stay as they are."""
    texts = as_texts(column)
    out = texts.copy()
    if old.type in NUMBER_TYPES:
        numbers = as_numbers(column)
        answered = ~np.isnan(numbers) & ~np.isin(texts, list(old.missing_codes))
        for code, one in recode.codes.items():
            low, high = one.limits
            out[answered & (numbers >= low) & (numbers <= high)] = code
        return out
    for code, one in recode.codes.items():
        out[np.isin(texts, one.of)] = code
    return out
