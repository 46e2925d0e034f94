"""Rules on "do not know" and refusals, and on what one interviewer does otherwise than the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from .about import About
from .expressions import Mask
from .language import number, percent, say
from .masks import routed
from .questionnaire import CHOICE_TYPES, META_TYPES, NUMBER_TYPES, PLACE_TYPES, Choice, Question, Questionnaire
from .rules import Detail, Found, Overall, Positions, Rule, answered, chosen, coded, is_in, numbers, paradata, remember

if TYPE_CHECKING:
    from .evaluate import Context

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.signedinteger[Any]]

QUESTIONS = 10  # that a respondent was asked, for a share of them
ASKED = 20  # respondents that a question was put to, or interviews of an interviewer, for a share of them
SURE = 0.01  # the probability of a false alarm, over all interviewers or all questions together
HUGE = 1e100  # beyond it a number has no square
NO_ANSWER = ("dont_know", "refused")


def rules(
    form: Questionnaire, about: About, columns: Iterable[str], context: Context | None = None
) -> Iterator[Rule | Overall]:
    """Who gives no answers, where, and to whom.

    ``no_answer_respondent``: the share of "do not know" and refusals of one respondent, of at least 10 questions with
    an answer or such a reason. ``no_answer_question``: the share of them, and of blanks where there should be none, of
    at least 20 respondents the question was put to. ``no_answer_interviewer``, ``interviewer_effect``: see
    :func:`without_answers` and :func:`effects`; both need to know who asked.

    Parameters
    ----------
    form : Questionnaire
    about : About
    columns : iterable of str
        Those of the responses.
    context : Context, optional
        What routing may need beside the frame.

    Yields
    ------
    Rule or Overall
    """
    columns = list(columns)
    interviewer, checks = paradata(form, about, columns).interviewer, about.checks
    asked = questions(form, about, columns)
    if not asked:
        return
    if checks.on("no_answer_respondent") and about.respondent_id in columns:
        held = {column for question in asked for column in (*question.columns, *question.optional_columns)}
        needs = (about.respondent_id, *(column for column in columns if column in held))
        yield _respondent_rule(asked, needs, checks.threshold("no_answer_respondent"))
    if checks.on("no_answer_question"):
        share = checks.threshold("no_answer_question")
        for question in asked:
            yield Overall(
                "no_answer_question", question.name, (),
                lambda frame, question=question: _unanswered(frame, question, share, context),  # type: ignore[misc]
            )  # fmt: skip
    if interviewer and checks.on("no_answer_interviewer"):
        times = checks.threshold("no_answer_interviewer")
        yield Overall(
            "no_answer_interviewer", interviewer, (interviewer,),
            lambda frame: _told_shares(without_answers(frame, asked, interviewer), times, interviewer),
        )  # fmt: skip
    if interviewer and checks.on("interviewer_effect"):
        most = checks.threshold("interviewer_effect")
        yield Overall(
            "interviewer_effect", interviewer, (interviewer,),
            lambda frame: _told_effects(effects(frame, asked, interviewer), most, form),
        )  # fmt: skip


def questions(form: Questionnaire, about: About, columns: Iterable[str]) -> list[Question]:
    """The questions that were put to respondents: no paradata, no columns of the design."""
    there = set(columns)
    data = paradata(form, about, there)
    outside = {about.respondent_id, data.interviewer, data.start, data.end, data.day, *about.design.columns.values()}
    return [
        question
        for question in form
        if question.type not in (*META_TYPES, *PLACE_TYPES, "note")
        and question.name not in outside
        and there & set(question.columns)
    ]


# -------------------------------------------------------------------------------------------------------- no answers


def no_answer(frame: pd.DataFrame, question: Question) -> Mask:
    """Where the respondent does not know, or refuses."""

    def make() -> Mask:
        codes = [code for code, reason in question.missing_codes.items() if reason in NO_ANSWER]
        out = is_in(frame, _first(frame, question), codes)
        for choice in question.choices if question.type == "select_multiple" else ():
            if choice.missing in NO_ANSWER and question.column(choice) in frame:
                out = out | chosen(frame, question.column(choice))
        return out

    return remember(frame, ("no_answer", question.name), make)


def has_answer(frame: pd.DataFrame, question: Question) -> Mask:
    """Where there is an answer: not blank, and no missing reason."""

    def make() -> Mask:
        reasons = [chosen(frame, column) for column in question.optional_columns if column in frame]
        return answered(frame, question) & ~np.logical_or.reduce([np.zeros(len(frame), dtype=bool), *reasons])

    return remember(frame, ("has_answer", question.name), make)


def _first(frame: pd.DataFrame, question: Question) -> str:
    return next(column for column in question.columns if column in frame)


def _there(frame: pd.DataFrame, asked: Sequence[Question]) -> list[Question]:
    return [question for question in asked if any(column in frame for column in question.columns)]


def _shares(frame: pd.DataFrame, asked: Sequence[Question]) -> tuple[Counts, Counts]:
    """Of each respondent the questions without an answer, and those with one or without: what was put to them."""

    def make() -> tuple[Counts, Counts]:
        without, put = np.zeros(len(frame), dtype=np.int32), np.zeros(len(frame), dtype=np.int32)
        for question in _there(frame, asked):
            none = no_answer(frame, question)
            without += none
            put += none | has_answer(frame, question)
        return without, put

    return remember(frame, "no_answer_shares", make)


def _respondent_rule(asked: Sequence[Question], needs: tuple[str, ...], share: float) -> Rule:
    def broken(frame: pd.DataFrame) -> Mask:
        without, put = _shares(frame, asked)
        return (put >= QUESTIONS) & (without >= share * put)

    def told(frame: pd.DataFrame, positions: Positions) -> Sequence[Detail]:
        without, put = (counts[positions].tolist() for counts in _shares(frame, asked))
        return [_part(some, every) for some, every in zip(without, put, strict=True)]

    return Rule("no_answer_respondent", needs[0], needs, broken, told=told)


def _part(some: int, every: int) -> Detail:
    share = some / every
    return lambda language: say("detail_part", language, some=some, every=every, share=percent(share, language))


def _unanswered(
    frame: pd.DataFrame, question: Question, share: float, context: Context | None = None
) -> Iterator[Found]:
    if not _there(frame, [question]):
        return
    reasons, answer = no_answer(frame, question), has_answer(frame, question)
    required = question.extra.get("required", "").lower() in ("yes", "true", "true()")
    blank = np.zeros(len(frame), dtype=bool)
    if required or question.type in CHOICE_TYPES:
        blank = is_in(frame, _first(frame, question), [""]) & ~reasons
    without, put, blanks = int(reasons.sum()), int((reasons | answer).sum()), int(blank.sum())
    if put + blanks < ASKED or without + blanks < share * (put + blanks):
        return  # not even if all the blanks were put
    if blanks and question.routing:
        try:
            blanks = int((blank & routed(frame, question, context)).sum())
        except (ValueError, KeyError):  # what a condition cannot say is no finding here
            blanks = 0
    without, put = without + blanks, put + blanks
    if put >= ASKED and without >= share * put and answer.any():
        yield Found(question.name, "", _part(without, put))


# ------------------------------------------------------------------------------------------------------ interviewers


class Interviewers(NamedTuple):
    """Who asked: a number for each interview, -1 where it is not known, and the interviewers' names."""

    groups: npt.NDArray[np.int64]
    names: list[str]


