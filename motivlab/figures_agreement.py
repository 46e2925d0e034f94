"""The figure of answers that are in order, from disagreement to agreement: bars that diverge from the middle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .figures import tag_of
from .gate import Gated, gate, judged, protected
from .language import number, percent, say
from .measured import moments
from .page import LINE, PAD, STYLE, WIDTH, Page, label_column, label_lines, text_width, wrap
from .parts import in_language
from .prevalence import prevalence
from .programme import Instrument
from .questionnaire import Choice, Question
from .sentences import by_label, level_label, notes, overlapping, quoted, source_line
from .sentences_outcomes import between
from .survey import Survey
from .tables import n_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BAR = 0.26  # inches
STEP = 0.34  # from one bar to the next
APART = 0.16  # between items
SMALL = 8
ITEM = 9
SWATCH = 0.16
LEGEND = 0.2
NEUTRAL = "#d5d5d5"
ENDS = 0.62  # inches for the sums at each end of a bar


@dataclass(frozen=True)
class _Bar:
    """One bar: its label, the shares of the choices in order, and the gated rows they come from."""

    label: str
    rows: pd.DataFrame
    gated: Gated

    @property
    def shares(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        return self.rows["estimate"].to_numpy(dtype=float)

    @property
    def hidden(self) -> bool:
        return bool((self.rows["reason"] != "").any())


def plot_agreement(
    survey: Survey, questions: str | Sequence[str], pairs: Sequence[tuple[str, ...]] | None = None,
    by: str | None = None,
) -> Axes:  # fmt: skip
    """How answers in order are distributed, as bars that diverge from the neutral answer.

    The middle is the choice that the questionnaire marks as ``neutral``; without one the bars divide between the two
    halves of the choices. Shares are weighted and gated as those of :func:`motivlab.prevalence`; bars of the same item
    before and after stand together. At the ends of a bar is what each side adds up to, at the right n.

    Parameters
    ----------
    survey : Survey
    questions : str or sequence of str
        ``select_one`` questions with the same choices, in order.
    pairs : sequence of tuple of str, optional
        Which of them are the same item on several occasions, in order. By default those that an instrument under
        ``gains`` in ``survey.yml`` names.
    by : str, optional
        A breakdown of one item: its groups below the total.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If a question is no ``select_one``, the choices differ, they have two neutral ones or, without any, cannot be
        halved; if a pair names another question; if ``by`` comes with several items.

    Examples
    --------
    >>> from .survey import open_survey
    >>> survey = open_survey("data/programme_participants", language="en")
    >>> axes = plot_agreement(survey, ["belong_entry", "belong_exit"])
    >>> [label.get_text() for label in axes.get_yticklabels()]
    ['before', 'after']
    """
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    # or the inline backend of Jupyter, loaded with the first figure, loses its setting together with the style
    plt.install_repl_displayhook()
    names = (questions,) if isinstance(questions, str) else tuple(questions)
    choices = _choices(survey, names)
    items = _items(survey, names, pairs)
    if by and len(items) > 1:
        raise ValueError(
            f"by={by!r} shows one item, these are {len(items)}. Name one question, or one with its occasions."
        )
    shares = {name: _gated(survey, name, by) for name in names}
    blocks = list(_blocks(survey, items, shares, by))
    with mpl.rc_context(STYLE):
        return _drawn(survey, items, blocks, choices, _notes(survey, items, shares, choices), by)


# ------------------------------------------------------------------------------------------------- what is shown


def _choices(survey: Survey, names: Sequence[str]) -> tuple[Choice, ...]:
    """The choices that all of the questions have; that they have a middle, or two halves."""
    if not names or len(set(names)) < len(names):
        raise ValueError(f"questions={list(names)!r}: name at least one question, and each once.")
    asked: list[Question] = [survey.question(name) for name in names]
    for question in asked:
        if question.type != "select_one":
            raise ValueError(
                f"questions: {question.name!r} is a {question.type} question. Use select_one questions whose choices "
                "are in order."
            )
        one, first = ([choice.name for choice in q.answers] for q in (question, asked[0]))
        if one != first:
            raise ValueError(
                f"questions: the choices of {question.name!r} are {', '.join(one)}, those of {asked[0].name!r} "
                f"{', '.join(first)}. Draw questions of one list of choices."
            )
    answers = asked[0].answers
    neutral = [choice.name for choice in answers if choice.neutral]
    where = f"list {asked[0].list_name or asked[0].name!r} of the choices sheet"
    if len(neutral) > 1:
        raise ValueError(f"{where}: {' and '.join(neutral)} are both marked as neutral. Keep one `yes` there.")
    if not neutral and (len(answers) % 2 or len(answers) < 2):
        raise ValueError(
            f"{where}: {len(answers)} choices have no two halves, and none is marked as neutral. Write `yes` in the "
            "column `neutral` of the middle one."
        )
    return answers


def _items(
    survey: Survey, names: Sequence[str], pairs: Sequence[tuple[str, ...]] | None
) -> list[tuple[Instrument | None, tuple[str, ...]]]:
    """The items in the order of the questions: with the instrument, if one declares it, and its questions in order."""
    found: list[tuple[Instrument | None, tuple[str, ...]]] = []
    if pairs is None:
        for instrument in survey.about.gains.values():
            here = tuple(name for name in instrument.occasions if name in names)
            if here and not any(set(here) & set(other) for _, other in found):
                found.append((instrument, here))
    else:
        for pair in pairs:
            if strange := [name for name in pair if name not in names]:
                raise ValueError(f"pairs: {strange[0]!r} is none of the questions {', '.join(names)}. Correct it.")
            found.append((None, tuple(pair)))
    taken = [name for _, members in found for name in members]
    if twice := [name for name in taken if taken.count(name) > 1]:
        raise ValueError(f"pairs: {twice[0]!r} is there twice. Name each question in one pair.")
    found += [(None, (name,)) for name in names if name not in taken]
    return sorted(found, key=lambda item: min(names.index(name) for name in item[1]))


def _gated(survey: Survey, name: str, by: str | None) -> Gated:
    """The shares that may be shown; of groups that do not overlap none can be had by subtraction either."""
    estimates = prevalence(survey, name, by=by or (), base="asked")
    gated = gate(estimates)
    if not by or overlapping(estimates, by):
        return gated
    passed = protected(judged(estimates.frame, gated.profile), gated.profile, ("item",))
    frame = gated.frame.copy()
    more = (passed["reason"] == "protect").to_numpy()
    frame.loc[more, list(frame.select_dtypes("number"))] = np.nan
    frame.loc[more, ["status", "reason", "flagged"]] = ["suppressed", "protect", False]
    return replace(gated, estimates=replace(gated.estimates, frame=frame))


def _blocks(
    survey: Survey, items: Sequence[tuple[Instrument | None, tuple[str, ...]]], shares: dict[str, Gated],
    by: str | None,
) -> Iterator[tuple[str, list[_Bar]]]:  # fmt: skip
    """Bars that stand together, under a head: the occasions of an item or, with ``by``, of a group."""
    for instrument, members in items:
        of_level: dict[tuple[str, str], list[_Bar]] = {}
        for name in members:
            gated = shares[name]
            for (of_by, level), rows in gated.frame.groupby(["by", "level"], sort=False):
                label = _occasion(survey, instrument, members, name) if len(members) > 1 else ""
                of_level.setdefault((str(of_by), str(level)), []).append(_Bar(label, rows, gated))
        for (of_by, level), bars in of_level.items():
            e = bars[0].gated.estimates
            yield (level_label(e, of_by, level) if by else _wording(survey, instrument, members)), bars


def _occasion(survey: Survey, instrument: Instrument | None, members: Sequence[str], name: str) -> str:
    """When a question of an item was asked; of pairs that no instrument declares, its wording."""
    if instrument is None:
        wordings = {survey.question(one).label(survey.language) for one in members}
        return survey.question(name).label(survey.language) if len(wordings) == len(members) else name
    moment = next(moment for moment, asked in moments(instrument).items() if asked == name)
    if moment.startswith("later_"):
        i = int(moment.removeprefix("later_"))
        return say("plot_gains_later_of" if len(instrument.later) > 1 else "plot_gains_later", survey.language, i=i)
    return say(f"plot_gains_{moment}", survey.language)


def _wording(survey: Survey, instrument: Instrument | None, members: Sequence[str]) -> str:
    """The statement, if it is the same on all occasions; else the label of the instrument, or the first wording."""
    wordings = list(dict.fromkeys(survey.question(name).label(survey.language) for name in members))
    label = in_language(instrument.label, survey.language) if instrument else ""
    return wordings[0] if len(wordings) == 1 or not label else label


def _notes(
    survey: Survey, items: Sequence[tuple[Instrument | None, tuple[str, ...]]], shares: dict[str, Gated],
    choices: Sequence[Choice],
) -> list[str]:  # fmt: skip
    language = survey.language
    neutral = next((choice for choice in choices if choice.neutral), None)
    middle = (
        say("plot_agreement_neutral", language, choice=quoted(neutral.label(language), language))
        if neutral else say("plot_agreement_no_neutral", language)
    )  # fmt: skip
    out = [middle, say("plot_agreement_ends", language)]
    several = [members for _, members in items if len(members) > 1]
    if several:
        out.append(say("plot_agreement_everyone", language))
    if any("then" in moments(i) and i.then in members for i, members in items if i):
        out.append(say("plot_gains_then_is", language))
    own: list[str] = []
    for gated in shares.values():
        e = gated.estimates
        if len(shares) > 1:  # numbers of one of several questions would be read as those of all
            e = replace(e, frame=e.frame.assign(asked=np.nan), left_out={})
        own += notes(replace(gated, estimates=e), marks=False, interval=False)
    out += dict.fromkeys(own)
    if len(shares) > 1:
        out += _several(list(shares.values()), language)
    if any((gated.frame["reason"] == "protect").any() for gated in shares.values()):
        out.append(say("plot_gains_protect", language))
    last = [say("note_no_comparison", language)] if any(instrument for instrument, _ in items) else []
    last += [say("note_synthetic", language)] if survey.about.synthetic else []
    last.append(source_line(survey.about, language))
    return [*(text for text in out if text not in last), *last]


def _several(gated: Sequence[Gated], language: str) -> Iterator[str]:
    """Item non-response, and who is in no group, from the least to the most of several questions."""
    missing = [
        rows["missing_share"].iloc[0] for one in gated
        if len(rows := one.frame[(one.frame["by"] == "") & one.frame["missing_share"].notna()])
    ]  # fmt: skip
    if missing:
        ends = dict.fromkeys(percent(share, language) for share in (min(missing), max(missing)))
        share = between(min(missing), max(missing), language) if len(ends) > 1 else next(iter(ends))
        yield say("plot_agreement_missing", language, share=share)
    for by in gated[0].estimates.breakdowns:
        n = [one.estimates.left_out.get(by, 0) for one in gated]
        if min(n) >= gated[0].profile.suppress_below:
            e = gated[0].estimates
            ends = dict.fromkeys(number(one, language) for one in (min(n), max(n)))
            key = "note_in_no_group" if overlapping(e, by) else "note_left_out"
            yield say(key, language, by=quoted(by_label(e, by), language), n="–".join(ends))


# ------------------------------------------------------------------------------------------------- how it is drawn


def _colours(choices: Sequence[Choice]) -> list[Any]:
    """From orange over grey to violet, the darker the farther from the middle."""
    import matplotlib as mpl

    at = next((i for i, choice in enumerate(choices) if choice.neutral), None)
    before = len(choices) // 2 if at is None else at
    after = len(choices) - before - (at is not None)
    scale = mpl.colormaps["PuOr"]
    below = [scale(x) for x in np.linspace(0.12, 0.36, before)] if before > 1 else [scale(0.2)] * before
    above = [scale(x) for x in np.linspace(0.64, 0.88, after)] if after > 1 else [scale(0.8)] * after
    return [*below, *([NEUTRAL] if at is not None else []), *above]


def _sides(shares: Sequence[float], choices: Sequence[Choice]) -> tuple[float, float, float]:
    """What is left of the middle, in it, and right of it."""
    at = next((i for i, choice in enumerate(choices) if choice.neutral), None)
    first, second = (len(choices) // 2,) * 2 if at is None else (at, at + 1)
    return float(sum(shares[:first])), float(sum(shares[first:second])), float(sum(shares[second:]))


def _drawn(
    survey: Survey, items: Sequence[tuple[Instrument | None, tuple[str, ...]]],
    blocks: Sequence[tuple[str, list[_Bar]]], choices: Sequence[Choice], said: Sequence[str], by: str | None,
) -> Axes:  # fmt: skip
    language, about = survey.language, survey.about
    single = len(items) == 1
    title = _wording(survey, *items[0]) if single else say("plot_agreement_title", language)
    e = blocks[0][1][0].gated.estimates
    subtitle = by_label(e, by) if by else ""
    # the label of a single bar is its head; of several, heads stand above them
    inline = all(len(bars) == 1 for _, bars in blocks)
    bare = single and not by and not inline
    labels = [label_lines(head if inline else bar.label) for head, bars in blocks for bar in bars]
    if inline and single and not by:
        labels = [[""]]
    room = (WIDTH - 2 * PAD) * 72
    heads = [[] if inline or bare else wrap(head, room, ITEM, "bold" if by else "normal") for head, _ in blocks]
    at, y, k = [], 0.0, 0
    tops = []
    for lines, (_, bars) in zip(heads, blocks, strict=True):
        tops.append(y)
        y += len(lines) * ITEM * LINE / 72
        for _ in bars:
            tall = max(STEP, len(labels[k]) * ITEM * LINE / 72 + 0.06)
            at.append(y + tall / 2)
            y, k = y + tall, k + 1
        y += 0 if inline else APART
    y -= 0 if inline else APART
    every = [bar for _, bars in blocks for bar in bars]
    counts = ["" if (bar.rows["reason"] == "protect").any() else n_of(bar.gated, bar.rows) for bar in every]
    counts = [f"{text}*" if bar.rows["flagged"].any() else text for text, bar in zip(counts, every, strict=True)]
    words = max(text_width(text, SMALL, "normal") for text in counts) / 72
    legend = _legend_lines([choice.label(language) for choice in choices])
    widest = max((line for lines in labels for line in lines), key=lambda line: text_width(line, ITEM, "normal"))
    left = label_column(labels)
    width = WIDTH - left - words - 0.15 - PAD
    limits = _limits(every, choices, width)
    narrow = (share > 0 and not _fits(share, limits, width, language) for bar in every for share in bar.shares)
    said = [say("plot_agreement_narrow", language), *said] if any(narrow) else said
    page = Page(title, [[widest]], said, y - 0.1 - 0.3, subtitle=subtitle, tag=tag_of(about, language),
                legend=len(legend))  # fmt: skip
    figure = page.figure()
    box = (left / WIDTH, 1 - (page.top + y) / page.height, width / WIDTH, y / page.height)
    ax = figure.add_axes(box)
    colours = _colours(choices)
    ax.set_xlim(*limits)
    ax.set_ylim(y, 0)
    ax.set_yticks(at, ["\n".join(lines) for lines in labels])
    ax.grid(False)
    ax.spines["bottom"].set_visible(False)
    ax.tick_params(bottom=False, labelbottom=False)
    for bar, middle, count in zip(every, at, counts, strict=True):
        _bar(ax, bar, middle, choices, colours, language, width)
        figure.text((left + width + words + 0.15) / WIDTH, 1 - (page.top + middle) / page.height, count, fontsize=SMALL,
                    va="center", ha="right")  # fmt: skip
    for top, lines in zip(tops, heads, strict=True):
        for i, line in enumerate(lines):
            page.text(figure, PAD, page.top + top + i * ITEM * LINE / 72, line, size=ITEM,
                      weight="bold" if by else "normal")  # fmt: skip
    _legend(figure, page, legend, colours)
    figure.set_label(" – ".join(filter(None, [title, subtitle])))
    return ax


def _limits(bars: Sequence[_Bar], choices: Sequence[Choice], width: float) -> tuple[float, float]:
    """As far as the longest bar goes on each side, and room for the sums at the ends."""
    left, right = 0.05, 0.05
    for bar in bars:
        if not bar.hidden:
            below, neutral, above = _sides(list(bar.shares), choices)
            left, right = max(left, below + neutral / 2), max(right, above + neutral / 2)
    room = (left + right) * ENDS / (width - 2 * ENDS)  # in the unit of the axis
    return -left - room, right + room


def _fits(share: float, limits: tuple[float, float], width: float, language: str) -> bool:
    """Whether the percentage has room in its part of the bar; the width of the axes in inches."""
    return share / (limits[1] - limits[0]) * width * 72 > text_width(percent(share, language), SMALL, "normal") + 4


def _bar(
    ax: Axes, bar: _Bar, y: float, choices: Sequence[Choice], colours: Sequence[Any], language: str, width: float
) -> None:
    """One bar with its percentages; a cross for one that is hidden."""
    if bar.hidden:
        ax.plot([0], [y], "x", color="black", markersize=5)
        return
    below, neutral, above = _sides(list(bar.shares), choices)
    brackets = bool((bar.rows["status"] == "bracketed").any())
    start = -below - neutral / 2
    x = start
    for share, colour in zip(bar.shares, colours, strict=True):
        ax.barh(y, share, BAR, left=x, color=colour, edgecolor="white", linewidth=0.8, zorder=2)
        if _fits(share, ax.get_xlim(), width, language):
            ax.text(
                x + share / 2,
                y,
                percent(share, language),
                fontsize=SMALL,
                ha="center",
                va="center",
                color=_ink(colour),
                zorder=3,
            )
        x += share
    for place, share, side, shift in ((start, below, "right", -4), (x, above, "left", 4)):
        text = percent(share, language)
        ax.annotate(f"({text})" if brackets else text, (place, y), (shift, 0), textcoords="offset points", ha=side,
                    va="center", fontsize=SMALL, weight="bold")  # fmt: skip


def _ink(colour: Any) -> str:
    """Black on light, white on dark, by relative luminance."""
    from matplotlib.colors import to_rgb

    channels = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return "white" if np.dot(channels, (0.2126, 0.7152, 0.0722)) < 0.18 else "black"


def _legend_lines(labels: Sequence[str]) -> list[list[tuple[int, float, str]]]:
    """The choices in order, in as many lines as they need: of each line which choice starts where, and its label."""
    lines: list[list[tuple[int, float, str]]] = [[]]
    x, indent = PAD, SWATCH + 0.06
    for i, label in enumerate(labels):
        first, *rest = wrap(label, (WIDTH - 4 * PAD - indent) * 72, SMALL)
        wide = indent + text_width(first, SMALL, "normal") / 72
        if lines[-1] and (rest or x + wide > WIDTH - PAD):
            lines.append([])
            x = PAD
        lines[-1].append((i, x, first))
        lines += [[(-1, PAD, line)] for line in rest]
        x = WIDTH if rest else x + wide + 0.18
    return lines


def _legend(
    figure: Figure, page: Page, lines: Sequence[Sequence[tuple[int, float, str]]], colours: Sequence[Any]
) -> None:
    from matplotlib.patches import Rectangle

    y = page.top - len(lines) * LEGEND - 0.08
    for line in lines:
        for i, x, label in line:
            if i >= 0:
                figure.add_artist(
                    Rectangle((x / WIDTH, 1 - (y + 0.14) / page.height), SWATCH / WIDTH, 0.12 / page.height,
                              color=colours[i], transform=figure.transFigure)
                )  # fmt: skip
            page.text(figure, x + SWATCH + 0.06, y + 0.01, label, size=SMALL)
        y += LEGEND
