"""What is named together: numbers against R's survey, identities, that nothing of few gets out, the figure."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.text import Text
from surveys import ROOT, SHIPPED

import motivlab as ml
from motivlab.compare import adjust
from motivlab.cooccurrence import NO_CHOICE, OTHER, Cooccurrence, cooccurrence
from motivlab.figures_cooccurrence import plot_upset
from motivlab.language import LANGUAGES, percent, say
from motivlab.page import figure_of, write_figure
from motivlab.tables import table, write_table
from motivlab.tables_cooccurrence import gate_cooccurrence

REFERENCE = ROOT / "tests" / "reference"
CHOICES = ("sch.wide", "comp.imp", "both", "awards", "yr.rnd")
EXPECTED = pd.read_csv(REFERENCE / "cooccurrence_expected.csv", dtype={"item": "str"})
PAIRS = pd.read_csv(REFERENCE / "cooccurrence_pairs_expected.csv")


@pytest.fixture(autouse=True)
def _closed() -> Any:
    yield
    plt.close("all")


# ------------------------------------------------------------------------------------------------------ numbers


def schools(case: str) -> Cooccurrence:
    """The case of cooccurrence.R: the five 0/1 columns as one question."""
    name, _, kind = case.partition("_")
    frame = pd.read_csv(REFERENCE / f"api_{name}.csv").rename(columns={c: f"q/{c}" for c in CHOICES})
    design = {"strata": "stype"} if name == "apistrat" else {"cluster": "dnum"}
    if kind == "fpc":
        design["fpc"] = "fpc"
    survey = ml.Survey.from_frame(frame, weight="pw", **design)  # type: ignore[arg-type]
    where = "${stype} = 'E'" if kind == "E" else ""
    return cooccurrence(survey, "q", base="any" if kind == "any" else None, where=where, most=100)


def parts_of(found: Cooccurrence) -> pd.DataFrame:
    """All shares and the mean, by part and item as R has them."""
    sets = found.combinations
    few = [i for i, k in enumerate(sets.solution.k[0]) if k < 20 and sets.items[i] != NO_CHOICE]
    kept = [(item, [i]) for i, item in enumerate(sets.items) if i not in few]
    merged = sets.merged([*kept, (OTHER, few)])
    frames = {"mean": found.mean.frame, "choice": found.choices.frame, "number": found.numbers.frame,
              "combination": sets.frame, "pair": found.pairs, "merged": merged.frame}  # fmt: skip
    return pd.concat([frame.assign(part=name) for name, frame in frames.items()]).set_index(["part", "item"])


@pytest.mark.parametrize("case", list(dict.fromkeys(EXPECTED["case"])))
def test_shares_means_and_merged_combinations_agree_with_r(case: str) -> None:
    found = schools(case)
    theirs = EXPECTED[EXPECTED["case"] == case].set_index(["part", "item"])
    ours = parts_of(found).loc[theirs.index]
    assert set(found.combinations.items) == set(theirs.loc["combination"].index)
    for column in ("n", "k", "estimate", "se", "df"):
        np.testing.assert_allclose(ours[column], theirs[column], rtol=1e-8, atol=1e-12, err_msg=column)
    inside = theirs["ci_low"].notna()
    assert inside.sum() > 15
    for column in ("ci_low", "ci_high", "deff"):
        np.testing.assert_allclose(ours[column][inside], theirs[column][inside], rtol=1e-8, atol=1e-12, err_msg=column)


@pytest.mark.parametrize("case", list(dict.fromkeys(PAIRS["case"])))
def test_pairs_agree_with_r(case: str) -> None:
    theirs = PAIRS[PAIRS["case"] == case].set_index("item")
    ours = schools(case).pairs.set_index("item").loc[theirs.index]
    for column in theirs.columns.drop("case"):
        known = theirs[column].notna() & (theirs["difference_se"] > 1e-10)
        assert known.sum() > 5, column
        np.testing.assert_allclose(ours[column][known], theirs[column][known], rtol=1e-8, atol=1e-15, err_msg=column)


def test_phi_is_the_correlation() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.integers(0, 2, (80, 3)), columns=["q/a", "q/b", "q/c"])
    phi = cooccurrence(ml.Survey.from_frame(frame), "q").pairs["phi"]
    np.testing.assert_allclose(phi, frame.corr().to_numpy()[np.triu_indices(3, 1)])


def test_a_choice_everybody_named_has_no_test() -> None:
    frame = pd.DataFrame({"q/a": [1] * 40, "q/b": [1, 0] * 20, "q/c": [0] * 40})
    pairs = cooccurrence(ml.Survey.from_frame(frame), "q").pairs.set_index("item")
    assert pairs.loc["a + b", "ratio"] == 1
    assert pairs.loc["a + b", ["t", "p", "phi"]].isna().all()
    assert pairs.loc["a + c", ["ratio", "ratio_low", "p"]].isna().all()


def test_replicate_weights_give_the_same_kind_of_numbers() -> None:
    frame = pd.read_csv(REFERENCE / "api_apiclus1.csv").rename(columns={c: f"q/{c}" for c in CHOICES})
    # delete one cluster: the jackknife of a mean is its Taylor variance, nearly
    clusters = frame["dnum"].unique()
    weights = {f"rep{i}": np.where(frame["dnum"] == c, 0, frame["pw"] * len(clusters) / (len(clusters) - 1))
               for i, c in enumerate(clusters)}  # fmt: skip
    replicates = ml.survey.Replicates(columns="rep*", kind="jackknife1")  # type: ignore[attr-defined]
    survey = ml.Survey.from_frame(frame.assign(**weights), weight="pw", replicates=replicates)
    ours, taylor = cooccurrence(survey, "q"), schools("apiclus1")
    np.testing.assert_allclose(ours.pairs["difference_se"], taylor.pairs["difference_se"], rtol=0.2)
    np.testing.assert_allclose(ours.combinations.frame["se"], taylor.combinations.frame["se"], rtol=0.2)


# --------------------------------------------------------------------------------------------------- identities


@st.composite
def answers(draw: st.DrawFn) -> pd.DataFrame:
    n = draw(st.integers(30, 90))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    chosen = rng.random((n, 5)) < rng.uniform(0.1, 0.7, 5)
    frame = pd.DataFrame(chosen.astype(float), columns=[f"q/{c}" for c in "abcde"])
    frame.loc[rng.random(n) < 0.1, :] = np.nan
    groups = pd.Categorical(rng.choice(["u", "v"], n), categories=["u", "v"])
    return frame.assign(w=rng.uniform(0.3, 4, n).round(3), h=np.arange(n) % 2, g=groups)


@settings(max_examples=25, deadline=None)
@given(answers(), st.integers(1, 12), st.sampled_from(["all", "asked", "any"]))
def test_parts_add_up_to_one_and_to_each_other(frame: pd.DataFrame, most: int, base: Any) -> None:
    survey = ml.Survey.from_frame(frame, weight="w", strata="h")
    found = cooccurrence(survey, "q", base=base, by="g", most=most)
    combined = found.combinations.frame
    assert combined["estimate"].sum() == pytest.approx(1)
    assert combined["k"].sum() == combined["n"].iloc[0]
    assert sum(bool(members) for members in found.members.values()) <= most
    by_group = found.numbers.frame.groupby(["by", "level"])["estimate"].sum()
    np.testing.assert_allclose(by_group, 1)
    # the mean is the sum of the shares of the choices, and the number's own mean
    mean = found.mean.frame["estimate"].iloc[0]
    assert found.choices.frame["estimate"].sum() == pytest.approx(mean)
    total = found.numbers.frame[found.numbers.frame["by"] == ""]
    assert (total["item"].astype(int) * total["estimate"]).sum() == pytest.approx(mean)
    assert (total["item"].astype(int) * total["k"]).sum() == found.choices.frame["k"].sum()
    # the choices are those of a prevalence over the same base
    shares = ml.prevalence(survey, "q", base=base).frame
    same = shares[~shares["net"]].reset_index(drop=True)
    pd.testing.assert_frame_equal(found.choices.frame[list(same.columns)], same, check_like=True)
    pd.testing.assert_series_equal(found.pairs["p_adjusted"], adjust(found.pairs["p"], "holm"), check_names=False)
    # all put together is everybody
    whole = found.combinations.merged([("all", range(len(combined)))]).frame.iloc[0]
    assert (whole["estimate"], whole["se"], whole["ci_high"]) == (1, 0, 1)


@settings(max_examples=15, deadline=None)
@given(answers())
def test_the_order_of_rows_and_the_scale_of_weights_do_not_matter(frame: pd.DataFrame) -> None:
    def numbers(changed: pd.DataFrame) -> list[pd.DataFrame]:
        found = cooccurrence(ml.Survey.from_frame(changed, weight="w", strata="h"), "q", by="g")
        return [found.combinations.frame, found.pairs, found.numbers.frame]

    for change in (frame.sample(frac=1, random_state=1), frame.assign(w=frame["w"] * 1000)):
        for one, other in zip(numbers(frame), numbers(change), strict=True):
            pd.testing.assert_frame_equal(one, other, rtol=1e-7, atol=1e-10)


def test_exclusive_choices_and_missing_reasons_are_in_no_combination(shipped: ml.Survey) -> None:
    found = cooccurrence(shipped, "actions")
    assert not {"nothing", "dont_know", "refused"} & {c for members in found.members.values() for c in members}
    nothing = ml.prevalence(shipped, "actions").frame.set_index("item").loc["nothing"]
    none = found.combinations.frame.set_index("item").loc[NO_CHOICE]
    assert none["k"] == nothing["k"]
    assert none["se"] == pytest.approx(nothing["se"])
    assert NO_CHOICE not in cooccurrence(shipped, "actions", base="any").combinations.items


def test_faults_name_the_remedy(shipped: ml.Survey) -> None:
    with pytest.raises(ValueError, match=r"'encountered' is of type select_one.* Name one of grounds, situations"):
        cooccurrence(shipped, "encountered")
    with pytest.raises(ValueError, match="most=0: give how many"):
        cooccurrence(shipped, "grounds", most=0)
    with pytest.raises(ValueError, match="confidence is 2"):
        cooccurrence(shipped, "grounds", confidence=2)
    odd = ml.Survey.from_frame(pd.DataFrame({"q/a + b": [0, 1], "q/c": [1, 1], "r/a": [0, 1]}))
    with pytest.raises(ValueError, match=r"the choice 'a \+ b' holds ' \+ '.*Rename it"):
        cooccurrence(odd, "q")
    with pytest.raises(ValueError, match="combinations need two or more"):
        cooccurrence(odd, "r")


# --------------------------------------------------------------------------------------------------- disclosure


def left_over(gated: Any, raw: Cooccurrence) -> list[float]:
    """What can be worked out by taking combinations shown off the numbers, choices and pairs shown beside them."""
    k = {row["item"]: row["k"] for _, row in gated.combinations.frame.iterrows()}
    sets = {item: set(gated.members[item]) for item in k if item != OTHER}
    out = [k.get(OTHER, 0)]
    for _, row in gated.numbers.frame[gated.numbers.frame["by"] == ""].iterrows():
        low, _, high = row["item"].rstrip("+").partition("-")
        top = 99 if row["item"].endswith("+") else int(high or low)
        out.append(row["k"] - sum(k[i] for i, members in sets.items() if int(low) <= len(members) <= top))
    groups = [({row["item"]}, row["k"]) for _, row in gated.choices.frame.iterrows()]
    pairs = gated.pairs.frame[gated.pairs.frame["reason"] == ""]
    groups += [({row["first"], row["second"]}, row["k"]) for _, row in pairs.iterrows()]
    for members, total in groups:
        inside = [i for i, of in sets.items() if members <= of]
        if inside:
            out.append(total - sum(k[i] for i in inside))
    return out


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(60, 600), st.integers(2, 6))
def test_nothing_named_by_few_passes_the_gate(seed: int, n: int, j: int) -> None:
    rng = np.random.default_rng(seed)
    chosen = (rng.normal(size=(n, j)) + rng.normal(size=(n, 1)) < rng.uniform(-2, 1, j)).astype(int)
    survey = ml.Survey.from_frame(pd.DataFrame(chosen, columns=[f"q/{c}" for c in "abcdef"[:j]]))
    found = cooccurrence(survey, "q", most=8)
    gated = gate_cooccurrence(found)
    assert (gated.combinations.frame["k"] >= 20).all()
    assert gated.combinations.frame["estimate"].sum() == pytest.approx(1)
    assert ((gated.numbers.frame["k"] >= 20) | (gated.numbers.frame["k"] == 0)).all()
    shown = gated.pairs.frame[gated.pairs.frame["reason"] == ""]
    assert (shown["k"] >= 20).all()
    hidden = gated.pairs.frame[gated.pairs.frame["reason"] != ""]
    assert hidden[["k", "estimate", "se", "expected", "ratio", "difference", "p", "phi"]].isna().all(axis=None)
    assert all(rest == 0 or rest >= 20 for rest in left_over(gated, found))


@pytest.fixture
def exposed() -> Cooccurrence:
    """One Roma woman alone names language and religion; 12 name language and age."""
    sets = [("age",)] * 60 + [("language",)] * 60 + [("age", "language")] * 12 + [("age", "gender")] * 40
    sets += [("language", "religion")] + [()] * 30
    names = ("age", "language", "gender", "religion")
    frame = pd.DataFrame([[int(c in one) for c in names] for one in sets], columns=[f"q/{c}" for c in names])
    return cooccurrence(ml.Survey.from_frame(frame), "q")


def test_a_combination_of_one_reaches_no_table_and_no_file(exposed: Cooccurrence, tmp_path: Path) -> None:
    assert "language + religion" in exposed.combinations.items
    for ending in ("xlsx", "html", "csv"):
        write_table(table(exposed), tmp_path / f"t.{ending}")
    sheets = pd.read_excel(tmp_path / "t.xlsx", sheet_name=None, header=None)
    book = [str(cell) for sheet in sheets.values() for cell in sheet.to_numpy().ravel()]
    combinations = table(exposed).numbers.query("part == 'combination'")
    assert not combinations["item"].str.contains("religion").any()
    texts = [repr(exposed), exposed._repr_html_(), (tmp_path / "t.html").read_text(encoding="utf-8")]
    for text in [*texts, "\n".join(cell for cell in book if cell != "language + religion")]:
        assert "language + religion" not in text
        assert "age + language" not in text or text not in texts
    # the pair is a row of the numbers, without any number
    row = table(exposed).numbers.query("part == 'pair' and item == 'language + religion'").iloc[0]
    assert row[["k", "estimate", "se", "ratio", "expected", "phi", "p"]].isna().all()
    assert "Combinations that fewer than 20 respondents named" in repr(exposed)


def test_a_combination_of_one_reaches_no_figure(exposed: Cooccurrence) -> None:
    above, totals, matrix = plot_upset(exposed)
    columns = {tuple(line.get_ydata()) for line in matrix.get_lines() if line.get_linestyle() == "-"}
    labels = [label.get_text() for label in totals.get_yticklabels()]
    drawn = [{labels[int(y)] for y in ys} for ys in columns]
    assert {"language", "religion"} not in drawn
    assert {"age", "language"} not in drawn
    shares = [y for line in above.get_lines() for y in np.asarray(line.get_ydata(), dtype=float)]
    assert not np.isclose(np.array(shares), 1 / 203).any()


def test_open_data_are_shown_whole(exposed: Cooccurrence) -> None:
    about = exposed.choices.about.model_copy(update={"gate": "open"})
    opened = replace(exposed, choices=replace(exposed.choices, about=about), mean=replace(exposed.mean, about=about))
    gated = gate_cooccurrence(opened)
    assert gated.combinations.frame["item"].tolist() == list(exposed.combinations.items)
    assert not gated.merged
    assert "No reliability or disclosure threshold was applied" in repr(opened)


def test_of_few_respondents_nothing_is_told(shipped: ml.Survey) -> None:
    few = cooccurrence(shipped, "grounds", where="${ethnicity} = 'roma'", by="gender")
    assert table(few).numbers.select_dtypes("number").isna().all(axis=None)
    drawn = " ".join(t.get_text() for t in figure_of(plot_upset(few)).findobj(Text))
    assert say("takeaway_none", "en").split(" to ")[0] in drawn


# ------------------------------------------------------------------------------------------------ table, figure


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_table_has_the_computed_numbers(language: str) -> None:
    found = cooccurrence(ml.open_survey(SHIPPED, language), "perceived", by="gender")
    made = table(found)
    gated = gate_cooccurrence(found)
    titles = [say(f"cooccurrence_{part}", language) for part in ("numbers", "numbers", "pairs", "combinations")]
    assert [block.title.partition(" – ")[0] for block in made.blocks] == titles
    shares = [percent(share, language) for share in gated.combinations.frame["estimate"]]
    assert [row[1] for row in made.blocks[-1].rows] == shares
    assert len(made.blocks[2].rows) == (gated.pairs.frame["reason"] == "").sum()
    text = re.sub(r"\s+", " ", repr(found))
    assert say("note_synthetic", language) in text
    assert say("note_cooccurrence_few", language, n=20) in text


def questions(language: str) -> dict[str, Cooccurrence]:
    """The shipped questions, and ones of 2, 4 and 20 choices with long names."""
    survey = ml.open_survey(SHIPPED, language)
    out = {name: cooccurrence(survey, name) for name in ("grounds", "perceived", "actions")}
    opened = replace(survey, about=survey.about.model_copy(update={"gate": "open"}))
    out["open"] = cooccurrence(opened, "actions")
    rng = np.random.default_rng(3)
    for j, n in ((2, 300), (4, 700), (20, 6000)):
        chosen = rng.normal(size=(n, j)) + 0.8 * rng.normal(size=(n, 1)) < -0.3 - 0.12 * np.arange(j)
        names = [f"q/Ģimenes stāvoklis vai bērnu aprūpe {i}" if i % 3 else f"q/Vecums {i}" for i in range(j)]
        made = ml.Survey.from_frame(pd.DataFrame(chosen.astype(int), columns=names))
        out[f"of {j}"] = cooccurrence(replace(made, language=language), "q")
    return out


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_leaves_the_page_or_covers_another(language: str) -> None:
    for name, found in questions(language).items():
        figure = figure_of(plot_upset(found))
        figure.canvas.draw()
        renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
        texts = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]
        boxes = [(t.get_text(), t.get_window_extent(renderer)) for t in texts]
        for text, box in boxes:
            inside = box.x0 >= -1 and box.x1 <= figure.bbox.x1 + 1 and box.y0 >= -1 and box.y1 <= figure.bbox.y1 + 1
            assert inside, (name, text)
        for i, (one, a) in enumerate(boxes):
            for other, b in boxes[i + 1 :]:
                apart = a.x1 <= b.x0 + 1 or b.x1 <= a.x0 + 1 or a.y1 <= b.y0 + 1 or b.y1 <= a.y0 + 1
                assert apart, (name, one, other)
        plt.close(figure)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_figure_says_what_it_shows(language: str) -> None:
    found = cooccurrence(ml.open_survey(SHIPPED, language), "perceived")
    figure = figure_of(plot_upset(found))
    text = re.sub(r"\s+", " ", " ".join(t.get_text() for t in figure.findobj(Text)))
    wanted = [say(key, language) for key in ("synthetic", "cooccurrence_exact", "cooccurrence_other")]
    wanted += [say("note_cooccurrence_few", language, n=20), say("note_weighted", language, weight="weight")]
    assert all(one in text for one in wanted)
    assert figure.get_label() == found.choices.questionnaire["perceived"].label(language)


def test_hollow_dots_rest_on_few_respondents(shipped: ml.Survey) -> None:
    _, totals, _ = plot_upset(cooccurrence(shipped, "grounds", where="${disability} = 'yes'"))
    faces = [line.get_markerfacecolor() for line in totals.get_lines() if len(line.get_xdata()) > 1]
    assert faces == ["white"]


@pytest.mark.parametrize("ending", ["svg", "png", "pdf"])
def test_the_same_input_gives_the_same_bytes(ending: str, tmp_path: Path) -> None:
    for name in "ab":
        found = cooccurrence(ml.open_survey(SHIPPED, "lv"), "grounds")
        write_figure(plot_upset(found), tmp_path / f"{name}.{ending}")
    first = (tmp_path / f"a.{ending}").read_bytes()
    assert first == (tmp_path / f"b.{ending}").read_bytes()
    assert len(first) > 1000