def interviewers(frame: pd.DataFrame, name: str) -> Interviewers:
    """Those who asked, by the column that says so."""
    found = coded(frame, name)
    held = (found.counts() > 0) & (found.levels != "")
    places = np.where(held, np.cumsum(held) - 1, -1)[found.places]
    return Interviewers(places.astype(np.int64), [str(level) for level in found.levels[held]])


def without_answers(frame: pd.DataFrame, asked: Sequence[Question], name: str) -> pd.DataFrame:
    """How often each interviewer comes back with "do not know" or a refusal, and the others.

    Parameters
    ----------
    frame : DataFrame
    asked : sequence of Question
    name : str
        The column that says who asked.

    Returns
    -------
    DataFrame
        One row per interviewer with at least 20 interviews. Columns: ``interviewer``; ``interviews``; ``share`` of
        "do not know" and refusals in what was asked; ``others``, that of all the other interviewers; ``p``, times the
        number of interviewers (Bonferroni).

    Notes
    -----
    Whoever refuses one question refuses others: respondents are compared, not answers. The share of each respondent
    is ranked, and the ranks of an interviewer's are compared with the others' (the test of Wilcoxon, Mann and Whitney,
    one-sided, with the normal approximation, corrected for ties and for continuity). One respondent who refused
    everything makes a large share, but no small p.

    References
    ----------
    Mann, H. B. and Whitney, D. R. (1947). On a test of whether one of two random variables is stochastically larger
    than the other. Annals of Mathematical Statistics 18(1), 50-60.
    """
    from scipy.stats import norm, rankdata

    without, put = _shares(frame, asked)
    who = interviewers(frame, name)
    known = (who.groups >= 0) & (put > 0)
    groups, without, put = who.groups[known], without[known], put[known]
    size, total = len(who.names), len(groups)
    count = np.bincount(groups, minlength=size)
    by = [np.bincount(groups, values, minlength=size) for values in (without, put)]
    share, others = (
        np.divide(some, every, out=np.zeros(size), where=every > 0)
        for some, every in (by, [values.sum() - values for values in by])
    )
    ranks = rankdata(without / put) if total else np.zeros(0)
    ties = np.unique(ranks, return_counts=True)[1].astype(float)
    rest = total - count
    u = np.bincount(groups, ranks, minlength=size) - count * (count + 1) / 2
    spread = count * rest / 12 * (total + 1 - (ties**3 - ties).sum() / max(total * (total - 1), 1))
    z = np.divide(u - count * rest / 2 - 0.5, np.sqrt(spread), out=np.zeros(size), where=spread > 0)
    p = np.minimum(norm.sf(z) * size, 1)
    out = pd.DataFrame({"interviewer": who.names, "interviews": count, "share": share, "others": others, "p": p})
    return out[(count >= ASKED) & (rest >= ASKED)].reset_index(drop=True)


