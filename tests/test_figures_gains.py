"""What a reader sees in the figures of gains and of agreement: nothing hidden, three languages, text on the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text
from pages import outside, overlapping, words_on
from surveys import ROOT

import motivlab as ml
from motivlab.figures_agreement import plot_agreement
from motivlab.figures_gains import plot_changes, plot_gains, plot_occasions
from motivlab.gains import Gains, gains
from motivlab.gated_gains import gated_gains, gated_occasions
from motivlab.language import LANGUAGES, number, percent, say
from motivlab.page import figure_of, write_figure
from motivlab.programme import Instrument, Programme, Scale
from motivlab.questionnaire import Choice, Question, Questionnaire

PROGRAMME = ROOT / "data" / "programme_participants"
N = "n\N{NO-BREAK SPACE}"


@pytest.fixture(autouse=True)
def _closed() -> Any:
    yield
    plt.close("all")


@lru_cache
def participants(language: str = "en") -> ml.Survey:
    return ml.open_survey(PROGRAMME, language=language)


@lru_cache
def both() -> tuple[Gains, Gains]:
    by = ["gender", "ethnicity", "region", "target_groups"]
    survey = participants()
    return of(survey, by=by), of(survey, ["confidence", "job_clarity"], by=by)


def declared(frame: pd.DataFrame, gate: str = "standard", **outcomes: dict[str, Any]) -> ml.Survey:
    survey = ml.Survey.from_frame(frame)
    instruments = {name: Instrument(**{"design": "pre_post", **keys}) for name, keys in outcomes.items()}
    about = survey.about.model_copy(update={"gains": instruments, "gate": gate})
    return replace(survey, about=about)


def of(survey: ml.Survey, *args: Any, **more: Any) -> Gains:
    found = gains(survey, *args, **more)
    assert isinstance(found, Gains)
    return found


def covered(figure: Any) -> list[tuple[str, str]]:
    """Texts that cover each other, those inside of the axes included."""
    renderer = figure.canvas.get_renderer()
    inside = [text for ax in figure.axes for text in ax.texts]
    around = [*figure.texts, *(label for ax in figure.axes for label in (*ax.get_yticklabels(), ax.xaxis.label))]
    boxes = {id(t): Text.get_window_extent(t, renderer) for t in [*inside, *around] if t.get_text().strip()}
    out = overlapping(figure)
    for i, one in enumerate(inside):
        for other in [*inside[i + 1 :], *around]:
            if id(one) in boxes and id(other) in boxes:
                a, b = boxes[id(one)], boxes[id(other)]
                if not (a.x1 <= b.x0 + 1 or b.x1 <= a.x0 + 1 or a.y1 <= b.y0 + 1 or b.y1 <= a.y0 + 1):
                    out.append((one.get_text(), other.get_text()))
    return out


def require_readable(drawn: Any) -> str:
    figure = figure_of(drawn)
    figure.canvas.draw()
    assert outside(figure) == []
    assert covered(figure) == []
    said = words_on(figure)
    for strange in ("nan", "NaN", "{", "}"):
        assert strange not in said
    return said


def drawn_numbers(drawn: Any, axis: int = 0) -> np.ndarray:
    """Where lines and intervals are drawn, along one axis."""
    axes = figure_of(drawn).axes
    out = [v for ax in axes for line in ax.get_lines() for v in line.get_data()[axis]]
    out += [v for ax in axes for c in ax.collections for path in c.get_paths() for v in path.vertices[:, axis]]
    return np.array(out, dtype=float)


# ----------------------------------------------------------------------------------------------- on the page

ITEMS = ["know_rights_entry", "know_rights_exit", "belong_entry", "belong_exit"]
DRAWN: dict[str, Callable[[str], Any]] = {
    "gains": lambda lang: plot_gains(both()[0].to(lang)),
    "looking back": lambda lang: plot_gains(both()[1].to(lang)),
    "gains by": lambda lang: plot_gains(both()[0].to(lang), "ethnicity", outcome="wellbeing"),
    "gains later": lambda lang: plot_gains(both()[0].to(lang), "region", outcome="wellbeing", change="later_1 - pre"),
    "looking back by": lambda lang: plot_gains(both()[1].to(lang), "ethnicity", outcome="confidence"),
    "shift": lambda lang: plot_gains(both()[1].to(lang), change="then - pre"),
    "overlapping groups": lambda lang: plot_gains(both()[0].to(lang), "target_groups", outcome="belong"),
    "changes": lambda lang: plot_changes(both()[0].to(lang)),
    "changes looking back": lambda lang: plot_changes(both()[1].to(lang)),
    "changes by": lambda lang: plot_changes(both()[0].to(lang), by="region", outcome="searching"),
    "d_z": lambda lang: plot_changes(both()[0].to(lang), "d_z"),
    "d_av": lambda lang: plot_changes(both()[0].to(lang), "d_av", by="ethnicity", outcome="belong"),
    "occasions": lambda lang: plot_occasions(both()[0].to(lang)),
    "agreement": lambda lang: plot_agreement(participants(lang), [*ITEMS, "confidence_then", "confidence_exit"]),
    "agreement of one": lambda lang: plot_agreement(participants(lang), "belong_exit"),
    "agreement by": lambda lang: plot_agreement(participants(lang), ITEMS[2:], by="ethnicity"),
    "agreement by, one": lambda lang: plot_agreement(participants(lang), "wb1_exit", by="region"),
    "agreement of a list": lambda lang: plot_agreement(participants(lang), [f"wb{i}_exit" for i in range(1, 6)]),
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", DRAWN)
def test_no_text_leaves_the_page_or_covers_another(name: str, language: str) -> None:
    drawn = DRAWN[name](language)
    said = require_readable(drawn)
    assert say("synthetic", language) in said
    caveat = say("note_no_comparison", language)
    if name not in ("agreement by, one", "agreement of a list"):  # a scale's items are no gain by themselves
        assert caveat in said
    assert figure_of(drawn).get_label()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_numbers_beside_the_marks_are_those_of_the_frame(language: str) -> None:
    result = both()[0].to(language)
    row = result.frame.iloc[0]
    said = require_readable(plot_gains(result))
    change = f"+{number(row['estimate'], language, 1)} [+{number(row['ci_low'], language, 1)}; "
    assert change in said
    assert number(row["n_paired"], language) in said
    binary = result.frame[result.frame["binary"] & (result.frame["by"] == "")].iloc[0]
    assert f"+{number(100 * binary['estimate'], language)} [+" in said
    said = require_readable(plot_changes(result))
    shares = " / ".join(number(100 * row[part], language) for part in ("improved", "same", "worse"))
    assert shares in said


def test_each_scale_has_an_axis_of_its_own() -> None:
    axes = plot_gains(both()[0])
    assert [ax.get_xlim() for ax in axes] == [(0, 100), (1, 5), (0, 1)]  # type: ignore[union-attr]
    assert [len(ax.get_yticks()) for ax in axes] == [1, 2, 1]  # type: ignore[union-attr]
    single = plot_changes(both()[0], "d_z")
    assert len(single.get_yticks()) == 3  # type: ignore[union-attr]
    assert "“Looking for work”" in words_on(figure_of(single))


def test_then_before_and_after_differ_in_shape() -> None:
    axes: Any = plot_gains(both()[1])
    shapes = {line.get_marker(): line.get_markerfacecolor() for line in axes.get_lines() if line.get_marker() != "None"}
    assert {"o", "^", "s"} <= set(shapes)
    assert shapes["o"] == shapes["^"] == "white"
    assert {text.get_text() for text in axes.texts} == {"then", "before", "after"}
    said = words_on(figure_of(axes))
    assert "after − then" in said
    assert "after − before" in said


def test_occasions_start_from_the_mean_of_their_own_pairs() -> None:
    result = both()[0]
    axes = plot_occasions(result, "wellbeing")
    rows = result.frame[(result.frame["outcome"] == "wellbeing") & (result.frame["by"] == "")]
    numbers = drawn_numbers(axes, 1)
    for column in ("mean_pre", "mean_post"):
        assert np.isclose(numbers[:, None], rows[column].to_numpy()).any(axis=0).all()
    said = words_on(figure_of(axes))
    assert "p < 0.001" in said.replace("\N{NO-BREAK SPACE}", " ")
    with pytest.raises(ValueError, match="belong: there are two occasions only"):
        plot_occasions(result, "belong")


# ----------------------------------------------------------------------------------------------- edge cases


def people(n: int = 240) -> pd.DataFrame:
    at = np.arange(n)
    frame = pd.DataFrame({"pre": 1 + at % 4, "post": 2 + (at * 3) % 4, "was": at % 3 == 0, "is": at % 2 == 0})
    return frame.assign(g=np.where(at < 9, "few", np.where(at < 45, "some", np.where(at < 120, "b", "c"))))


LONG = "A very long label of an outcome that says at great length what it is that was asked for " * 2


def cases() -> dict[str, tuple[ml.Survey, Any]]:
    frame = people()
    one, retro = {"pre": "pre", "post": "post"}, {"design": "retro_pre_post"}
    yes_no = {True: "yes", False: "no"}
    binary = frame.assign(was=frame["was"].map(yes_no), **{"is": frame["is"].map(yes_no)})
    ends = pd.DataFrame({"none": ["no"] * 60, "all": ["yes"] * 60, "also": ["yes"] * 60})
    codes = {"pre": "none", "post": "all"}
    wide = pd.DataFrame({"pre": np.linspace(900, 1500, 60), "post": np.linspace(950, 1400, 60) + 0.5})
    return {
        "one": (declared(frame, o=one), ()),
        "hidden groups": (declared(frame, o=one), "g"),
        "all hidden": (declared(frame.head(15), o=one), "g"),
        "no change": (declared(frame.assign(post=frame["pre"]), o=one), ()),
        "all by the same": (declared(frame.assign(post=frame["pre"] + 1), o=one), ()),
        "binary": (declared(binary, o={"pre": "was", "post": "is"}), "g"),
        "0 and 100 %": (declared(ends, o=codes, same={"pre": "all", "post": "also"}), ()),
        "long labels": (declared(frame, o={**one, "label": LONG}, other={**one, "label": LONG + "two"}), ()),
        "lower is better": (declared(frame, o={**one, "better": "lower", "smallest": 1}), "g"),
        "no limits": (declared(wide, o=one), ()),
        "looking back": (declared(frame.assign(then=frame["pre"] - 1), o={**retro, "then": "then", **one}), "g"),
        "then alone": (declared(frame, o={**retro, "then": "pre", "post": "post"}), ()),
        "open": (declared(frame, "open", o=one), "g"),
    }  # fmt: skip


CASES = cases()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", CASES)
def test_edge_cases_are_readable(name: str, language: str) -> None:
    survey, by = CASES[name]
    result = of(replace(survey, language=language), by=by)
    more: dict[str, Any] = {"by": by, "outcome": "o"} if by else {}
    require_readable(plot_gains(result, **more))
    said = require_readable(plot_changes(result, **more))
    if not result.frame["binary"].any():
        require_readable(plot_changes(result, "d_z", **more))
        require_readable(plot_changes(result, "d_av", **more))
    if name == "open":
        assert say("note_gate_open", language) in said
    if name == "lower is better":
        assert say("plot_gains_lower", language, outcome=say("quoted", language, text="pre")) in said


def test_a_change_of_zero_is_drawn_as_zero() -> None:
    said = require_readable(plot_gains(of(CASES["no change"][0])))
    assert "0.00 [0.00; 0.00]" in said
    assert "−0" not in said
    axes: Any = plot_changes(of(CASES["no change"][0]))
    assert axes.get_xlim() == (-0.5, 0.5)
    said = require_readable(plot_gains(of(CASES["0 and 100 %"][0])))
    assert "+100" in said


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("gap", [0.0, 2.0])
def test_four_occasions(gap: float, language: str) -> None:
    frame = people().assign(third=lambda d: d["post"] - gap, fourth=lambda d: d["pre"])
    survey = declared(frame, o={"pre": "pre", "post": "post", "later": ("third", "fourth"), "label": LONG})
    result = of(replace(survey, language=language))
    said = require_readable(plot_occasions(result))
    assert say("plot_gains_later_of", language, i=2) in said
    require_readable(plot_gains(result, change="later_2 - pre"))


def test_a_comparison_group_is_not_denied() -> None:
    frame = people().assign(come="2020-01-01", gone="2020-02-01", **{"got/job": 0})
    survey = declared(frame, o={"pre": "pre", "post": "post"})
    programme = Programme(entry="come", exit="gone", outcome="got", definitions={}, complete=True,
                          comparison="${g} = 'b'")  # fmt: skip
    survey = replace(survey, about=survey.about.model_copy(update={"programme": programme}))
    said = require_readable(plot_gains(of(survey)))
    assert say("plot_gains_participants", "en") in said
    assert say("note_no_comparison", "en") not in said


# ----------------------------------------------------------------------------------------------- nothing hidden


def secret(**more: Any) -> Gains:
    rng = np.random.default_rng(4)
    frame = people().assign(pre=rng.normal(50, 9, 240).round(3), post=rng.normal(60, 9, 240).round(3))
    frame["later"] = (frame["post"] + rng.normal(0, 3, 240)).round(3)
    frame.loc[(frame["g"] == "b") & (frame.index % 6 > 0), "later"] = np.nan
    survey = declared(frame, o={"pre": "pre", "post": "post", "later": ("later",)}, **more)
    return of(survey, by="g")


def test_nothing_hidden_is_drawn_or_written() -> None:
    result = secret()
    gated = gated_gains(result)
    rows = gated[gated["change"] == "post - pre"].set_index("level")
    # of the few nothing; nor of the smallest other group, since the total would tell
    assert rows["reason"].to_dict() == {"": "", "b": "", "c": "", "few": "few", "some": "protect"}
    hidden = gated["reason"] != ""
    told = gated.columns.difference(["lowest", "highest"])
    assert gated.loc[hidden, told].select_dtypes("number").isna().all(axis=None)
    assert {"n", "n_pre", "n_paired", "k_improved"} <= set(gated.loc[hidden, told].select_dtypes("number"))
    columns = ["mean_pre", "mean_post", "estimate", "ci_low", "ci_high", "d_z", "d_av", "d_z_low", "d_av_high"]
    secrets = result.frame.loc[hidden.to_numpy(), columns].to_numpy(dtype=float).ravel()
    for change in ("post - pre", "later_1 - pre"):
        for draw in (plot_gains, plot_changes):
            for kind in ({}, {"standardised": "d_z"}, {"standardised": "d_av"}):
                if kind and draw is plot_gains:
                    continue
                drawn = draw(result, by="g", outcome="o", change=change, **kind)  # type: ignore[arg-type]
                assert not np.isclose(drawn_numbers(drawn)[:, None], secrets[np.isfinite(secrets)]).any()
                said = require_readable(drawn)
                assert "< 20" in said
                assert "× not shown: fewer than 20 participants" in said
                for value in secrets[np.isfinite(secrets)]:
                    assert f"+{number(value, 'en', 2)} [" not in said


def test_the_mean_before_of_a_hidden_group_cannot_be_had_from_another_change() -> None:
    result = secret()
    gated = gated_gains(result)
    later = gated[gated["change"] == "later_1 - pre"].set_index("level")
    # the same 36 people as in the other change, where they protect the few
    assert later["reason"].to_dict() == {"": "", "few": "few", "some": "protect", "b": "few", "c": ""}
    kept = gated[gated["by"] == "g"].dropna(subset="n_paired")
    for column in ("n", "n_pre"):
        assert gated.loc[gated["level"].isin(["few", "some"]), column].isna().all()
        assert kept[column].notna().all()
    # both are shown in the first change; in the other one is of few, the next protects it, with as many pairs as before
    frame = people().assign(third=lambda d: d["post"].where((d["g"] != "some") | (d.index % 4 == 0)))
    frame["g"] = frame["g"].replace("few", "b")
    survey = declared(frame, o={"pre": "pre", "post": "post", "later": ("third",)})
    gated = gated_gains(of(survey, by="g")).query("by == 'g'")
    assert gated.groupby("change", sort=False)["reason"].apply(list).tolist() == [
        ["protect", "", "protect"], ["protect", "", "few"]
    ]  # fmt: skip


def test_a_group_without_pairs_and_one_without_people() -> None:
    frame = people()
    frame.loc[frame["g"] == "b", "post"] = np.nan
    frame["g"] = pd.Categorical(frame["g"], ["few", "some", "b", "c", "nobody"])
    result = of(declared(frame, o={"pre": "pre", "post": "post"}), by="g")
    reasons = gated_gains(result).set_index("level")["reason"].to_dict()
    assert reasons["b"] == "nonresponse"
    said = require_readable(plot_gains(result, "g"))
    assert say("plot_gains_no_pairs", "en") in said
    if "nobody" in reasons:
        assert reasons["nobody"] == "empty"
        assert say("note_empty", "en", mark="×", levels="nobody") in said


def test_adjusted_p_values_tell_of_no_hidden_one() -> None:
    result = secret()
    gated = gated_gains(result)
    assert gated.loc[gated["reason"] != "", "p_adjusted"].isna().all()
    shown = gated[(gated["by"] == "g") & (gated["reason"] == "")]
    assert (shown["p_adjusted"] <= shown["p"] * len(shown) + 1e-12).all()
    assert (gated_gains(of(CASES["open"][0], by="g"))["reason"] == "").all()


def test_occasions_of_few_are_hidden() -> None:
    frame = people(60).assign(third=lambda d: d["post"].where(d.index < 15))
    result = of(declared(frame, o={"pre": "pre", "post": "post", "later": ("third",)}))
    assert gated_occasions(result)[["statistic", "p", "n_complete", "mean_pre"]].isna().all(axis=None)
    said = require_readable(plot_occasions(result))
    assert "χ²" not in said
    later = result.frame.iloc[1]
    assert not np.isclose(drawn_numbers(plot_occasions(result), 1), later["mean_post"]).any()
    few = of(declared(frame.head(12), o={"pre": "pre", "post": "post", "later": ("third",)}))
    require_readable(plot_occasions(few))


# ----------------------------------------------------------------------------------------------- agreement


def asked(n_choices: int, neutral: int | None, *names: str, label: str = "{}", **more: Any) -> ml.Survey:
    """Questions of one list; every choice as often."""
    choices = tuple(
        Choice(str(i), {"en": label.format(f"choice {i}")}, neutral=i == neutral) for i in range(1, n_choices + 1)
    )
    frame = pd.DataFrame({name: [str(1 + i % n_choices) for i in range(240)] for name in names})
    frame["g"] = people()["g"]
    form = [Question(name, "select_one", {"en": label.format(name)}, choices, "agree") for name in names]
    groups = tuple(Choice(name) for name in ("few", "some", "b", "c"))
    survey = ml.Survey.from_frame(frame)
    survey = replace(survey, questionnaire=Questionnaire((*form, Question("g", "select_one", {}, groups, "g"))))
    return replace(survey, **more)


def widths(axes: Any) -> list[tuple[float, float]]:
    return [(round(p.get_x(), 6), round(p.get_width(), 6)) for p in axes.patches]


def test_bars_are_centred_on_the_neutral_choice() -> None:
    axes = plot_agreement(asked(5, 3, "q"), "q")
    assert widths(axes) == [(-0.5, 0.2), (-0.3, 0.2), (-0.1, 0.2), (0.1, 0.2), (0.3, 0.2)]
    assert "centred on the neutral answer “choice 3”" in require_readable(axes)
    # wherever it stands in the list, and it is counted with neither side
    axes = plot_agreement(asked(5, 2, "q"), "q")
    assert widths(axes)[0][0] == pytest.approx(-0.3)
    ends = [text.get_text() for text in axes.texts if text.get_fontweight() == "bold"]
    assert ends == ["20%", "60%"]


def test_without_a_neutral_choice_the_middle_is_not_guessed() -> None:
    axes = plot_agreement(asked(4, None, "q"), "q")
    assert widths(axes)[0] == (-0.5, 0.25)
    assert say("plot_agreement_no_neutral", "en") in require_readable(axes)
    with pytest.raises(ValueError, match=r"list 'agree' of the choices sheet: 5 choices have no two halves.*neutral"):
        plot_agreement(asked(5, None, "q"), "q")


def test_what_cannot_be_drawn_is_refused_by_name() -> None:
    survey = participants()
    with pytest.raises(ValueError, match="the choices of 'searching_entry' are yes, no, those of 'belong_entry'"):
        plot_agreement(survey, ["belong_entry", "searching_entry"])
    with pytest.raises(ValueError, match="'services' is a select_multiple question"):
        plot_agreement(survey, "services")
    with pytest.raises(ValueError, match="by='gender' shows one item, these are 2"):
        plot_agreement(survey, ITEMS, by="gender")
    with pytest.raises(ValueError, match="pairs: 'belong_exit' is none of the questions"):
        plot_agreement(survey, ["belong_entry"], pairs=[("belong_entry", "belong_exit")])
    with pytest.raises(ValueError, match="is there twice"):
        plot_agreement(survey, ITEMS, pairs=[(ITEMS[0], ITEMS[1]), (ITEMS[1], ITEMS[2])])
    with pytest.raises(ValueError, match="name at least one question, and each once"):
        plot_agreement(survey, [])
    result = both()[0]
    with pytest.raises(ValueError, match="by='age_group': the gains are broken down by gender"):
        plot_gains(result, "age_group")
    with pytest.raises(ValueError, match=r"by='gender' shows one outcome\. Name it"):
        plot_gains(result, "gender")
    with pytest.raises(ValueError, match=r"change is 'post - then'\. Use one of post - pre"):
        plot_changes(result, change="post - then", outcome="belong")
    with pytest.raises(ValueError, match=r"standardised is 'd_s'\. Use one of d_z, d_av"):
        plot_changes(result, "d_s")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="searching: the answer is yes or no"):
        plot_changes(result, "d_z", outcome="searching")


def test_bars_of_the_same_item_stand_together() -> None:
    survey = participants()
    axes = plot_agreement(survey, [ITEMS[3], ITEMS[0], ITEMS[2], ITEMS[1]])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["before", "after"] * 2
    frame = ml.gate(ml.prevalence(survey, "belong_entry", base="asked")).frame
    shares = frame["estimate"].to_numpy()
    assert [width for _, width in widths(axes)[:5]] == pytest.approx(shares, abs=1e-6)
    said = require_readable(axes)
    assert percent(shares[3:].sum(), "en") in said
    assert f"{N}= {number(frame['n'].iloc[0], 'en')}".replace("= ", "=\N{NO-BREAK SPACE}") in said
    by_hand = plot_agreement(survey, ITEMS, pairs=[(ITEMS[0], ITEMS[2])])
    assert len(by_hand.get_yticklabels()) == 4
    require_readable(by_hand)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("label", ["{}", "{} " + "which goes on and on and on in many many words " * 4])
@pytest.mark.parametrize(("n", "neutral"), [(2, None), (3, 2), (7, 4), (10, None), (11, 6)])
def test_lists_of_any_length(n: int, neutral: int | None, label: str, language: str) -> None:
    survey = asked(n, neutral, "q", "r", label=label, language=language)
    require_readable(plot_agreement(survey, ["q", "r"]))
    require_readable(plot_agreement(survey, ["q", "r"], pairs=[("q", "r")], by="g"))


def test_no_hidden_bar_is_drawn() -> None:
    survey = asked(5, 3, "q")
    found = ml.prevalence(survey, "q", by="g").frame
    axes = plot_agreement(survey, "q", by="g")
    said = require_readable(axes)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["Total", "few", "some", "b", "c"]
    # of the few for their number, of the next smallest since the total would tell
    assert sum(line.get_marker() == "x" for line in axes.get_lines()) == 2
    assert len(axes.patches) == 15
    hidden = found[found["level"].isin(["few", "some"])]["estimate"].to_numpy()
    told = found[~found["level"].isin(["few", "some"])]["estimate"].to_numpy()
    secrets = [v for v in hidden if not np.isclose(v, told).any()]
    assert secrets
    assert not np.isclose([width for _, width in widths(axes)], np.array(secrets)[:, None], atol=1e-5).any()
    assert say("plot_gains_protect", "en") in said
    assert f"{N}= 36".replace("= ", "=\N{NO-BREAK SPACE}") not in said
    everything = plot_agreement(replace(survey, about=survey.about.model_copy(update={"gate": "open"})), "q", by="g")
    assert len(everything.patches) == 25


def test_nobody_and_everybody_agree() -> None:
    survey = asked(5, 3, "q", "r")
    frame = survey.responses.assign(q="5", r="1")
    axes = plot_agreement(replace(survey, responses=frame), ["q", "r"])
    said = require_readable(axes)
    assert "100%" in said
    assert "0%" in said


def test_weights_count() -> None:
    frame = pd.DataFrame({"q": ["1", "2"] * 60, "w": [1.0, 3.0] * 60})
    survey = ml.Survey.from_frame(frame, weight="w")
    axes = plot_agreement(survey, "q")
    assert [width for _, width in widths(axes)] == [0.25, 0.75]
    assert "w" in words_on(figure_of(axes))


def test_items_of_a_scale_that_is_a_gain_are_no_pair() -> None:
    scale = Scale(items=("a", "b"), range=(1, 5))
    survey = asked(5, 3, "a", "b")
    about = survey.about.model_copy(update={"scales": {"s": scale}})
    axes = plot_agreement(replace(survey, about=about), ["a", "b"])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b"]


# ----------------------------------------------------------------------------------------------- the same bytes


@pytest.mark.parametrize("ending", ["svg", "png", "pdf"])
@pytest.mark.parametrize("name", ["looking back by", "changes", "occasions", "agreement"])
def test_the_same_input_gives_the_same_bytes(name: str, ending: str, tmp_path: Path) -> None:
    files = [tmp_path / f"{one}.{ending}" for one in "ab"]
    for file in files:
        write_figure(DRAWN[name]("lv"), file)
        plt.close("all")
    assert files[0].read_bytes() == files[1].read_bytes()
