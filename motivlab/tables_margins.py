"""The sample against known margins as a table; it passes the gate first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from .estimate import Estimates
from .expressions import Mask
from .gate import judged
from .language import number, percent, say
from .margins import Margins
from .margins_file import CROSS
from .sentences import bracketed, by_label, level_label, p_text, quoted, source_line
from .tables import SUPPRESSED, Block, Table, table
from .thresholds import PROFILES

_NUMBERS = ("n", "sample", "weighted", "difference", "weighted_difference", "contribution")


def gated_margins(margins: Margins) -> pd.DataFrame:
    """The rows with ``status``, ``reason`` (``few`` or ``protect``) and ``flagged``; NaN for what may not be shown.

    A level of few respondents is hidden, and others with it: the levels of a margin add up, and so do, in a crossed
    margin, those of each row and each column. A level that nobody is in is told.
    """
    profile = PROFILES[margins.about.gate]
    frame = judged(margins.frame.assign(asked=margins.frame["n"], missing_share=0.0), profile)
    n = frame["n"].to_numpy()
    frame.loc[n == 0, ["status", "reason"]] = ["shown", ""]
    few = frame["reason"].to_numpy() == "few"
    hidden = _closed(n, few, list(_lines(frame)), profile.suppress_below)
    frame.loc[hidden & ~few, ["status", "reason"]] = ["suppressed", "protect"]
    numbers = list(_NUMBERS)
    frame[numbers] = frame[numbers].astype(float)
    frame.loc[hidden, numbers] = np.nan
    return frame.drop(columns=["asked", "missing_share"])


def _lines(frame: pd.DataFrame) -> Iterator[Mask]:
    """What adds up to a number that may be known: a margin; in a crossed one, each level of each question."""
    for variable, rows in frame.groupby("variable", sort=False):
        yield np.asarray(frame["variable"] == variable)
        if CROSS in str(variable):
            parts = rows["level"].str.split(CROSS, expand=True)
            for part in parts:
                for _, line in parts.groupby(part, sort=False):
                    yield np.asarray(frame.index.isin(line.index))


def _closed(n: npt.NDArray[np.integer[Any]], few: Mask, lines: Sequence[Mask], least: int) -> Mask:
    """What is hidden so that in no line one level alone, or too few people in all, come out by subtraction."""
    hidden = few.copy()
    while True:
        for line in lines:
            inside, free = hidden & line, np.flatnonzero(line & ~hidden & (n > 0))
            if inside.any() and len(free) and (inside.sum() < 2 or n[inside].sum() < least):
                # one that opens the fewest other lines, of these the smallest
                opened = [sum(bool(other[i]) and not (hidden & other).any() for other in lines) for i in free]
                hidden[free[np.lexsort((n[free], np.array(opened)))[0]]] = True
                break
        else:
            return hidden


def gated_fit(margins: Margins) -> pd.DataFrame:
    """The tests; NaN where a level of the margin is hidden, since they would tell of it."""
    frame, tests = gated_margins(margins), margins.tests.copy()
    hidden = tests["variable"].isin(frame.loc[frame["reason"] != "", "variable"])
    tests.loc[hidden, ["statistic", "df", "p"]] = np.nan
    tests.loc[hidden, "reason"] = "suppressed"
    return tests


def words_of(margins: Margins, variable: str) -> Estimates:
    """An ``Estimates`` without rows, for the labels of a margin."""
    return Estimates(
        pd.DataFrame(), variable.split(CROSS)[0], "asked", "wald", 0.95, margins.questionnaire, margins.about,
        margins.language,
    )  # fmt: skip


def margin_label(margins: Margins, variable: str) -> str:
    """The wording of a margin's question, or of its questions."""
    return by_label(words_of(margins, variable), variable)


