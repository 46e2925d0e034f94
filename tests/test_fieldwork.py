"""AAPOR rates against rates published elsewhere, identities, errors, tables."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import motivlab.tables_fieldwork  # noqa: F401 - registers the tables
from motivlab.fieldwork import COLUMNS, DISPOSITIONS, ELIGIBLE, RATES, ResponseRates, response_rates
from motivlab.language import LANGUAGES, percent
from motivlab.tables import table

# The vignette "Intro to outcomerate" of the R package outcomerate 1.0.1 (rOpenSci, 2018):
#   disp_counts <- c(I = 760, P = 339, R = 59, NC = 288, O = 1, UO = 173, NE = 71)
#   outcomerate(disp_counts, e = eligibility_rate(disp_counts))
# The e of eligibility_rate() is that of the AAPOR Outcome Rate Calculator 4.0 (2016): known eligible / all known.
VIGNETTE = {"I": 760, "P": 339, "R": 59, "NC": 288, "O": 1, "UO": 173, "NE": 71}
VIGNETTE_RATES = {
    "RR1": 0.46913580, "RR2": 0.67839506, "RR3": 0.47149080, "RR4": 0.68180052, "RR5": 0.52522460, "RR6": 0.75950242,
    "COOP1": 0.65573770, "COOP2": 0.94823123, "COOP3": 0.65630397, "COOP4": 0.94905009,
    "REF1": 0.03641975, "REF2": 0.03660258, "REF3": 0.04077402,
    "CON1": 0.71543210, "CON2": 0.71902347, "CON3": 0.80096752,
}  # fmt: skip
# Its README, where every disposition has cases, to three decimals.
README = {"I": 4, "P": 2, "R": 1, "NC": 1, "O": 1, "UH": 1, "UO": 1, "NE": 1}
README_RATES = {
    "RR1": 0.364, "RR2": 0.545, "RR3": 0.370, "RR4": 0.556, "RR5": 0.444, "RR6": 0.667,
    "COOP1": 0.500, "COOP2": 0.750, "COOP3": 0.571, "COOP4": 0.857, "REF1": 0.091, "REF2": 0.093, "REF3": 0.111,
    "CON1": 0.727, "CON2": 0.741, "CON3": 0.889,
}  # fmt: skip
USING_E = ["RR3", "RR4", "REF2", "CON2"]

GROUPS = pd.DataFrame(
    {
        "group": ["Riga"] * 5 + ["Latgale"] * 5,
        "disposition": ["I", "refusal", "break-off", "UH", "NE", "I", "P", "R", "UO", "NE"],
        "count": [50, 20, 3, 7, 2, 4, 5, 6, 9, 1],
    }
)


def values(rates: ResponseRates, group: str = "") -> dict[str, float]:
    frame = rates.frame[rates.frame["group"] == group]
    return dict(zip(frame["rate"], frame["value"], strict=True))


@pytest.mark.parametrize(
    ("cases", "published", "within"), [(VIGNETTE, VIGNETTE_RATES, 5.1e-9), (README, README_RATES, 5.1e-4)]
)
def test_rates_are_those_that_outcomerate_published(
    cases: dict[str, int], published: dict[str, float], within: float
) -> None:
    rates = response_rates(cases, e="proportional")
    assert tuple(rates.frame) == COLUMNS
    assert values(rates) == pytest.approx(published, abs=within)
    by_hand = response_rates(
        cases, e=1 - cases["NE"] / (sum(cases.values()) - cases["UO"] - cases.get("UH", 0)), e_basis="x"
    )
    assert values(by_hand) == pytest.approx(values(rates), abs=1e-15)


def test_each_formula_is_what_was_computed() -> None:
    rates = response_rates(README, e=0.3, e_basis="screener")
    for row in rates.frame.itertuples():
        formula = re.sub(r"\be\(", "0.3 * (", str(row.formula))
        assert eval(formula, {}, dict(README)) == pytest.approx(row.value), row.rate  # our own text, not input
        assert row.numerator / row.denominator == row.value
    assert rates.frame["e"].notna().tolist() == [rate.code in USING_E for rate in RATES]
    assert not (rates.frame["reason"] != "").any()


counts = st.integers(0, 10_000)
cases_of = st.fixed_dictionaries({code: counts for code in DISPOSITIONS if code != "ND"}).filter(
    lambda cases: cases["I"] + cases["R"] > 0
)


@settings(deadline=None)
@given(cases_of, st.floats(0, 1))
def test_identities_of_the_rates(cases: dict[str, int], e: float) -> None:
    rate = values(response_rates(cases, e=e, e_basis="assumed"))
    slack = 1 + 1e-12
    for low, middle, high in (
        ("RR1", "RR3", "RR5"), ("RR2", "RR4", "RR6"), ("REF1", "REF2", "REF3"), ("CON1", "CON2", "CON3"),
        ("RR1", "RR1", "RR2"), ("RR3", "RR3", "RR4"), ("RR5", "RR5", "RR6"),
        ("COOP1", "COOP1", "COOP3"), ("COOP2", "COOP2", "COOP4"), ("RR5", "COOP1", "COOP2"),
    ):  # fmt: skip
        assert rate[low] <= rate[middle] * slack, (low, middle)
        assert rate[middle] <= rate[high] * slack, (middle, high)
    assert all(0 <= value <= 1 for value in rate.values())
    # of those in contact some answer: response is contact times cooperation
    for response, contact, cooperation in (
        ("RR1", "CON1", "COOP1"),
        ("RR4", "CON2", "COOP2"),
        ("RR6", "CON3", "COOP2"),
    ):
        assert rate[response] == pytest.approx(rate[contact] * rate[cooperation])
    pairs = [("RR1", "RR3", "RR5"), ("RR2", "RR4", "RR6"), ("REF1", "REF2", "REF3"), ("CON1", "CON2", "CON3")]
    all_eligible = values(response_rates(cases, e=1, e_basis="assumed"))
    none_eligible = values(response_rates(cases, e=0.0, e_basis="assumed"))
    for first, second, third in pairs:
        assert all_eligible[second] == all_eligible[first]
        assert none_eligible[second] == none_eligible[third]


@settings(deadline=None)
@given(st.lists(cases_of, min_size=1, max_size=4), st.floats(0, 1))
def test_groups_sum_to_the_total(parts: list[dict[str, int]], e: float) -> None:
    rows = [(f"g{i}", code, n) for i, cases in enumerate(parts) for code, n in cases.items()]
    frame = pd.DataFrame(rows, columns=["group", "disposition", "count"])
    rates = response_rates(frame, e={f"g{i}": e * (i + 1) / 4 for i in range(len(parts))}, e_basis="by frame")
    assert (rates.counts.iloc[1:].sum() == rates.counts.loc[""]).all()
    of_groups = rates.frame[rates.frame["group"] != ""].groupby("rate")[["numerator", "denominator"]].sum()
    total = rates.frame[rates.frame["group"] == ""].set_index("rate")[["numerator", "denominator"]]
    np.testing.assert_allclose(of_groups.loc[total.index], total, rtol=1e-12)
    # the total of the groups is what the same cases give without groups
    alone = response_rates(frame.drop(columns="group"))
    np.testing.assert_array_equal(alone.counts.loc[""], rates.counts.loc[""])
    assert values(alone)["RR1"] == values(rates)["RR1"]


def test_each_group_has_an_e_of_its_own() -> None:
    rates = response_rates(GROUPS, e="proportional")
    assert rates.groups == ("Riga", "Latgale")
    assert rates.e == pytest.approx({"": 88 / 91, "Riga": 73 / 75, "Latgale": 15 / 16})
    assert values(rates, "Riga")["RR3"] == pytest.approx(50 / (73 + 7 * 73 / 75))
    given_ = response_rates(GROUPS, e={"Riga": 0.5, "Latgale": 0.9}, e_basis="screener")
    assert given_.e[""] == pytest.approx((0.5 * 7 + 0.9 * 9) / 16)
    assert any("0.725 (Riga: 0.500; Latgale: 0.900). Basis: screener." in note for note in given_.notes)


def test_without_e_the_rates_that_need_it_say_so() -> None:
    rates = response_rates(VIGNETTE)
    missing = rates.frame[rates.frame["value"].isna()]
    assert missing["rate"].tolist() == USING_E
    assert set(missing["reason"]) == {"e, the share of eligible cases among those of unknown eligibility, is not given"}
    assert rates.frame.loc[~rates.frame["rate"].isin(USING_E), "value"].notna().all()
    assert any(note.startswith("– RR3, RR4, REF2, CON2: e, the share") for note in rates.notes)
    # nobody of unknown eligibility: e plays no part
    known = response_rates({"I": 5, "R": 5})
    assert values(known)["RR3"] == values(known)["RR1"] == values(known)["RR5"] == 0.5
    assert any("no e is needed" in note for note in known.notes)


def test_a_rate_without_cases_says_so() -> None:
    rates = response_rates({"UO": 9, "NE": 0}, e="proportional")
    frame = rates.frame.set_index("rate")
    assert frame.loc["RR1", "value"] == 0
    assert frame.loc["RR3", "reason"] == "e cannot be computed: there is no case of known eligibility"
    assert frame.loc["COOP1", "reason"] == "there is no case to compute it from"
    assert frame.loc[["RR3", "RR5", "COOP1", "CON3"], "value"].isna().all()
    cases = pd.DataFrame({"group": ["a", "b"], "disposition": ["I", "NC"], "count": [1, 1]})
    assert any(note.startswith("– COOP1, COOP2, COOP3, COOP4 (b): ") for note in response_rates(cases).notes)


def test_a_non_probability_sample_has_a_participation_rate_only() -> None:
    cases = {"I": 300, "P": 20, "R": 80, "NC": 500, "NE": 100, "ND": 200}
    rates = response_rates(cases, sample="nonprobability")
    assert rates.frame["rate"].tolist() == ["PR"]
    assert rates.frame["value"].tolist() == [320 / 1000]  # the 200 never got the invitation
    text = repr(rates)
    assert "no response rate and no margin of error" in text
    assert "RR1" not in text
    # interviews alone do not tell who was invited
    open_link = response_rates({"I": 300, "NE": 20}, sample="nonprobability").frame
    assert open_link["value"].isna().all()
    assert "how many invitations were delivered" in open_link["reason"].iloc[0]


@pytest.mark.parametrize("sample", ["probability", "nonprobability"])
def test_there_is_no_margin_of_error_anywhere(sample: Any) -> None:
    rates = response_rates({"I": 300, "R": 80}, sample=sample)
    assert not [column for column in rates.frame if re.search("margin|ci_|se$", column)]
    assert "±" not in repr(rates)


@pytest.mark.parametrize(
    "names",
    [
        ["complete interview", "partial interview", "refusal and break-off", "non-contact", "other",
         "unknown if household/occupied", "unknown other", "not eligible"],
        ["i", "p", "r", "nc", "o", "uh", "uo", "ne"],
        ["Complete", "PARTIAL", "Refusal", "Non-Contact", "Other", "unknown_household", "Unknown, other", "ineligible"],
    ],
)  # fmt: skip
def test_long_names_are_read(names: list[str]) -> None:
    cases = dict(zip(names, README.values(), strict=True))
    expected = values(response_rates(README, e="proportional"))
    assert values(response_rates(cases, e="proportional")) == expected
    assert values(response_rates(pd.Series(cases), e="proportional")) == expected
    frame = pd.DataFrame({"disposition": cases.keys(), "count": [float(n) for n in cases.values()]})
    assert values(response_rates(frame, e="proportional")) == expected


@pytest.mark.parametrize(
    ("dispositions", "more", "said"),
    [
        ({"I": 5, "refussal": 2}, {}, "row 2: unknown disposition 'refussal'; did you mean 'refusal'? Known: I"),
        ({"I": 5, 3: 2}, {}, "row 2: unknown disposition '3'. Known: I (complete interview), P (partial interview)"),
        ({"I": 5, "R": -2}, {}, "row 2: the count of R is -2. It must be a whole number of cases, 0 or more."),
        ({"I": 5.5}, {}, "row 1: the count of I is 5.5. It must be a whole number"),
        ({"I": float("nan")}, {}, "the count of I is nan"),
        ({"I": float("inf")}, {}, "the count of I is inf"),
        ({"I": "many"}, {}, "the count of I is 'many'"),
        ({"I": 0, "R": 0}, {}, "dispositions: there are no cases. Give at least one count above 0."),
        ({}, {}, "dispositions: there are no cases."),
        (GROUPS.assign(count=[0] * 5 + [1] * 5), {}, "there are no cases in the group 'Riga'"),
        (GROUPS.rename(columns={"count": "counts"}), {}, "the column 'count' is missing; did you mean 'counts'?"),
        (GROUPS.drop(columns="disposition"), {}, "the column 'disposition' is missing"),
        (GROUPS.assign(group=["Riga"] * 9 + [None]), {}, "row 10: the group of NE is blank. Name it"),
        ([5, 2], {}, "dispositions is a list. Give a mapping of disposition to count, or a DataFrame"),
        (README, {"e": 1.2, "e_basis": "x"}, "e is 1.2. It is a share: give a number from 0 to 1"),
        (README, {"e": -0.1, "e_basis": "x"}, "e is -0.1. It is a share"),
        (README, {"e": float("nan"), "e_basis": "x"}, "e is nan. It is a share"),
        (README, {"e": 0.5}, "e is 0.5 without its basis. Say in e_basis="),
        (README, {"e": 0.5, "e_basis": " "}, "e is 0.5 without its basis."),
        (README, {"e_basis": "census"}, "e_basis is 'census', but there is no e."),
        (README, {"e": "proportionall"}, "e is 'proportionall'; did you mean 'proportional'? Give a share"),
        (README, {"e": "proportional", "e_basis": "x"}, "e='proportional' is its own basis."),
        ({"I": 5, "UO": 3}, {"e": "proportional"}, "needs the cases that are not eligible, or e would be 1"),
        (GROUPS[:-1], {"e": "proportional"}, "needs the cases of the group 'Latgale' that are not eligible"),
        (GROUPS, {"e": {"Riga": 0.5}, "e_basis": "x"}, "e has no value for the group 'Latgale'. Add it."),
        (GROUPS, {"e": {"Rga": 0.5}, "e_basis": "x"}, "e: no group 'Rga' in dispositions; did you mean 'Riga'?"),
        (GROUPS, {"e": {"Riga": 2, "Latgale": 1}, "e_basis": "x"}, "e of 'Riga' is 2. It is a share"),
        (README, {"sample": "non-probability"}, "sample is 'non-probability'; did you mean 'nonprobability'?"),
        ({"I": 5, "ND": 3}, {}, "ND (invitation not delivered) belongs to a non-probability sample."),
        (README, {"sample": "nonprobability", "e": 0.5, "e_basis": "x"}, "e is of no use for a non-probability sample"),
        (README, {"language": "de"}, "language is 'de'. Use lv, en, ru."),
    ],
)  # fmt: skip
def test_errors_name_the_value_and_the_remedy(dispositions: Any, more: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        response_rates(dispositions, **more)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_table_has_the_computed_rates(language: str) -> None:
    rates = response_rates(GROUPS, e="proportional", language=language)
    shown = table(rates)
    frame = rates.frame
    for i, group in enumerate(["", "Riga", "Latgale"], start=1):
        expected = [percent(value, language, 1) for value in frame.loc[frame["group"] == group, "value"]]
        assert [row[i] for row in shown.blocks[0].rows] == expected
    assert [row[-1] for row in shown.blocks[0].rows] == [rate.formula for rate in RATES]
    assert [row[1] for row in shown.blocks[1].rows] == ["54", "5", "29", "0", "0", "7", "9", "3"]
    assert "2023" in shown.notes[0]
    assert shown.numbers is rates.frame
    assert "Latgale" in repr(rates)
    assert "Latgale" in rates._repr_html_()
    other = rates.to("ru" if language != "ru" else "lv")
    assert other.frame["name"].ne(frame["name"]).all()
    assert other.frame["value"].equals(frame["value"])
    missing = table(response_rates(VIGNETTE, language=language))
    assert [row[1] for row in missing.blocks[0].rows].count("–") == len(USING_E)


def test_known_eligible_cases_are_those_of_the_standard() -> None:
    assert ELIGIBLE == ("I", "P", "R", "NC", "O")
    assert [rate.code for rate in RATES] == list(VIGNETTE_RATES)
