"""What a reader sees of an audit: table, takeaway and figures in three languages, of ours and of a user's own table."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from pages import outside, overlapping, words_on
from surveys import ROOT

import motivlab as ml
from motivlab.audit import SEVERITIES, Audit, audit_published
from motivlab.figures_audit import FOOTNOTES, KINDS, plot_audit, plot_published, rule_counts
from motivlab.intervals import wilson
from motivlab.language import LANGUAGES, number, percent, say, words
from motivlab.page import figure_of
from motivlab.tables_audit import IN_FULL, date_text, explained, ranked, said, statements
from motivlab.takeaways_audit import MOST

PUBLISHED = ROOT / "data" / "published"
LETTERS = re.compile(r"\bnan\b|NaN|[{}]|None|\.\.(?!\.)|_")


@pytest.fixture(autouse=True)
def _closed() -> Any:
    yield
    plt.close("all")


@lru_cache
def shipped(language: str = "en") -> Audit:
    return audit_published(PUBLISHED, language)


def own(folder: Path, text: str, language: str = "en") -> Audit:
    (folder / "mine.csv").write_text(text, encoding="utf-8")
    return audit_published(folder / "mine.csv", language)


def drawn(axes: Any) -> dict[str, list[float]]:
    """The dots of a figure by the shape of their marks."""
    found: dict[str, list[float]] = {}
    for line in axes.get_lines():
        values = [float(x) for x in np.asarray(line.get_xdata(), dtype=float) if np.isfinite(x)]
        found.setdefault(line.get_marker(), []).extend(values)
    return {marker: sorted(values) for marker, values in found.items() if values}


def lines(figure: Any) -> str:
    return "\n".join(text.get_text() for text in figure.texts)


# ------------------------------------------------------------------------------------------------------ the table


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_table_tells_all_contradictions_and_holds_every_finding(language: str) -> None:
    audit = shipped(language)
    made, findings = ml.table(audit), audit.findings
    assert [block.title for block in made.blocks] == [say(f"audit_{severity}", language) for severity in SEVERITIES]
    wrong = findings[findings["severity"] == "contradiction"].to_dict("records")
    told = {" ".join(row[2].split("\n")) for row in made.blocks[0].rows}
    assert told == {said(row, language) for row in wrong}
    assert len(made.numbers) == len(findings)
    pd.testing.assert_frame_equal(made.numbers, statements(audit))
    shown = [ml.table(audit).text(), repr(audit), audit._repr_html_()]
    assert not [
        found for text in shown if (found := LETTERS.search(re.sub(r"\S*_\S*\.txt|participants_\w+", "", text)))
    ]
    assert max(map(len, shown[0].splitlines())) < 200
    sheets = "\n".join(made.notes)
    counts = findings["severity"].value_counts()
    assert say("audit_summary_contradictions", language, n=int(counts["contradiction"])) in sheets
    assert say("audit_note_short", language) in made.notes
    assert len(made.notes) == len(set(made.notes))


@pytest.mark.parametrize("severity", SEVERITIES)
def test_what_is_shortened_names_every_id(severity: str) -> None:
    audit = shipped()
    block = ml.table(audit).blocks[SEVERITIES.index(severity)]
    findings = audit.findings[audit.findings["severity"] == severity]
    by_rule = findings.groupby("rule")["rows"]
    several = {rule: list(rows) for rule, rows in by_rule if len(rows) > IN_FULL[severity]}
    assert len(block.rows) == len(findings) - sum(len(rows) - 1 for rows in several.values())
    text = " ".join(" ".join(cell.split("\n")) for row in block.rows for cell in row)
    for rows in several.values():
        ids = "; ".join(one.replace(" ", ", ") for one in rows)
        assert f"{len(rows)} findings: " in text
        assert Counter(re.findall(r"\w+", ids)) <= Counter(re.findall(r"\w+", text))
    assert {re.search(r"\w\w\d\d", one)[0] in text for one in findings["rows"]} == {True}  # type: ignore[index]


def test_numbers_come_first_and_what_an_outcome_is_before_them() -> None:
    audit = shipped()
    order = ranked(audit.findings.to_dict("records"))
    assert [row["rule"] for row in order[:2]] == ["definition", "denominator"]
    assert order[2]["rows"] == "PO05 PO02 PO03 PO04"
    assert order[-1]["rule"] in ("repeated", "format")
    assert ml.table(audit).blocks[0].rows[0][1].startswith("PO05: Cumulative since 2020")
    assert ml.table(audit.to("lv")).blocks[0].rows[0][1].startswith("PO05: kopš 2020. gada atbalsts")


@pytest.mark.parametrize(
    ("text", "lv", "ru"),
    [("2021", "2021", "2021"), ("2022-02", "02.2022.", "02.2022"), ("2020-11-13", "13.11.2020.", "13.11.2020"),
     ("2020-11-13–2022-02", "13.11.2020.–02.2022.", "13.11.2020–02.2022"), ("9.1.4.4.", "9.1.4.4.", "9.1.4.4."),
     ("2020–2022-08", "2020–08.2022.", "2020–08.2022"), ("Jūrmala", "Jūrmala", "Jūrmala"), ("", "", "")],
)  # fmt: skip
def test_dates(text: str, lv: str, ru: str) -> None:
    assert [date_text(text, language) for language in ("lv", "en", "ru")] == [lv, text, ru]


def test_quotation_marks_are_those_of_the_language() -> None:
    for language, wrong in (("lv", "“«»"), ("ru", "“„"), ("en", "„«»")):
        for row in shipped(language).findings.query("severity != 'read'").to_dict("records"):
            text = said(row, language) + explained(row, language)
            assert not set(wrong) & set(text.replace(str(row["values"].get("quote", "")), "")), text


# --------------------------------------------------------------------------------------------------- the takeaway


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_takeaway_agrees_with_the_findings(language: str) -> None:
    audit = shipped(language)
    said_ = ml.takeaway(audit)
    first = said_.paragraphs[0]
    found = audit.findings["severity"].value_counts()
    holds = len(audit.checks) - found["contradiction"] - found["note"]
    assert say("audit_takeaway_statements", language, n=len(audit.figures.rows)) in first
    assert say("audit_takeaway_checks", language, n=len(audit.checks)) in first
    assert say("audit_takeaway_hold", language, n=int(holds)) in first
    assert say("audit_summary_contradictions", language, n=int(found["contradiction"])) in first
    assert len(said_.bullets) == MOST + 1
    assert said_.bullets[-1] == say("audit_takeaway_more", language, n=int(found["contradiction"]) - MOST)
    rows = audit.findings.query("severity == 'contradiction'").set_index("rows")
    stages = rows.loc["PO05 PO02 PO03 PO04"]
    stages = stages.iloc[0] if isinstance(stages, pd.DataFrame) else stages
    finding = {**stages.to_dict(), "rows": "PO05 PO02 PO03 PO04"}
    assert said_.bullets[0].startswith(said(finding, language))
    assert explained(finding, language) in said_.bullets[0]
    assert [re.findall(r"PO\d\d", bullet)[0] for bullet in said_.bullets[:-1]] == [
        "PO05", "PO06", "PO09", "PO06", "PO05", "PO09",
    ]  # fmt: skip
    assert words()["audit_definition_wide"][language] in said_.paragraphs[1]
    assert "NI01, NI02, NI03" in said_.paragraphs[1]
    assert not LETTERS.search(repr(said_))


OWN = "id,n,k,share\na,59,27,46%\nb,60,33,\nc,57,,60%\n"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_table_of_a_users_own_without_contradictions(language: str, tmp_path: Path) -> None:
    audit = own(tmp_path, OWN, language)
    takeaway = ml.takeaway(audit)
    assert audit.ok
    assert say("audit_note_none", language) in takeaway.paragraphs[0]
    assert takeaway.bullets == ()
    assert len(takeaway.paragraphs) == 1
    made = ml.table(audit)
    assert made.blocks == ()
    assert say("audit_note_none", language) in repr(audit)
    assert say("audit_note_why", language) not in made.notes
    ml.export(audit, tmp_path / "a.html", tmp_path / "a.csv")


def test_contradictions_of_a_users_own(tmp_path: Path) -> None:
    audit = own(tmp_path, "id,n,k,share,part_of\nall,100,60,60%,\na,50,30,60%,all\nb,49,31,0.7,all\n")
    takeaway = ml.takeaway(audit)
    wrong = audit.findings.query("severity == 'contradiction'").to_dict("records")
    assert len(takeaway.bullets) == len(wrong) == 3
    assert all(any(bullet.startswith(said(row, "en")) for bullet in takeaway.bullets) for row in wrong)
    assert "3 contradictions" in takeaway.paragraphs[0]


def test_contradictions_of_other_figures_than_outcomes(tmp_path: Path) -> None:
    (tmp_path / "o.csv").write_text("id,n,k,definition\na,59,27,jobs\n", encoding="utf-8")
    (tmp_path / "z.csv").write_text("id,n,k\nb,10,11\n", encoding="utf-8")
    takeaway = ml.takeaway(audit_published(tmp_path))
    assert say("audit_takeaway_none_own", "en") in takeaway.paragraphs[0]
    assert takeaway.bullets == (say("audit_takeaway_more", "en", n=1),)


# ----------------------------------------------------------------------------------------------- figure of the rules


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_figure_of_the_rules(language: str) -> None:
    audit = shipped(language)
    axes = plot_audit(audit)
    figure = figure_of(axes)
    figure.canvas.draw()
    assert outside(figure) == []
    assert overlapping(figure) == []
    counts = rule_counts(audit)
    labels = [label.get_text().replace("\n", " ") for label in axes.get_yticklabels()]
    assert labels == [say(f"audit_rule_{rule}", language) for rule in counts]
    assert [of["contradiction"] for of in counts.values()] == sorted(
        (of["contradiction"] for of in counts.values()), reverse=True
    )
    for severity in SEVERITIES:
        found = audit.findings[audit.findings["severity"] == severity]["rule"].value_counts().to_dict()
        assert {rule: of[severity] for rule, of in counts.items() if of[severity]} == found
    assert sum(of["hold"] for of in counts.values()) == int(audit.checks["ok"].sum())
    widths = [bar.get_width() for bar in axes.patches]
    assert widths == [of[kind] for kind in KINDS for of in counts.values()]
    written = [text.get_text() for text in figure.texts]
    for kind in KINDS:
        assert all(number(of[kind], language) in written for of in counts.values() if of[kind])
    hatches = {bar.get_hatch() or "" for bar in axes.patches}
    assert len(hatches) == 3  # with the two colours without one, four kinds that differ in grey
    assert not LETTERS.search(words_on(figure))


def test_a_figure_of_few_rules(tmp_path: Path) -> None:
    axes = plot_audit(own(tmp_path, OWN, "ru"))
    figure = figure_of(axes)
    figure.canvas.draw()
    assert outside(figure) == []
    assert overlapping(figure) == []
    assert len(axes.get_yticklabels()) == 3
    with pytest.raises(ValueError, match="no check could be made"):
        plot_audit(own(tmp_path, "id,n\na,59\n"))


# ------------------------------------------------------------------------------------------------- published shares


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("measure", ["success", None])
def test_the_figure_of_published_shares(measure: str | None, language: str) -> None:
    audit = shipped(language)
    axes = plot_published(audit, measure)
    figure = figure_of(axes)
    figure.canvas.draw()
    assert outside(figure) == []
    assert overlapping(figure) == []
    assert figure.get_label() == say("audit_figure_published", language)
    written = [text.get_text() for text in figure.texts]
    for code in ("employment_or_education", "wide"):  # each under a heading of its own
        name = words()[f"audit_definition_{code}"][language]
        assert name[:1].upper() + name[1:] in written
    assert say("audit_figure_k_of_n", language, k="91", n="176") in written
    assert say("audit_figure_k_of_n", language, k=number(1795, language), n=number(3239, language)) in written
    assert percent(27 / 59, language) in written
    notes = words_on(figure)
    for row in audit.findings.query("severity == 'contradiction'").to_dict("records"):
        if "PO05" in row["rows"].split() or "PO06" in row["rows"].split():
            assert " ".join(said(row, language).split()) in " ".join(notes.split())
    assert not LETTERS.search(notes)
    dots = drawn(axes)
    if measure:
        named = [27 / 59, 33 / 60, 34 / 57, 91 / 176, 57 / 119, 1795 / 3239]
        assert dots["D"] == pytest.approx(sorted(named))
        assert dots["o"] == pytest.approx([131 / 238, 73 / 119])
    else:
        with_n = [row for row in audit.figures.having("n") if row.text("k") or row.text("share")]
        assert not any(row.yes("planned") for row in with_n)
        assert len(dots["o"]) + len(dots["D"]) == len(with_n)
        stated = [row for row in audit.figures.rows.values() if row.text("k") or row.text("share")]
        left = [row for row in stated if not row.text("n") and row.text("part_as") != "share"]
        assert f" {len(left)} " in notes  # what is not drawn


def test_the_intervals_are_wilsons() -> None:
    axes = plot_published(shipped(), "success")
    ends = sorted(
        tuple(path.vertices[:, 0]) for c in axes.collections for path in c.get_paths() if len(path.vertices) == 2
    )
    k = np.array([27, 33, 34, 91, 57, 73, 131, 1795.0])
    n = np.array([59, 60, 57, 176, 119, 119, 238, 3239.0])
    p = k / n
    low, high = wilson(p, np.sqrt(p * (1 - p) / (n - 1)), n, n - 1, 0.95)
    np.testing.assert_allclose(ends, sorted(zip(low, high, strict=True)))
    # R: prop.test(27, 59, correct = FALSE)$conf.int
    assert low[0] == pytest.approx(0.3370126, abs=1e-6)
    wide = plot_published(shipped(), "success", confidence=0.99)
    assert "99%" in wide.get_xlabel()


def test_rows_of_one_definition_stand_together() -> None:
    axes = plot_published(shipped(), "success")
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert [label[:4] for label in labels] == ["", "PO02", "PO03", "PO04", "PO05", "PO06", "PO07", "PO08", "", "PO12"]
    one = plot_published(shipped(), "success_annual")
    assert [label.get_text()[:4] for label in one.get_yticklabels()] == ["PO06", "PO07", "PO08"]
    assert "Employment or education" in lines(figure_of(one))


@pytest.mark.parametrize("language", LANGUAGES)
def test_shares_of_a_users_own_table(language: str, tmp_path: Path) -> None:
    axes = plot_published(own(tmp_path, OWN, language))
    figure = figure_of(axes)
    figure.canvas.draw()
    assert outside(figure) == []
    assert overlapping(figure) == []
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b", "c"]
    assert drawn(axes) == {"o": pytest.approx(sorted([27 / 59, 33 / 60, 34 / 57]))}
    said_ = words_on(figure)
    assert say("audit_note_none", language) in said_
    assert say("audit_figure_undefined_all", language) in said_
    assert "mine" in said_  # the source is the table itself


def test_what_cannot_be_drawn_is_counted(tmp_path: Path) -> None:
    rows = ["a,59,27,,,", "plan,60,30,,yes,", "no_n,,,46%,,", "bound,60,30,,,at_least", "above,10,11,,,", "none,0,0,,,"]
    audit = own(tmp_path, "id,n,k,share,planned,qualifier\n" + "\n".join(rows) + "\n")
    axes = plot_published(audit)
    assert drawn(axes) == {"o": [pytest.approx(27 / 59)]}
    notes = " ".join(words_on(figure_of(axes)).split())
    assert "Not drawn are 5 shares or counts: planned 1, without n 1, bounds or rounded 1, impossible 2." in notes
    with pytest.raises(ValueError, match="no row has n and k"):
        plot_published(own(tmp_path, "id,n,k,planned\na,10,5,yes\n"))


def test_measures_and_columns_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"measure='sucess'.*[Dd]id you mean.*success"):
        plot_published(shipped(), "sucess")
    with pytest.raises(ValueError, match="the column measure is missing"):
        plot_published(own(tmp_path, OWN), "success")
    with pytest.raises(ValueError, match="label='town'"):
        plot_published(shipped(), "success", label="town")
    axes = plot_published(shipped(), "success", label="provider")
    assert "PO02 Latvijas Sarkanais Krusts" in [t.get_text().replace("\n", " ") for t in axes.get_yticklabels()]


@pytest.mark.parametrize("language", LANGUAGES)
def test_many_rows_and_long_labels(language: str, tmp_path: Path) -> None:
    long = "a very long statement of what was said of the participants of a programme " * 3
    rows = [
        f"row{i},{20 + i},{10 + i},50%,definition no. {i % 4} {long if i % 4 == 3 else ''},{long}" for i in range(30)
    ]
    audit = own(tmp_path, "id,n,k,share,definition,statement\n" + "\n".join(rows) + "\n", language)
    axes = plot_published(audit)
    figure = figure_of(axes)
    figure.canvas.draw()
    assert outside(figure) == []
    assert overlapping(figure) == []
    wrong = int((audit.findings["severity"] == "contradiction").sum())
    assert wrong > FOOTNOTES
    more = say("audit_takeaway_more", language, n=wrong - FOOTNOTES)
    assert f"{FOOTNOTES + 1}. {more}" in " ".join(words_on(figure).split())
    made = ml.table(audit)
    assert len(made.blocks[0].rows) == 1  # one check, by its ids
    assert len(made.numbers) == len(audit.findings)


# ------------------------------------------------------------------------------------------------------------ files


@pytest.mark.parametrize(
    "make",
    [lambda: plot_audit(shipped("lv")), lambda: plot_published(shipped("lv"), "success")],
    ids=["rules", "shares"],
)
def test_the_same_bytes_twice(make: Any, tmp_path: Path) -> None:
    for ending in ("svg", "png", "pdf"):
        for name in "ab":
            ml.export(make(), tmp_path / f"{name}.{ending}")
            plt.close("all")
        assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()


def test_the_table_gives_the_same_bytes_twice(tmp_path: Path) -> None:
    for ending in ("xlsx", "html", "csv"):
        for name in "ab":
            ml.export(shipped("ru"), tmp_path / f"{name}.{ending}")
        assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()
