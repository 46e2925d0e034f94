"""What the questionnaire asks of the responses: the rules of its questions, "other" with its text, codes, labels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .about import About
from .expressions import ExpressionError, Mask, parse_expression
from .language import say
from .masks import KIND_OF, METHODS, WELL_FORMED, Test, as_statistics, conditions, left_blank, required
from .questionnaire import CHOICE_TYPES, META_TYPES, Choice, Question, Questionnaire
from .rules import Detail, Found, Overall, Rule, answered, chosen, coded, remember

if TYPE_CHECKING:
    from .evaluate import Context


def rules(
    form: Questionnaire, about: About | None, columns: Iterable[str], context: Context | None = None
) -> Iterator[Rule | Overall]:
    """All rules that the questions put on responses with these columns.

    Parameters
    ----------
    form : Questionnaire
    about : About, optional
        Not used; every module of rules is given it.
    columns : iterable of str
        Those of the responses.
    context : Context, optional
        What expressions may need beside the frame.

    Yields
    ------
    Rule or Overall
        Those with a ``method`` are registered checks of the Pandera schema.
    """
    there = set(columns)
    strict = any(required(question) for question in form)
    for question in form:
        if question.columns or question.name in there:
            yield from _value_rules(question, form, there, context)
        if question.columns:
            yield from _routing_rules(question, form, there, context, strict)
            yield from _use_rules(question)
    yield from _other_rules(form, there, context)
    yield from _label_rules(form)


def _rule(
    kind: str, question: Question, needs: tuple[str, ...], context: Context | None, detail: Detail = "",
    severity: str = "", method: str = "",
) -> Rule:  # fmt: skip
    method = method or kind
    known = METHODS[method]
    return Rule(
        kind, question.name, needs, partial(_tried, known.test, question, context), detail, severity,
        method=method, statistics=as_statistics(question, known.statistics),
    )  # fmt: skip


def _tried(test: Test, question: Question, context: Context | None, frame: pd.DataFrame) -> Mask:
    return test(frame, question, context)


def _value_rules(question: Question, form: Questionnaire, there: set[str], context: Context | None) -> Iterator[Rule]:
    """Rules on the values of one question: codes, types, limits, what it is calculated from."""
    name, kind = question.name, KIND_OF.get(question.type, question.type)
    if question.type == "select_one":
        allowed = ", ".join(choice.name for choice in question.choices)
        yield _rule("unknown_code", question, (name,), context, allowed)
    reasons = [column for column in question.optional_columns if column in there]
    for column in (*question.columns, *reasons) if question.type == "select_multiple" else ():
        codes = ("0", "1", *question.missing_codes)
        part = Question(column, "select_one", choices=tuple(Choice(code) for code in codes))
        yield _rule("unknown_code", part, (column,), context, ", ".join(codes))
    if kind in WELL_FORMED:
        yield _rule("wrong_type", question, (name,), context, partial(type_in_words, kind))
    low, high = question.limits if question.type == "range" else (None, None)
    if low is not None or high is not None:
        shown = f"{-np.inf if low is None else low:g}-{np.inf if high is None else high:g}"
        yield _rule("out_of_range", question, (name,), context, shown)
    if question.constraint and question.columns:
        needs = _read_by(question, [question.constraint], form, there, context)
        yield _rule("out_of_range", question, needs, context, question.constraint, method="constraint")
    if question.type in CHOICE_TYPES and (offers := question.choice_filter):
        yield _rule("not_offered", question, _read_by(question, [offers], form, there, context), context, offers)
    if formula := _formula(question):
        needs = _read_by(question, [formula], form, there, context, (name,))
        yield _rule("calculation", question, needs, context, formula)


def _routing_rules(
    question: Question, form: Questionnaire, there: set[str], context: Context | None, strict: bool
) -> Iterator[Rule | Overall]:
    """Rules on who answers what: routing in both directions, exclusive choices.

    A form that says what is required leaves the rest to the respondent: a blank there is a warning, and where the form
    says that it is not required, a note.
    """
    asked, when = conditions(question), required(question)
    shown = " and ".join(asked)
    needs = _read_by(question, [*asked, *([when] if isinstance(when, str) else [])], form, there, context)
    if asked:
        yield _rule("answered_not_asked", question, needs, context, shown)
    if asked or when:
        left = "note" if str(question.extra.get("required", "")).strip() else "warning"
        weight = "" if when or (question.type in CHOICE_TYPES and not strict) else left
        why: Detail = shown or (when if isinstance(when, str) else _required_in_words)
        yield _rule("asked_not_answered", question, needs, context, why, weight)
    if question.type != "select_multiple":
        return
    alone = [choice.name for choice in question.choices if choice.exclusive]
    if alone := [*alone, *question.missing_codes]:
        yield _rule("exclusive", question, question.columns, context, ", ".join(alone))
    if len(question.columns) > 1:
        needs = _read_by(question, [*asked, question.choice_filter], form, there, context)
        told = partial(_filled_in_words, question.name)
        for column in question.columns:
            part = replace(question, extra={**question.extra, "column": column})
            rule = _rule("asked_not_answered", part, needs, context, told, "warning", method="partly_answered")
            yield replace(rule, variable=column)
        search = partial(_later_choices, question, context)
        yield Overall("asked_not_answered", question.name, needs, search, "warning")


def _later_choices(question: Question, context: Context | None, frame: pd.DataFrame) -> Iterator[Found]:
    """The choices that many interviews do not have, for instance since they came into the form later: each once."""
    for column, left in left_blank(frame, question, context).items():
        if left.many:
            said = {"question": question.name, "n": int(left.mask.sum()), "of": left.put}
            yield Found(column, "", partial(_later_in_words, said))


def _use_rules(question: Question) -> Iterator[Overall]:
    """Questions that nobody answered, choices that nobody chose."""
    if question.type == "note":
        return

    def nobody(frame: pd.DataFrame) -> Iterator[Found]:
        if len(frame) and not _somebody(frame, question):
            yield Found(question.name)

    def unused(frame: pd.DataFrame) -> Iterator[Found]:
        if not _somebody(frame, question):
            return
        if question.type == "select_one":
            values = coded(frame, question.name)
            used = set(values.levels[values.counts() > 0])
        else:
            used = {choice.name for choice in question.answers if chosen(frame, question.column(choice)).any()}
        if left := [choice.name for choice in question.answers if choice.name not in used]:
            more = f" … ({len(left)})" if len(left) > MOST_NAMED else ""
            yield Found(question.name, " ".join(left[:MOST_NAMED]) + more)

    yield Overall("nobody_answered", question.name, question.columns, nobody)
    if question.type in CHOICE_TYPES:
        yield Overall("unused_code", question.name, question.columns, unused)


def _somebody(frame: pd.DataFrame, question: Question) -> bool:
    """Whether anybody answered: mostly one of the first."""
    first = remember(frame, "first", lambda: frame.iloc[:FIRST])
    return bool(answered(first, question).any() or answered(frame, question).any())


FIRST = 500
MOST_NAMED = 10  # codes in one finding


def _label_rules(form: Questionnaire) -> Iterator[Overall]:
    """Wordings that are there in one language of the questionnaire and not in another."""
    if len(form.languages) < 2:
        return
    lists: set[str] = set()
    for question in form:
        choices = () if question.list_name and question.list_name in lists else question.choices
        lists.add(question.list_name)
        found = tuple(_unlabelled(question, choices, tuple(form.languages)))
        if found:
            yield Overall("label_missing", question.name, question.columns, lambda frame, f=found: f)  # type: ignore[misc]


def _unlabelled(question: Question, choices: Iterable[Choice], languages: Iterable[str]) -> Iterator[Found]:
    for language in languages:
        bare = [name for name, labels in [(question.name, question.labels), *((c.name, c.labels) for c in choices)]
                if any(labels.values()) and not labels.get(language)]  # fmt: skip
        if bare:
            more = f" … ({len(bare)})" if len(bare) > MOST_NAMED else ""
            yield Found(question.name, language, ", ".join(bare[:MOST_NAMED]) + more)


def _other_rules(form: Questionnaire, there: set[str], context: Context | None) -> Iterator[Rule]:
    """A text that goes with "other": both or neither."""
    for text, question, choice in others(form):
        says = f"selected(${{{question.name}}}, '{choice.name}')"
        pair = replace(text, extra={**text.extra, "other": says})
        needs = _read_by(pair, [says, *conditions(text)], form, there, context)
        shown = f"{question.name} = {choice.name}"
        yield _rule("other_without_text", pair, needs, context, shown, "error" if required(text) is True else "")
        # what routing did not ask for is an error, by whichever rule
        routed_by = any(question.name in part for part in conditions(text))
        yield _rule("text_without_other", pair, needs, context, shown, "error" if routed_by else "")


def others(form: Questionnaire) -> Iterator[tuple[Question, Question, Choice]]:
    """Each question for a text that goes with "other", the question it belongs to, and that choice of it.

    They belong together if the text is asked exactly where the choice is made, or if it is named after the question:
    ``<question>_other``, ``other_<question>``. "Other" is a choice named or labelled so, in Latvian, English or
    Russian; beside a text named after the question, also the code 96.

    Examples
    --------
    >>> work = Question("work", "select_one", choices=(Choice("paid"), Choice("other")))
    >>> [(text.name, of.name, choice.name) for text, of, choice in others(Questionnaire((work, Question("work_other",
    ...     "text"))))]
    [('work_other', 'work', 'other')]
    """
    by_name = {
        named: question
        for question in form
        if question.type in CHOICE_TYPES
        for named in (f"{question.name}_other", f"other_{question.name}", f"{question.name}_oth",
                      f"{question.name}_specify", f"{question.name}_other_specify", f"{question.name}_cits",
                      f"cits_{question.name}", f"{question.name}[other]")
    }  # fmt: skip
    for text in form:
        if text.type != "text":
            continue
        name, code = _asked_if(text)
        if name in form and form[name].type in CHOICE_TYPES:
            question = form[name]
            yield from ((text, question, c) for c in question.choices if c.name == code and _is_other(c))
        elif text.name in by_name:
            question = by_name[text.name]
            likely = [choice for choice in question.answers if _is_other(choice)]
            likely = likely or [choice for choice in question.answers if choice.name == "96"]
            if len(likely) == 1:
                yield text, question, likely[0]


_ASKED_IF = (
    re.compile(r"""selected\(\s*\$\{\s*([^}]*?)\s*\}\s*,\s*(?:'([^']*)'|"([^"]*)")\s*\)"""),
    re.compile(r"""\$\{\s*([^}]*?)\s*\}\s*=\s*(?:'([^']*)'|"([^"]*)")"""),
)
_OTHER_NAME = re.compile(r"others?|oth|cits|cita|citi|citas|cits_variants|другое|другой|другие|иное|drugoe", re.I)
# "Other", "Other (please specify)", "Cits variants, kāds?", but not "Other relative"
_OTHER_LABEL = re.compile(
    r"(other|others|cits|cita|citi|citas|cits variants|cita atbilde|другое|другой|другие|другая|иное)"
    r"\s*([(,:;.–—-].*|,?\s*(please\s+)?(specify|what|norādiet|kāds|kāda|kas|укажите|какое|что).*)?",
    re.I | re.S,
)


