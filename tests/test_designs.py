"""Designs, margins and questions that cannot be used: each is refused by what, where, and what to do."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from surveys import HEAD, ROWS, SURVEY, YML

import motivlab as ml
from motivlab.about import Replicates
from motivlab.compare import compare
from motivlab.design import design_arrays
from motivlab.replicates import with_replicates
from motivlab.summaries import mean, quantile, ratio, total

Small = Callable[..., Path]
Verb = Callable[[ml.Survey], Any]

# What no reader of a message should have to know: the inner words of libraries and of this package.
INNER = re.compile(
    r"\bsvy\b|polars|pydantic|numpy|dtype|on_nonconvergence|\bm\d+\b|unit\(s\)|NOT been modified|see got|"
    r"value error|Value error|input_value|could not convert|\bnan\b|\bNone\b|index out of|\.float'|ufunc"
)


def refused(does: Callable[[], Any], *said: str) -> str:
    """The message of what is refused: one that names all of ``said``, in words of the field."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is looked at below
        does()
    message = str(caught.value)
    for part in said:
        assert part in message, message
    assert not INNER.search(message), message
    assert message.endswith("."), message
    return message


def frame(n: int = 40) -> pd.DataFrame:
    rng = np.random.default_rng(7)
    return pd.DataFrame(
        {
            "y": rng.choice(["a", "b"], n), "g": ["u", "v"] * (n // 2), "s": (["f"] * 3 + ["m"]) * (n // 4),
            "x": rng.normal(30, 5, n), "w": rng.uniform(0.5, 2, n), "h": np.arange(n) // (n // 2),
            "c": np.arange(n) % 4, "f": 100.0, "r1": rng.uniform(0.5, 2, n), "r2": rng.uniform(0.5, 2, n),
            "r3": rng.uniform(0.5, 2, n),
        }
    )  # fmt: skip


def survey(change: dict[str, Any] | None = None, **design: Any) -> ml.Survey:
    return ml.Survey.from_frame(frame().assign(**(change or {})), **design)


def margins(*rows: tuple[str, str, Any], column: str = "share") -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=["variable", "level", column])


HALVES = margins(("g", "u", 0.5), ("g", "v", 0.5))
VERBS: dict[str, Verb] = {
    "prevalence": lambda s: ml.prevalence(s, "y"),
    "mean": lambda s: mean(s, "x"),
    "total": lambda s: total(s, "x"),
    "ratio": lambda s: ratio(s, "x", to="x"),
    "quantile": lambda s: quantile(s, "x"),
    "compare": lambda s: compare(s, "y", "g", smallest=1),
    "rake": lambda s: ml.rake(s, HALVES),
}
each_verb = pytest.mark.parametrize("verb", list(VERBS))


# ----------------------------------------------------------------------------------------------------- the weight


def one_wrong(value: float | None) -> pd.Series:
    return frame()["w"].where(np.arange(40) != 2, value)


@each_verb
@pytest.mark.parametrize(("value", "shown"), [(None, "''"), (0.0, "'0'"), (-1.5, "'-1.5'"), (np.inf, "")])
def test_a_weight_that_is_none(verb: str, value: float | None, shown: str) -> None:
    if value == np.inf:
        shown = "'inf'"
    wrong = survey({"w": one_wrong(value)}, weight="w")
    refused(lambda: VERBS[verb](wrong), "row 3, respondent 3", "the weight w is", shown, "must be a positive number")


def test_a_weight_column_that_is_none() -> None:
    refused(lambda: survey(weight="W"), "weight='W'", "no such column; did you mean 'w'?")
    refused(lambda: ml.prevalence(survey({"w": "heavy"}, weight="w"), "y"), "'w' is a positive number", "Name another")
    refused(lambda: ml.weight_summary(survey()), "the survey has no weight", "design.weight")
    refused(lambda: ml.weight_summary(survey({"w": one_wrong(-1)}, weight="w")), "row 3", "'-1'")


# ----------------------------------------------------------------------------------------------- strata, clusters


@pytest.mark.parametrize("verb", [v for v in VERBS if v != "rake"])
def test_a_stratum_with_one_cluster(verb: str) -> None:
    lonely = {"h": [2] * 4 + [0, 1] * 18, "c": [9] * 4 + list(range(4)) * 9}
    said = "the stratum '2' has a single cluster"
    refused(
        lambda: VERBS[verb](survey(lonely, strata="h", cluster="c", nest=True)),
        said, "Merge it", "adjust, average, certainty or remove",
    )  # fmt: skip
    for rule in ("adjust", "average", "certainty", "remove"):
        VERBS[verb](survey(lonely, strata="h", cluster="c", nest=True, lonely=rule))
    single = {"h": ["alone"] + ["many"] * 39}
    refused(lambda: VERBS[verb](survey(single, strata="h")), "the stratum 'alone' has a single respondent", "Merge")
    refused(lambda: VERBS[verb](survey({"h": 1, "c": 1}, cluster="c")), "the survey has a single cluster")


def test_a_lonely_stratum_outside_the_domain_is_let_be() -> None:
    lonely = survey({"h": ["alone"] + ["many"] * 39}, strata="h")
    assert ml.prevalence(lonely, "y", where="${g} = 'v'").frame["se"].notna().all()


def test_a_stratum_that_is_all_there_is_is_not_lonely() -> None:
    whole = survey({"h": ["alone"] + ["many"] * 39, "f": [1.0] + [500.0] * 39}, strata="h", fpc="f")
    assert ml.prevalence(whole, "y").frame["se"].notna().all()


