"""Where the faults of a survey are: a map of findings, question by interviewer or by day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .checking import CheckReport
from .codes import as_days, choose
from .figures import tag_of
from .language import number, say
from .page import PAD, STYLE, WIDTH, Page, label_lines
from .sentences import source_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_ROWS = 24  # questions, those with most findings
MOST_COLUMNS = 24  # interviewers with most findings; more days than that are weeks
TOTAL = 0.45  # inches of the column of totals


def plot_findings(report: CheckReport, by: str = "interviewer") -> Axes:
    """Where the faults are: how many findings each question has, by interviewer or by day of the interview.

    Parameters
    ----------
    report : CheckReport
    by : {"interviewer", "day"}
        Both are those of ``paradata`` in ``survey.yml``.

    Returns
    -------
    Axes
        A row per question, those with most findings on top; a column per interviewer, or per day (per week, named by
        its Monday, where the days are many). A cell holds the number of findings; totals stand at the right and on top.
        Errors and warnings of one respondent each are counted, notes and findings about the whole file are not.

    Raises
    ------
    ValueError
        If no finding has an interviewer or a day.

    Examples
    --------
    >>> import pandas as pd
    >>> from motivlab.kinds import Paradata
    >>> from motivlab.survey import Survey
    >>> df = pd.DataFrame({"who": list("aabb") * 2, "id": [1, 2, 3, 4, 5, 6, 7, 7]})
    >>> survey = Survey.from_frame(df, respondent_id="id")
    >>> object.__setattr__(survey, "about", survey.about.model_copy(update={"paradata": Paradata(interviewer="who")}))
    >>> [label.get_text() for label in plot_findings(survey.check()).get_yticklabels()]
    ['id']
    """
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    choose(by=(by, ("interviewer", "day")))
    plt.install_repl_displayhook()
    language = report.language
    counts, left_out, weeks = _counts(report, by)
    notes = [say("findings_map_note", language)]
    if left_out:
        notes.append(say("findings_map_left", language, n=left_out))
    if weeks:
        notes.append(say("findings_map_weeks", language))
    notes.append(source_line(report.about, language))
    labels = [label_lines(str(variable)) for variable in counts.index]
    columns = list(map(str, counts.columns))
    title = say("findings_map_interviewer" if by == "interviewer" else "findings_map_day", language)
    with mpl.rc_context({**STYLE, "axes.grid": False}):
        page = Page(
            title, labels, notes, 0.26,
            subtitle=report.file, tag=tag_of(report.about, language), panel_head=0.3 + 0.062 * max(map(len, columns)),
        )  # fmt: skip
        figure = page.figure()
        ax = page.axes(figure, 0, page.left + 0.08, WIDTH - page.left - 0.08 - TOTAL - PAD)
        values = counts.to_numpy()
        ax.imshow(np.where(values > 0, values, np.nan), cmap="Blues", aspect="auto", vmin=0, vmax=values.max() * 1.3)
        for row, column in np.argwhere(values > 0):
            dark = values[row, column] > values.max() * 0.75
            ax.text(
                column, row, number(int(values[row, column]), language), ha="center", va="center", fontsize=7.5,
                color="white" if dark else "black",
            )  # fmt: skip
        ax.set_yticks(range(len(counts)), ["\n".join(lines) for lines in labels])
        ax.set_xticks(
            range(len(columns)),
            [f"{name}  ({number(int(n), language)})" for name, n in zip(columns, values.sum(axis=0), strict=True)],
            rotation=90,
        )
        ax.xaxis.tick_top()
        ax.tick_params(axis="both", length=0, labelsize=8)
        ax.set_xticks(np.arange(len(columns) + 1) - 0.5, minor=True)
        ax.set_yticks(np.arange(len(counts) + 1) - 0.5, minor=True)
        ax.grid(which="minor", color="#d9d9d9", linewidth=0.5)
        ax.tick_params(which="minor", length=0)
        for row, n in enumerate(values.sum(axis=1)):
            ax.text(
                1 + 0.06, row, number(int(n), language), transform=ax.get_yaxis_transform(), va="center", ha="left",
                fontsize=8, fontweight="bold",
            )  # fmt: skip
        ax.set_ylim(len(counts) - 0.5, -0.5)
        figure.set_label(title)
    return ax


def _counts(report: CheckReport, by: str) -> tuple[pd.DataFrame, int, bool]:
    """Findings by question and interviewer or day; how many the map leaves out; whether the columns are weeks."""
    found = report.findings
    found = found[found["severity"] != "note"]
    known = found[found[by] != ""]
    if known.empty:
        raise ValueError(
            f"no finding has {'an interviewer' if by == 'interviewer' else 'a day'}, so there is nothing to draw. "
            f"Name the column under `paradata.{by}` in survey.yml, if there is one."
        )
    column = known[by]
    weeks = by == "day" and column.nunique() > MOST_COLUMNS
    if weeks:
        days = pd.Series(as_days(column), index=column.index)
        column = (days - pd.to_timedelta(days.dt.day_of_week, unit="D")).dt.strftime("%Y-%m-%d").fillna("")
    table = pd.crosstab(known["variable"], column)
    rows = table.sum(axis=1).sort_values(ascending=False, kind="stable").index[:MOST_ROWS]
    if by == "interviewer":
        most = table.sum().sort_values(ascending=False, kind="stable").index[:MOST_COLUMNS]
        table = table[sorted(most, key=_natural)]
    table = table.loc[rows]
    return table, len(found) - int(table.to_numpy().sum()), weeks


def _natural(name: str) -> tuple[float, str]:
    return (float(name), "") if name.isdigit() else (np.inf, name)