def _asked_if(text: Question) -> tuple[str, str]:
    """The question and the choice that a question is asked for, if that is all that its routing says."""
    for pattern in _ASKED_IF:
        if found := pattern.fullmatch(text.relevant.strip()):
            return found[1], found[2] or found[3] or ""
    return "", ""


def _is_other(choice: Choice) -> bool:
    return bool(
        _OTHER_NAME.fullmatch(choice.name)
        or any(_OTHER_LABEL.fullmatch(str(label).strip()) for label in choice.labels.values() if label)
    )


# -------------------------------------------------------------------------------------------------- words and columns


def _formula(question: Question) -> str:
    """What a value is calculated from, where nobody may type over it and nothing but its parts makes it anew."""
    fixed = question.type == "calculate" or _is_yes(question.extra.get("readonly", "")) or _is_yes(
        question.extra.get("read_only", "")
    )  # fmt: skip
    return str(question.extra.get("calculation", "")) if fixed and not question.extra.get("trigger") else ""


def _is_yes(text: str) -> bool:
    return str(text).strip().lower() in ("yes", "true", "true()")


_TODAY = re.compile(r"\b(?:today|now)\s*\(")


def _read_by(
    question: Question, texts: Iterable[str], form: Questionnaire, there: set[str], context: Context | None,
    own: tuple[str, ...] | None = None,
) -> tuple[str, ...]:  # fmt: skip
    """The columns of a question and of all that expressions refer to; for what is in other tables, the rows' id.

    What a device fills in may be absent, and then the expression says so when it is evaluated; so does one that cannot
    be read.
    """
    out = dict.fromkeys(question.columns if own is None else own)
    outside: list[str] = []
    for text in filter(None, texts):
        try:
            names = parse_expression(text, choice_filter=True).names
        except ExpressionError:
            continue
        for name in names:
            if name in form:
                out |= dict.fromkeys(form[name].columns)
                outside += form[name].optional_columns if form[name].type in META_TYPES else ()
            else:
                outside.append(context.identity if context else "")
        if context and _TODAY.search(text):
            outside += [context.day, context.time]
    return tuple(out | dict.fromkeys(column for column in outside if column in there))


def _filled_in_words(question: str, language: str) -> str:
    return say("detail_partly_answered", language, question=question)


def _later_in_words(said: dict[str, Any], language: str) -> str:
    return say("detail_later_choice", language, **said)


def _required_in_words(language: str) -> str:
    return say("detail_required", language)


def type_in_words(kind: str, language: str) -> str:
    """What a type asks for, in words."""
    return say(f"detail_{kind}", language)
