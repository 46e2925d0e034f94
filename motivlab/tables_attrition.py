"""What gains rest on, as tables: who was lost, weights for it, the reliability of scales. All pass the gate first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from .attrition import LOW_FOLLOW_UP, OUT_OF_BALANCE, Attrition
from .balance import Unweighed
from .codes import as_numbers
from .gated_attrition import gated_attrition, gated_reliability, gated_response, gated_result
from .gated_gains import measure_label, outcome_label
from .language import number, percent, say
from .nonresponse import ResponseWeights
from .scales import Reliability
from .sentences import level_label, p_text, quoted, source_line
from .tables import SUPPRESSED, Block, Table, points, table
from .thresholds import PROFILES

ENOUGH = (0.7, 0.9)  # of reliability, by convention: to compare groups, to judge a person
MARK, WARNING = "†", "!"
INDENT = "·\N{NO-BREAK SPACE}"

Cells = tuple[str, ...]

# ---------------------------------------------------------------------------------------------------- attrition


def label_of(result: Attrition | ResponseWeights) -> str:
    """What the outcome is called, and the occasion where it is a later one."""
    words: Any = result
    instrument = result.about.gains.get(result.outcome)
    if instrument is None or instrument.question:
        return measure_label(words, instrument.question if instrument else result.outcome)
    label = outcome_label(words, result.outcome)
    if result.at == "post":
        return label
    later = measure_label(words, instrument.later[int(result.at.removeprefix("later_")) - 1])
    return later if later.startswith(label) else f"{label} ({later})"


@table.register(Attrition)
def _attrition(result: Attrition) -> Table:
    """How many are left, who they are against those lost, and what that may mean for the change."""
    language, frame = result.language, gated_attrition(result)
    title = say("attrition_title", language, outcome=label_of(result))
    blocks = (_follow_up(result), _entry(result, frame), _result(result))
    return Table(title, blocks, tuple(_attrition_notes(result, frame)), frame, language)


def _follow_up(result: Attrition) -> Block:
    language = result.language
    before = result.about.gains[result.outcome].pre
    base = say("attrition_base", language) if before else say("attrition_base_all", language)
    mark = f" {WARNING}" if result.low else ""
    head = (base, say("attrition_kept", language), say("attrition_lost", language), say("attrition_share", language))
    numbers = (number(n, language) for n in (result.n_base, result.n_kept, result.n_lost))
    row = (*numbers, percent(result.follow_up, language) + mark)
    return Block(say("attrition_block_follow_up", language), head, (row,))


def _entry(result: Attrition, frame: pd.DataFrame) -> Block:
    """A line for each question, and under it its levels; a number has one line."""
    language = result.language
    head = (
        "", say("attrition_kept", language), say("attrition_lost", language), say("attrition_difference", language),
        say("attrition_weighted", language), f"n: {say('attrition_kept', language)}",
        f"n: {say('attrition_lost', language)}",
    )  # fmt: skip
    out: list[Cells] = []
    for name, rows in frame.groupby("variable", sort=False):
        if (rows["level"] != "").any():
            out.append((measure_label(_any(result), str(name)), "", "",
                        _standardised(rows.iloc[0], "overall", language), *[""] * 3))  # fmt: skip
        out += [(term_label(result, row), *_sides(row, language)) for _, row in rows.iterrows()]
    return Block(say("attrition_block_entry", language), head, tuple(out))


def _any(result: Any) -> Any:
    return result


def term_label(result: Any, row: Any, phrase: str = "attrition_mean") -> str:
    """A level under its question, or a number by its name."""
    if row["missing"]:
        return INDENT + say("attrition_no_answer", result.language)
    if row["level"]:
        return INDENT + level_label(result, row["variable"], row["level"])
    return say(phrase, result.language, label=measure_label(result, row["variable"]))


def _sides(row: Any, language: str) -> Cells:
    if row["status"] == "suppressed":
        return (SUPPRESSED,) * 6
    of_number = not row["level"] and not row["missing"]
    digits = 1 if of_number and abs(row["base"]) >= 10 else 2
    values = [
        "" if np.isnan(row[c]) else number(row[c], language, digits) if of_number else percent(row[c], language)
        for c in ("kept", "lost", "weighted")
    ]
    n = ["" if np.isnan(row[c]) else number(row[c], language) for c in ("n_kept", "n_lost")]
    first, second, third = (bracketed(row, value) for value in values)
    return (first, second, _standardised(row, "difference", language), third, *n)


def _standardised(row: Any, column: str, language: str) -> str:
    value = row[column]
    if np.isnan(value):
        return ""
    size = number(abs(value), language, 2) if np.isfinite(value) else "∞"
    sign = "" if column == "overall" or round(abs(value), 2) == 0 else "+" if value > 0 else "−"
    return sign + size + (MARK if abs(value) > OUT_OF_BALANCE else "")


def _result(result: Attrition) -> Block:
    language, frame = result.language, gated_result(result)
    changes = list(dict.fromkeys(frame["change"]))
    level = percent(result.confidence, language)
    head = [""]
    for change in changes:
        name = change_label(result, result.outcome, change)
        head += [f"{say('gains_change', language, level=level)}\n{name}", "n"]
    rows = []
    for way, part in frame.groupby("way", sort=False):
        of = part.set_index("change")
        if way == "weighted" and result.weights is None:
            continue
        cells = []
        for change in changes:
            row = of.loc[change]
            cells += [change_cell(result, row), "" if np.isnan(row["n"]) else number(row["n"], language)]
        rows.append((say(f"attrition_way_{way}", language), *cells))
    return Block(say("attrition_block_result", language), tuple(head), tuple(rows))


def change_cell(result: Attrition, row: Any) -> str:
    """A change with its interval, in the unit of the scale or in percentage points."""
    if row["status"] == "suppressed":
        return SUPPRESSED
    if np.isnan(row["estimate"]):
        return ""
    low, high = (change_of(result, row[c], unit=False) for c in ("ci_low", "ci_high"))
    return bracketed(row, change_of(result, row["estimate"])) + (f" [{low}; {high}]" if low else "")


def change_of(result: Attrition, value: float, unit: bool = True) -> str:
    """A change in the unit of the scale, of a 0/1 outcome in percentage points; empty where there is none."""
    if np.isnan(value):
        return ""
    name = result.about.gains[result.outcome].occasions[0]
    if name in result.about.scales:
        return plus(value, result.language, digits_for(result.about.scales[name].bounds))
    question = result.questionnaire[name]
    if question.type == "select_one" and len(question.answers) <= 2:
        text = points(value, result.language)
        return say("gains_points", result.language, size=text) if unit else text
    codes = as_numbers([choice.name for choice in question.answers])
    ends = [*codes, *(end for end in question.limits if end is not None)]
    means = result.frame.loc[(result.frame["variable"] == name) & (result.frame["level"] == ""), ["kept", "lost"]]
    return plus(value, result.language, digits_for(ends or [*means.to_numpy().ravel(), value]))


def _attrition_notes(result: Attrition, frame: pd.DataFrame) -> Iterator[str]:
    language, about, found = result.language, result.about, gated_result(result)
    least = PROFILES[about.gate].suppress_below
    yield say("note_measure", language, measure=say("measure_reported_gain", language))
    if result.low:
        yield say("attrition_note_low", language, share=percent(LOW_FOLLOW_UP, language))
    yield say("attrition_note_difference", language, limit=number(OUT_OF_BALANCE, language, 2))
    if frame[["n_kept", "n_lost"]].isna().any(axis=None) and about.gate != "open":
        yield say("attrition_note_valid", language, n=least)
    yield say("attrition_note_ways", language)
    if about.gains[result.outcome].better == "lower":
        yield say("gains_note_lower", language, outcomes=quoted(label_of(result), language))
    bounds = found[found["way"].isin(["worst", "best"])]
    if (bounds["estimate"].isna() & (bounds["reason"] == "")).any():
        yield say("attrition_note_no_ends", language)
    if (bounds["reason"] == "few_lost").any():
        yield say("attrition_note_few_lost", language, mark=SUPPRESSED, n=least)
    if result.unweighed:
        yield unweighed(result, result.unweighed)
    yield say("attrition_note_interval", language, level=percent(result.confidence, language))
    if result.about.design.weight:  # without one, weights for non-response are still in the table
        yield weighting(result)
    if result.without_pre >= least:
        yield say("attrition_note_without_pre", language, n=result.without_pre)
    if result.where:
        yield say("note_where", language, where=result.where)
    rows = pd.concat([part[["status", "reason"]] for part in (frame, found)])
    yield from gate_notes(result, rows, sides=True)
    yield caveat(result)
    yield from ending(result)


def unweighed(result: Attrition, why: Unweighed) -> str:
    """Why there are no weights; a group that may not be shown is not named."""
    language = result.language
    if why.reason == "separated":
        return say("attrition_unweighed_separated", language)
    if why.n < PROFILES[result.about.gate].suppress_below:
        return say("attrition_unweighed_few", language)
    names = why.variable.split(" × ")
    labels = " × ".join(measure_label(_any(result), name) for name in names)
    level = say("attrition_no_answer", language) if why.missing else why.level
    if why.level and not why.missing and all(why.level.split(" × ")):
        level = level_label(_any(result), why.variable, why.level)
    return say("attrition_unweighed_nobody", language, group=quoted(f"{labels}: {level}", language))


# ------------------------------------------------------------------------------------------- weights for non-response


@table.register(ResponseWeights)
def _response(result: ResponseWeights) -> Table:
    """What the weights cost, and the model they come from."""
    language, frame = result.language, gated_response(result)
    rows = [
        (say("response_weights_base", language), number(result.n_base, language)),
        (say("attrition_kept", language), number(result.n_kept, language)),
        (say("response_weights_n_eff", language), number(result.n_eff, language)),
        (say("response_weights_deff", language), number(result.deff, language, 2)),
        (say("response_weights_greatest", language), number(result.greatest, language, 2)),
    ]
    if result.trim is not None:
        rows.append((say("response_weights_trimmed", language), number(result.trimmed, language)))
    blocks = (
        Block(say("response_weights_block", language), ("", say("reliability_value", language)), tuple(rows)),
        _model(result, frame),
    )
    said = [say("response_weights_note", language)]
    said.append(say(f"response_weights_note_{result.method}", language))
    if np.isinf(frame["odds_ratio"]).any():
        said.append(say("response_weights_note_all", language))
    if frame["n"].isna().any() and result.about.gate != "open":
        said.append(say("attrition_note_valid", language, n=PROFILES[result.about.gate].suppress_below))
    if result.where:
        said.append(say("note_where", language, where=result.where))
    said += [weighting(result)] if result.about.design.weight else []
    said += [*gate_notes(result, frame, sides=True), *ending(result)]
    title = say("response_weights_title", language, outcome=label_of(result))
    return Table(title, blocks, tuple(said), frame, language)


def _model(result: ResponseWeights, frame: pd.DataFrame) -> Block:
    """A row per term under its question; of classes a row per cell."""
    language, classes = result.language, result.method == "classes"
    head = ["", "n", say("attrition_share", language), say("response_weights_odds", language), "p"]
    out: list[Cells] = []
    for name, rows in frame.groupby("variable", sort=False):
        if (rows["level"] != "").any():
            labels = [measure_label(_any(result), one) for one in str(name).split(" × ")]
            out.append((" × ".join(labels), *[""] * (len(head) - 1)))
        for _, row in rows.iterrows():
            label = _cell_label(result, row) if classes else term_label(result, row, "response_weights_per_unit")
            if row["status"] == "suppressed":
                out.append((label, *[SUPPRESSED] * (len(head) - 1)))
                continue
            n = "" if np.isnan(row["n"]) else number(row["n"], language)
            share = bracketed(row, percent(row["share"], language))
            out.append((label, n, share, _odds(row, language), p_text(row["p"], language)))
    keep = 3 if classes else 5
    return Block(say("response_weights_model", language), tuple(head[:keep]), tuple(row[:keep] for row in out))


def _cell_label(result: ResponseWeights, row: Any) -> str:
    """A cell of crossed questions, in which an answer may be missing."""
    names, levels = row["variable"].split(" × "), row["level"].split(" × ")
    none = say("attrition_no_answer", result.language)
    labels = [level_label(_any(result), n, one) if one else none for n, one in zip(names, levels, strict=True)]
    return INDENT + " × ".join(labels)


def _odds(row: Any, language: str) -> str:
    if np.isinf(row["odds_ratio"]):
        return say("response_weights_all", language)
    if np.isnan(row["odds_ratio"]):
        return ""
    ends = [row["odds_ratio_low"], row["odds_ratio_high"]]
    if np.isnan(ends).any():
        return say("adjusted_reference", language)
    places = 2 if row["level"] or row["missing"] else 3  # of a number it is per unit, and near to 1
    low, high = (number(end, language, places) for end in ends)
    return f"{bracketed(row, number(row['odds_ratio'], language, places))} [{low}–{high}]"


# ---------------------------------------------------------------------------------------------------- reliability


@table.register(Reliability)
def _reliability(result: Reliability) -> Table:
    """The coefficients of the scale, then its items."""
    language, frame = result.language, gated_reliability(result)
    few = result.n < PROFILES[result.about.gate].suppress_below
    n = f"< {number(PROFILES[result.about.gate].suppress_below, language)}" if few else number(result.n, language)
    rows = []
    for key, values in _coefficients(result).items():
        if few or np.isfinite(values[0]):
            texts = [number(v, language, 2) if np.isfinite(v) else "" for v in values]
            within = f"[{texts[1]}; {texts[2]}]" if texts[1] else ""
            cells = [SUPPRESSED, SUPPRESSED] if few else [bracketed(frame.iloc[0], texts[0]), within]
            rows.append((say(f"reliability_{key}", language), *cells, n))
    level = say("confidence", language, level=percent(result.confidence, language))
    head = (say("reliability_coefficient", language), say("reliability_value", language), level,
            say("reliability_n", language))  # fmt: skip
    blocks = [Block("", head, tuple(rows))] if rows else []
    blocks.append(_items(result, frame))
    title = say("reliability_title", language, scale=measure_label(_any(result), result.scale))
    return Table(title, tuple(blocks), tuple(_reliability_notes(result, frame)), frame, language)


def _coefficients(result: Reliability) -> dict[str, tuple[float, float, float]]:
    found = {
        "alpha": (result.alpha, result.alpha_low, result.alpha_high),
        "omega": (result.omega, result.omega_low, result.omega_high),
    }
    two = np.isfinite(result.spearman_brown)
    return found | ({"brown": (result.spearman_brown, np.nan, np.nan)} if two else {})


def _items(result: Reliability, frame: pd.DataFrame) -> Block:
    language = result.language
    head = ("", "n", say("statistic_mean", language), say("gains_sd", language),
            say("reliability_item_rest", language), say("reliability_dropped", language))  # fmt: skip
    rows = []
    for _, row in frame.iterrows():
        label = result.questionnaire[row["item"]].label(language)
        label = say("reliability_reversed", language, item=label) if row["reversed"] else label
        if row["status"] == "suppressed":
            rows.append((label, *[SUPPRESSED] * 5))
            continue
        columns = ("mean", "sd", "item_rest", "alpha_if_dropped")
        cells = ["" if np.isnan(row[c]) else signless(row[c], language) for c in columns]
        rows.append((label, number(row["n"], language), bracketed(row, cells[0]), *cells[1:]))
    return Block(say("reliability_items", language), head, tuple(rows))


def _reliability_notes(result: Reliability, frame: pd.DataFrame) -> Iterator[str]:
    language = result.language
    least = PROFILES[result.about.gate].suppress_below
    groups, people = (number(one, language, 1) for one in ENOUGH)
    yield say("reliability_note", language, groups=groups, people=people)
    if result.n >= least:
        yield from reliability_missing(result)
        if named := [quoted(result.questionnaire[one].label(language), language) for one in result.constant]:
            yield say("reliability_note_constant", language, items=", ".join(named))
    if frame["reversed"].any():
        yield say("reliability_note_reversed", language)
    yield say("reliability_note_interval", language, level=percent(result.confidence, language))
    yield from gate_notes(result, frame)
    yield from ending(result)


def reliability_missing(result: Reliability) -> Iterator[str]:
    """Why there is no alpha, no omega."""
    language = result.language
    for key, reason in (("alpha", result.alpha_missing), ("omega", result.omega_missing)):
        if reason:
            yield say(f"reliability_missing_{reason}", language, what=say(f"reliability_{key}", language))


# ------------------------------------------------------------------------------------------ what these tables share


def signless(value: float, language: str) -> str:
    """A number with two decimals, and a minus sign where it is below 0."""
    return plus(value, language).removeprefix("+")


def plus(value: float, language: str, digits: int = 2) -> str:
    """A number with its sign; without one where it is rounded to 0."""
    text = number(abs(value), language, digits)
    return text if round(abs(value), digits) == 0 else ("+" if value > 0 else "−") + text


def digits_for(ends: Iterable[float]) -> int:
    """How many decimals a mean of a scale has, by its greatest value."""
    greatest = max((abs(end) for end in ends if np.isfinite(end)), default=0.0)
    return 0 if greatest >= 1000 else 1 if greatest >= 10 else 2


def moment_label(result: Any, outcome: str, moment: str) -> str:
    """When something was measured: before, then, after, later; of several later ones, with their number."""
    if not moment.startswith("later_"):
        return say(f"plot_gains_{moment}", result.language)
    if len(result.about.gains[outcome].later) == 1:
        return say("plot_gains_later", result.language)
    return say("plot_gains_later_of", result.language, i=int(moment.removeprefix("later_")))


def change_label(result: Any, outcome: str, change: str) -> str:
    """A change by its two measurements, ``after − before``."""
    return " − ".join(moment_label(result, outcome, moment) for moment in change.split(" - "))


def bracketed(row: Any, text: str) -> str:
    """The text in brackets if the row rests on few."""
    return f"({text})" if row["status"] == "bracketed" and text else text


def gate_notes(result: Any, frame: pd.DataFrame, sides: bool = False) -> Iterator[str]:
    """What brackets and dashes mean, of rows with ``status`` and ``reason``; of empty groups with ``by``, ``level``.

    With ``sides`` they are judged on the smaller of those with a follow-up and those lost.
    """
    language, profile = result.language, PROFILES[result.about.gate]
    if result.about.gate == "open":
        yield say("note_gate_open", language)
    if (frame["status"] == "bracketed").any():
        key = "attrition_note_bracketed" if sides else "note_bracketed"
        yield say(key, language, low=profile.suppress_below, high=profile.bracket_below - 1)
    if (frame["reason"] == "few").any():
        key = "attrition_note_few" if sides else "note_few"
        yield say(key, language, mark=SUPPRESSED, n=profile.suppress_below)
    if (frame["reason"] == "protect").any():
        yield say("gains_note_protected", language, mark=SUPPRESSED)
    if (frame["reason"] == "nonresponse").any():
        yield say("gains_note_no_pairs", language, mark=SUPPRESSED)
    empty = frame[frame["reason"] == "empty"]
    if len(empty) and "by" in frame:
        names = [level_label(result, by, one) for by, one in zip(empty["by"], empty["level"], strict=True)]
        yield say("note_empty", language, mark=SUPPRESSED, levels=", ".join(dict.fromkeys(names)))
    if result.about.gate != "open" and (frame["reason"] == "").all():
        yield say("gains_note_threshold", language, n=profile.suppress_below)


def weighting(result: Any) -> str:
    """Whether estimates are weighted, and by what."""
    weight = result.about.design.weight
    return say("note_weighted", result.language, weight=weight) if weight else say("note_unweighted", result.language)


def caveat(result: Any) -> str:
    """That there is no comparison group; with one, that this is not about it."""
    programme = result.about.programme
    if programme and programme.comparison:
        return say("attrition_note_comparison", result.language)
    return say("note_no_comparison", result.language)


def ending(result: Any) -> Iterator[str]:
    """That data are synthetic, and the source."""
    if result.about.synthetic:
        yield say("note_synthetic", result.language)
    yield source_line(result.about, result.language)
