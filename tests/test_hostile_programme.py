"""What a careless clerk, a survey researcher and a statistician do to gains, outcomes and the audit, and what holds."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from surveys import ROOT

import motivlab as ml
from motivlab.about import Replicates
from motivlab.durations import log_rank
from motivlab.files import ReadError
from motivlab.imports import import_survey
from motivlab.paired import d_z
from motivlab.pooled import heterogeneity
from motivlab.programme import Instrument, Programme, Scale
from motivlab.rules import days
from motivlab.survey import Survey
from motivlab.tabular import read_table

FOLDER = ROOT / "data" / "programme_participants"
BEFORE_AFTER = {"g": Instrument(design="pre_post", pre="pre", post="post")}


def declared(frame: pd.DataFrame, *, design: dict[str, Any] | None = None, **about: Any) -> Survey:
    survey = Survey.from_frame(frame, **(design or {}))
    return replace(survey, about=survey.about.model_copy(update=about))


def rated(n: int = 60, **columns: Any) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame({"pre": rng.integers(1, 6, n), "post": rng.integers(1, 6, n), **columns})


def register(**columns: Any) -> pd.DataFrame:
    day = pd.Timestamp("2021-01-04")
    frame = {"come": day, "gone": day, "got/job": [1, 0, 0] * 10, "got/none": [0, 1, 1] * 10, "town": list("abc") * 10}
    return pd.DataFrame({**frame, **columns})


def programme(**more: Any) -> Programme:
    said: dict[str, Any] = {"definitions": {"work": {"choices": ("job",)}}, "complete": True}
    return Programme(entry="come", exit="gone", outcome="got", **(said | more))


def changed(
    to: Path, change: Callable[[pd.DataFrame], Any] | None = None, said: Callable[[str], str] | None = None
) -> Survey:
    """The first 400 rows of the shipped survey with something changed in the responses, or in survey.yml."""
    folder = to / "survey"
    shutil.copytree(FOLDER, folder)
    frame = pd.read_csv(folder / "responses.csv", dtype=str, keep_default_na=False).head(400)
    if change:
        change(frame)
    frame.to_csv(folder / "responses.csv", index=False)
    if said:
        file = folder / "survey.yml"
        file.write_text(said(file.read_text(encoding="utf-8")), encoding="utf-8")
    return ml.open_survey(folder)


def audited(to: Path, text: str) -> Any:
    file = to / "figures.csv"
    file.write_text(text, encoding="utf-8")
    audit = ml.audit_published(file)
    assert len(audit.findings) >= 0
    assert len(audit.checks) >= 0
    return audit


# ------------------------------------------------------------------------------------------------ answers, gains


@pytest.mark.parametrize("value", ["9", "2.5", "0"])
def test_a_rating_that_is_none_of_the_codes_stops_a_gain_as_it_stops_every_other_analysis(
    tmp_path: Path, value: str
) -> None:
    survey = changed(tmp_path, lambda frame: frame.__setitem__("know_rights_entry", [value] * 50 + [""] * 350))
    with pytest.raises(ValueError, match=r"row 2, respondent P0001: know_rights_entry"):
        ml.gains(survey, "know_rights")


def test_a_scale_item_with_a_value_within_the_range_that_is_none_of_its_codes_is_refused(tmp_path: Path) -> None:
    def change(frame: pd.DataFrame) -> None:
        frame.loc[3, "wb1_entry"] = "2.5"

    with pytest.raises(ValueError, match=r"respondent P0004: wb1_entry is .?2\.5"):
        ml.gains(changed(tmp_path, change), "wellbeing")


def test_alpha_without_a_value_has_its_reason() -> None:
    # the second item mirrors the first: the sum is the same for everybody
    frame = pd.DataFrame({"a": [3.0, 1, 2, 3, 1], "b": [0.0, 2, 1, 0, 2]})
    found = ml.reliability(declared(frame, scales={"s": Scale(items=("a", "b"), range=(0, 4))}), "s")
    assert np.isnan(found.alpha)
    assert found.alpha_missing != ""


@pytest.mark.parametrize(("mean", "sd", "n"), [(1.0, 1e-6, 30), (1000.0, 1e-3, 50)])
def test_changes_that_hardly_differ_from_each_other_have_their_effect_size_in_no_time(
    mean: float, sd: float, n: int
) -> None:
    start = time.perf_counter()
    found = d_z(mean, sd, n, n - 1)
    assert time.perf_counter() - start < 4  # it took five and more; no measure of speed
    assert not found.low > found.d


def test_a_pattern_of_replicate_weights_never_takes_in_the_numbers_of_the_respondents() -> None:
    rng = np.random.default_rng(5)
    frame = rated(w=rng.uniform(1, 3, 60))
    for i in range(20):
        frame[f"r{i}"] = frame["w"] * rng.choice([0.5, 1.5], 60)
    survey = declared(frame, design={"weight": "w", "replicates": Replicates(columns="r*", kind="brr")},
                      gains=BEFORE_AFTER)  # fmt: skip
    change = (frame["post"] - frame["pre"]).to_numpy()
    each = [np.average(change, weights=frame[f"r{i}"]) for i in range(20)]
    assert ml.gains(survey).frame["se"].item() == pytest.approx(np.std(each))


def test_the_levels_of_an_overlapping_breakdown_stay_apart_where_a_choice_holds_a_multiplication_sign() -> None:
    frame = rated(town=["a × b", "c"] * 30, **{"m/x": [1] * 60, "m/y": [0, 1] * 30})
    survey = declared(frame, gains=BEFORE_AFTER)
    try:
        levels = set(ml.gains(survey, by=[("town", "m")]).frame["level"])
    except ValueError as error:  # as of two select_one questions
        assert "holds ' × ' in its name" in str(error)  # noqa: PT017
    else:
        assert levels == {"", "a × b × x", "c × x", "a × b × y", "c × y"}


def test_an_empty_comparison_group_is_told_by_its_key_in_the_declaration(tmp_path: Path) -> None:
    survey = changed(
        tmp_path, said=lambda text: text.replace("  complete: true", '  complete: true\n  comparison: "${age} > 120"')
    )
    with pytest.raises(ValueError, match=r"programme\.comparison"):
        ml.gains(survey)


def test_a_flow_of_a_file_with_the_comparison_group_alone_says_so_and_names_the_declaration(tmp_path: Path) -> None:
    survey = changed(
        tmp_path, said=lambda text: text.replace("  complete: true", '  complete: true\n  comparison: "${age} > 1"')
    )
    with pytest.raises(ValueError, match=r"programme\.comparison"):
        ml.flow(survey)


@pytest.mark.parametrize(
    ("old", "new"), [("  complete: true", "  complete: true\n  window: -5"), ("planned: 2000", "planned: -2000")]
)
def test_a_window_or_a_plan_below_zero_is_refused(tmp_path: Path, old: str, new: str) -> None:
    with pytest.raises(ValueError, match=r"survey\.yml.*(window|planned)"):
        changed(tmp_path, said=lambda text: text.replace(old, new))


def test_a_range_that_is_a_text_is_refused_without_the_words_of_a_library(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"survey\.yml.*range") as refused:
        changed(tmp_path, said=lambda text: text.replace("range: [0, 5]", "range: '0-5'"))
    assert "tuple" not in str(refused.value)


# --------------------------------------------------------------------------------------------------- attrition


def test_a_number_that_tells_exactly_who_is_lost_ends_in_a_stated_reason_and_in_no_warning() -> None:
    survey = declared(rated(known=np.arange(60) * 1.0).assign(post=[3.0] * 30 + [np.nan] * 30), gains=BEFORE_AFTER)
    found = ml.attrition(survey, "g", known=["known"])
    assert found.weights is None
    assert found.unweighed is not None
    assert found.unweighed.reason == "separated"


# ------------------------------------------------------------------------------------------------------- register


@pytest.mark.parametrize("value", ["2021", "2021-06", "20210601"])
def test_a_date_without_its_day_is_no_date_and_never_the_first_of_january(tmp_path: Path, value: str) -> None:
    def change(frame: pd.DataFrame) -> None:
        row = frame.index[(frame["exit_date"] != "") & (frame["follow_up_date"] == "")][0]
        frame.loc[row, ["exit_date", "completion_date", "drop_out"]] = [value, "", "other"]

    survey = changed(tmp_path, change)
    findings = survey.check().findings
    assert ((findings["variable"] == "exit_date") & (findings["rule"] == "wrong_type")).any()
    with pytest.raises(ValueError, match=f"exit_date is '{value}', which is no date"):
        ml.flow(survey)


@pytest.mark.parametrize("value", ["2021-06-01T10:00:00+03:00", "2021-06-01T10:00:00Z"])
def test_a_time_with_its_zone_as_kobo_exports_it_is_read_or_refused_in_plain_words(tmp_path: Path, value: str) -> None:
    def change(frame: pd.DataFrame) -> None:
        row = frame.index[(frame["exit_date"] != "") & (frame["follow_up_date"] == "")][0]
        frame.loc[row, "exit_date"] = value

    try:
        ml.flow(changed(tmp_path, change))
    except ValueError as error:
        assert "exit_date" in str(error)  # noqa: PT017
        assert "to_datetime" not in str(error)  # noqa: PT017


def test_a_day_stays_the_day_that_was_written_whatever_its_time_zone() -> None:
    texts = ["2021-01-04T00:30:00+02:00", "2021-07-04T00:30:00+03:00"]
    assert days(pd.Series(texts)).astype(str).tolist() == ["2021-01-04", "2021-07-04"]
    local = pd.Series(pd.to_datetime(["2021-01-04"])).dt.tz_localize("Europe/Riga")
    assert days(local).astype(str).tolist() == ["2021-01-04"]


def test_a_flow_by_crossed_questions_is_made_or_refused_in_plain_words() -> None:
    survey = declared(register(sex=list("wm") * 15), programme=programme())
    try:
        found = ml.flow(survey, by=("town", "sex"))  # type: ignore[arg-type]
        ml.flow(survey, by=[("town", "sex")])  # type: ignore[arg-type]
    except ValueError:
        return
    assert found.breakdowns == ("town × sex",)


def test_a_flow_by_an_empty_list_is_the_total_alone() -> None:
    found = ml.flow(declared(register(), programme=programme()), by=[])  # type: ignore[arg-type]
    assert not found.frame.duplicated(["by", "level", "step"]).any()


def test_groups_of_which_some_were_gone_before_the_first_outcome_are_tested_or_told_apart_without_a_crash() -> None:
    day = np.array([1, 0, 0, 0, 2, 0, 2, 2, 0])
    event = np.array([0, 0, 0, 0, 1, 0, 1, 1, 0]) == 1
    # on the only day of outcomes everybody who is left has one: nothing is left to chance
    statistic, _, p, _ = log_rank(day, event, np.array([3, 2, 3, 1, 2, 1, 0, 1, 3]))
    assert np.isnan(statistic)
    assert np.isnan(p)


def test_a_tiny_group_beside_huge_ones_is_tested_without_listing_all_tables() -> None:
    start = time.perf_counter()
    found = heterogeneity([250_000, 250_000, 2], [500_000, 500_000, 3])
    assert time.perf_counter() - start < 15  # it took 24
    assert 0 <= found.p <= 1


# ---------------------------------------------------------------------------------------------------------- audit


@pytest.mark.parametrize(
    "text",
    [
        "id,n,months,period_start,period_end\na,10,12,2020-01,9999-12-31\n",
        "id,n,months,period_start,subject\na,10,200000,2020-01-01,s\nb,10,,2020-01-01,s\n",
    ],
)
def test_an_end_of_time_is_read_or_refused_with_file_and_row(tmp_path: Path, text: str) -> None:
    try:
        audited(tmp_path, text)
    except ReadError as error:
        assert "row 2" in str(error)  # noqa: PT017


def test_a_long_chain_of_parts_is_read_in_any_order_of_its_rows(tmp_path: Path) -> None:
    rows = "".join(f"r{i},5,r{i - 1}\n" for i in range(1499, 0, -1))
    assert audited(tmp_path, f"id,n,part_of\n{rows}r0,5,\n").ok


def test_a_part_there_is_none_of_adds_nothing(tmp_path: Path) -> None:
    assert audited(tmp_path, "id,n,part_of,times\nT,5,,\na,5,T,1\nb,3,T,0\n").ok


def test_a_total_named_twice_in_one_cell_is_refused_or_counted_once(tmp_path: Path) -> None:
    try:
        audit = audited(tmp_path, "id,n,part_of\nT,10,\na,5,T T\nb,5,T\n")
    except ReadError as error:
        assert "row 3" in str(error)  # noqa: PT017
    else:
        assert audit.ok


@pytest.mark.parametrize("value", ["-100", "10.5"])
def test_a_count_that_is_none_is_shown_as_it_is_written(tmp_path: Path, value: str) -> None:
    with pytest.raises(ReadError, match="row 2: n is") as refused:
        audited(tmp_path, f"id,n,k\na,{value},5\n")
    assert "np." not in str(refused.value)


def test_a_table_of_figures_without_rows_is_not_told_of_respondents(tmp_path: Path) -> None:
    with pytest.raises(ReadError) as refused:
        audited(tmp_path, "id,n,k\n")
    assert "respondent" not in str(refused.value)


def test_two_resources_of_one_name_are_both_read_or_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,n,k\na,5,9\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text("id,n,k\nb,5,4\n", encoding="utf-8")
    named = [{"name": "same", "path": "a.csv"}, {"name": "same", "path": "b.csv"}]
    (tmp_path / "datapackage.json").write_text(json.dumps({"resources": named}), encoding="utf-8")
    try:
        audit = ml.audit_published(tmp_path)
    except ReadError as error:
        assert "same" in str(error)  # noqa: PT017
    else:
        assert set(audit.figures.rows) == {"a", "b"}
        assert not audit.ok


def test_very_many_parts_of_one_total_that_do_not_add_up_are_audited(tmp_path: Path) -> None:
    rows = "".join(f"r{i},1,T\n" for i in range(20_000))
    start = time.perf_counter()
    assert not audited(tmp_path, f"id,n,part_of\nT,5,\n{rows}").ok
    assert time.perf_counter() - start < 60  # it did not end in 150


# --------------------------------------------------------------------------------------------------------- import


def table(to: Path, text: str) -> Path:
    file = to / "export.csv"
    file.write_text(text, encoding="utf-8")
    return file


def test_different_wordings_never_share_a_code(tmp_path: Path) -> None:
    file = table(tmp_path, "q\n" + "Yes\nYes 3\nyes.\n" * 3)
    draft = read_table(file)
    assert draft.responses["q"].nunique() == 3
    import_survey(file, tmp_path / "folder")


def test_a_column_named_respondent_that_is_no_id_leaves_the_numbers_of_the_respondents_alone(tmp_path: Path) -> None:
    draft = read_table(table(tmp_path, "Respondent,q\nmother,1\nmother,2\nfather,3\n"))
    assert draft.responses[draft.respondent_id].is_unique


def test_a_column_that_two_sets_claim_is_refused(tmp_path: Path) -> None:
    file = table(tmp_path, "A,B,C\nx,,\n,y,\n,,z\n")
    with pytest.raises(ReadError, match="B"):
        read_table(file, sets={"s": ("A", "B"), "t": ("B", "C")})


def test_a_table_with_cyrillic_heads_is_read(tmp_path: Path) -> None:
    draft = read_table(table(tmp_path, "Пол,Возраст\n" + "ж,1\nм,2\n" * 2))
    assert len(draft.questionnaire) == 2
