"""Figures of outcomes, flow and durations: three languages, text on the page, nothing hidden, edges, same bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from pages import outside, overlapping, words_on
from surveys import ROOT

import motivlab as ml
from motivlab.durations import time_to_outcome
from motivlab.figures_durations import plot_survival
from motivlab.figures_flow import plot_flow
from motivlab.figures_outcomes import plot_caterpillar, plot_differences, plot_funnel, plot_outcomes
from motivlab.flow import flow
from motivlab.gate_outcomes import gated_flow, gated_outcomes
from motivlab.language import LANGUAGES, percent, say, words
from motivlab.outcomes import outcomes
from motivlab.page import figure_of
from motivlab.programme import Programme

PARTICIPANTS = ROOT / "data" / "programme_participants"
BY = ["provider", "gender", "region", "age_group", "stage", "services"]
DEFINITIONS = ["employment_or_education", "wide"]


@pytest.fixture(autouse=True)
def _closed() -> Any:
    yield
    plt.close("all")


@lru_cache
def shipped() -> ml.Survey:
    return ml.open_survey(PARTICIPANTS, language="en")


@lru_cache
def rates() -> Any:
    return outcomes(shipped(), DEFINITIONS, by=BY)


@lru_cache
def flows() -> Any:
    return flow(shipped(), by="provider")


@lru_cache
def times() -> Any:
    return time_to_outcome(shipped(), "wide", by=BY)


def register(groups: Mapping[str, tuple[int, int]], gate: str = "standard", missing: int = 0) -> ml.Survey:
    """A programme whose groups have so many participants and so many of them with the outcome."""
    of = [(level, i < k) for level, (n, k) in groups.items() for i in range(n)]
    frame = pd.DataFrame(of, columns=["town", "job"])
    left = pd.Timestamp("2021-06-30")
    after = pd.to_timedelta(7 + np.arange(len(frame)) % 150, "D")
    frame = pd.DataFrame({
        "town": pd.Categorical(frame["town"], list(groups)), "entered": pd.Timestamp("2021-01-04"), "left": left,
        "followed": left + pd.Timedelta(190, "D"), "result/job": frame["job"].astype(int),
        "result/none": 1 - frame["job"].astype(int), "hired": (left + after).where(frame["job"].to_numpy()),
    })  # fmt: skip
    if missing:
        frame.loc[frame.index[:missing], "town"] = np.nan
    declared = Programme(entry="entered", exit="left", follow_up="followed", outcome="result", complete=True,
                         outcome_dates={"job": "hired"}, definitions={"work": {"choices": ("job",)}})  # fmt: skip
    survey = ml.Survey.from_frame(frame)
    return replace(survey, about=survey.about.model_copy(update={"programme": declared, "gate": gate}))


MADE: dict[str, Callable[[str], Any]] = {
    "rates": lambda language: plot_outcomes(rates().to(language)),
    "rates by region": lambda language: plot_outcomes(rates().to(language), "region"),
    "rates by overlapping services": lambda language: plot_outcomes(rates().to(language), "services", "completed"),
    "funnel of providers": lambda language: plot_funnel(rates().to(language), "provider"),
    "funnel of regions": lambda language: plot_funnel(rates().to(language), "region", "wide"),
    "caterpillar": lambda language: plot_caterpillar(rates().to(language), "provider"),
    "caterpillar of ages": lambda language: plot_caterpillar(rates().to(language), "age_group", "exited", "wide"),
    "differences": lambda language: plot_differences(rates().to(language), "provider"),
    "differences of services": lambda language: plot_differences(rates().to(language), "services", "exited"),
    "flow": lambda language: plot_flow(flows().to(language)),
    "flow of a small group": lambda language: plot_flow(flows().to(language), "p04"),
    "survival": lambda language: plot_survival(times().to(language)),
    "survival by gender": lambda language: plot_survival(times().to(language), "gender"),
    "survival by stage": lambda language: plot_survival(times().to(language), "stage", days=900),
    "survival by provider": lambda language: plot_survival(times().to(language), "provider"),
}


def figure(drawn: Any) -> Figure:
    found = figure_of(drawn)
    found.canvas.draw()
    return found


def covering(found: Figure) -> list[tuple[str, str]]:
    """Pairs of texts inside axes that cover each other."""
    renderer = found.canvas.get_renderer()  # type: ignore[attr-defined]
    texts = [t for ax in found.axes for t in ax.texts if t.get_text().strip()]
    # of an annotation the text alone, without its arrow
    boxes = [(t.get_text(), Text.get_window_extent(t, renderer)) for t in texts]
    return [
        (one, other) for i, (one, a) in enumerate(boxes) for other, b in boxes[i + 1 :]
        if not (a.x1 <= b.x0 + 1 or b.x1 <= a.x0 + 1 or a.y1 <= b.y0 + 1 or b.y1 <= a.y0 + 1)
    ]  # fmt: skip


def require_legible(drawn: Any) -> str:
    found = figure(drawn)
    assert outside(found) == []
    assert overlapping(found) == []
    assert covering(found) == []
    assert found.get_label()
    return " ".join(words_on(found).split())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", list(MADE))
def test_text_is_on_the_page_and_apart(name: str, language: str) -> None:
    said = require_legible(MADE[name](language))
    assert say("synthetic", language) in said
    assert say("note_synthetic", language).split(":")[0] in said
    source = say("note_source", language, source="").strip()
    assert source in said
    assert "nan" not in said.split()


@pytest.mark.parametrize(("gate", "language"), [("standard", "lv"), ("open", "ru")])
@pytest.mark.parametrize(
    "groups",
    [{"one": (60, 20)}, {"none": (60, 0), "all": (80, 80)}, {"none": (60, 0), "no": (40, 0)}, {"every": (90, 90)},
     {"few": (7, 3), "fewer": (15, 5), "u": (120, 60), "v": (200, 90), "w": (150, 61)},
     {"A very long name of a town that has to be broken into several lines of the label": (40, 11),
      "Another name that is as long, of a town by the sea": (300, 240), "x": (90, 3), "y": (30, 29), "z": (600, 300)}],
)  # fmt: skip
def test_edges(groups: dict[str, tuple[int, int]], gate: str, language: str) -> None:
    survey = register(groups, gate)
    found = outcomes(survey, "work", by="town").to(language)
    require_legible(plot_outcomes(found))
    require_legible(plot_outcomes(found, "town", "exited"))
    require_legible(plot_funnel(found, "town"))
    require_legible(plot_caterpillar(found, "town"))
    if len(groups) > 1:
        require_legible(plot_differences(found, "town"))
    people = flow(survey, by="town").to(language)
    require_legible(plot_flow(people))
    require_legible(plot_flow(people, max(groups, key=lambda level: groups[level][0])))
    spans = time_to_outcome(survey, "work", by="town").to(language)
    require_legible(plot_survival(spans))
    require_legible(plot_survival(spans, "town"))


# ------------------------------------------------------------------------------------------------- nothing hidden

GROUPS = {"small": (13, 7), "next": (21, 18), "one": (200, 41), "other": (150, 92), "third": (90, 33)}
HIDDEN = ("small", "next")  # the second so that the first does not come out by subtraction


def drawn_numbers(found: Figure) -> np.ndarray:
    values: list[float] = []
    for ax in found.axes:
        for line in ax.get_lines():
            values += [*np.asarray(line.get_xdata(), dtype=float), *np.asarray(line.get_ydata(), dtype=float)]
        for collection in ax.collections:
            values += [x for path in collection.get_paths() for x in path.vertices.ravel()]
    return np.array(values)


def require_nothing_of(hidden: Iterable[float], drawn: Any) -> str:
    found = figure(drawn)
    values = np.array([v for v in hidden if np.isfinite(v) and v not in (0, 1)])
    assert len(values) > 1
    assert not np.isclose(drawn_numbers(found)[:, None], values, rtol=1e-9, atol=0).any()
    said = " ".join(words_on(found).split())
    for n, k in (GROUPS[level] for level in HIDDEN):
        assert say("outcomes_of", "en", k=k, n=n) not in said
    return said


def test_nothing_hidden_is_drawn_or_written() -> None:
    survey = register(GROUPS)
    found = outcomes(survey, "work", by="town")
    gated = gated_outcomes(found)
    assert gated.loc[gated["reason"] != "", "level"].drop_duplicates().tolist() == list(HIDDEN)
    rows = found.frame[found.frame["level"].isin(HIDDEN)]
    rated = rows[["estimate", "ci_low", "ci_high", "pooled", "pooled_low", "pooled_high"]].to_numpy().ravel()
    apart = rows[["difference", "difference_low", "difference_high"]].to_numpy().ravel()
    for drawn in (plot_outcomes(found, "town"), plot_caterpillar(found, "town"), plot_differences(found, "town")):
        said = require_nothing_of([*rated, *apart], drawn)
        crosses = [line for line in drawn.get_lines() if line.get_marker() == "x"]
        assert [len(line.get_xdata()) for line in crosses] == [2]
        assert say("outcomes_few", "en", mark="×", n=20) in said
        assert {"small", "next"} <= {label.get_text() for label in drawn.get_yticklabels()}
    drawn = plot_funnel(found, "town")
    said = require_nothing_of(rated, drawn)
    assert say("figure_hidden", "en", n=2, few=20) in said
    assert not {"small", "next"} & {text.get_text() for text in drawn.texts}
    # nor is the rate of all, which with those of the shown groups tells of the hidden ones together
    assert not np.isclose(drawn_numbers(figure(drawn)), 191 / 474).any()


def test_nothing_hidden_of_a_flow_or_of_durations() -> None:
    survey = register(GROUPS)
    people = flow(survey, by="town")
    for level in HIDDEN:
        with pytest.raises(ValueError, match=f"level='{level}': too few enrolled"):
            plot_flow(people, level)
    spans = time_to_outcome(survey, "work", by="town")
    curves = spans.frame[spans.frame["level"].isin(HIDDEN)]
    drawn: Any = plot_survival(spans, "town")
    hidden = curves[["ci_low", "ci_high"]].to_numpy().ravel()  # shares of few are those of others as well
    said = require_nothing_of(hidden, drawn)
    assert say("figure_hidden", "en", n=2, few=20) in said
    assert len(drawn.texts) == 3
    # a curve ends where fewer than 20 are followed
    for line in drawn.get_lines():
        rows = spans.frame[(spans.frame["by"] == "town") & (spans.frame["at_risk"] < 20)]
        assert len(line.get_xdata()) > 0
        assert np.max(line.get_xdata()) <= rows["day"].max()


def test_a_reason_of_few_is_not_written() -> None:
    said = " ".join(words_on(figure(MADE["flow"]("en"))).split())
    rows = gated_flow(flows())
    total = rows[rows["by"] == ""].set_index("step")
    assert np.isnan(total.at["reason/other", "n"])
    assert "Other reason: <\N{NO-BREAK SPACE}20".replace("\N{NO-BREAK SPACE}", " ") in said
    assert "17" not in said.replace("2017", "").split()


# ------------------------------------------------------------------------------------------------ what is drawn


def test_the_numbers_of_the_shipped_programme() -> None:
    said = " ".join(words_on(figure(MADE["rates"]("en"))).split())
    assert "1,795 of 3,239" in said
    assert "Of those who completed" in said
    boxes = " ".join(words_on(figure(MADE["flow"]("en"))).split())
    for part in ("3,239", "46 of 3,239 – 1%", "2,709 of 3,201 – 85%", "192 of 3,201 – 6%", "1,184 of 3,201 – 37%"):
        assert part in boxes, part


def test_definitions_differ_in_shape_and_panel() -> None:
    axes: Any = MADE["rates by region"]("en")
    shapes = [{line.get_marker() for line in ax.get_lines()} & set("osD^vP") for ax in axes]
    assert shapes == [{"o"}, {"s"}]
    assert isinstance(plot_outcomes(outcomes(shipped(), "wide")), plt.Axes)


def test_the_funnel_is_that_of_the_result_where_nothing_is_hidden() -> None:
    result = rates()
    axes = plot_funnel(result, "region")
    of = result.funnel
    of = of[(of["by"] == "region") & (of["definition"] == DEFINITIONS[0])]
    names = {c.name: c.label("en") for c in shipped().question("region").choices}
    assert {text.get_text() for text in axes.texts} == {names[level] for level in of.loc[of["flag"] != "", "level"]}
    assert np.isclose(drawn_numbers(figure(axes)), of["centre"].iloc[0]).any()
    for level in of["level"]:
        point = of.set_index("level").loc[level]
        assert any(
            np.isclose(line.get_xdata(), point["n"]).any() and np.isclose(line.get_ydata(), point["estimate"]).any()
            for line in axes.get_lines()
        )


def test_groups_are_in_the_order_of_their_pooled_rates() -> None:
    axes = plot_caterpillar(rates(), "region")
    pooled = next(line for line in axes.get_lines() if line.get_marker() == "o" and len(line.get_xdata()))
    assert (np.diff(pooled.get_xdata()) <= 0).all()
    assert {line.get_marker() for line in axes.get_lines()} >= {"o", "D"}


def test_differences_from_a_reference_leave_it_out() -> None:
    result = outcomes(shipped(), "wide", by="gender", reference="man")
    axes = plot_differences(result, "gender")
    assert [label.get_text() for label in axes.get_yticklabels()] == ["Woman"]
    assert "difference from “Man”" in " ".join(words_on(figure(axes)).split())


def test_who_is_at_risk_stands_below_the_curve() -> None:
    axes: Any = plot_survival(times())
    found, frame = figure(axes), times().frame
    total = frame[frame["by"] == ""]
    for day in (0, 91, 182, 365):
        n = int(total.loc[total["day"] >= day, "at_risk"].iloc[0])
        assert f"{n:,}" in [text.get_text() for text in found.texts]
    curve = axes.get_lines()[0]
    assert curve.get_xdata()[-1] == 365
    row = times().summary.iloc[0]
    assert curve.get_ydata()[-1] == pytest.approx(row["share_365"])


def test_groups_of_curves_differ_in_more_than_colour() -> None:
    axes: Any = MADE["survival by stage"]("en")
    assert len({line.get_linestyle() for line in axes.get_lines() if line.get_linewidth() > 1}) == 4
    assert len(axes.texts) == 4
    panels: Any = MADE["survival by provider"]("en")
    assert len(panels) == 12


def test_few_are_in_brackets() -> None:
    axes: Any = plot_outcomes(rates(), "provider")
    said = " ".join(words_on(figure(axes)).split())
    assert f"({percent(18 / 44, 'en')})" in said
    hollow = [
        line for line in axes[0].get_lines()
        if (line.get_markerfacecolor(), line.get_marker()) == ("white", "o") and len(line.get_xdata())
    ]  # fmt: skip
    assert len(hollow) == 1


def test_the_comparison_is_refused_in_words() -> None:
    result = rates()
    with pytest.raises(ValueError, match="by='town': the outcomes are broken down by provider, gender"):
        plot_outcomes(result, "town")
    with pytest.raises(ValueError, match="rate is 'left'\\. Use one of enrolled, exited, completed"):
        plot_outcomes(result, "region", "left")
    with pytest.raises(ValueError, match="definition is 'narrow'"):
        plot_funnel(result, "region", "narrow")
    for draw in (plot_funnel, plot_caterpillar):
        with pytest.raises(ValueError, match="by='services': its groups overlap"):
            draw(result, "services")
    with pytest.raises(ValueError, match="level='p99': the flow has no such group"):
        plot_flow(flows(), "p99")
    with pytest.raises(ValueError, match="by='town': the durations are broken down by provider"):
        plot_survival(times(), "town")
    with pytest.raises(ValueError, match="days is 0"):
        plot_survival(times(), days=0)
    one = outcomes(register({"one": (60, 20)}), "work", by="town")
    with pytest.raises(ValueError, match="no group has a difference that may be shown"):
        plot_differences(one, "town")
    few = register({"a": (8, 2), "b": (9, 3)})
    result = outcomes(few, "work", by="town")
    for refused in (plot_funnel, plot_caterpillar, plot_differences):
        with pytest.raises(ValueError, match="by='town': no group"):
            refused(result, "town")
    with pytest.raises(ValueError, match="no group may be shown"):
        plot_survival(time_to_outcome(few, "work"))
    with pytest.raises(ValueError, match="too few enrolled"):
        plot_flow(flow(few))


def test_every_phrase_of_these_figures_is_used() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "motivlab").glob("figures_*.py"))
    text = (ROOT / "motivlab" / "words_figures_outcomes.yml").read_text(encoding="utf-8")
    keys = [line.split(":")[0] for line in text.splitlines() if line.startswith("figure_")]
    assert set(keys) <= set(words())
    assert [key for key in keys if f'"{key}"' not in code] == []


@pytest.mark.parametrize("ending", ["svg", "png", "pdf"])
@pytest.mark.parametrize("name", ["rates by region", "funnel of providers", "caterpillar", "differences", "flow",
                                  "survival by stage"])  # fmt: skip
def test_the_same_input_gives_the_same_bytes(name: str, ending: str, tmp_path: Path) -> None:
    files = [tmp_path / f"{part}.{ending}" for part in "ab"]
    for file in files:
        ml.export(MADE[name]("lv"), file)
    assert files[0].read_bytes() == files[1].read_bytes()
