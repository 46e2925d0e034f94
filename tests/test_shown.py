"""What a reader sees: figures, tables, sentences, published figures, in three languages."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import pytest
import readme_figure
from matplotlib.text import Text
from pages import outside, overlapping
from surveys import ROOT, SHIPPED

import motivlab as ml
from motivlab.files import ReadError
from motivlab.language import LANGUAGES, number, percent, say, words
from motivlab.page import figure_of, wrap

PUBLISHED = ROOT / "data" / "published" / "discrimination_prevalence.csv"
FORMATS = ("svg", "png", "pdf")


@pytest.fixture(autouse=True)
def _closed() -> Any:
    yield
    plt.close("all")


def grounds(language: str = "en", **more: Any) -> Any:
    survey = ml.open_survey(SHIPPED, language)
    more = {"by": survey.analysis("grounds").by} | more
    return ml.against_published(ml.prevalence(survey, "grounds", **more), ml.read_published(PUBLISHED))


# ------------------------------------------------------------------------------------------------------ figures


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("by", ["", "gender", "native_language", "age_group"])
def test_no_text_leaves_the_page_or_covers_another(language: str, by: str) -> None:
    drawn = ml.plot_prevalence(grounds(language), by)
    figure = figure_of(drawn)
    figure.canvas.draw()
    assert outside(figure) == []
    assert overlapping(figure) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_figure_says_what_it_shows(language: str) -> None:
    figure = figure_of(ml.plot_prevalence(grounds(language), "gender"))
    text = " ".join(t.get_text() for t in figure.findobj(Text))
    assert say("synthetic", language) in text
    assert "n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}163" in text
    wanted = [say("note_base_asked", language), say("note_weighted", language, weight="weight"), "2021"]
    joined = re.sub(r"\s+", " ", " ".join(t.get_text() for t in figure.texts))
    assert all(one in joined for one in wanted)


def test_items_are_ordered_by_the_total_and_groups_differ_without_colour() -> None:
    estimates = grounds()
    axes: Any = ml.plot_prevalence(estimates, "gender")
    total = estimates.frame[(estimates.frame["by"] == "") & ~estimates.frame["net"]]
    order = total.sort_values("estimate", ascending=False, kind="stable")["item"]
    labels = {c.name: c.label("en") for c in estimates.questionnaire["grounds"].choices}
    assert [t.get_text().replace("\n", " ") for t in axes.get_yticklabels()] == [labels[item] for item in order]
    markers = {line.get_marker() for line in axes.get_lines() if len(line.get_xdata()) and line.get_marker() != "x"}
    assert {"o", "s"} <= markers


def test_more_than_three_groups_are_panels() -> None:
    axes: Any = ml.plot_prevalence(grounds(), "age_group")
    assert len(axes) == 6
    assert len({ax.get_xlim() for ax in axes}) == 1


def test_given_axes_are_drawn_on() -> None:
    figure, ax = plt.subplots()
    assert ml.plot_prevalence(grounds(), "gender", ax=ax) is ax
    assert "SYNTHETIC DATA" in ax.get_title(loc="left")
    legend = ax.get_legend()
    assert legend is not None
    assert [t.get_text().split(",")[0] for t in legend.get_texts()] == ["Woman", "Man"]
    crossed = ml.prevalence(ml.open_survey(SHIPPED), "encountered", by=[("gender", "region")])
    with pytest.raises(ValueError, match="12 groups cannot be told apart"):
        ml.plot_prevalence(crossed, "gender × region", panels=False)
    with pytest.raises(ValueError, match="panels need a figure of their own"):
        ml.plot_prevalence(grounds(), "age_group", ax=ax, panels=True)
    with pytest.raises(ValueError, match="by='region': the estimates are broken down by gender"):
        ml.plot_prevalence(grounds(), "region")
    assert figure.axes == [ax]


def test_the_picture_of_the_readme_is_made_again_byte_for_byte(tmp_path: Path) -> None:
    readme_figure.make(tmp_path / "grounds.svg")
    same = (tmp_path / "grounds.svg").read_bytes() == readme_figure.PICTURE.read_bytes()
    assert same, "run `python tests/readme_figure.py`, look at reports/grounds.svg, and commit it"


@pytest.mark.parametrize("ending", [*FORMATS, "xlsx", "html", "csv"])
def test_the_same_input_gives_the_same_bytes(ending: str, tmp_path: Path) -> None:
    def write(file: Path) -> bytes:
        estimates = grounds("lv")
        ml.export(ml.plot_prevalence(estimates, "gender") if ending in FORMATS else estimates, file)
        return file.read_bytes()

    first = write(tmp_path / f"a.{ending}")
    assert first == write(tmp_path / f"b.{ending}")
    assert len(first) > 1000


def test_a_png_has_300_dots_an_inch(tmp_path: Path) -> None:
    from PIL import Image

    ml.export(ml.plot_prevalence(grounds()), tmp_path / "g.png")
    with Image.open(tmp_path / "g.png") as image:
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
        assert image.width == round(7.4 * 300)


def test_the_titles_of_many_crossed_panels_stay_apart() -> None:
    survey = ml.open_survey(SHIPPED, "lv")
    estimates = ml.prevalence(survey, "encountered", by=[("gender", "disability", "native_language")])
    axes: Any = ml.plot_prevalence(estimates, estimates.breakdowns[0])
    figure = figure_of(axes)
    figure.canvas.draw()
    assert outside(figure) == []
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    titles = [ax.title if ax.get_title() else ax._left_title for ax in axes]
    boxes = [t.get_window_extent(renderer) for t in (*titles, *figure.texts) if t.get_text()]
    overlapping = [(a, b) for i, a in enumerate(boxes) for b in boxes[i + 1 :] if a.overlaps(b)]
    assert overlapping == []


def test_lines_are_wrapped_by_measured_width() -> None:
    lines = wrap("Ģimenes stāvoklis vai bērnu aprūpe", 100, 9)
    assert " ".join(lines) == "Ģimenes stāvoklis vai bērnu aprūpe"
    assert len(lines) > 1


def test_export_refuses_what_it_cannot_write(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a table is written as \.xlsx, \.html, \.csv"):
        ml.export(grounds(), tmp_path / "a.xlsx", tmp_path / "a.docx")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match="name at least one file"):
        ml.export(grounds())
    with pytest.raises(ValueError, match="cannot write a int"):
        ml.export(5, tmp_path / "a.png")  # type: ignore[arg-type]


def test_an_export_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "t.xlsx"
    ml.export(grounds(), file)
    before = file.read_bytes()

    def fail(*_: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("motivlab.tables._frame_sheet", fail)
    with pytest.raises(OSError, match="disk full"):
        ml.export(grounds(), file)
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["t.xlsx"]


# ------------------------------------------------------------------------------------------- tables, sentences


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_table_has_the_computed_shares(language: str) -> None:
    estimates = grounds(language)
    total = ml.table(estimates).blocks[0]
    frame = estimates.frame[estimates.frame["by"] == ""]
    assert [row[1] for row in total.rows] == [percent(share, language) for share in frame["estimate"]]
    assert [row[3] for row in total.rows] == [number(n, language) for n in frame["n"]]
    published = [row[4] for row in total.rows if row[4]]
    assert published == [percent(share, language) for share in (0.45, 0.32, 0.24, 0.24)]


def test_labels_are_escaped_in_html() -> None:
    frame = pd.DataFrame({"y": ["<b>", "a&b"] * 30})
    html = ml.prevalence(ml.Survey.from_frame(frame), "y")._repr_html_()
    assert "<b>" not in html
    assert "&lt;b&gt;" in html


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_takeaway_computes_its_numbers(language: str) -> None:
    estimates = grounds(language)
    top = estimates.frame[(estimates.frame["by"] == "") & ~estimates.frame["net"]].nlargest(1, "estimate").iloc[0]
    said = repr(ml.takeaway(estimates))
    assert percent(top["estimate"], language) in said
    assert number(top["n"], language) in said
    # a share that changes changes the sentence
    other = repr(ml.takeaway(grounds(language, where="${native_language} = 'russian'")))
    assert said.splitlines()[0] != other.splitlines()[0]


def test_experience_is_worded_as_reported_and_opinion_as_opinion(shipped: ml.Survey) -> None:
    assert "Reported most often" in repr(ml.takeaway(ml.prevalence(shipped, "grounds")))
    assert "Held most often to be widespread" in repr(ml.takeaway(ml.prevalence(shipped, "perceived")))
    everything = "".join(str(phrase) for phrase in words().values())
    assert "were discriminated" not in everything


def test_too_few_respondents_give_no_takeaway(shipped: ml.Survey) -> None:
    few = ml.prevalence(shipped, "grounds", where="${ethnicity} = 'roma'")
    assert repr(ml.takeaway(few)) == say("takeaway_none", "en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_survey_and_its_questions_are_described(language: str) -> None:
    survey = ml.open_survey(SHIPPED, language)
    said = repr(ml.describe(survey, "grounds"))
    assert survey.questionnaire["grounds"].label(language) in said
    assert survey.questionnaire["encountered"].label(language) in said  # the condition, in words
    assert "278" in said
    assert say("note_synthetic", language) in repr(ml.limits(survey))
    assert repr(ml.describe(survey)).count("\n- ") == 8


# ------------------------------------------------------------------------------------------- published figures


def test_published_figures_stand_beside_the_estimates(shipped: ml.Survey) -> None:
    frame = grounds().frame
    rows = frame[frame["published"].notna()].set_index("item")
    assert rows["published"].to_dict() == {"age": 0.45, "language": 0.32, "ethnicity": 0.24, "gender": 0.24}
    assert (rows["by"] == "").all()
    assert (rows["published"] - rows["estimate"]).abs().max() < 0.005
    gate = ml.against_published(ml.prevalence(shipped, "encountered"), ml.read_published(PUBLISHED))
    assert "at least 28%" in repr(gate)


def test_other_measures_and_bases_are_refused(shipped: ml.Survey) -> None:
    published = ml.read_published(PUBLISHED)
    opinion = published.assign(question=published["question"].replace({"perceived": "grounds"}))
    with pytest.raises(ValueError, match="DP01 measures 'perceived_widespread', the question 'grounds' 'encountered'"):
        ml.against_published(ml.prevalence(shipped, "grounds"), opinion)
    with pytest.raises(ValueError, match="DP05 has the base 'asked', the estimates 'all'"):
        ml.against_published(ml.prevalence(shipped, "encountered", base="all"), published)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: f.drop(columns="quote"), "the column 'quote' is missing"),
        (lambda f: f.assign(share="45"), "row 2: share is"),
        (lambda f: f.assign(measure="felt"), "row 2: measure is 'felt'"),
    ],
)
def test_a_fault_in_published_figures_names_row_and_column(
    change: Callable[[pd.DataFrame], pd.DataFrame], said: str, tmp_path: Path
) -> None:
    file = tmp_path / "p.csv"
    change(pd.read_csv(PUBLISHED, dtype=str)).to_csv(file, index=False)
    with pytest.raises(ReadError) as caught:
        ml.read_published(file)
    assert said in str(caught.value)
    with pytest.raises(FileNotFoundError, match="no such table of published figures"):
        ml.read_published(tmp_path / "none.csv")


# ----------------------------------------------------------------------------------------------------- language


def test_every_phrase_is_there_in_every_language_with_the_same_braces() -> None:
    def braces(phrase: object) -> set[str]:
        texts = phrase.values() if isinstance(phrase, dict) else [phrase]
        return set(re.findall(r"\{(\w+)\}", " ".join(map(str, texts))))

    for key, phrase in words().items():
        assert tuple(phrase) == LANGUAGES, key
        assert len({frozenset(braces(phrase[language])) for language in LANGUAGES}) == 1, key
        assert all(str(phrase[language]).strip() for language in LANGUAGES), key


def test_every_phrase_is_used() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "motivlab").glob("*.py"))
    # keys that are put together, as in say(f"measure_{measure}", ...)
    prefixes = tuple(re.findall(r"""f["'](\w+_)\{""", code))
    unused = [key for key in words() if f'"{key}"' not in code and not key.startswith(prefixes)]
    assert unused == []


@pytest.mark.parametrize(
    ("n", "lv", "ru"),
    [(0, "0 respondentu", "0 респондентов"), (1, "1 respondents", "1 респондент"),
     (3, "3 respondenti", "3 респондента"), (11, "11 respondentu", "11 респондентов"),
     (21, "21 respondents", "21 респондент"), (1004, None, None)],
)  # fmt: skip
def test_plural_forms(n: int, lv: str | None, ru: str | None) -> None:
    space = "\N{NO-BREAK SPACE}"
    assert say("respondents", "lv", n=n) == (lv or f"1{space}004 respondenti")
    assert say("respondents", "ru", n=n) == (ru or f"1{space}004 респондента")
