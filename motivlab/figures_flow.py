"""Figures of participants over time: the flow from enrolled to followed up, and how long an outcome took."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from .figures import tag_of
from .flow import Flow
from .gate_outcomes import gated_flow
from .language import NO_BREAK, number, percent, say
from .page import PAD, STYLE, WIDTH, Page, wrap
from .questionnaire import did_you_mean
from .sentences import bracketed
from .sentences_outcomes import breakdown_label, group_label, hidden_n
from .tables_outcomes import flow_notes, step_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = 8.5
LINE = 1.3 * SIZE / 72  # inches a line of a box
INNER = 0.08  # inches between the frame of a box and its text
COLUMNS = 3
GAP = 0.22
COLUMN = (WIDTH - 2 * PAD - (COLUMNS - 1) * GAP) / COLUMNS
INDENT = 0.16
BRANCH = 0.16  # inches of an arrow's way down
BELOW = 0.4  # inches that a page keeps for the ticks of an axis
DARK, PALE = "#333333", "#f4f4f4"

# of the enrolled, one below the other, each with the step that stands beside it
SPINE = (("enrolled", ""), ("started", "not_started"), ("left", "still_in"))
# of those who left, beside each other; without a completion date those without a reason take the place of the completed
STRANDS = (
    ("completed", "no_reason", "dropped_out"), ("outcome_known", "outcome_unknown"),
    ("follow_up_due", "follow_up_not_due"),
)  # fmt: skip
FOLLOWED = ("followed_up", "not_followed_up")


@dataclass(frozen=True)
class _Box:
    """A step as it is drawn: its lines with their indents, and the boxes that it is split into."""

    lines: list[tuple[str, str]]
    aside: bool = False
    parts: list[_Box] = field(default_factory=list)

    @property
    def height(self) -> float:
        return len(self.lines) * LINE + 2 * INNER


def plot_flow(flow: Flow, level: str = "") -> Axes:
    """Participant flow as boxes: enrolled, started, left, and of those who left three strands side by side.

    The strands are completion, with the reasons of those who dropped out; the outcome, known or not; and who was
    followed up. Each box says of how many it is, so that no arrow is read as a loss where there is none. The boxes of
    those who are missing from then on have a broken frame.

    Parameters
    ----------
    flow : Flow
    level : str
        One of the groups of its breakdown; by default everybody.

    Returns
    -------
    Axes
        In inches, from the top left corner of the flow.

    Raises
    ------
    ValueError
        If the flow has no such group, or the group may not be shown.

    References
    ----------
    Schulz, K. F., Altman, D. G. and Moher, D. (2010). CONSORT 2010 statement: updated guidelines for reporting parallel
    group randomised trials. BMJ 340, c332.

    Examples
    --------
    >>> from motivlab.flow import flow
    >>> from motivlab.survey import open_survey
    >>> axes = plot_flow(flow(open_survey("data/programme_participants", language="en")))
    >>> [text.get_text() for text in axes.texts[:2]]
    ['Enrolled', '3,239']
    """
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    # or the inline backend of Jupyter, loaded with the first figure, loses its setting together with the style
    plt.install_repl_displayhook()
    frame, language = gated_flow(flow), flow.language
    by = flow.breakdowns[0] if level else ""
    own = frame[(frame["by"] == by) & (frame["level"] == level)]
    rows = own.set_index("step")
    if rows.empty:
        known = [name for name in dict.fromkeys(frame["level"]) if name]
        raise ValueError(f"level={level!r}: the flow has no such group{did_you_mean(level, known)}")
    if pd.isna(rows.at["enrolled", "n"]):
        raise ValueError(f"level={level!r}: too few enrolled for a flow that may be shown. Leave it out.")
    boxes = _Boxes(flow, rows)
    spine = [(boxes.box(step), boxes.box(beside, aside=True)) for step, beside in SPINE if step in rows.index]
    strands = [strand for steps in STRANDS if (strand := list(boxes.strand(steps)))]
    heights = [_spine_height(spine), max((_strand_height(strand) for strand in strands), default=0.0)]
    height = sum(heights) + (2 * BRANCH if strands else 0.0) + 0.05
    title = say("flow_title", language)
    # as under other figures; in a box a dash stands for what is not shown
    notes = [f"–{note[1:]}" if note.startswith("×") else note for note in flow_notes(flow, own, "×")]
    with mpl.rc_context(STYLE):
        page = Page(
            title, [[" "]], notes, height - BELOW,
            subtitle=f"{breakdown_label(flow, by)} – {group_label(flow, by, level)}" if level else "",
            tag=tag_of(flow.about, language),
        )  # fmt: skip
        figure = page.figure()
        ax = figure.add_axes((0, 1 - (page.top + height) / page.height, 1, height / page.height))
        ax.set_xlim(0, WIDTH)
        ax.set_ylim(height, 0)
        ax.set_axis_off()
        _draw_spine(ax, spine, heights[0], bool(strands))
        _draw_strands(ax, strands, heights[0])
        figure.set_label(title)
    return ax


@dataclass(frozen=True)
class _Boxes:
    """What the boxes of one group say."""

    flow: Flow
    rows: pd.DataFrame

    def box(self, step: str, width: float = COLUMN, aside: bool = False) -> _Box | None:
        """One step, if it is declared; the dropped out with their reasons."""
        if step not in self.rows.index:
            return None
        room = (width - 2 * INNER) * 72
        lines = [(line, "bold") for line in wrap(step_label(self.flow, step), room, SIZE, "bold")]
        lines += [(line, "normal") for line in wrap(self.count(step), room, SIZE)]
        for reason in self.reasons() if step == "dropped_out" else ():
            first, *more = wrap(f"{step_label(self.flow, reason)}: {self.count(reason)}", room - 10, SIZE - 0.5)
            lines += [(f"· {first}", "reason"), *((f"  {line}", "reason") for line in more)]
        return _Box(lines, aside)

    def reasons(self) -> list[str]:
        """The reasons for dropping out, the unknown one only if there is any."""
        steps = [str(step) for step in self.rows.index if str(step).startswith("reason/")]
        unknown = "reason_unknown"
        return [*steps, *([unknown] if unknown in self.rows.index and self.rows.at[unknown, "n"] != 0 else [])]

    def count(self, step: str) -> str:
        """How many of how many, and the share; of few only that they are."""
        row, language = self.rows.loc[step], self.flow.language
        if pd.isna(row["n"]):
            return hidden_n(row, self.flow)
        n = int(row["n"])
        parent = self.rows.at[row["parent"], "n"] if row["parent"] else float("nan")
        if pd.isna(parent) or parent == 0:
            return number(n, language)
        share = percent(n / parent, language)
        share = bracketed(row, share)
        if row["parent"] == "dropped_out":
            return f"{number(n, language)}{NO_BREAK}–{NO_BREAK}{share}"
        return f"{say('outcomes_of', language, k=n, n=int(parent))} – {share}"

    def strand(self, steps: Sequence[str]) -> Iterator[_Box]:
        """The boxes of a strand, the first for those who go on; a follow-up that is due with who was reached."""
        for step in steps:
            width = COLUMN - INDENT
            if step == "follow_up_not_due" and step in self.rows.index and self.rows.at[step, "n"] == 0:
                continue
            box = self.box(step, width, aside=step in ("dropped_out", "outcome_unknown", "follow_up_not_due"))
            if box is None:
                continue
            inner = (
                [self.box(s, width - INDENT, aside=s == FOLLOWED[1]) for s in FOLLOWED]
                if step == "follow_up_due"
                else []
            )
            yield _Box(box.lines, box.aside, [part for part in inner if part])


# --------------------------------------------------------------------------------------------------------- drawing


def _spine_height(spine: Sequence[tuple[_Box | None, _Box | None]]) -> float:
    return sum(box.height + _before(i, beside) for i, (box, beside) in enumerate(spine) if box)


def _before(i: int, beside: _Box | None) -> float:
    """The way from the box above, with room for the box that stands beside it."""
    if i == 0:
        return 0.02
    return BRANCH * 2 if beside is None else beside.height + 0.16


def _strand_height(strand: Sequence[_Box]) -> float:
    return sum(box.height + BRANCH + _strand_height(box.parts) for box in strand)


def _draw_spine(ax: Axes, spine: Sequence[tuple[_Box | None, _Box | None]], height: float, goes_on: bool) -> None:
    """The boxes of the enrolled in the middle, who is missing at the right."""
    left = PAD + COLUMN + GAP
    middle, y = left + COLUMN / 2, 0.0
    for i, (box, beside) in enumerate(spine):
        if box is None:
            continue
        way = _before(i, beside)
        if i:
            _arrow(ax, (middle, y), (middle, y + way))
        if beside:
            at = y + way / 2
            _arrow(ax, (middle, at), (left + COLUMN + GAP, at))
            _draw_box(ax, beside, left + COLUMN + GAP, at - beside.height / 2, COLUMN)
        y += way
        _draw_box(ax, box, left, y, COLUMN)
        y += box.height
    if goes_on:
        ax.plot([middle, middle], [height, height + BRANCH], color=DARK, linewidth=1)


def _draw_strands(ax: Axes, strands: Sequence[Sequence[_Box]], top: float) -> None:
    """The strands of those who left, each hanging on a line of its own."""
    if not strands:
        return
    bar = top + BRANCH
    rails = [PAD + i * (COLUMN + GAP) + 0.04 for i in range(len(strands))]
    ax.plot([min(rails), max(rails[-1], WIDTH / 2)], [bar, bar], color=DARK, linewidth=1)
    for rail, strand in zip(rails, strands, strict=True):
        _draw_strand(ax, strand, rail, bar, COLUMN - INDENT)


def _draw_strand(ax: Axes, strand: Sequence[_Box], rail: float, top: float, width: float) -> float:
    """Boxes one below the other, with an arrow to each from the line at their left; where the last one ends."""
    y = last = top
    for box in strand:
        y += BRANCH
        last = y + min(box.height / 2, 0.2)
        _arrow(ax, (rail, last), (rail + INDENT - 0.04, last))
        _draw_box(ax, box, rail + INDENT - 0.04, y, width)
        y += box.height
        if box.parts:
            y = _draw_strand(ax, box.parts, rail + INDENT + 0.06, y, width - INDENT + 0.06 - 0.16)
    ax.plot([rail, rail], [top, last], color=DARK, linewidth=1, solid_capstyle="butt")
    return y


def _draw_box(ax: Axes, box: _Box, x: float, y: float, width: float) -> None:
    from matplotlib.patches import Rectangle

    frame: dict[str, Any] = {"facecolor": "white", "linestyle": (0, (4, 2))} if box.aside else {"facecolor": PALE}
    ax.add_patch(Rectangle((x, y), width, box.height, edgecolor=DARK, linewidth=0.9, zorder=2, **frame))
    y += INNER
    for weight in ("bold", "normal", "reason"):
        lines = [line for line, kind in box.lines if kind == weight]
        for line in lines:
            ax.text(
                x + INNER, y + LINE / 2, line, fontsize=SIZE - (0.5 if weight == "reason" else 0), va="center_baseline",
                weight="bold" if weight == "bold" else "normal", zorder=3,
            )  # fmt: skip
            y += LINE


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    ax.annotate(
        "", end, start, arrowprops={"arrowstyle": "-|>", "color": DARK, "linewidth": 1, "shrinkA": 0, "shrinkB": 0}
    )