def _told_shares(found: pd.DataFrame, times: float, name: str) -> Iterator[Found]:
    many = found[(found["share"] > times * found["others"]) & (found["p"] < SURE)]
    for who, interviews, share, others, _ in many.itertuples(index=False):
        yield Found(name, who, _share(int(interviews), share, others))


def _share(interviews: int, share: float, others: float) -> Detail:
    return lambda language: say(
        "detail_no_answer_interviewer", language, n=interviews, share=percent(share, language, 1),
        others=percent(others, language, 1),
    )  # fmt: skip


# ----------------------------------------------------------------------------------------------- interviewer effects


class Sums(NamedTuple):
    """What of one question is known of each interviewer; a number is one variable, choices are one each, 0 or 1."""

    answers: Counts  # shape (interviewers,)
    mean: Floats  # shape (interviewers, variables)
    total: Floats  # the mean of all, shape (variables,)
    within: float  # squared differences from the interviewer's mean, over all variables
    dimensions: float  # how many independent variables they are worth
    choices: tuple[Choice, ...] = ()  # one per variable; none of a number


def effects(frame: pd.DataFrame, asked: Sequence[Question], name: str) -> pd.DataFrame:
    r"""How much the answers to each question depend on who asked.

    Parameters
    ----------
    frame : DataFrame
    asked : sequence of Question
    name : str
        The column that says who asked.

    Returns
    -------
    DataFrame
        One row per question with numbers or choices. Columns: ``question``; ``n``, answers; ``interviewers``;
        ``rho``, the intraclass correlation; ``f`` and ``p``, the F test; ``p_holm``, p after Holm over the questions;
        ``departs``, the interviewer farthest from the others, by variance; ``choice``, the answer that shows it most,
        empty for a number; ``mean`` and ``others``: of that interviewer and of the others, a mean or a share.

    Notes
    -----
    The estimator of the one-way analysis of variance: :math:`\rho = (B - W) / (B + (n_0 - 1) W)` with the mean squares
    between and within interviewers and :math:`n_0 = (N - \sum n_j^2 / N) / (J - 1)`; :math:`F = B / W`. A question
    with choices has a variable 0/1 for each, whose sums of squares are added: with two choices that is the same as for
    one of them. With more, the degrees of freedom of F are multiplied by Box's
    :math:`(\mathrm{tr}\,S)^2 / \mathrm{tr}\,S^2` of the variables' covariance matrix S. Where fewer than 20 answers,
    or fewer than there are interviewers, are others than the most frequent one, the question is left out.

    Interviewers who work in different areas have different respondents: rho is then not theirs alone.

    References
    ----------
    Kish, L. (1962). Studies of interviewer variance for attitudinal variables. JASA 57(297), 92-115.
    Donner, A. (1986). A review of inference procedures for the intraclass correlation coefficient in the one-way
    random effects model. International Statistical Review 54(1), 67-82.
    Box, G. E. P. (1954). Some theorems on quadratic forms applied in the study of analysis of variance problems, I.
    Annals of Mathematical Statistics 25(2), 290-302.
    """
    from scipy.stats import f

    who = interviewers(frame, name)
    rows = []
    for question in _there(frame, asked):
        sums = _sums(frame, question, who)
        if sums is None:
            continue
        size = sums.answers[sums.answers > 0].astype(float)
        groups, n = len(size), float(size.sum())
        between = float((sums.answers[:, None] * (sums.mean - sums.total) ** 2).sum()) / (groups - 1)
        within = sums.within / (n - groups)
        typical = (n - (size**2).sum() / n) / (groups - 1)
        if between + (typical - 1) * within <= 0:
            continue
        ratio = between / within if within > 0 else np.inf
        p = float(f.sf(ratio, (groups - 1) * sums.dimensions, (n - groups) * sums.dimensions))
        rho = (between - within) / (between + (typical - 1) * within)
        rows.append((question.name, int(n), groups, rho, ratio, p, *_departing(sums, who.names)))
    heads = ["question", "n", "interviewers", "rho", "f", "p", "departs", "choice", "mean", "others"]
    out = pd.DataFrame(rows, columns=heads)
    out.insert(6, "p_holm", _holm(out["p"].to_numpy(dtype=float)))
    return out


