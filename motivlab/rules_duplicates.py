"""Interviews that are the same as another, or almost: more alike than two people answer by chance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from .about import About
from .expressions import Mask
from .language import percent, say
from .questionnaire import META_TYPES, PLACE_TYPES, Question, Questionnaire
from .rules import Detail, Overall, Positions, Rule, coded, paradata, remember

Codes = npt.NDArray[np.unsignedinteger[Any]]
Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Hashes = npt.NDArray[np.uint64]

BITS = 7  # 2^-7: such a pair of strangers stands in fewer than one of 100 files
ALL_PAIRS = 2_000  # so many interviews are compared each with each
HASHES = 21  # sets of parts that a pair may share, at most, where that would be too many pairs
NEIGHBOURS = 50  # of the interviews that share such a set, so many are compared with each, and of all in the mean 5
SAMPLE = 20_000  # pairs of strangers, to see how far answers go together
FAR = 8.0  # standard deviations; what is farther off there is no stranger
CHUNK = 1 << 20  # pairs that are compared at a time
NAMED = 3  # others that a message names


def rules(form: Questionnaire, about: About, columns: Iterable[str]) -> Iterator[Rule | Overall]:
    """No interview is the same as another (``duplicate_interview``), or almost (``near_duplicate``).

    The answers to all questions are compared, not what tells who was asked, by whom, where and when, and not the
    columns of the design. A missing reason is no answer.

    Parameters
    ----------
    form : Questionnaire
    about : About
    columns : iterable of str
        Those of the responses.

    Yields
    ------
    Rule
        Of the column of the respondent's id; the message names the others.
    """
    columns = list(columns)
    identity, questions = about.respondent_id, compared(form, about, columns)
    if identity not in columns or not questions:
        return

    held = {column for question in questions for column in (*question.columns, *question.optional_columns)}
    needs = (identity, *(column for column in columns if column in held))  # a check of the frame, not of one column

    def read(frame: pd.DataFrame) -> Answers:
        return remember(frame, "answers", lambda: answers(frame, questions))

    if about.checks.on("duplicate_interview"):

        def groups(frame: pd.DataFrame) -> Counts:
            return remember(frame, "same", lambda: same(read(frame)))

        yield Rule(
            "duplicate_interview", identity, needs, lambda frame: groups(frame) >= 0,
            told=lambda frame, positions: _others(groups(frame), coded(frame, identity).texts(), positions),
        )  # fmt: skip
    if about.checks.on("near_duplicate"):
        threshold = min(about.checks.threshold("near_duplicate"), 1.0)

        def near(frame: pd.DataFrame) -> pd.DataFrame:
            return remember(frame, ("near", threshold), lambda: almost(read(frame), threshold))

        def broken(frame: pd.DataFrame) -> Mask:
            out = np.zeros(len(frame), dtype=bool)
            out[near(frame)[["left", "right"]].to_numpy().ravel()] = True
            return out

        yield Rule(
            "near_duplicate", identity, needs, broken,
            told=lambda frame, positions: _nearest(near(frame), coded(frame, identity).texts(), positions),
        )  # fmt: skip


def compared(form: Questionnaire, about: About, columns: Iterable[str]) -> list[Question]:
    """The questions whose answers are compared."""
    there = set(columns)
    data = paradata(form, about, there)
    outside = {about.respondent_id, data.interviewer, data.start, data.end, data.day, *about.design.columns.values()}
    outside |= {*about.design.replicate_columns(there), about.programme.person if about.programme else ""}
    return [
        question
        for question in form
        if question.type not in (*META_TYPES, *PLACE_TYPES, "note")
        and question.name not in outside
        and there & {*question.columns, *question.optional_columns}
    ]


# ------------------------------------------------------------------------------------------------------ the answers


@dataclass(frozen=True, eq=False)
class Answers:
    """What was answered, a code for each answer.

    Attributes
    ----------
    codes : list of ndarray of int, shape (rows,)
        Of each question; 0 where there is no answer. All the choices of a ``select_multiple`` are one answer.
    bits : list of ndarray of float
        Of each question, by code: how much the answer tells, -log2 of its share of those who answered; 0 of none.
    inflation : float
        How much more the likeness of two strangers varies than if no question had to do with another; at least 1.
    """

    codes: list[Codes]
    bits: list[Floats]
    inflation: float

    @property
    def rows(self) -> int:
        """The number of interviews."""
        return len(self.codes[0]) if self.codes else 0

    @property
    def information(self) -> Floats:
        """Bits that each interview tells in all, less what its answers tell of each other."""
        out = np.zeros(self.rows)
        for codes, bits in zip(self.codes, self.bits, strict=True):
            out += bits[codes]
        return np.asarray(out / self.inflation)

    def limit(self, differing: Any = 0, asked: Any = 0) -> Floats:
        r"""Bits of likeness beyond chance: :math:`\log_2 \binom{n}{2} + \log_2 \binom{asked}{differing} + 7`."""
        from scipy.special import gammaln

        asked, differing = np.asarray(asked, dtype=float), np.asarray(differing, dtype=float)
        ways = (gammaln(asked + 1) - gammaln(differing + 1) - gammaln(asked - differing + 1)) / np.log(2)
        return np.asarray(np.log2(max(self.rows * (self.rows - 1) / 2, 1)) + ways + BITS)


def answers(frame: pd.DataFrame, questions: Sequence[Question]) -> Answers:
    """The answers of a frame as codes, and how much each tells."""
    there = [question for question in questions if {*question.columns, *question.optional_columns} & set(frame)]
    codes = [_codes(frame, question) for question in there]
    bits = []
    for column in codes:
        counts = np.bincount(column, minlength=1).astype(float)
        counts[0] = 0
        bits.append(np.where(counts > 0, np.log2(max(counts.sum(), 1) / np.maximum(counts, 1)), 0.0))
    return Answers(codes, bits, _inflation(codes, bits))


def _codes(frame: pd.DataFrame, question: Question) -> Codes:
    names = [name for name in (*question.columns, *question.optional_columns) if name in frame]
    missing = {"", *question.missing_codes}
    if question.type != "select_multiple":
        found = coded(frame, names[0])
        known = ~found.among(missing)
        return _small(np.cumsum(known) * known, found.places)
    apart = {question.column(choice) for choice in question.choices if choice.missing}
    together = np.zeros(len(frame), dtype=np.uint64)
    given = np.zeros(len(frame), dtype=bool)
    for key, name in zip(_keys(len(names)), names, strict=True):
        found = coded(frame, name)
        known = ~found.among(missing | {"0"} if name in apart else missing)
        if name in apart:  # a reason that is chosen: there is no answer
            together[known[found.places]] = 0
            given &= ~known[found.places]
        else:
            given |= known[found.places]
            together += (np.arange(1, len(known) + 1, dtype=np.uint64) * known * key)[found.places]
    places, levels = pd.factorize(np.where(given, together, np.uint64(0)))
    blank = np.flatnonzero(levels == 0)
    order = np.arange(1, len(levels) + 1)
    order[blank] = 0
    return _small(order, places)


def _small(codes: npt.NDArray[Any], places: npt.NDArray[Any]) -> Codes:
    """The codes of the rows, in as few bytes as they need."""
    most = int(codes.max(initial=0))
    return np.asarray(codes.astype(np.min_scalar_type(most))[places])


def _keys(count: int) -> Hashes:
    return np.random.default_rng(0).integers(1, 2**63, count, dtype=np.uint64) * np.uint64(2) + np.uint64(1)


def _inflation(codes: Sequence[Codes], bits: Sequence[Floats]) -> float:
    """The variance of the likeness of pairs of strangers, over what it is where questions are independent."""
    rows = len(codes[0]) if codes else 0
    if rows < 2:
        return 1.0
    random = np.random.default_rng(0)
    left = random.integers(0, rows, SAMPLE)
    right = (left + random.integers(1, rows, SAMPLE)) % rows
    beyond, variance = np.zeros(SAMPLE), np.zeros(SAMPLE)
    for column, told in zip(codes, bits, strict=True):
        one, other = column[left], column[right]
        both = (one > 0) & (other > 0)
        squared = np.where(told > 0, 2.0 ** (-2 * told), 0)
        mean = float((squared * told).sum())
        beyond += both * ((one == other) * told[one] - mean)
        variance += both * float((squared * told**2).sum() - mean**2)
    # a copy among them is no stranger
    far = np.minimum(beyond**2, FAR**2 * variance)
    return max(1.0, float(far.sum() / variance.sum())) if variance.sum() > 0 else 1.0


# --------------------------------------------------------------------------------------------------------- the same


def same(found: Answers) -> Counts:
    """Of each interview the first row of those that are the same; -1 where it is alone, or may be so by chance.

    Examples
    --------
    >>> from motivlab.questionnaire import Question
    >>> frame = pd.DataFrame({name: [*range(40), 7] for name in "abcdefgh"})
    >>> same(answers(frame, [Question(name, "integer") for name in frame]))[[6, 7, 40]].tolist()
    [-1, 7, 7]
    """
    out = np.full(found.rows, -1, dtype=np.int64)
    if found.rows < 2:
        return out
    rows = np.flatnonzero(found.information >= found.limit())
    hashes = _hashes(found, 1)[0][rows]
    _, first, group = np.unique(hashes, return_index=True, return_inverse=True)
    equal = np.ones(len(rows), dtype=bool)
    for column in found.codes:
        equal &= column[rows] == column[rows[first[group]]]
    group = np.where(equal, group, len(first))
    several = (np.bincount(group, minlength=len(first) + 1) > 1)[group] & equal
    out[rows[several]] = rows[first[group[several]]]
    return out


def _hashes(found: Answers, parts: int) -> Hashes:
    """A number for each part of the questions and each row, equal where all its answers are; shape (parts, rows).

    Questions are dealt out by how much they tell, so that no part tells little.
    """
    out = np.zeros((parts, found.rows), dtype=np.uint64)
    telling = [float((told * 2.0**-told)[told > 0].sum()) for told in found.bits]
    keys = _keys(len(found.codes))
    for place, question in enumerate(np.argsort(telling, kind="stable")[::-1].tolist()):
        out[place % parts] += (np.arange(1, len(found.bits[question]) + 1, dtype=np.uint64) * keys[question])[
            found.codes[question]
        ]
    return out


# --------------------------------------------------------------------------------------------------------- the like


def almost(found: Answers, threshold: float) -> pd.DataFrame:
    r"""Pairs of interviews that are almost the same, beyond chance.

    Parameters
    ----------
    found : Answers
    threshold : float
        The least share of equal answers, of the questions that at least one of the two answered.

    Returns
    -------
    DataFrame
        One row per pair. Columns: ``left``, ``right``, rows of the responses; ``equal``, the answers that are equal;
        ``asked``, the questions that at least one of the two answered. Of interviews that are the same the first
        stands for all.

    Notes
    -----
    A share alone says little: people agree on what everybody says, and in a short interview on everything. So a pair
    also has to tell enough. Two strangers agree on an answer that a share :math:`p` of people gives with that
    probability; equal answers tell :math:`-\sum \log_2 p` bits together. Where answers go together (a scale, a
    place and its language) they tell less: the sum is divided by the variance of the likeness of 20,000 random pairs
    over its variance if questions were independent, as a design effect divides a sample. It must exceed
    :math:`\log_2 \binom{n}{2} + \log_2 \binom{asked}{differing} + 7` bits: then fewer than one file in 100 holds
    such a pair of strangers. :func:`same` asks for as much. Interviews that cannot tell so much are not compared.

    Up to 2,000 interviews are compared each with each. Beyond, the questions are dealt out into more parts than a
    pair may have differences, so that it has some parts in common: those with the same answers to these parts are
    compared, which finds every pair in time that grows with the interviews, not with their square. Where very many
    share such a set of parts (more than 50, or more than 5 on average) only neighbours in it are compared, and a pair
    may be missed; that happens with low thresholds, or where nearly all answers are the same.

    Kuriakose and Robbins (2016) took 85 % for the limit; Simmons et al. (2016) showed that honest surveys exceed it,
    the more so the shorter and the more alike the questionnaire and its people, which is why chance is asked here.

    References
    ----------
    Kuriakose, N. and Robbins, M. (2016). Don't get duped: fraud through duplication in public opinion surveys.
    Statistical Journal of the IAOS 32(3), 283-291.
    Simmons, K., Mercer, A., Schwarzer, S. and Kennedy, C. (2016). Evaluating a new proposal for detecting data
    falsification in surveys. Statistical Journal of the IAOS 32(3), 327-338.

    Examples
    --------
    >>> from motivlab.questionnaire import Question
    >>> frame = pd.DataFrame({f"q{i}": [*range(40), 7] for i in range(20)})
    >>> frame.loc[40, "q3"] = 8
    >>> almost(answers(frame, [Question(name, "integer") for name in frame]), 0.95)
       left  right  equal  asked
    0     7     40     19     20
    """
    most = int((1 - threshold) * len(found.codes) + 1e-9)
    pairs = np.empty((0, 2), dtype=np.int64)
    if most and found.rows > 1:
        rows = np.flatnonzero(found.information >= found.limit())
        hashes = _hashes(found, 1)[0][rows]
        rows = np.sort(rows[np.unique(hashes, return_index=True)[1]])
        pairs = _all_pairs(found, rows, most) if len(rows) <= ALL_PAIRS else _shared_parts(found, rows, most)
    left, right = pairs.T
    equal, asked, bits = np.zeros(len(left), dtype=int), np.zeros(len(left), dtype=int), np.zeros(len(left))
    for column, told in zip(found.codes, found.bits, strict=True):
        one, other = column[left], column[right]
        alike = (one == other) & (one > 0)
        equal += alike
        asked += (one > 0) | (other > 0)
        bits += alike * told[one]
    out = pd.DataFrame({"left": left, "right": right, "equal": equal, "asked": asked})
    enough = bits / found.inflation >= found.limit(asked - equal, asked)
    alike = (equal < asked) & (equal >= threshold * asked - 1e-9)
    return out[enough & alike].sort_values(["left", "right"]).reset_index(drop=True)


def _all_pairs(found: Answers, rows: Positions, most: int) -> npt.NDArray[np.int64]:
    """Pairs that differ in at most so many questions, each row compared with each."""
    out = [np.empty((0, 2), dtype=np.int64)]
    columns = [column[rows] for column in found.codes]
    step = max(1, CHUNK // max(len(rows), 1))
    for start in range(0, len(rows), step):
        stop = min(start + step, len(rows))
        differing = np.zeros((stop - start, len(rows) - start), dtype=np.uint16)
        for column in columns:
            differing += column[start:stop, None] != column[None, start:]
        one, other = np.nonzero(differing <= most)
        later = other > one
        out.append(np.stack([rows[start + one[later]], rows[start + other[later]]], axis=1))
    return np.concatenate(out)


def _shared_parts(found: Answers, rows: Positions, most: int) -> npt.NDArray[np.int64]:
    """Pairs that differ in at most so many questions: of ``most + k`` parts they have ``k`` in common."""
    k = max((k for k in range(1, most + 1) if comb(most + k, k) <= HASHES), default=1)
    hashes = _hashes(found, most + k)[:, rows]
    out = [np.empty((0, 2), dtype=np.int64)]
    for parts in combinations(range(most + k), k):
        shared: Hashes = hashes[list(parts)].sum(axis=0, dtype=np.uint64)
        for one, other in _neighbours(shared):
            near = _close(found, rows[one], rows[other], most)
            out.append(np.stack([rows[one[near]], rows[other[near]]], axis=1))
    return np.unique(np.sort(np.concatenate(out), axis=1), axis=0)


def _neighbours(shared: Hashes) -> Iterator[tuple[Positions, Positions]]:
    """Places that hold the same number, in pairs."""
    # only what may have a partner needs to be sorted
    size = 1 << min(max(3 + len(shared).bit_length(), 8), 22)
    slots = (shared >> np.uint64(40)).astype(np.int64) & (size - 1)
    places = np.flatnonzero((np.bincount(slots, minlength=size) > 1)[slots])
    places = places[np.argsort(shared[places], kind="stable")]
    ordered = shared[places]
    budget = 5 * len(shared)
    for apart in range(1, min(NEIGHBOURS + 1, len(places))):
        first = np.flatnonzero(ordered[apart:] == ordered[:-apart])
        if not len(first) or budget < 0:
            return
        budget -= len(first)
        yield places[first], places[first + apart]


def _close(found: Answers, left: Positions, right: Positions, most: int) -> Positions:
    """Of pairs the places of those that differ in at most so many questions."""
    places = np.arange(len(left))
    differing = np.zeros(len(left), dtype=np.uint16)
    for column in found.codes:
        differing += column[left[places]] != column[right[places]]
        keep = differing <= most
        places, differing = places[keep], differing[keep]
    return places


# --------------------------------------------------------------------------------------------------------- in words


def _others(groups: Counts, names: npt.NDArray[np.object_], positions: Positions) -> list[Detail]:
    """The others of each row's group."""
    members: dict[int, list[int]] = {}
    held = np.flatnonzero(groups >= 0)
    for row, group in zip(held.tolist(), groups[held].tolist(), strict=True):
        members.setdefault(group, []).append(row)
    out: list[Detail] = []
    for row in positions.tolist():
        group = members.get(int(groups[row]), [])
        named = [other for other in group[: NAMED + 1] if other != row][:NAMED]
        out.append(_listed([_named(names[other]) for other in named], len(group) - 1))
    return out