@each_verb
def test_clusters_that_repeat_across_strata(verb: str) -> None:
    refused(
        lambda: VERBS[verb](survey(strata="h", cluster="c")),
        "the cluster c = '0' is in the strata '0' and '1'", "set `nest: true`", "correct the stratum or the cluster",
    )  # fmt: skip
    VERBS[verb](survey(strata="h", cluster="c", nest=True))


@pytest.mark.parametrize("column", ["h", "c"])
def test_a_blank_stratum_or_cluster(column: str) -> None:
    blank = survey({column: [None] + [1.0, 2.0, 1.0] * 13}, strata="h", cluster="c", nest=True)
    refused(lambda: ml.prevalence(blank, "y"), "row 1, respondent 1", f"{column} is blank", "Every respondent needs")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([5.0] * 40, ["smaller than the sample of 20", "the stratum '0'", "Give the number"]),
        (["many"] * 40, ["row 1", "the fpc f is blank or no number", "Give the population size"]),
        ([-5.0] * 20 + [100.0] * 20, ["-5", "the stratum '0'"]),
        ([0.0] * 20 + [100.0] * 20, ["is 0", "the stratum '0'"]),
        ([0.5] * 20 + [100.0] * 20, ["is 0.5", "the stratum '0'"]),
    ],
)
def test_a_population_size_that_cannot_be(values: list[Any], said: list[str]) -> None:
    refused(lambda: ml.prevalence(survey({"f": values}, strata="h", fpc="f"), "y"), "fpc f", *said)


def test_design_columns_that_are_not_there(small: Small) -> None:
    for role in ("weight", "strata", "cluster", "fpc"):
        refused(lambda role=role: survey(**{role: "nope"}), f"{role}='nope'", "no such column")
        opened = ml.open_survey(small(yml=YML.replace("{weight: w}", f"{{{role}: nope}}")))
        refused(
            lambda s=opened: ml.prevalence(s, "sex"), "responses.csv", f"the {role} column 'nope' is missing", "Correct"
        )


# ---------------------------------------------------------------------------------------------- replicate weights


def replicated(change: dict[str, Any] | None = None, **said: Any) -> ml.Survey:
    return survey(change, weight="w", replicates=Replicates(**({"columns": "r?", "kind": "brr"} | said)))


@pytest.mark.parametrize("verb", ["prevalence", "quantile", "rake"])
@pytest.mark.parametrize(
    ("change", "more", "said"),
    [
        ({}, {"count": 5}, ["3 replicate weights match 'r?'", "says 5", "Correct the one or the other"]),
        ({}, {"columns": "rep*"}, ["0 replicate weights match 'rep*'", "At least two", "design.replicates.columns"]),
        ({}, {"columns": "r1"}, ["1 replicate weights match 'r1'", "At least two"]),
        ({"r2": -1.0}, {}, ["row 1, respondent 1", "the replicate weight r2 is -1", "not negative", "correct it"]),
        ({"r2": np.inf}, {}, ["row 1, respondent 1", "the replicate weight r2 is inf"]),
        ({}, {"rscales": (1.0, 2.0), "kind": "jackknife"}, ["2 rscales for 3 replicate weights", "one for each"]),
        ({"r2": one_wrong(None)}, {}, ["row 3, respondent 3", "the replicate weight r2 is ''"]),
        ({"r2": "heavy"}, {}, ["row 1, respondent 1", "the replicate weight r2 is 'heavy'"]),
        ({}, {"columns": ("r1", "r1", "r2")}, ["'r1'", "twice"]),
        ({}, {"scale": -1.0}, ["scale", "-1"]),
        ({}, {"scale": np.inf}, ["scale is inf", "above 0"]),
        ({}, {"rscales": (1.0, 1.0, -1.0)}, ["rscales", "-1"]),
        ({}, {"count": 1}, ["count is 1", "at least two"]),
        ({}, {"columns": ("w", "r1", "r2")}, ["'w'", "full sample", "Leave it out"]),
    ],
)
def test_replicate_weights_that_cannot_be_used(
    verb: str, change: dict[str, Any], more: dict[str, Any], said: list[str]
) -> None:
    refused(lambda: VERBS[verb](replicated(change, **more)), *said)


def test_a_pattern_that_the_weight_of_the_full_sample_has_too() -> None:
    wide = survey({"w1": 1.0, "w2": frame()["r2"]}, weight="w", replicates=Replicates(columns="w*", kind="brr"))
    design = design_arrays(wide)
    assert design.replicates is not None
    assert design.replicates.weights.shape == (40, 2)
    assert wide.check().ok
    raked = ml.rake(wide, HALVES)
    assert raked.check().ok
    assert {"w", "w1", "w2"} <= set(raked.about.other_columns)


def test_many_replicates_are_raked() -> None:
    many = with_replicates(survey(weight="w"), "bootstrap", count=150)
    raked = ml.rake(many, HALVES)
    assert raked.check().ok
    assert ml.prevalence(raked, "g").frame["se"].max() < 1e-9


def test_replicate_weights_named_and_not_there() -> None:
    refused(lambda: replicated(columns=("r1", "r9")), "r9", "no such column")


def test_replicate_weights_named_and_not_in_the_file(small: Small) -> None:
    yml = YML.replace("{weight: w}", "{weight: w, replicates: {columns: [w, r9], kind: brr}}")
    refused(lambda: ml.prevalence(ml.open_survey(small(yml=yml)), "sex"), "responses.csv", "r9", "missing")


