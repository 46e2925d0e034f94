"""Recodes: declared in survey.yml, complete or an error, shown with the cross-table of old and new codes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from surveys import ROWS, SHIPPED, YML

import motivlab as ml
from motivlab.about import SurveyError

Small = Callable[..., Path]
RECODES = """
recodes:
  age_3:
    of: age
    label: {lv: Vecums trīs grupās, en: Age in three groups, ru: Возраст в трёх группах}
    codes:
      young: {range: [18, 34], label: {lv: jauni, en: young, ru: молодые}}
      middle: {range: [35, 59]}
      old: {range: [60, null]}
  asked:
    of: met
    codes:
      told: {of: [yes, no], label: told}
  why:
    of: grounds
    codes:
      self: {of: [age, gender], label: {en: what one is}}
      other: {of: [other]}
      none: {of: [none]}
"""


def test_recodes_are_questions_like_others(small: Small) -> None:
    survey = ml.open_survey(small(yml=YML + RECODES), "lv")
    form, frame = survey.questionnaire, survey.responses
    assert [q.name for q in form][:5] == ["sex", "age", "age_3", "met", "asked"]
    assert form["age_3"].label("lv") == "Vecums trīs grupās"
    assert form["age_3"].choices[0].label("lv") == "jauni"
    assert frame["age_3"].tolist() == ["young", "middle", "middle", "old", "-8", "old", "young"]
    assert form["age_3"].missing_codes == {"-8": "refused"}, "a missing reason stays one"
    assert frame["asked"].tolist() == ["told", "told", "told", "told", "dk", "told", "told"]
    assert frame["why/self"].tolist() == [1, 1, pd.NA, 0, pd.NA, 0, 0]
    assert form["why"].choices[2].exclusive
    assert form["why"].choices[3].missing == "refused"
    assert form["why"].relevant == form["grounds"].relevant
    assert survey.check().ok
    assert set(survey.check().findings["rule"]) == {"label_missing"}, "`why` has no label in lv and ru"
    shares = ml.prevalence(survey, "asked", by="age_3", base="asked").frame
    assert shares.loc[shares["level"] == "young", "n"].iloc[0] == 2


def test_the_cross_table_counts_old_codes_under_new_ones(small: Small) -> None:
    survey = ml.open_survey(small(yml=YML + RECODES))
    rows = ml.recode(survey, "asked").frame.values.tolist()
    assert rows == [["yes", "told", "", 5], ["no", "told", "", 1], ["dk", "dk", "dont_know", 1]]
    rows = ml.recode(survey, "age_3").frame.values.tolist()
    assert rows == [["18–34", "young", "", 2], ["35–59", "middle", "", 2], ["60–inf", "old", "", 2],
                    ["-8", "-8", "refused", 1]]  # fmt: skip
    rows = ml.recode(survey, "why").frame.values.tolist()
    assert [row[:2] for row in rows][:4] == [["age", "self"], ["gender", "self"], ["other", "other"], ["none", "none"]]
    assert [row[2:] for row in rows] == [["", 2], ["", 1], ["", 1], ["", 1], ["refused", 1]]


def test_the_table_hides_few_and_what_would_give_them_away(tmp_path: Path) -> None:
    yml = (SHIPPED / "survey.yml").read_text(encoding="utf-8") + (
        "recodes:\n  native:\n    of: ethnicity\n    codes:\n"
        "      latvian: {of: [latvian]}\n      minority: {of: [russian, roma, other]}\n"
    )
    folder = tmp_path / "survey"
    (folder / "questionnaire").mkdir(parents=True)
    for file in [*(SHIPPED / "questionnaire").iterdir(), SHIPPED / "responses.csv"]:
        (folder / file.relative_to(SHIPPED)).write_bytes(file.read_bytes())
    for name in ("published", "margins"):  # files that are not here
        yml = "\n".join(line for line in yml.split("\n") if not line.startswith(f"{name}:"))
    (folder / "survey.yml").write_text(yml, encoding="utf-8")
    for language, few in (("lv", "mazāk nekā 20"), ("en", "fewer than 20"), ("ru", "менее 20")):
        recoded = ml.recode(ml.open_survey(folder, language), "native")
        told = ml.table(recoded)
        counts = told.numbers.set_index("old")["n"]
        roma = recoded.frame.set_index("old")["n"]["roma"]
        assert roma < 20
        assert np.isnan(counts["roma"])
        hidden = [old for old in ("russian", "roma", "other") if np.isnan(counts[old])]
        assert len(hidden) > 1, "roma would be the minority less the others"
        assert few in told.text()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("{of: [yes, no], label: told}", "{of: [yes]}"), "'no' of 'met' is in none of the codes"),
        (("{of: [yes, no], label: told}", "{of: [yes, no, no]}"), "'no' is named twice"),
        (("{of: [yes, no], label: told}", "{of: [yes, no, dk]}"), "'dk' is a missing reason"),
        (("{of: [yes, no], label: told}", "{of: [yess, no]}"), "did you mean 'yes'"),
        (("{of: [yes, no], label: told}", "{range: [1, 2]}"), "has choices"),
        (("{of: [yes, no], label: told}", "{}"), "either `of`"),
        (("of: met", "of: mett"), "did you mean 'met'"),
        (("  asked:", "  sex:"), "there is a question 'sex' already"),
        (("[35, 59]", "[34, 59]"), "overlap at 34"),
        (("[35, 59]", "[59, 35]"), "the lowest value comes first"),
        (("{range: [35, 59]}", "{of: [a]}"), "give each code a `range`"),
        (("of: grounds", "of: day"), "of type date"),
    ],
)
def test_an_incomplete_recode_is_refused(small: Small, change: tuple[str, str], said: str) -> None:
    with pytest.raises(SurveyError, match=said):
        ml.open_survey(small(yml=YML + RECODES.replace(*change)))


def test_an_answer_that_no_code_stands_for_is_found_and_refused(small: Small) -> None:
    rows = tuple(row.replace(",40,", ",17,") for row in ROWS)
    survey = ml.open_survey(small(yml=YML + RECODES, rows=rows))
    findings = survey.check().findings
    findings = findings[findings["severity"] != "note"]
    assert [(f.variable, f.rule, f.value) for f in findings.itertuples()] == [
        ("age", "out_of_range", "17"), ("age_3", "unknown_code", "17"),
    ]  # fmt: skip
    with pytest.raises(ValueError, match=r"row 3, respondent 2: age is '17', which no code of the recode 'age_3'"):
        ml.recode(survey, "age_3")
    with pytest.raises(ValueError, match="declares no recode 'age_4'; did you mean 'age_3'"):
        ml.recode(survey, "age_4")