def _nearest(pairs: pd.DataFrame, names: npt.NDArray[np.object_], positions: Positions) -> list[Detail]:
    """The rows that are nearest to each."""
    partners: dict[int, list[tuple[float, int, int, int]]] = {}
    for left, right, equal, asked in pairs.itertuples(index=False):
        for row, other in ((left, right), (right, left)):
            partners.setdefault(row, []).append((-equal / asked, other, equal, asked))
    out: list[Detail] = []
    for row in positions.tolist():
        every = sorted(partners.get(row, []))
        out.append(_listed([_like(names[other], equal, asked) for _, other, equal, asked in every[:NAMED]], len(every)))
    return out


def _named(name: str) -> Detail:
    return name or (lambda language: say("blank", language))


def _like(name: str, equal: int, asked: int) -> Detail:
    return lambda language: say(
        "detail_near_duplicate", language, name=name or say("blank", language), equal=equal, asked=asked,
        share=percent(equal / asked, language, 1),
    )  # fmt: skip


def _listed(named: Sequence[Detail], count: int) -> Detail:
    def told(language: str) -> str:
        shown = ", ".join(one if isinstance(one, str) else one(language) for one in named)
        more = count - len(named)
        return say("detail_and_more", language, shown=shown, n=more) if more > 0 else shown

    return told