@pytest.mark.parametrize(
    ("does", "said"),
    [
        (lambda: Replicates(columns="r?", kind="fay"), "rho"),
        (lambda: Replicates(columns="r?", kind="brr", rho=0.5), "rho"),
        (lambda: Replicates(columns="r?", kind="jackknife"), "rscales"),
        (lambda: survey(replicates=Replicates(columns="r?", kind="brr")), "weight"),
        (lambda: survey(lonely="skip"), "lonely"),
        (lambda: Replicates(columns="r?", kind="brr", cuont=3), "did you mean 'count'"),  # type: ignore[call-arg]
        (lambda: Replicates(kind="brr"), "'columns' is missing"),  # type: ignore[call-arg]
        (lambda: survey(weight="w", replicates="r?"), "'replicates' is 'r?'. It needs keys of its own: columns, kind"),
    ],
)
def test_a_design_that_is_half_said(does: Callable[[], Any], said: str) -> None:
    refused(does, said)


WIDE = {"head": HEAD + ",rep1,rep2,rep10", "rows": tuple(f"{row},{i + 1},2,{9 - i}" for i, row in enumerate(ROWS))}


def of_yml(small: Small, replicates: str, design: str = "weight: w, ") -> ml.Survey:
    return ml.open_survey(small(yml=YML.replace("{weight: w}", f"{{{design}replicates: {replicates}}}"), **WIDE))


def test_replicates_in_survey_yml(small: Small) -> None:
    said = "{columns: [rep1, rep2, rep10], kind: jackknife, rscales: [0.5, 0.25, 1], scale: 2, mse: true, count: 3}"
    design = design_arrays(of_yml(small, said))
    assert design.replicates is not None
    assert design.replicates.scale.tolist() == [1, 0.5, 2]
    assert design.replicates.mse
    assert design.replicates.weights[0].tolist() == [1, 2, 9]
    by_pattern = of_yml(small, "{columns: 'rep*', kind: fay, rho: 0.5, combined: false}")
    again = design_arrays(by_pattern).replicates
    assert again is not None
    assert again.weights[1].tolist() == [4, 4, 16]  # rep2 before rep10, times the weight of 2
    assert again.scale == pytest.approx([1 / (3 * 0.25)] * 3)


@pytest.mark.parametrize(
    ("replicates", "said"),
    [
        ("{columns: 'rep*', kind: brr, cuont: 3}", ["unknown key 'design.replicates.cuont'", "did you mean 'count'"]),
        ("{columns: 'rep*', kind: jack}", ["'design.replicates.kind' is 'jack'", "'jackknife1'", "Correct"]),
        ("{kind: brr}", ["the key 'design.replicates.columns' is missing", "Add it"]),
        ("{columns: [rep1, 2], kind: brr}", ["'design.replicates.columns.1' is 2", "Correct"]),
        ("{columns: 'rep*', kind: brr, scale: 'one'}", ["'design.replicates.scale' is 'one'", "number"]),
        ("{columns: 'rep*', kind: fay}", ["design.replicates", "rho"]),
        ("{columns: 'rep*', kind: fay, rho: 1}", ["design.replicates", "rho is 1"]),
        ("{columns: 'rep*', kind: jackknife}", ["design.replicates", "rscales"]),
        ("{columns: 'rep*', kind: brr, rscales: [1, x]}", ["'design.replicates.rscales.1' is 'x'"]),
        ("'rep*'", ["'design.replicates' is 'rep*'", "columns"]),
    ],
)
def test_replicates_in_survey_yml_that_cannot_be_read(small: Small, replicates: str, said: list[str]) -> None:
    message = refused(lambda: of_yml(small, replicates), "survey.yml", *said)
    assert "instance of" not in message
    assert message.count("survey.yml") == 1


def test_replicates_in_survey_yml_without_a_weight(small: Small) -> None:
    refused(lambda: of_yml(small, "{columns: 'rep*', kind: brr}", ""), "survey.yml", "`weight`")


def test_replicate_weights_are_declared_columns(small: Small) -> None:
    found = of_yml(small, "{columns: 'rep*', kind: brr}").check().findings
    assert not found["rule"].eq("column_unknown").any()
    raked = ml.rake(replicated(combined=False), HALVES)
    assert raked.check().ok
    absent = of_yml(small, "{columns: [rep1, rep3], kind: brr}").check().findings
    assert absent[absent["rule"] == "column_missing"]["variable"].tolist() == ["rep3"]


def test_replicate_weights_are_checked(small: Small) -> None:
    rows = tuple(f"{row},{cell},2,3" for row, cell in zip(ROWS, ("", "x", "-1", "0", "1", "2", "3"), strict=True))
    yml = YML.replace("{weight: w}", "{weight: w, replicates: {columns: 'rep*', kind: brr}}")
    found = ml.open_survey(small(yml=yml, head=HEAD + ",rep1,rep2,rep10", rows=rows)).check().findings
    found = found[found["variable"] == "rep1"]
    assert found["rule"].to_dict() == {2: "wrong_type", 3: "wrong_type", 4: "out_of_range"}
    assert found["value"].tolist() == ["", "x", "-1"]
    assert "the limit is ≥ 0" in found["message"].iloc[2]


@pytest.mark.parametrize("method", ["rake", "poststratify", "linear"])
def test_a_replicate_that_cannot_be_raked(method: Any) -> None:
    empty = replicated({"r2": np.where(frame()["g"] == "u", 0.0, 1.0)})
    refused(lambda: ml.rake(empty, HALVES, method), "r2", "g", "u", "Merge the level")


def test_a_replicate_whose_linear_weights_are_below_zero() -> None:
    given, table = extreme()
    met = ml.rake(given, table).responses["weight_calibrated"]
    wide = given.responses[["y", "g"]].assign(w=met, r1=met, r2=1.0)
    design = Replicates(columns="r?", kind="brr")
    refused(
        lambda: ml.rake(ml.Survey.from_frame(wide, weight="w", replicates=design), table, "linear"),
        "row 19, respondent 19", "the calibrated replicate weight r2 would be -7", "2 in all", "method='rake'",
    )  # fmt: skip


