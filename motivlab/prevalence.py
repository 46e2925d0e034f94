"""Prevalence: the share of respondents who chose each answer, overall and by group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from .about import Base
from .answers import Answers, answers
from .codes import choose
from .design import design_arrays
from .domains import breakdowns
from .estimate import Estimates, finished, require_confidence, response_columns, rows_of, tidy
from .expressions import Mask
from .intervals import SHARES, Interval
from .questionnaire import Question
from .reduction import Domains, count_by_level, kish_sizes, reduce_survey, response_counts, share_ratios
from .survey import Survey
from .variance import solve

NETS = ("any", "two_or_more")


def prevalence(
    survey: Survey,
    question: str,
    by: str | Sequence[str | tuple[str, ...]] | None = (),
    base: Base | None = None,
    where: str = "",
    interval: Interval = "korn-graubard",
    confidence: float = 0.95,
    nets: Mapping[str, Sequence[str]] | None = None,
) -> Estimates:
    """Weighted shares of the answers to a question, with design-based uncertainty.

    Parameters
    ----------
    survey : Survey
    question : str
        A ``select_one`` or ``select_multiple`` question.
    by : str or sequence of str or tuple of str
        Questions to break down by. ``["a", "b"]`` gives each in turn, ``[("a", "b")]`` crosses them. The groups of a
        ``select_multiple`` question overlap: whoever chose two is in both. The total always comes first.
    base : {"all", "asked", "any"}, optional
        ``all``: every respondent; whoever was not asked, or gave no valid answer, counts as not having chosen, so
        that with item non-response the share is a lower bound. ``asked``: those whom routing put the question to
        and who gave a valid answer. ``any``: those who named at least one choice that is not exclusive.
        By default what ``survey.yml`` says, else ``asked``.
    where : str
        An expression in the questionnaire's language, ``"${labour_status} = 'employed'"``; it keeps a
        subpopulation, as a domain of the full design. A missing reason of a number counts as blank in it.
    interval : {"korn-graubard", "wilson", "logit"}
    confidence : float
        Between 0 and 1.
    nets : mapping of str to sequence of str, optional
        Further rows: a name, and the choices of which at least one was chosen. ``{"okay": ["3", "4"]}``.

    Returns
    -------
    Estimates
        Its frame has the columns named there and, to the right: ``net``, True for the rows of ``nets`` and,
        in a multiple response question, ``any`` (at least one choice that is not exclusive) and ``two_or_more``;
        ``asked``, respondents of the domain whom the question was put to; ``missing``, those of them without a valid
        answer, and among these ``refused``, ``dont_know``, ``invalid`` and ``no_answer``; ``missing_share``, missing
        / asked; ``not_asked``.
        All are unweighted counts. A level with nobody in it is a row with n = 0 and NaN.

    Raises
    ------
    ValueError
        For an unknown question, base, interval or breakdown, a code that is not in the questionnaire, or a design
        that cannot be used; the message names the value and the remedy.

    Notes
    -----
    Variance is Taylor-linearised over strata and clusters, see :func:`motivlab.variance.solve`. R:
    ``svymean(~y, subset(design, domain))`` and ``svyciprop(~y, subset(design, domain), method = "beta")``.

    Examples
    --------
    >>> df = pd.DataFrame({"q/a": [1, 0, 1, 1], "q/b": [0, 0, 1, 0], "w": [1.0, 2.0, 1.0, 2.0]})
    >>> shares = prevalence(Survey.from_frame(df, weight="w"), "q")
    >>> shares.frame[["item", "n", "k", "estimate"]].round(4).to_dict("list")["estimate"]
    [0.6667, 0.1667, 0.6667, 0.1667]
    """
    choose(interval=(interval, SHARES))
    require_confidence(confidence)
    design = design_arrays(survey)
    within, domains = breakdowns(survey, by, where)
    items = items_of(survey, question, base, nets)
    ratios = share_ratios(items.chosen, items.of)
    result = solve(reduce_survey(design, domains, ratios), ratios, design)
    # where nobody or everybody chose an item, the weights are all there is to tell how much the sample knows
    certain = design.weight.min() < design.weight.max() and bool(
        ((result.estimate <= 0) | (result.estimate >= 1)).any()
    )
    size = kish_sizes(design, domains, ratios) if certain else None
    columns = tidy(question, items.base, items.names, domains, result, interval, confidence, size=size)
    level, item = rows_of(domains, len(items.names))
    columns["net"] = items.is_net[item]
    columns |= _non_response(items, domains, level, item)
    someone = within & items.of.any(axis=1)
    return finished(survey, question, pd.DataFrame(columns), someone, domains, interval, confidence, where, items.base)


@dataclass(frozen=True)
class Items:
    """The items of a question with choices: who chose each, and who is in the base of each.

    Attributes
    ----------
    base : str
    names : list of str
        Choices, then nets.
    chosen : ndarray of bool, shape (respondents, items)
    of : ndarray of bool, shape (respondents, items) or (respondents, 1)
    valid : ndarray of bool, shape (respondents, items) or (respondents, 1)
    is_net : ndarray of bool, shape (items,)
    exclusive : ndarray of bool, shape (items,)
        "None of these".
    answers : Answers
    """

    base: Base
    names: list[str]
    chosen: Mask
    of: Mask
    valid: Mask
    is_net: Mask
    exclusive: Mask
    answers: Answers


def items_of(
    survey: Survey, question: str, base: Base | None = None, nets: Mapping[str, Sequence[str]] | None = None
) -> Items:
    """Choices and nets of a question over a base; see :func:`prevalence`.

    Raises
    ------
    ValueError
        For an unknown question or base, or a net that is not one.
    """
    asked_for = survey.question(question)
    base = base or survey.analysis(question).base
    choose(base=(base, get_args(Base)))
    given = answers(survey, question, spare=len(NETS) + len(nets or {}))
    open_choices = np.array([not choice.exclusive for choice in given.choices])
    chosen, valid, names = _with_nets(given, asked_for, open_choices, nets or {})
    is_net = np.array([i >= len(given.choices) for i in range(len(names))])
    exclusive = np.concatenate([~open_choices, np.zeros(is_net.sum(), dtype=bool)])
    if base == "any":
        keep = ~exclusive
        chosen, names, is_net = chosen[:, keep], [n for n, kept in zip(names, keep, strict=True) if kept], is_net[keep]
        valid, exclusive = valid[:, keep] if valid.shape[1] > 1 else valid, exclusive[keep]
    of = valid
    if base == "all":
        of = np.ones((len(chosen), 1), dtype=bool)
    elif base == "any":
        of = valid & (given.chosen & open_choices).any(axis=1)[:, None]
    return Items(base, names, chosen, of, valid, is_net, exclusive, given)


def _with_nets(
    given: Answers, question: Question, open_choices: Mask, nets: Mapping[str, Sequence[str]]
) -> tuple[Mask, Mask, list[str]]:
    """Choices and then nets: whether chosen, whether known, and their names.

    A net is known where enough of its choices were chosen, or where every choice was answered.
    """
    names = [choice.name for choice in given.choices]
    found = list(_nets(question, list(names), open_choices, nets))
    chosen = given.room[:, : len(names) + len(found)]
    count: dict[tuple[int, ...], npt.NDArray[np.integer[Any]]] = {}
    for i, (_, members, least) in enumerate(found, start=len(names)):
        key = tuple(members.tolist())
        if key not in count:
            count[key] = np.zeros(len(chosen), dtype=np.int16)
            for j in key:
                np.add(count[key], chosen[:, j], out=count[key], casting="unsafe")
        chosen[:, i] = count[key] >= least
    names += [name for name, _, _ in found]
    if given.valid.shape[1] == 1:
        return chosen, given.valid, names
    complete = given.valid.all(axis=1, keepdims=True)
    known = [given.valid, chosen[:, len(given.choices) :] | complete]
    return chosen, np.concatenate(known, axis=1), names


def _nets(
    question: Question, names: Sequence[str], open_choices: Mask, nets: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, np.ndarray, int]]:
    """Name, positions of the choices, and how many of them must be chosen."""
    if question.type == "select_multiple":
        yield from ((name, np.flatnonzero(open_choices), least) for least, name in enumerate(NETS, start=1))
    for name, members in nets.items():
        unknown = [member for member in members if member not in names]
        if unknown or name in names or name in NETS or not members:
            raise ValueError(
                f"nets: {name!r} of {list(members)}: a net has a name of its own and choices of {question.name!r}, "
                f"{', '.join(names)}."
            )
        yield name, np.array([names.index(member) for member in members]), 1


def _non_response(
    items: Items, domains: Sequence[Domains], level: np.ndarray, item: np.ndarray
) -> dict[str, np.ndarray]:
    """The columns on who was asked and did not answer, by row of the tidy table."""
    count = response_counts(items.answers, domains)
    valid = count[:, 1:2]
    if items.valid.shape[1] > 1:
        valid = np.stack([count_by_level(domains, v, 2)[:, 1] for v in items.valid.T.astype(np.int8)], axis=1)
    valid = np.broadcast_to(valid, (len(count), len(items.names)))[level, item]
    return response_columns(count[level], valid)
