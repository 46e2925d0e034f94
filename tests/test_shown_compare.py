"""What a reader sees of comparisons, weights, numbers: nothing suppressed, three languages, text on the page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from pages import outside, overlapping, words_on
from surveys import ROOT, SHIPPED

import motivlab as ml
from motivlab.adjusted import Adjusted
from motivlab.compare import JOINT, Comparison
from motivlab.language import LANGUAGES, number, percent, say
from motivlab.page import figure_of
from motivlab.sentences import decimals, p_text
from motivlab.tables import points
from motivlab.tables_compare import gated_adjusted, gated_differences, gated_tests

PUBLISHED = ROOT / "data" / "published" / "discrimination_prevalence.csv"
TABLES, FIGURES = ("xlsx", "html", "csv"), ("svg", "png", "pdf")


@pytest.fixture(autouse=True)
def _closed() -> Any:
    yield
    plt.close("all")


def under(gate: str, survey: ml.Survey) -> ml.Survey:
    return replace(survey, about=survey.about.model_copy(update={"gate": gate}))


# ------------------------------------------------------------------------------------------- nothing suppressed

# group: respondents, of them yes, no, without an answer
GROUPS = {"small": (13, 7, 6, 0), "silent": (60, 31, 6, 23), "one": (200, 40, 160, 0), "other": (150, 90, 60, 0)}
HIDDEN = ("small", "silent")


def secret(gate: str = "standard", order: tuple[str, ...] = tuple(GROUPS)) -> ml.Survey:
    """Two groups that may not be shown, one for want of respondents, one of answers."""
    rows = [(g, a) for g in order for a, n in zip(("yes", "no", None), GROUPS[g][1:], strict=True) for _ in range(n)]
    frame = pd.DataFrame(rows, columns=["g", "y"])
    frame["x"] = np.where(np.arange(len(frame)) % 3 == 0, "p", "q")
    frame["v"] = np.where(frame["y"] == "yes", 41.0, 12.0) + np.random.default_rng(1).normal(0, 3, len(frame)).round(2)
    frame.loc[frame["y"].isna(), "v"] = np.nan
    frame["g"] = pd.Categorical(frame["g"], list(order))
    return under(gate, ml.Survey.from_frame(frame))


def written(thing: Any, folder: Path) -> tuple[str, np.ndarray]:
    """All texts that a thing shows or is written as, and all numbers of its files."""
    ml.export(thing, *(folder / f"t.{ending}" for ending in TABLES))
    sheets = pd.read_excel(folder / "t.xlsx", sheet_name=None, header=None)
    texts = [repr(thing), thing._repr_html_(), (folder / "t.html").read_text(encoding="utf-8")]
    texts += [frame.fillna("").astype(str).to_csv() for name, frame in sheets.items() if name != "Numbers"]
    texts.append(repr(ml.takeaway(thing)))
    cells = [*sheets["Numbers"].to_numpy().ravel(), *pd.read_csv(folder / "t.csv", header=None).to_numpy().ravel()]
    numbers = pd.to_numeric(pd.Series(cells), errors="coerce").dropna().to_numpy(dtype=float)
    return "\n".join(texts), numbers


def tokens(values: Iterable[float]) -> set[str]:
    """Numbers as a table has them: percentages, percentage points with their sign, means and ratios."""
    out = set()
    for v in values:
        if np.isfinite(v) and v not in (0, 1):
            out |= {percent(v, "en"), number(v, "en", decimals(v))}
            out |= {points(v, "en")} if abs(v) < 1 and points(v, "en")[0] in "+−" else set()
    return out


def require_none(hidden: Iterable[float], shown: Iterable[float], thing: Any, numbers: np.ndarray) -> None:
    """None of what is hidden is in the files; nor in a table, where it is not that of what is shown."""
    values = np.array([v for v in hidden if np.isfinite(v) and v not in (0, 1)])
    assert len(values) > 5
    assert not np.isclose(numbers[:, None], values, rtol=1e-9, atol=0).any()
    cells = " ".join(cell for block in ml.table(thing).blocks for row in block.rows for cell in row[1:])
    said = set(re.sub(r"[\[\]();*–]", " ", cells).split())
    assert len(said) > 3
    assert (tokens(values) & said) - tokens(shown) == set()


def compared(question: str = "y", gate: str = "standard") -> Comparison:
    # a group that is small is compared all the same where somebody asks for it
    return ml.compare(secret(gate), question, "g", smallest=1)


@pytest.mark.parametrize("question", ["y", "v"])
def test_nothing_suppressed_of_a_comparison_is_written(question: str, tmp_path: Path) -> None:
    comparison = compared(question)
    frame, differences = comparison.estimates.frame, comparison.differences
    hidden = frame[frame["level"].isin(HIDDEN)]
    of_hidden = differences[differences["level"].isin(HIDDEN) | differences["reference"].isin(HIDDEN)]
    assert len(of_hidden) == 5 * frame["item"].nunique()
    columns, apart = (
        ["estimate", "se", "ci_low", "ci_high"],
        ["difference", "se", "ci_low", "ci_high", "t", "ratio", "ratio_low", "ratio_high"],
    )
    shown = [*frame.loc[~frame["level"].isin(HIDDEN), columns].to_numpy().ravel(),
             *differences.drop(index=of_hidden.index)[apart].to_numpy().ravel()]  # fmt: skip
    text, numbers = written(comparison, tmp_path)
    require_none(
        [*hidden[columns].to_numpy().ravel(), *of_hidden[apart].to_numpy().ravel()], shown, comparison, numbers
    )
    for name in ("54%", "84%", "46%", "16%"):  # 7 of 13, 31 of 37
        assert name not in text
    assert not np.isin(numbers, [7, 13, 31]).any()
    assert set(gated_differences(comparison)["level"]) == {"other"}
    assert "n\N{NO-BREAK SPACE}<\N{NO-BREAK SPACE}20" in text
    letters = ml.table(comparison).blocks[0].rows
    assert not re.search(r" [AB]\b", " ".join(" ".join(row[1:]) for row in letters))  # those of what is hidden
    assert "–" in letters[0]


@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("question", ["y", "v"])
def test_a_test_of_one_group_that_is_shown_would_tell_of_the_other(hidden: str, question: str) -> None:
    survey = secret()
    where = f"${{g}} = 'one' or ${{g}} = '{hidden}'"
    comparison = ml.compare(survey, question, "g", where=where, smallest=1)
    assert comparison.tests["p"].notna().any()
    tests = gated_tests(comparison)
    assert tests[["statistic", "df1", "df2", "p", "p_adjusted"]].isna().all(axis=None)
    assert p_text(comparison.tests["p"].iloc[0], "en") not in repr(comparison)
    assert repr(ml.takeaway(comparison)) == say("takeaway_untested", "en", by="“g”")
    opened = ml.compare(under("open", survey), question, "g", where=where)
    pd.testing.assert_frame_equal(gated_tests(opened), opened.tests)


def adjusted(reference: str = "one", gate: str = "standard", **more: Any) -> Adjusted:
    return ml.adjusted(secret(gate), "y", on="g", given="x", item="yes", reference=reference, **more)


@pytest.mark.parametrize("reference", list(GROUPS))
def test_nothing_suppressed_of_an_adjusted_comparison_is_written(reference: str, tmp_path: Path) -> None:
    result = adjusted(reference)
    frame, gated = result.frame, gated_adjusted(result)
    columns = [c for c in frame if c.startswith(("unadjusted", "adjusted", "odds_ratio")) and not c.endswith("_df")]
    values = frame.loc[frame["level"].isin(HIDDEN), columns].to_numpy(dtype=float).ravel()
    kept = [c for c in columns if reference not in HIDDEN or c.endswith(("adjusted", "_low", "_high"))]
    shown = frame.loc[~frame["level"].isin(HIDDEN), kept].to_numpy(dtype=float).ravel()
    _, numbers = written(result, tmp_path)
    require_none(values, shown, result, numbers)
    assert not np.isin(numbers, [7, 13, 31]).any()
    rows = gated.set_index("level")
    assert rows.loc[list(HIDDEN), [c for c in columns if c in rows]].isna().all(axis=None)
    assert np.isnan(rows.loc["small", "n"])
    assert not {"k", "asked", "missing", "missing_share"} & set(rows)  # of the model, beside those of the base
    assert rows.loc["silent", "n"] == 37
    # nor can it be had from what is shown, as the share of the others less their difference from it
    for kind in ("unadjusted", "adjusted"):
        one, two = rows[kind].to_numpy()[:, None], rows[f"{kind}_difference"].to_numpy()
        worked_out = np.append(one - two, one + two)
        found = frame.loc[frame["level"].isin(HIDDEN), kind].to_numpy(dtype=float)
        assert not np.isclose(worked_out[np.isfinite(worked_out)][:, None], found).any()
    if reference in HIDDEN:
        assert rows["adjusted_difference"].isna().all()
        assert "odds_ratio" in rows
        assert rows["odds_ratio"].isna().all()
        assert [row[4] for row in ml.table(result).blocks[0].rows][1:] == ["–"] * 3
    else:
        other = ({"one", "other"} - {reference}).pop()
        assert np.isfinite(rows.loc[other, "adjusted_difference"])


@pytest.mark.parametrize("reference", ["small", "one"])
def test_nothing_suppressed_is_drawn(reference: str) -> None:
    result = adjusted(reference)
    axes: Any = ml.plot_adjusted(result)
    drawn = [x for line in axes.get_lines() for x in np.asarray(line.get_xdata(), dtype=float)]
    drawn += [x for c in axes.collections for path in c.get_paths() for x in path.vertices[:, 0]]
    columns = [f"{kind}{part}" for kind in ("unadjusted", "adjusted") for part in ("", "_low", "_high")]
    hidden = result.frame.loc[result.frame["level"].isin(HIDDEN), columns].to_numpy(dtype=float)
    assert not np.isclose(np.array(drawn)[:, None], hidden.ravel()).any()
    labels = {t.get_text() for t in axes.get_yticklabels()}
    assert "small" in labels  # without its n
    said = words_on(figure_of(axes))
    assert "× not shown: fewer than 20 respondents" in said
    assert "× not shown: more than 30% of those asked" in said
    crosses = [line for line in axes.get_lines() if line.get_marker() == "x"]
    assert [len(line.get_xdata()) for line in crosses] == [2]


def separated(level: str, n: int, answered: int | None = None) -> Adjusted:
    """All in one level of ``x`` (or of ``g``) answered alike."""
    frame = pd.DataFrame({"y": ["yes", "no", "no"] * 60, "g": ["u", "v"] * 90, "x": ["p", "q", "r", "r"] * 45})
    variable = "x" if level in "pqr" else "g"
    rare = pd.DataFrame({"y": ["yes"] * n, "g": ["u", "v"] * (n // 2) + ["u"] * (n % 2), "x": "p"}).assign(
        **{variable: "rare"}
    )
    rare.loc[rare.index >= (n if answered is None else answered), "y"] = None
    return ml.adjusted(ml.Survey.from_frame(pd.concat([frame, rare])), "y", on="g", given="x", item="yes")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("level", "n", "answered", "named"),
    [("p", 30, None, True), ("p", 20, None, True), ("p", 19, None, False), ("u", 30, None, True),
     ("u", 19, None, False), ("u", 60, 35, False)],
)  # fmt: skip
def test_a_cell_that_may_not_be_shown_is_not_named(
    level: str, n: int, answered: int | None, named: bool, language: str
) -> None:
    result = separated(level, n, answered).to(language)
    assert [(one.level, one.reason, one.everyone) for one in result.unfitted] == [("rare", "separated", True)]
    said = [note for note in ml.table(result).notes if note.startswith(say("quoted", language, text="yes"))]
    assert len(said) == 1
    assert ("rare" in said[0]) == named


def test_what_the_few_left_out_of_a_model_answered_cannot_be_worked_out() -> None:
    frame = pd.DataFrame({"y": ["yes", "no"] * 60, "g": ["u"] * 60 + ["v"] * 60, "x": ["p", "p", "q", "q"] * 30})
    frame.loc[0, "x"] = None  # one of u, who said yes, is in no model
    result = ml.adjusted(ml.Survey.from_frame(frame), "y", on="g", given="x", item="yes")
    assert result.frame["n"].tolist() == [59, 60]
    gated = gated_adjusted(result)
    every = ml.gate(ml.prevalence(ml.Survey.from_frame(frame), "y", by="g")).frame.query("by == 'g' and item == 'yes'")
    assert gated["n"].tolist() == every["n"].tolist() == [60, 60]
    assert gated["unadjusted"].tolist() == every["estimate"].tolist()
    assert not {"k", "asked", "missing"} & set(gated)


def test_margins_of_few_are_not_told(tmp_path: Path) -> None:
    frame = pd.DataFrame({"s": ["few"] * 7 + ["f"] * 93 + ["m"] * 100, "w": 1.0})
    margins = pd.DataFrame({"variable": "s", "level": ["few", "f", "m"], "share": [0.06, 0.48, 0.46]})
    summary = ml.weight_summary(ml.rake(ml.Survey.from_frame(frame, weight="w"), margins))
    rows = {row[0]: row[1:] for row in ml.table(summary).blocks[1].rows}
    assert rows["s: few"] == ("< 20", "–", "6.0%", "–")
    assert rows["s: f"] == ("93", "46.5%", "48.0%", "48.0%")
    ml.export(summary, *(tmp_path / f"w.{ending}" for ending in TABLES))
    assert "3.5%" not in (tmp_path / "w.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("make", [compared, adjusted], ids=["comparison", "adjusted"])
def test_open_data_are_shown_and_every_output_says_so(make: Callable[..., Any], tmp_path: Path) -> None:
    thing = make(gate="open")
    said = say("note_gate_open", "en")
    assert said in repr(thing)
    assert "54%" in repr(thing)
    assert "< 20" not in repr(thing)
    assert "Thresholds: " not in repr(thing)
    ml.export(thing, tmp_path / "t.xlsx")
    assert said in "".join(pd.read_excel(tmp_path / "t.xlsx", sheet_name="Notes", header=None)[0])
    if isinstance(thing, Adjusted):
        assert said in words_on(figure_of(ml.plot_adjusted(thing)))
        assert np.isfinite(gated_adjusted(thing)["adjusted"]).all()
    else:
        assert len(gated_differences(thing)) == len(thing.differences)


# -------------------------------------------------------------------------------------------------- the languages


@lru_cache
def shipped(language: str = "en") -> ml.Survey:
    return ml.open_survey(SHIPPED, language)


@lru_cache
def comparison_of(question: str, by: Any) -> Comparison:
    return ml.compare(shipped(), question, by)


@lru_cache
def adjusted_of(question: str, on: str, item: Any = None) -> Adjusted:
    given = [name for name in ("age_group", "disability", "native_language", "gender") if name != on]
    return ml.adjusted(shipped(), question, on=on, given=given, item=item)


COMPARED = [("encountered", "region"), ("grounds", "native_language"), ("grounds", "age_group"), ("age", "gender"),
            ("perceived", ("gender", "disability"))]  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("question", "by"), COMPARED)
def test_a_comparison_in_words(question: str, by: Any, language: str) -> None:
    comparison = comparison_of(question, by).to(language)
    made, form = ml.table(comparison), comparison.estimates.questionnaire
    assert form[question].label(language) in made.title
    assert form["gender"].label(language) in made.title or "gender" not in by
    whole = comparison.tests.set_index("item").loc[JOINT]
    first = made.blocks[1].rows[0]
    assert first[0] == say("compare_all", language)
    assert first[1] == number(whole["statistic"], language, 2)
    assert first[3] == p_text(whole["p"], language)
    differences = gated_differences(comparison)
    found = differences[differences["p_adjusted"] < 0.05]
    assert len(made.blocks) == (3 if len(found) else 2)
    if len(found):
        assert len(made.blocks[2].rows) == len(found)
        size = abs(found["difference"].iloc[0]) * (100 if question != "age" else 1)
        assert number(size, language, 0 if question != "age" else 2) in made.blocks[2].rows[0][2]
    else:
        assert say("compare_none", language) in made.notes
    for text in (repr(comparison), comparison._repr_html_(), repr(ml.takeaway(comparison))):
        assert not re.search(r"\bnan\b|NaN|[{}]", text)
    assert p_text(whole["p"], language) in repr(ml.takeaway(comparison)).splitlines()[0]
    assert repr(ml.compare(shipped(language), question, by)) == repr(comparison)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("question", "on"), [("encountered", "gender"), ("grounds", "native_language")])
def test_an_adjusted_comparison_in_words(question: str, on: str, language: str) -> None:
    result = adjusted_of(question, on).to(language)
    made, gated = ml.table(result), gated_adjusted(result)
    assert made.title.startswith(result.questionnaire[question].label(language))
    for block, (_, rows) in zip(made.blocks, gated.groupby("item", sort=False), strict=True):
        for texts, (_, row) in zip(block.rows, rows.iterrows(), strict=True):
            if row["status"] != "suppressed":
                assert percent(row["unadjusted"], language) in texts[2]
                assert not np.isfinite(row["adjusted"]) or percent(row["adjusted"], language) in texts[3]
                p = "adjusted_difference_p" if row["net"] else "adjusted_difference_p_holm"
                assert texts[5] == p_text(row[p], language)
    for key in ("adjusted_explained", "adjusted_fixed", "adjusted_many"):
        assert say(key, language) in made.notes
    assert len(set(made.notes)) == len(made.notes)
    for text in (repr(result), result._repr_html_(), repr(ml.takeaway(result))):
        assert not re.search(r"\bnan\b|NaN|[{}]", text)
    assert repr(ml.adjusted(shipped(language), question, on, result.given)) == repr(result)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_differs_is_said_with_its_size(language: str) -> None:
    frame = pd.DataFrame({"y": ["yes"] * 60 + ["no"] * 40 + ["yes"] * 20 + ["no"] * 80, "g": ["u"] * 100 + ["v"] * 100})
    frame["x"] = np.where(frame["y"] == "yes", 30, 20.5) + np.arange(200) % 3
    survey = replace(ml.Survey.from_frame(frame), language=language)
    (bullet,) = ml.takeaway(ml.compare(survey, "y", "g")).bullets  # of yes and no, yes
    wanted = ["yes", "u", "v"]
    assert all(say("quoted", language, text=text) in bullet for text in wanted)
    assert say("points", language, n=40, size="40") in bullet
    means = ml.compare(survey, "x", "g")
    (bullet,) = ml.takeaway(means).bullets
    assert f" {number(abs(means.differences['difference'].iloc[0]), language, 2)} (p" in bullet


@pytest.mark.parametrize("language", LANGUAGES)
def test_where_nothing_differs_that_is_said(language: str) -> None:
    frame = pd.DataFrame({"y": ["yes", "no"] * 100, "g": ["u", "u", "v", "v"] * 50, "x": ["p"] * 100 + ["q"] * 100})
    survey = replace(ml.Survey.from_frame(frame), language=language)
    comparison = ml.compare(survey, "y", "g")
    assert say("compare_none", language) in ml.table(comparison).notes
    by, given = (say("quoted", language, text=text) for text in "gx")
    assert repr(ml.takeaway(comparison)) == say("takeaway_alike", language, by=by, p=f"p = {number(1, language, 3)}")
    result = ml.adjusted(survey, "y", on="g", given="x", item="yes")
    assert repr(ml.takeaway(result)) == say("takeaway_adjusted_none", language, by=by, given=given)


def test_the_groups_that_were_not_compared_are_named() -> None:
    said = " ".join(ml.table(ml.compare(secret(), "y", "g")).notes)
    assert say("compare_left_out", "en", levels="small") in said


def test_pairs_are_counted_once() -> None:
    frame = pd.DataFrame({"y": ["yes", "no", None] * 70, "g": list("uvx") * 70})
    frame["g"] = np.random.default_rng(2).permutation(frame["g"])
    survey = under("open", ml.Survey.from_frame(frame))
    for base, pairs in (("asked", 3), ("all", 6)):  # over everybody, the second answer is no complement
        comparison = ml.compare(survey, "y", "g", base=base)  # type: ignore[arg-type]
        assert f"Pairs compared: {pairs};" in repr(comparison)


# ------------------------------------------------------------------------------------------------------- figures

DRAWN = [("encountered", "gender"), ("encountered", "age_group"), ("encountered", "native_language"),
         ("grounds", "gender")]  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("question", "on"), DRAWN)
def test_no_text_of_an_adjusted_comparison_leaves_the_page_or_covers_another(
    question: str, on: str, language: str
) -> None:
    result = adjusted_of(question, on).to(language)
    for item in dict.fromkeys(result.frame["item"]):
        figure = figure_of(ml.plot_adjusted(result, item))
        figure.canvas.draw()
        assert outside(figure) == [], item
        assert overlapping(figure) == [], item
        said = words_on(figure)
        assert say("synthetic", language) in said
        assert say("unadjusted", language) in said
        assert result.questionnaire[question].label(language).split()[0] in said
        plt.close(figure)


def raked(language: str = "en") -> ml.Survey:
    rows = [("gender", "woman", 0.58), ("gender", "man", 0.42)]
    regions = [choice.name for choice in shipped().questionnaire["region"].answers]
    rows += [("region", name, 1 / len(regions)) for name in regions]
    return ml.rake(shipped(language), pd.DataFrame(rows, columns=["variable", "level", "share"]), name="w2")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["now", "calibrated", "wide", "equal"])
def test_no_text_of_weights_leaves_the_page_or_covers_another(kind: str, language: str) -> None:
    survey = shipped(language) if kind == "now" else raked(language)
    if kind in ("wide", "equal"):
        w = np.geomspace(1e-3, 1e3, 500) if kind == "wide" else np.ones(500)
        frame = pd.DataFrame({"q": ["a", "b"] * 250, "w": w})
        survey = replace(ml.Survey.from_frame(frame, weight="w"), language=language)
    summary = ml.weight_summary(survey)
    figure = figure_of(ml.plot_weights(summary))
    figure.canvas.draw()
    assert outside(figure) == []
    assert overlapping(figure) == []
    said, text = words_on(figure), repr(summary)
    assert number(summary.frame["deff"].iloc[-1], language, 2) in said
    assert say("weights_note", language) in text
    assert number(summary.frame["n"].iloc[0], language) in text
    assert not re.search(r"\bnan\b|NaN|[{}]", text)
    if kind == "calibrated":
        assert say("method_rake", language) in text
        assert percent(0.58, language, 1) in text
        assert ml.table(summary).blocks[1].rows[0][0].startswith(survey.questionnaire["gender"].label(language))


def test_a_choice_nobody_made_and_a_survey_without_weights_can_be_drawn() -> None:
    frame = pd.DataFrame(
        {"q/a": [0] * 200, "q/b": [1, 0, 0, 1] * 50, "g": ["u", "v"] * 100, "x": ["p"] * 100 + ["q"] * 100}
    )
    result = ml.adjusted(ml.Survey.from_frame(frame), "q", on="g", given="x")
    axes = ml.plot_adjusted(result, "a")
    assert axes.get_xlim() == (0, 0.1)
    assert axes.get_xlabel() == "Share and 95% confidence interval"
    assert "“a”: no model, since nobody chose it." in words_on(figure_of(axes))
    assert ml.plot_adjusted(adjusted_of("encountered", "gender")).get_xlabel().startswith("Weighted share")
    with pytest.raises(ValueError, match="item='c': there is none such"):
        ml.plot_adjusted(result, "c")


def test_a_figure_says_where_there_is_nothing_to_draw() -> None:
    frame = pd.DataFrame({"y": ["yes", "no"] * 18, "g": ["u", "u", "v", "v"] * 9, "x": ["p", "q", "q"] * 12})
    with pytest.raises(ValueError, match="no item of 'y' has a model that may be shown"):
        ml.plot_adjusted(ml.adjusted(ml.Survey.from_frame(frame), "y", on="g", given="x", item="yes"))


# ------------------------------------------------------------------------------------------------ the same bytes

SHOWN: dict[str, Callable[[], Any]] = {
    "comparison": lambda: ml.compare(shipped("lv"), "grounds", "native_language"),
    "means": lambda: ml.compare(shipped("ru"), "age", "region"),
    "adjusted": lambda: ml.adjusted(shipped("lv"), "encountered", on="gender", given="age_group"),
    "weights": lambda: ml.weight_summary(raked("ru")),
    "mean": lambda: ml.mean(shipped("lv"), "age", by="region"),
    "quantile": lambda: ml.quantile(shipped("ru"), "age", by="gender"),
    "total": lambda: ml.total(shipped("lv"), "grounds", by="gender"),
    "ratio": lambda: ml.ratio(shipped(), "age", to="age"),
}
MADE: dict[str, Callable[[], Any]] = {
    "adjusted": lambda: ml.plot_adjusted(ml.adjusted(shipped("lv"), "encountered", on="gender", given="age_group")),
    "weights": lambda: ml.plot_weights(ml.weight_summary(raked("ru"))),
}


WRITTEN = [(n, e) for n in SHOWN for e in TABLES] + [(f"figure of {n}", e) for n in MADE for e in FIGURES]


@pytest.mark.parametrize(("name", "ending"), WRITTEN)
def test_the_same_input_gives_the_same_bytes(name: str, ending: str, tmp_path: Path) -> None:
    make = SHOWN.get(name) or MADE[name.removeprefix("figure of ")]
    files = [tmp_path / f"{name}.{ending}" for name in "ab"]
    for file in files:
        ml.export(make(), file)
    assert files[0].read_bytes() == files[1].read_bytes()
    assert files[0].stat().st_size > 80


# --------------------------------------------------------------------------------- means, totals, quantiles in words


@pytest.mark.parametrize("language", LANGUAGES)
def test_numbers_in_their_own_unit(language: str) -> None:
    frame = pd.DataFrame({"x": [-7.25, -4.0, -2.5, 0.5] * 25, "big": [99_000.5, 101_000] * 50, "g": ["u", "v"] * 50})
    survey = replace(ml.Survey.from_frame(frame), language=language)
    row = ml.mean(survey, "x").frame.iloc[0]
    low, high = (number(row[c], language, 2) for c in ("ci_low", "ci_high"))
    assert ml.table(ml.mean(survey, "x")).blocks[0].rows == ((
        say("statistic_mean", language), number(-3.3125, language, 2), f"{low} … {high}", "100"),)  # fmt: skip
    (cells,) = ml.table(ml.total(survey, "big")).blocks[0].rows
    assert cells[:2] == (say("statistic_total", language), number(10_000_025, language))
    rows = ml.table(ml.quantile(survey, "x", [0.1, 0.5], by="g")).blocks[1].rows
    assert [row[0] for row in rows] == [say("statistic_quantile", language, p="10"), say("statistic_median", language)]
    (cells,) = ml.table(ml.ratio(survey, "x", to="big")).blocks[0].rows
    assert cells[0] == say("statistic_ratio", language, label="big")
    head = ml.table(ml.mean(survey, "x", by="g")).blocks[1].head
    assert head[1] == f"u\n{say('n_equals', language, n=50)}"


def test_means_of_few_are_not_shown() -> None:
    frame = pd.DataFrame({"x": [41.25] * 10 + [42.75] * 9 + [20.5, 21.5] * 40, "g": ["few"] * 19 + ["many"] * 80})
    survey = ml.Survey.from_frame(frame)
    for found in (ml.mean(survey, "x", by="g"), ml.quantile(survey, "x", by="g"), ml.total(survey, "x", by="g")):
        block = ml.table(found).blocks[1]
        assert block.head[1] == "few\nn\N{NO-BREAK SPACE}<\N{NO-BREAK SPACE}20"
        assert {row[1] for row in block.rows} == {"–"}
        assert ml.gate(found).frame.query("level == 'few'").select_dtypes("number").isna().all(axis=None)


def test_the_takeaway_of_quantiles_is_about_the_median_and_of_totals_names_the_answer() -> None:
    frame = pd.DataFrame(
        {"x": [*range(100), *range(50, 150)], "g": ["u"] * 100 + ["v"] * 100, "y": ["yes", "no"] * 100}
    )
    survey = ml.Survey.from_frame(frame)
    (bullet,) = ml.takeaway(ml.quantile(survey, "x", by="g")).bullets
    assert "highest among “v”, 99.0; lowest among “u”, 49.0" in bullet
    frame.loc[:9, "y"] = "yes"
    (bullet,) = ml.takeaway(ml.total(ml.Survey.from_frame(frame), "y", by="g")).bullets
    assert "answer “no”: most among “v”, 50.0; least among “u”, 45.0" in bullet


# ------------------------------------------------------------------------------------------------ published figures


def figures(**change: Any) -> pd.DataFrame:
    published = ml.read_published(PUBLISHED)
    return published[published["question"] == "grounds"].reset_index(drop=True).assign(**change)


@lru_cache
def grounds(by: Any = (), where: str = "", base: Any = None) -> Any:
    return ml.prevalence(shipped(), "grounds", by=by, where=where, base=base)


def rows(estimates: Any) -> pd.DataFrame:
    return estimates.frame[estimates.frame["published"].notna()].set_index("item")


def test_without_n_the_interval_of_the_difference_is_that_of_the_estimate_moved() -> None:
    found = rows(ml.against_published(grounds(), figures()))
    assert found["published_n"].isna().all()
    np.testing.assert_allclose(found["difference"], found["estimate"] - found["published"])
    np.testing.assert_allclose(found["difference_low"], found["ci_low"] - found["published"])
    np.testing.assert_allclose(found["difference_high"], found["ci_high"] - found["published"])


def test_with_n_both_samples_have_an_error() -> None:
    from scipy import stats

    found = rows(ml.against_published(grounds(), figures(n=[400.0, np.nan, 400.0, 1e12])))
    row = found.loc["age"]
    both = np.sqrt(row["se"] ** 2 + row["deff"] * 0.45 * 0.55 / 400)
    half = stats.t.ppf(0.975, row["df"]) * both
    assert row["difference_high"] == pytest.approx(row["difference"] + half)
    assert row["difference_low"] == pytest.approx(row["difference"] - half)
    other = figures(n=[400.0, np.nan, 400.0, 1e12])["item"].tolist()
    alone, large = found.loc[other[1]], found.loc[other[3]]
    assert alone["difference_low"] == pytest.approx(alone["ci_low"] - alone["published"])
    # of a figure without an error to speak of, the interval is Wald's of the estimate
    half = stats.t.ppf(0.975, large["df"]) * large["se"]
    assert large["difference_high"] - large["difference"] == pytest.approx(half, rel=1e-4)


def test_a_published_share_of_none_or_an_estimate_of_none() -> None:
    frame = pd.DataFrame({"q/a": [0] * 100, "q/b": [1, 0] * 50})
    survey = ml.Survey.from_frame(frame)
    figure = figures(question="q", item=["a", "b", "c", "d"], measure="not_stated", n=50.0, share=[0.1, 0.0, 0.5, 0.5])
    found = rows(ml.against_published(ml.prevalence(survey, "q"), figure))
    assert found.index.tolist() == ["a", "b"]
    assert found.loc["a", "difference"] == -0.1
    assert found.loc["a", "difference_high"] == pytest.approx(-0.1 + 1.984217 * np.sqrt(0.1 * 0.9 / 50), abs=1e-5)
    assert np.isfinite(found[["difference_low", "difference_high"]]).all(axis=None)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_difference_from_a_published_figure_in_words(language: str) -> None:
    without = ml.against_published(grounds(), figures(share=0.4)).to(language)
    row = rows(without).loc["age"]
    block = ml.table(without).blocks[0]
    assert block.head[4:] == (say("published", language), say("published_difference", language))
    cells = block.rows[0]
    sizes = [f"{'+' if v > 0 else '−'}{number(abs(100 * v), language)}" for v in row[
        ["difference", "difference_low", "difference_high"]]]  # fmt: skip
    assert cells[4:] == (percent(0.4, language), f"{sizes[0]} [{sizes[1]}; {sizes[2]}]")
    assert say("note_published_exact", language) in ml.table(without).notes
    known = ml.against_published(grounds(), figures(share=0.4, n=1000.0)).to(language)
    assert say("note_published_exact", language) not in ml.table(known).notes
    assert {len(row) for row in block.rows} == {6}
    assert all(row[4:] == ("", "") for row in block.rows if row[0] == say("net_any", language))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"measure": "perceived_widespread"}, "measures 'perceived_widespread', the question 'grounds' 'encountered'"),
        ({"base": "all"}, "has the base 'all', the estimates 'asked'. Estimate with base='all'"),
        ({"item": "age"}, "'age' of 'grounds' has two figures"),
    ],
)
def test_a_figure_of_something_else_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)) as caught:
        ml.against_published(grounds(), figures(**change))
    assert str(caught.value).startswith("published figure DP")


@pytest.mark.parametrize(
    ("measure", "ours", "theirs", "refused"),
    [
        ("encountered", None, "lifetime", False),  # neither is said of the question
        ("encountered", "12_months", "lifetime", True),
        ("encountered", "12_months", "not_stated", False),
        ("encountered", "12_months", None, False),
        ("encountered", "12_months", "12_months", False),
        ("experienced_12_months", None, "lifetime", True),
        ("experienced_12_months", None, None, False),
        ("experienced_5_years", None, "12_months", True),
        ("perceived_widespread", None, "now", False),
        ("perceived_widespread", None, "5_years", True),
        ("experienced", "5_years", "12_months", True),
        ("experienced_12_months", "12_months", "12_months", False),
    ],
)
def test_periods(measure: Any, ours: Any, theirs: Any, refused: bool) -> None:
    estimates = grounds()
    analysis = estimates.about.analysis["grounds"].model_copy(update={"measure": measure, "period_class": ours})
    about = estimates.about.model_copy(update={"analysis": {"grounds": analysis}})
    figure = figures(measure=measure, period_class=theirs)
    if not refused:
        assert len(rows(ml.against_published(replace(estimates, about=about), figure))) == 4
        return
    with pytest.raises(ValueError, match=f"is about the period '{theirs}', the question 'grounds' about '"):
        ml.against_published(replace(estimates, about=about), figure)


def test_a_table_without_the_optional_columns() -> None:
    figure = figures().drop(columns="period_class")
    assert len(rows(ml.against_published(grounds(), figure))) == 4
    blank = figures(fieldwork=np.nan)
    assert "nan" not in " ".join(rows(ml.against_published(grounds(), blank))["published_source"])


def test_published_figures_are_shares() -> None:
    survey = shipped()
    figure = figures(question="age")
    with pytest.raises(ValueError, match="published figures are shares, the estimates of 'age' means"):
        ml.against_published(ml.mean(survey, "age"), figure)
    with pytest.raises(ValueError, match="the estimates of 'grounds' totals"):
        ml.against_published(ml.total(survey, "grounds"), figures())
    untouched = ml.mean(survey, "age")
    assert ml.against_published(untouched, figures()) is untouched


def test_the_gate_takes_the_difference_away(tmp_path: Path) -> None:
    few = ml.prevalence(shipped(), "grounds", where="${ethnicity} = 'roma'")
    found = ml.against_published(few, figures(share=0.41, n=800.0))
    assert rows(found)["difference"].notna().all()
    gated = ml.gate(found).frame
    assert gated["reason"].unique().tolist() == ["few"]
    apart = ["difference", "difference_low", "difference_high"]
    assert gated[apart].isna().all(axis=None)
    assert rows(replace(found, frame=gated))["published"].tolist() == [0.41] * 4
    ml.export(found, tmp_path / "t.csv", tmp_path / "t.html")
    assert pd.read_csv(tmp_path / "t.csv")[apart].isna().all(axis=None)
    assert [row[1:] for row in ml.table(found).blocks[0].rows if row[4]] == [("–", "–", "< 20", "41%", "")] * 4


def test_a_file_with_n_and_period_class(tmp_path: Path) -> None:
    figures(n=[500, "", 400, 300]).to_csv(tmp_path / "p.csv", index=False)
    read = ml.read_published(tmp_path / "p.csv")
    assert read["n"].isna().tolist() == [False, True, False, False]
    for change, said in (({"n": [500, 0, 400, 300]}, "row 3: n is"), ({"n": ["many"] * 4}, "row 2: n is"),
                         ({"period_class": "ever"}, "row 2: period_class is 'ever'")):  # fmt: skip
        figures(**change).to_csv(tmp_path / "p.csv", index=False)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match=said):
            ml.read_published(tmp_path / "p.csv")


# ------------------------------------------------------------------------------------- replicates that cannot be made


def clusters(**change: Any) -> pd.DataFrame:
    frame = pd.DataFrame(
        {"y": ["a", "b"] * 30, "h": np.arange(60) // 30, "c": np.arange(60) // 10, "w": 1.5, "f": 50.0}
    )
    return frame.assign(**change)


@pytest.mark.parametrize(
    ("frame", "design", "more", "said"),
    [
        (clusters(), {}, {"kind": "jack"}, ["kind is 'jack'", "jackknife, bootstrap, brr, fay"]),
        (clusters(), {"strata": "h", "cluster": "c"}, {"kind": "brr"}, ["takes half of two", "'0' has 3 clusters",
                                                                       "1 more"]),
        (clusters(), {"cluster": "c", "fpc": "f"}, {"kind": "bootstrap"}, ["finite population correction 'f'",
                                                                          "Use jackknife"]),
        (clusters(h=[9] + [1] * 59), {"strata": "h"}, {}, ["the stratum '9' has a single cluster", "Merge"]),
        (clusters(replicate_3=1.0), {"cluster": "c"}, {}, ["a column 'replicate_3'", "Choose another `name`"]),
        (pd.DataFrame({"y": ["a", "b"] * 1001}), {}, {}, ["a jackknife of 2002", "kind='bootstrap'"]),
    ],
)  # fmt: skip
def test_replicates_that_cannot_be_made(frame: pd.DataFrame, design: Any, more: Any, said: list[str]) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is looked at below
        ml.with_replicates(ml.Survey.from_frame(frame, **design), **more)
    assert all(part in str(caught.value) for part in said), str(caught.value)


def test_replicates_are_made_once_and_before_calibration() -> None:
    made = ml.with_replicates(ml.Survey.from_frame(clusters(), weight="w", cluster="c"))
    with pytest.raises(ValueError, match="has replicate weights already"):
        ml.with_replicates(made)
    halves = pd.DataFrame({"variable": "y", "level": ["a", "b"], "share": [0.4, 0.6]})
    with pytest.raises(ValueError, match="the weights are calibrated\\. Make the replicates first"):
        ml.with_replicates(ml.rake(ml.Survey.from_frame(clusters(), weight="w"), halves))