# ---------------------------------------------------------------------------------------------------- the margins

UV, AB = [("g", "u", 0.5), ("g", "v", 0.5)], [("y", "a", 0.5), ("y", "b", 0.5)]


@pytest.mark.parametrize("method", ["rake", "poststratify", "linear"])
@pytest.mark.parametrize(
    ("table", "said"),
    [
        (margins(("g", "u", 0.5), ("g", "v", 0.4)), ["the shares of g add up to 0.9, not to 1", "Correct them"]),
        (margins(*UV, ("g", "z", 0.001)), ["nobody has g = 'z'", "Correct the level, or merge"]),
        (margins(("g", "u", 1.0)), ["row 2, respondent 2", "g is 'v', which no margin has", "20 respondents in all"]),
        (margins(*UV, ("g", "u", 0.5)), ["g = 'u' is there twice", "Keep one row"]),
        (margins(("g", "u", 1.0), ("g", "v", 0.0)), ["the share of g = 'v' is '0'", "must be a positive number"]),
        (margins(("g", "u", 0), ("g", "v", 0), column="total"), ["row 1", "the total of g = 'u' is '0'", "positive"]),
        (margins(("g", "u", None), ("g", "v", 1.0)), ["row 1", "the share of g = 'u' is ''", "positive"]),
        (margins(("g", "u", np.inf), ("g", "v", 1), column="total"), ["the total of g = 'u' is 'inf'"]),
        (margins(("g", "u", "half"), ("g", "v", 0.5)), ["the share of g = 'u' is 'half'"]),
        (HALVES.assign(total=5), ["either the column 'total' or 'share'"]),
        (HALVES.drop(columns="share"), ["either the column 'total' or 'share'"]),
        (HALVES.drop(columns="level"), ["the column 'level' is missing", "It needs variable, level"]),
        (HALVES.drop(columns="variable"), ["the column 'variable' is missing"]),
        (HALVES.iloc[:0], ["it has no rows", "Give a row per level"]),
        (margins(("G", "u", 0.5), ("G", "v", 0.5)), ["no question 'G'", "Known: y, g"]),
        (margins(("x", "30", 0.5), ("x", "31", 0.5)), ["the margin 'x' is a decimal question", "select_one"]),
        (margins(("g × s", "u × f", 1.0)), ["row 2", "g × s is 'v × f', which no margin has"]),
    ],
)
def test_margins_that_cannot_be(method: Any, table: pd.DataFrame, said: list[str]) -> None:
    refused(lambda: ml.rake(survey(weight="w"), table, method), *said)


def test_margins_of_one_population() -> None:
    table = margins(("g", "u", 50), ("g", "v", 50), ("y", "a", 60), ("y", "b", 60), column="total")
    said = ["the totals of g add up to 100", "those of y to 120", "correct them, or give shares"]
    refused(lambda: ml.rake(survey(), table), *said)
    refused(lambda: ml.rake(survey(), table, "linear"), *said)
    refused(lambda: ml.rake(survey(), margins(*UV, *AB), "poststratify"), "takes one margin, this has 2: g, y", "Cross")
    refused(lambda: ml.rake(survey(), HALVES, "ipf"), "method is 'ipf'", "rake, poststratify, linear")  # type: ignore[arg-type]


def test_a_respondent_in_no_level() -> None:
    blank = {"g": [None, *frame()["g"][1:]]}
    refused(lambda: ml.rake(survey(blank), HALVES), "row 1, respondent 1", "g is ''", "which no margin has", "impute")
    said = {"g": ["refused", *frame()["g"][1:]]}
    refused(lambda: ml.rake(survey(said), HALVES), "row 1, respondent 1", "g is 'refused'", "Add the level, impute")


def test_a_missing_reason_is_no_level(small: Small) -> None:
    opened = ml.open_survey(small())
    table = margins(("met", "yes", 0.5), ("met", "no", 0.5))
    refused(lambda: ml.rake(opened, table), "responses.csv, row 6, respondent 5", "met is 'dk', which no margin has")


def test_a_blank_is_no_level_of_a_margin() -> None:
    table = margins(("g", "u", 0.4), ("g", "v", 0.5), ("g", "", 0.1))
    refused(lambda: ml.rake(survey({"g": [None, *frame()["g"][1:]]}), table), "row 3", "level")


def test_margins_of_a_file_are_named_by_its_rows(tmp_path: Path) -> None:
    file = tmp_path / "margins.csv"
    file.write_text("variable,level,share\ng,u,0.5\ng,v,-0.5\n", encoding="utf-8")
    refused(lambda: ml.rake(survey(), file), "margins.csv, row 3")


def test_margins_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "margins.csv"
    file.write_text("variable,level,share\ng,u,0.25\ng,v,0.75\n", encoding="utf-8")
    found = ml.prevalence(ml.rake(survey(), file), "g").frame
    assert found["estimate"].tolist() == pytest.approx([0.25, 0.75])
    with pytest.raises(FileNotFoundError, match=r"nope\.csv: no such file of margins\. Correct the path"):
        ml.rake(survey(), tmp_path / "nope.csv")
    refused(lambda: ml.rake(survey(), [0.25, 0.75]), "margins is [0.25, 0.75]", "Give a DataFrame")  # type: ignore[arg-type]


def contradictory() -> ml.Survey:
    same = {"y": np.where(frame()["g"] == "u", "a", "b")}
    return survey(same)