@table.register(Margins)
def _margins(margins: Margins) -> Table:
    """A block per margin, a row per level; then the tests."""
    language, frame = margins.language, gated_margins(margins)
    weighted = bool(margins.about.design.weight)
    shares = ["sample", *(["weighted"] if weighted else []), "target"]
    apart = ["difference", *(["weighted_difference"] if weighted else [])]
    head = ["", "n", *(say(f"margins_{key}", language) for key in (*shares, *apart, "contribution"))]
    blocks = []
    for variable, rows in frame.groupby("variable", sort=False):
        out = [_row(margins, row, shares, apart) for _, row in rows.iterrows()]
        blocks.append(Block(margin_label(margins, str(variable)), tuple(head), tuple(out)))
    blocks.append(_tests(margins))
    said = [say("margins_note", language), say("margins_note_tests", language)]
    if (frame["status"] == "suppressed").any():
        said.append(say("margins_note_untested", language))
    said += margin_notes(margins)
    return Table(say("margins_title", language), tuple(blocks), tuple(said), frame, language)


def _row(margins: Margins, row: pd.Series, shares: list[str], apart: list[str]) -> tuple[str, ...]:
    language, profile = margins.language, PROFILES[margins.about.gate]
    name = level_label(words_of(margins, row["variable"]), row["variable"], row["level"])
    target = percent(row["target"], language, 1)
    if row["status"] == "suppressed":
        few = f"< {number(profile.suppress_below, language)}" if row["reason"] == "few" else SUPPRESSED
        return (name, few, *[SUPPRESSED] * (len(shares) - 1), target, *[SUPPRESSED] * (len(apart) + 1))
    cells = [bracketed(row, percent(row[share], language, 1)) for share in shares[:-1]]
    cells += [target, *(bracketed(row, _signed(row[of] * 100, language, "+")) for of in apart)]
    return (name, number(row["n"], language), *cells, _signed(row["contribution"], language))


def _signed(value: float, language: str, plus: str = "") -> str:
    """A number with one decimal and its sign, none where it is rounded to 0."""
    shown = round(abs(value), 1)
    return ("" if shown == 0 else plus if value > 0 else "−") + number(shown, language, 1)


def _tests(margins: Margins) -> Block:
    language = margins.language
    rows = []
    for row in gated_fit(margins).itertuples():
        name = f"{margin_label(margins, row.variable)}: {say(f'margins_test_{row.test}', language)}"
        if np.isfinite(row.p):
            df = number(row.df, language, 0 if float(row.df).is_integer() else 1)
            rows.append((name, number(row.statistic, language, 2), df, p_text(row.p, language)))
        else:
            rows.append((name, SUPPRESSED, "", ""))
    head = ("", "χ²", say("compare_df", language), "p")
    return Block(say("margins_tests", language), head, tuple(rows))


def margin_notes(margins: Margins, variable: str = "", mark: str = SUPPRESSED) -> Iterator[str]:
    """What has to stand under the margins, or one of them; ``mark`` stands for what is not shown."""
    language, profile = margins.language, PROFILES[margins.about.gate]
    frame, tests = gated_margins(margins), margins.tests
    if variable:
        frame, tests = frame[frame["variable"] == variable], tests[tests["variable"] == variable]
    fixed = tests.loc[tests["reason"] == "no_variance", "variable"]
    if len(fixed) and not variable:
        names = ", ".join(quoted(margin_label(margins, str(name)), language) for name in fixed)
        yield say("margins_note_fixed", language, variables=names)
    for row in tests[tests["test"] == "unweighted"].itertuples():
        if row.outside >= profile.suppress_below:
            name = quoted(margin_label(margins, str(row.variable)), language)
            yield say("margins_note_outside", language, variable=name, n=int(row.outside))
    if (frame["status"] == "suppressed").any():
        yield say("margins_note_hidden", language, mark=mark, n=profile.suppress_below)
    if (frame["status"] == "bracketed").any():
        key = "note_bracketed"
        yield say(key, language, low=profile.suppress_below, high=profile.bracket_below - 1)
    if margins.about.gate == "open":
        yield say("note_gate_open", language)
    if weight := margins.about.design.weight:
        yield say("note_weighted", language, weight=weight)
    if margins.about.synthetic:
        yield say("note_synthetic", language)
    yield source_line(margins.about, language)