def _holm(p: Floats) -> Floats:
    """Holm's p of each test.

    Examples
    --------
    >>> _holm(np.array([0.01, 0.04, 0.03])).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p, kind="stable")
    out = np.empty(len(p))
    out[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1)
    return out


def _departing(sums: Sums, names: Sequence[str]) -> tuple[str, str, float, float]:
    """The interviewer farthest from the others, the answer that shows it most, and both means."""
    n = sums.answers.sum()
    rest = (n - sums.answers)[:, None]
    others = np.divide(
        n * sums.total - sums.answers[:, None] * sums.mean, rest, out=np.zeros_like(sums.mean), where=rest > 0
    )
    apart = sums.mean - others
    far = int(np.argmax((sums.answers[:, None] * rest * apart**2).sum(axis=1)))
    variable = int(np.argmax(np.abs(apart[far])))
    choice = sums.choices[variable].name if sums.choices else ""
    return names[far], choice, float(sums.mean[far, variable]), float(others[far, variable])


def _sums(frame: pd.DataFrame, question: Question, who: Interviewers) -> Sums | None:
    """Of one question; None if it has no numbers or choices, or too few answers for a test."""
    known = (who.groups >= 0) & has_answer(frame, question)
    if question.type in NUMBER_TYPES:
        read = _of_numbers(frame, question, who, known)
    elif question.type == "select_one":
        read = _of_choices(frame, question, who, known)
    elif question.type == "select_multiple":
        read = _of_sets(frame, question, who, known)
    else:
        return None
    sums, rarer = read
    groups = int((sums.answers > 0).sum())
    enough = groups > 1 and sums.answers.sum() > groups and rarer >= max(ASKED, groups)
    return sums if enough else None


def _of_numbers(frame: pd.DataFrame, question: Question, who: Interviewers, known: Mask) -> tuple[Sums, int]:
    dated = frame[question.name].dtype.kind == "M"
    values = np.full(len(frame), np.nan) if dated else numbers(frame, question.name)
    known = known & (np.abs(values) < HUGE)
    groups, values = who.groups[known], values[known]
    middle = float(values.mean()) if len(values) else 0.0  # differences from it lose no digits
    usual = int(np.unique(values, return_counts=True)[1].max(initial=0))
    values = values - middle
    count = np.bincount(groups, minlength=len(who.names))
    table = np.bincount(groups, values, minlength=len(who.names))[:, None].astype(float)
    return _sums_of(count, table, float((values**2).sum()), 1.0, middle), len(values) - usual


def _of_choices(frame: pd.DataFrame, question: Question, who: Interviewers, known: Mask) -> tuple[Sums, int]:
    found, choices = coded(frame, question.name), question.answers
    places = {choice.name: i for i, choice in enumerate(choices)}
    codes = np.array([places.get(level, -1) for level in found.levels])[found.places]
    known = known & (codes >= 0)
    cells = np.bincount(who.groups[known] * len(choices) + codes[known], minlength=len(who.names) * len(choices))
    table = cells.reshape(len(who.names), len(choices)).astype(float)
    n = table.sum()
    share = table.sum(axis=0) / max(n, 1)
    # of shares that add up to 1 the covariance is diag(p) - pp'
    squared = (share**2).sum() - 2 * (share**3).sum() + (share**2).sum() ** 2
    dimensions = float((1 - (share**2).sum()) ** 2 / squared) if squared > 0 else 1.0
    count = table.sum(axis=1).astype(np.int64)
    return _sums_of(count, table, n, dimensions, 0.0, choices), int(n - table.sum(axis=0).max(initial=0))


def _of_sets(frame: pd.DataFrame, question: Question, who: Interviewers, known: Mask) -> tuple[Sums, int]:
    choices = tuple(choice for choice in question.answers if question.column(choice) in frame)
    groups = who.groups[known]
    hits = np.stack([chosen(frame, question.column(choice))[known] for choice in choices]).astype(np.float32)
    count = np.bincount(groups, minlength=len(who.names))
    table = np.stack([np.bincount(groups, row, minlength=len(who.names)) for row in hits], axis=1).astype(float)
    n, each = len(groups), hits.sum(axis=1, dtype=float)
    covariance = (hits @ hits.T).astype(float) / max(n, 1) - np.outer(each, each) / max(n, 1) ** 2
    squared = (covariance**2).sum()
    dimensions = float(np.trace(covariance) ** 2 / squared) if squared > 0 else 1.0
    return _sums_of(count, table, each.sum(), dimensions, 0.0, choices), int(np.minimum(each, n - each).max(initial=0))


def _sums_of(
    count: Counts, table: Floats, squares: float, dimensions: float, middle: float, choices: tuple[Choice, ...] = ()
) -> Sums:
    """From the sums of each interviewer and the sum of all squares."""
    mean = table / np.maximum(count, 1)[:, None]
    within = max(squares - float((count[:, None] * mean**2).sum()), 0.0)
    total = table.sum(axis=0) / max(count.sum(), 1)
    return Sums(count, mean + middle, total + middle, within, dimensions, choices)


def _told_effects(found: pd.DataFrame, most: float, form: Questionnaire) -> Iterator[Found]:
    for row in found[(found["rho"] > most) & (found["p_holm"] < SURE)].to_dict("records"):
        yield Found(str(row["question"]), "", _effect(row, form[str(row["question"])]))


def _effect(row: dict[Any, Any], question: Question) -> Detail:
    def told(language: str) -> str:
        said = {"rho": number(row["rho"], language, 2), "n": int(row["interviewers"]), "who": row["departs"]}
        if not row["choice"]:
            mean, others = (number(row[key], language, 1) for key in ("mean", "others"))
            return say("detail_interviewer_mean", language, mean=mean, others=others, **said)
        (choice,) = (choice for choice in question.choices if choice.name == row["choice"])
        share, others = (percent(row[key], language) for key in ("mean", "others"))
        return say(
            "detail_interviewer_share", language, choice=choice.label(language), share=share, others=others, **said
        )

    return told