CONTRADICTION = margins(("g", "u", 0.4), ("g", "v", 0.6), ("y", "a", 0.6), ("y", "b", 0.4))


@pytest.mark.parametrize("method", ["rake", "linear"])
def test_contradictory_margins(method: Any) -> None:
    with pytest.raises(ValueError, match=r"onverge|not met") as caught:
        ml.rake(contradictory(), CONTRADICTION, method)
    assert "Merge small levels, leave a margin out" in str(caught.value)
    assert "g = 'u' has 2" in str(caught.value)
    assert "most_sweeps" not in str(caught.value)  # which would not help


UNEVEN = margins(("g", "u", 0.3), ("g", "v", 0.7))


@pytest.mark.parametrize(
    "does",
    [
        lambda: ml.rake(contradictory(), CONTRADICTION),
        lambda: ml.rake(contradictory(), CONTRADICTION, "linear"),
        lambda: ml.rake(contradictory(), CONTRADICTION, trim=(0.2, 5)),
        lambda: ml.rake(survey(weight="w"), UNEVEN, trim=(0.97, 1.03)),
        lambda: ml.rake(survey(weight="w"), UNEVEN, "poststratify", trim=(0.97, 1.03)),
        lambda: ml.rake(survey(weight="w"), UNEVEN, "linear", trim=(0.97, 1.03)),
    ],
)
def test_what_svy_cannot_do_is_said_in_our_words(does: Callable[[], Any]) -> None:
    assert "most_sweeps" not in refused(does, "g = 'u'", "its total of ")


def test_margins_out_of_reach_of_the_bounds() -> None:
    given = survey(weight="w")
    refused(
        lambda: ml.rake(given, UNEVEN, trim=(0.7, 1.5)),
        "g = 'u' cannot reach its total of", "trim=(0.7, 1.5)", "20 respondents would need 0.6 times the mean weight",
    )  # fmt: skip
    both = margins(*UNEVEN.itertuples(index=False, name=None), ("y", "a", 0.3), ("y", "b", 0.7))
    for method in ("rake", "linear"):
        said = refused(
            lambda method=method: ml.rake(given, both, method, trim=(0.5, 1.45)),
            f"{method} with trim=(0.5, 1.45) did not converge in 1,000 turns", "times their mean", "Widen `trim`",
        )  # fmt: skip
        assert "most_sweeps" not in said
    assert "allow more `most_sweeps`" in refused(lambda: ml.rake(given, both, most_sweeps=3), "in 3 sweeps")


def extreme() -> tuple[ml.Survey, pd.DataFrame]:
    y, g = ["a"] * 18 + ["b"] * 2 + ["b"] * 18 + ["a"] * 2, ["u"] * 20 + ["v"] * 20
    return survey({"y": y, "g": g}), margins(("y", "a", 0.9), ("y", "b", 0.1), ("g", "u", 0.1), ("g", "v", 0.9))


def test_linear_weights_below_zero() -> None:
    given, table = extreme()
    refused(
        lambda: ml.rake(given, table, "linear"),
        "row 19, respondent 19", "the calibrated weight would be -7", "2 in all", "method='rake'",
    )  # fmt: skip
    assert (ml.rake(given, table).responses["weight_calibrated"] > 0).all()


@pytest.mark.parametrize("method", ["rake", "poststratify", "linear"])
def test_trimmed_weights_are_within_their_bounds_and_meet_the_margins(method: Any) -> None:
    trimmed = ml.rake(survey(weight="w"), HALVES, method, trim=(0.6, 1.4))
    weight = trimmed.responses["weight_calibrated"]
    assert (weight / weight.mean()).between(0.6 * (1 - 5e-4), 1.4 * (1 + 5e-4)).all()
    assert (trimmed.calibration.report["miss"] < 1e-9).all()  # type: ignore[union-attr]
    assert trimmed.calibration.trimmed > 0  # type: ignore[union-attr]
    assert ml.weight_summary(trimmed).frame["stage"].tolist() == ["before", "after"]


@pytest.mark.parametrize("method", ["rake", "poststratify", "linear"])
def test_trimmed_weights_are_within_their_bounds_as_exactly_as_margins_hold(method: Any) -> None:
    trimmed = ml.rake(survey(weight="w"), HALVES, method, trim=(0.6, 1.3))
    weight = trimmed.responses["weight_calibrated"]
    ratio = weight / weight.mean()
    assert ratio.between(0.6 * (1 - 1e-8), 1.3 * (1 + 1e-8)).all()
    assert trimmed.calibration is not None
    assert trimmed.calibration.trimmed == (ratio.round(6).isin([0.6, 1.3])).sum() > 0


@pytest.mark.parametrize(
    "trim",
    [(5, 0.2), (1, 1), (-0.5, 2), (1.1, 2), (0, 2), (0.2,), 0.2, ("a", "b"), (0.2, 5, 7)],
)
def test_bounds_that_are_none(trim: Any) -> None:
    if trim == (0, 2):
        ml.rake(survey(), HALVES, trim=trim)
        return
    refused(lambda: ml.rake(survey(), HALVES, trim=trim), "trim=", "for instance (0.2, 5)")


def test_raking_twice_and_a_name_that_is_taken() -> None:
    once = ml.rake(survey(weight="w"), HALVES)
    refused(lambda: ml.rake(once, HALVES, name="again"), "calibrated already", "Begin with the survey as it was opened")
    refused(lambda: ml.rake(survey(), HALVES, name="w"), "a column 'w'", "Choose another `name`")
    taken = survey({"weight_calibrated": 1.0})
    refused(lambda: ml.rake(taken, HALVES), "'weight_calibrated'")


def numeric(*rows: tuple[str, str, Any]) -> pd.DataFrame:
    return margins(("g", "u", 20.0), ("g", "v", 20.0), *rows, column="total")


def test_totals_of_numbers() -> None:
    refused(lambda: ml.rake(survey(), numeric(("x", "", 1200.0))), "'x' has no levels", "method='linear'")
    alone = margins(("x", "", 1200.0), column="total")
    refused(lambda: ml.rake(survey(), alone, "linear"), "'x' has no levels", "beside a margin that has levels")
    blank = survey({"x": [None, *frame()["x"][1:]]})
    refused(lambda: ml.rake(blank, numeric(("x", "", 1200.0)), "linear"), "row 1, respondent 1", "x is no number")
    found = total(ml.rake(survey(), numeric(("x", "", 1210.0)), "linear"), "x").frame.iloc[0]
    assert found["estimate"] == pytest.approx(1210)
    assert found["se"] < 1e-5


def test_the_total_of_a_number_of_any_size() -> None:
    for size in (1e-6, 1e6, 1e9):
        given = survey({"x": frame()["x"] * size})
        raked = ml.rake(given, numeric(("x", "", 1210.0 * size)), "linear")
        assert total(raked, "x").frame["estimate"].iloc[0] == pytest.approx(1210 * size, rel=1e-9)


def test_the_total_of_a_number_crossed() -> None:
    refused(lambda: ml.rake(survey(), numeric(("y × x", "", 1200.0)), "linear"), "'y × x'", "level")


def test_a_missing_reason_of_a_number_is_no_number_to_calibrate_to(small: Small) -> None:
    table = margins(("sex", "f", 4.0), ("sex", "m", 4.0), ("age", "", 300.0), column="total")
    refused(
        lambda: ml.rake(ml.open_survey(small()), table, "linear"),
        "row 6, respondent 5",
        "age is no number but '-8'",
        "1 respondent in all has none",
    )


def test_crossed_margins() -> None:
    cells = [("u × f", 0.1), ("u × m", 0.2), ("v × f", 0.3), ("v × m", 0.4)]
    given = survey({"s": ["f", "f", "m", "m"] * 10})
    for method in ("rake", "poststratify", "linear"):
        raked = ml.rake(given, margins(*(("g × s", cell, share) for cell, share in cells)), method)  # type: ignore[arg-type]
        weight = raked.responses["weight_calibrated"].groupby(
            [raked.responses["g"], raked.responses["s"]], observed=True
        )
        assert (weight.sum() / 40).tolist() == pytest.approx([0.1, 0.2, 0.3, 0.4])


def test_a_cross_in_a_name_that_is_none() -> None:
    crossed = ml.Survey.from_frame(frame().rename(columns={"g": "left × right"}))
    table = margins(("left × right", "u", 0.3), ("left × right", "v", 0.7))
    refused(lambda: ml.rake(crossed, table), "'left × right' is a question with ' × ' in its name", "Rename")
    choice = survey({"g": ["u × f", "v"] * 20})
    cells = margins(("g × s", "u × f × f", 0.5), ("g × s", "v × f", 0.5))
    refused(lambda: ml.rake(choice, cells), "a choice of 'g' has ' × ' in its name", "Rename it")


# ----------------------------------------------------------------------------------------- questions and arguments


@pytest.mark.parametrize(
    ("does", "said"),
    [
        (lambda s: ml.prevalence(s, "z"), ["no question 'z'", "Known: "]),
        (lambda s: mean(s, "z"), ["no question 'z'"]),
        (lambda s: ratio(s, "x", to="z"), ["no question 'z'"]),
        (lambda s: compare(s, "z", "g"), ["no question 'z'"]),
        (lambda s: compare(s, "y", "z"), ["no question 'z'"]),
        (lambda s: ml.prevalence(s, "y", by="z"), ["no question 'z'"]),
        (lambda s: ml.prevalence(s, "y", by="x"), ["by='x'", "a decimal question", "group the values first"]),
        (lambda s: ml.prevalence(s, "y", by=["g", "g"]), ["'g' is there twice"]),
        (lambda s: ml.prevalence(s, "x"), ["question 'x' is of type decimal", "no choices"]),
        (lambda s: mean(s, "y"), ["question 'y' is of type select_one", "name a question that asks for a number"]),
        (lambda s: quantile(s, "y"), ["question 'y' is of type select_one", "asks for a number"]),
        (lambda s: ratio(s, "x", to="y"), ["question 'y' is of type select_one"]),
        (lambda s: compare(s, "y", "y"), ["between='y'", "between its own answers"]),
        (lambda s: compare(s, "y", ("g", "y")), ["'y' cannot be compared between its own answers"]),
        (lambda s: compare(s, "y", "g", where="${g} = 'u'"), ["between='g'", "'u'", "needs two groups"]),
        (lambda s: compare(s, "y", "g", correction="bonferroni"), ["correction is 'bonferroni'", "holm, bh, none"]),
        (lambda s: compare(s, "y", "g", family="all"), ["family is 'all'"]),
        (lambda s: ml.prevalence(s, "y", interval="exact"), ["interval is 'exact'", "korn-graubard"]),
        (lambda s: ml.prevalence(s, "y", base="everybody"), ["base is 'everybody'", "all, asked, any"]),
        (lambda s: ml.prevalence(s, "y", where="${z} = 1"), ["refers to 'z'", "no question"]),
        (lambda s: ml.prevalence(s, "y", where="${g} = 'z'"), ["'z' is no choice of 'g'", "u, v"]),
        (lambda s: quantile(s, "x", [0, 0.5]), ["probs=[0, 0.5]", "between 0 and 1"]),
        (lambda s: quantile(s, "x", [0.5, 1]), ["probs=[0.5, 1]"]),
        (lambda s: quantile(s, "x", [np.nan]), ["probs="]),
        (lambda s: quantile(s, "x", []), ["probs=[]"]),
        (lambda s: quantile(s, "x", 1.5), ["probs=1.5", "for instance [0.25, 0.5]"]),
        (lambda s: quantile(s, "x", ["median"]), ["probs="]),
        (lambda s: quantile(s, "x", [0.5, 0.5]), ["probs=", "different shares"]),
    ],
)
def test_what_cannot_be_asked_says_why(does: Verb, said: list[str]) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is looked at below
        does(survey())
    message = str(caught.value)
    for part in said:
        assert part in message, message
    assert "could not convert" not in message


@pytest.mark.parametrize(
    "verb", [v for v in VERBS if v not in ("rake", "prevalence", "ratio")] + ["prevalence", "ratio"]
)
@pytest.mark.parametrize("confidence", [0, 1, 1.5, -0.1, np.nan, 95])
def test_a_confidence_that_is_none(verb: str, confidence: float) -> None:
    verbs: dict[str, Verb] = {
        "prevalence": lambda s: ml.prevalence(s, "y", confidence=confidence),
        "mean": lambda s: mean(s, "x", confidence=confidence),
        "total": lambda s: total(s, "y", confidence=confidence),
        "ratio": lambda s: ratio(s, "x", to="x", confidence=confidence),
        "quantile": lambda s: quantile(s, "x", confidence=confidence),
        "compare": lambda s: compare(s, "y", "g", confidence=confidence),
    }
    with pytest.raises(ValueError, match=r"confidence is .* Use a number between 0 and 1, for instance 0.95"):
        verbs[verb](survey())


@pytest.mark.parametrize("verb", ["prevalence", "mean", "total", "ratio", "quantile", "compare"])
def test_a_condition_that_keeps_nobody(verb: str) -> None:
    where = "${g} = 'u' and ${g} = 'v'"
    verbs: dict[str, Verb] = {
        "prevalence": lambda s: ml.prevalence(s, "y", where=where),
        "mean": lambda s: mean(s, "x", where=where),
        "total": lambda s: total(s, "x", where=where),
        "ratio": lambda s: ratio(s, "x", to="x", where=where),
        "quantile": lambda s: quantile(s, "x", where=where),
        "compare": lambda s: compare(s, "y", "g", where=where),
    }
    refused(lambda: verbs[verb](survey()), "where=", "keeps none of the 40 respondents", "Compare its values")


def test_a_question_with_a_name_of_one_letter() -> None:
    given = ml.Survey.from_frame(frame().rename(columns={"g": "party"}))
    assert len(compare(given, "y", "party", smallest=1).differences) == 2


@pytest.mark.parametrize("verb", ["mean", "total", "quantile", "ratio"])
def test_a_text_among_numbers_is_named(small: Small, verb: str) -> None:
    opened = ml.open_survey(small(rows=(*ROWS[:2], "3,1,f,fifty,no,,,,,,,2021-10-05", *ROWS[3:])))
    verbs: dict[str, Verb] = {
        "mean": lambda s: mean(s, "age"), "total": lambda s: total(s, "age"), "quantile": lambda s: quantile(s, "age"),
        "ratio": lambda s: ratio(s, "age", to="age"),
    }  # fmt: skip
    refused(lambda: verbs[verb](opened), "responses.csv, row 4, respondent 3", "age is 'fifty', which is no number")


def test_a_condition_on_a_number_whose_missing_reason_is_a_word(small: Small) -> None:
    rows = tuple(row.replace("-8", "ref") for row in ROWS)
    opened = ml.open_survey(small(survey=SURVEY.replace("-8=refused", "ref=refused"), rows=rows))
    assert ml.prevalence(opened, "sex", where="${age} > 30").frame["n"].tolist() == [4, 4]


# ------------------------------------------------------------------------------------------------ odd but possible


def all_of(given: ml.Survey, by: Sequence[str] = ("g",)) -> dict[str, pd.DataFrame]:
    return {
        "prevalence": ml.prevalence(given, "y", by=by).frame,
        "mean": mean(given, "x", by=by).frame,
        "total": total(given, "x", by=by).frame,
        "ratio": ratio(given, "x", to="x", by=by).frame,
        "quantile": quantile(given, "x", by=by).frame,
    }


def few_respondents(n: int) -> pd.DataFrame:
    kinds = {"y": pd.CategoricalDtype(["a", "b"]), "g": pd.CategoricalDtype(["u", "v"])}
    given = pd.DataFrame({"y": ["a", "b"], "g": ["u", "v"], "x": [1.5, 2.25], "w": [1.0, 2.0]})
    return given.iloc[:n].astype(kinds)


def test_one_respondent() -> None:
    one = ml.Survey.from_frame(few_respondents(1), weight="w")
    refused(lambda: all_of(one), "the survey has a single respondent", "design.lonely")
    found = all_of(ml.Survey.from_frame(few_respondents(1), weight="w", lonely="remove"))
    assert found["prevalence"].iloc[0][["n", "k", "estimate"]].tolist() == [1, 1, 1]
    assert found["prevalence"][["ci_low", "ci_high"]].isna().all().all()
    assert (found["mean"]["estimate"].dropna() == 1.5).all()
    assert ml.weight_summary(one).frame["deff"].tolist() == [1]


def test_two_respondents() -> None:
    two = ml.Survey.from_frame(few_respondents(2), weight="w")
    found = all_of(two)
    assert found["prevalence"].iloc[:2]["estimate"].tolist() == pytest.approx([1 / 3, 2 / 3])
    assert found["mean"].iloc[0]["estimate"] == pytest.approx(2)
    # a level with a single respondent: the estimate, and no interval
    level = found["mean"].iloc[1]
    assert (level["n"], level["df"], level["estimate"]) == (1, 0, 1.5)
    assert np.isnan(level["ci_low"])
    assert compare(two, "y", "g", smallest=1).differences["p"].isna().all()


def test_a_level_with_a_single_respondent() -> None:
    alone = {"g": ["u", *(["v"] * 39)]}
    for design in (
        {},
        {"weight": "w"},
        {"strata": "h"},
        {"cluster": "c"},
        {"strata": "h", "cluster": "c", "nest": True},
    ):
        for frame_ in all_of(survey(alone, **design)).values():
            row = frame_[frame_["level"] == "u"].iloc[0]
            assert row["n"] == 1
            assert row["df"] == 0
            assert np.isnan(row["ci_low"])
        compare(survey(alone, **design), "y", "g", smallest=1)


def test_a_question_that_nobody_answered() -> None:
    empty = survey({"m": pd.Categorical([None] * 40, ["yes", "no"]), "n": pd.Series([np.nan] * 40)})
    found = ml.prevalence(empty, "m", by="g").frame
    assert (found["n"] == 0).all()
    assert found[["estimate", "se", "ci_low", "ci_high"]].isna().all().all()
    assert len(ml.prevalence(empty, "y", by="m").frame) == 2 + 4
    assert quantile(empty, "n").frame["estimate"].isna().all()
    refused(lambda: compare(empty, "m", "g"), "between='g': no level has", "needs two groups")


@pytest.mark.parametrize(
    ("verb", "blank"),
    [(verb, np.nan) for verb in ("prevalence", "mean", "total", "quantile")]
    + [(verb, None) for verb in ("prevalence", "mean", "total")],
)
def test_a_column_that_is_blank_throughout(verb: str, blank: Any) -> None:
    verbs: dict[str, Verb] = {
        "prevalence": lambda s: ml.prevalence(s, "m"), "mean": lambda s: mean(s, "m"),
        "total": lambda s: total(s, "m"), "quantile": lambda s: quantile(s, "m"),
    }  # fmt: skip
    try:
        found = verbs[verb](survey({"m": blank})).frame
    except ValueError:
        return
    assert (found["n"] == 0).all()


@pytest.mark.parametrize(
    "values",
    [[np.inf, *range(1, 40)], (np.arange(40) * 1e20).tolist()],
)
def test_numbers_beyond_all_bounds(values: list[float]) -> None:
    try:
        assert mean(survey({"x": values}), "x").frame["n"].iloc[0] == 40
    except ValueError as error:
        assert "row 1" in str(error)  # noqa: PT017


def test_weights_that_differ_by_a_million_million() -> None:
    heavy = survey({"w": np.where(np.arange(40) < 4, 1e12, 1.0), "y": ["a", "b"] * 20}, weight="w")
    for name, frame_ in all_of(heavy).items():
        assert np.isfinite(frame_["estimate"]).all()
        assert ((frame_["se"] >= 0) | (name == "quantile")).all()  # whose bounds may be beyond the answers
    shares = ml.prevalence(heavy, "y").frame
    assert shares["estimate"].sum() == pytest.approx(1)
    assert shares["se"].iloc[0] == pytest.approx(shares["se"].iloc[1])
    assert ml.weight_summary(heavy).frame["ratio"].tolist() == [1e12]
    raked = ml.rake(heavy, HALVES)
    assert ml.prevalence(raked, "g").frame["estimate"].tolist() == pytest.approx([0.5, 0.5])


def test_a_share_of_nearly_all_has_the_standard_error_of_its_complement() -> None:
    heavy = survey({"w": np.where(np.arange(40) < 4, 1e6, 1.0), "y": ["a"] * 4 + ["a", "b"] * 18}, weight="w")
    se = ml.prevalence(heavy, "y").frame["se"]
    assert se.iloc[0] == pytest.approx(se.iloc[1], rel=0.01, abs=0)


def test_odd_names() -> None:
    rng = np.random.default_rng(3)
    names, groups = ["да, нет", "×", "a × b", " c ", "<b>'\"</b>"], ["ā u", "v=1"]
    odd = pd.DataFrame({"вопрос 1": rng.choice(names, 80), "g h": rng.choice(groups, 80)})
    given = ml.Survey.from_frame(odd)
    found = ml.prevalence(given, "вопрос 1", by="g h").frame
    assert set(found["item"]) == set(names)
    assert found[found["by"] == ""]["estimate"].sum() == pytest.approx(1)
    assert len(compare(given, "вопрос 1", "g h", smallest=1).differences) == len(names)
    assert ml.prevalence(given, "вопрос 1", where="${g h} = 'v=1'").frame["n"].iloc[0] == (odd["g h"] == "v=1").sum()
    equal = margins(*(("вопрос 1", name, 0.2) for name in names))
    assert ml.prevalence(ml.rake(given, equal), "вопрос 1").frame["estimate"].tolist() == pytest.approx([0.2] * 5)
    assert "&lt;b&gt;" in ml.table(ml.prevalence(given, "вопрос 1")).html()
    refused(
        lambda: ml.prevalence(given, "g h", by=[("g h", "вопрос 1")]), "'вопрос 1'", "' × ' in its name", "Rename it"
    )


def test_an_empty_label_is_no_choice() -> None:
    given = survey({"y": pd.Categorical(["a", "b", "", "a"] * 10, ["a", "b", ""])})
    assert ml.prevalence(given, "y").frame["item"].tolist() == ["a", "b"]
