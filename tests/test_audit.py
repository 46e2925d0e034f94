"""The audit of published figures: the 83 checks made by hand, faults put in, a user's own table, words, the command."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from surveys import ROOT

from motivlab.audit import RULES, Audit, audit_published
from motivlab.audit_read import Figures, Row, read_number
from motivlab.audit_rules import Check
from motivlab.cli import main
from motivlab.exports import export
from motivlab.files import ReadError
from motivlab.language import LANGUAGES, words
from motivlab.tables_audit import explained, said, statements

PUBLISHED = ROOT / "data" / "published"
# The checks that were made by hand when the facts were gathered, with what was expected and found.
BY_HAND = pd.read_csv(ROOT / "tests" / "reference" / "inconsistencies.csv", dtype=str, keep_default_na=False)
BY_HAND = BY_HAND.set_index("check_id")
Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def audit() -> Audit:
    return audit_published(PUBLISHED)


def made(audit: Audit, rule: str, rows: str) -> list[Check]:
    """The checks of a rule on some rows."""
    return [check for check in audit.made if check.rule == rule and " ".join(check.rows) == rows]


# ------------------------------------------------------------------------------------------ the 83, one by one

STAGES = "PO05 PO02 PO03 PO04"
# By check: the rule that repeats it and the rows it compares; where the text lists several values, in their order.
REPEATED: dict[str, tuple[str, str | list[str]]] = {
    "IC01": ("share", "PO02"), "IC02": ("share", "PO03"), "IC03": ("share", "PO04"), "IC04": ("share", "PO05"),
    "IC05": ("share", "PO06"), "IC06": ("share", "PO07"), "IC07": ("share", "PO12"), "IC08": ("share", "PO10"),
    "IC09": ("parts", STAGES), "IC10": ("parts", STAGES), "IC11": ("parts", "PO06 PO02 PO03"),
    "IC12": ("parts", "PO06 PO02 PO03"), "IC14": ("parts", "PO08 PO06 PO07"),
    "IC15": ("share_of_parts", "PO08 PO06 PO07"), "IC16": ("share_of_parts", "PO08 PO06 PO07 PO02 PO03"),
    "IC17": ("planned", "PO01 PO05"), "IC18": ("period", "PO06 PO02 PO03"), "IC19": ("planned", "PE02 PO04"),
    "IC21": ("parts", "PO09 PO10 PO11"), "IC22": ("same", "PO09 PO13"), "IC24": ("parts", "PO09 PO16 PO17"),
    "IC25": ("rest", "PO09 PO19"), "IC28": ("places", STAGES), "IC32": ("ages", "DP04 TG07 TG17"),
    "IC34": ("set", "DP01 DP02 DP03 DP04"), "IC36": ("set", "DP06 DP07 DP08 DP09"),
    "IC37": ("within", [f"DP0{i} DP05" for i in (6, 7, 8, 9)]), "IC40": ("budget", "AM01 AM02 AM03"),
    "IC41": ("dated", "PO09 PO10 PO11 PO12"), "IC42": ("identifier", "ID10 ID11"), "IC44": ("per", "PO21 CT21"),
    "IC45": ("within", "PO22 PO21"), "IC46": ("parts", "PO25 PO26"), "IC47": ("parts", "NI20 NI21"),
    "IC48": ("set", "NI01 NI02 NI03"), "IC49": ("beside", "PO23 NI01"), "IC51": ("same", "PE03 PE04"),
    "IC52": ("same", "PR06 PR07"), "IC53": ("same", "CT05 CT06"), "IC57": ("same", "PE05 PE06"),
    "IC58": ("repeated", "TX04 TX05"), "IC59": ("parts", "AM07 AM08 AM09"),
    "IC60": ("budget", ["AM08 AM07", "AM09 AM07"]), "IC61": ("parts", "PO47 PO48 PO49 PO50 PO51"),
    "IC62": ("parts", "CT17 PO44 PO45 PO46"), "IC64": ("same", "CT01 PO60"),
    "IC65": ("budget", ["AM05 AM04", "AM06 AM04"]), "IC66": ("per", "AM10 PO43"),
    "IC68": ("budget", ["AM19 AM18", "AM20 AM18"]), "IC69": ("same", "PO68 PE07"), "IC70": ("parts", "PO36 CT07 CT08"),
    "IC72": ("parts", "PO39 PO37 PO38"), "IC73": ("parts", "PO41 CT11 CT12"), "IC75": ("parts", "PO35 CT14 CT15"),
    "IC76": ("beside", "CT14 CT13"), "IC77": ("beside", "CT13 PO34"), "IC78": ("same", "PE08 PE09"),
    "IC83": ("same", ["CT02 PO02", "CT03 PO03", "CT04 PO04"]),
}  # fmt: skip
# What is said in words there, and tested with numbers below.
IN_WORDS = {
    "IC13", "IC20", "IC23", "IC26", "IC27", "IC38", "IC39", "IC43", "IC50", "IC54", "IC55", "IC56", "IC63", "IC67",
    "IC71", "IC74", "IC79", "IC80", "IC81",
}  # fmt: skip
# A mismatch there, a note here: a round wording ("two years"), a text used twice.
NO_CONTRADICTION = {"IC57", "IC58"}
# What can only be read: a note on its row.
READ = {
    "IC29": "PO14", "IC30": "TX01", "IC31": "TX02", "IC33": "TX03", "IC35": "DP01", "IC82": "TG07",
}  # fmt: skip
SILENT = ("", "not additive", "same definition", "one date", "two dates", "different")  # no value to compare


def value(text: str) -> float | str | None:
    """A value of the list: a number where it starts with one, a date or another text as it is, None if it has none."""
    text = text.strip().removeprefix("<=").removeprefix(">=").strip().rstrip(".")
    if text in SILENT:
        return None
    number = re.match(r"[+-]?\d+(\.\d+)?(?![\d.]|-\d)", text)
    if number is None or re.match(r"\d{4}-\d\d", text) or re.match(r"[\d.]+;", text):
        return text.replace(" to ", "–")
    return float(number.group())


def agrees(theirs: float | str | None, ours: Any, check: Check, text: str) -> bool:
    """Whether a value of the list is ours, to the digits it has."""
    if theirs is None:
        return True
    if ours is None:
        return False
    if isinstance(theirs, str):
        return theirs.replace(";", "; ") == str(ours).rstrip(".") if not isinstance(ours, float) else False
    if isinstance(ours, str):
        return ours.startswith(f"{theirs:.0f}")
    digits = len(re.match(r"[+-]?\d+\.?(\d*)", text.strip().lstrip("<>= ")).group(1))  # type: ignore[union-attr]
    size = 100 if check.unit == "share" else 1
    return abs(ours * size - theirs) <= 0.5 * 10**-digits + 1e-6


@pytest.mark.parametrize("name", REPEATED)
def test_a_check_by_hand_is_repeated_by_a_rule(audit: Audit, name: str) -> None:
    rule, rows = REPEATED[name]
    listed = BY_HAND.loc[name]
    single = isinstance(rows, str)
    for i, one in enumerate([rows] if isinstance(rows, str) else rows):
        texts = [listed[c] if single else pick(listed[c], i) for c in ("expected", "observed", "difference")]
        candidates = made(audit, rule, one)
        assert candidates, (rule, one)
        assert any(
            all(
                agrees(value(text), ours, check, text)
                for text, ours in zip(texts, (check.expected, check.observed, check.difference), strict=True)
            )
            for check in candidates
        ), (texts, candidates)
        if listed["verdict"] == "ok":
            assert not all(check.severity for check in candidates)
        if listed["verdict"] == "mismatch":
            assert any(check.severity == "contradiction" for check in candidates) or name in NO_CONTRADICTION


def pick(text: str, i: int) -> str:
    """One of several values."""
    parts = text.split(";")
    return parts[i].strip() if len(parts) > i else text


def test_every_check_by_hand_is_repeated_or_read(audit: Audit) -> None:
    assert {*REPEATED, *IN_WORDS, *READ} == set(BY_HAND.index)
    read = set(audit.findings.loc[audit.findings["severity"] == "read", "rows"])
    assert set(READ.values()) <= read


def test_it_is_said_where_each_of_them_stands(audit: Audit) -> None:
    elsewhere = {"IC42"}  # the number stands four times; ours is another line
    for name, (_, rows) in REPEATED.items():
        ids = " ".join([rows] if isinstance(rows, str) else rows).split()
        sources = {
            f"{audit.figures.rows[i].text('source_file')}:{audit.figures.rows[i].text('source_line')}" for i in ids
        }
        listed = BY_HAND.loc[name]
        theirs = {f"{listed[f'source{i}_file']}:{listed[f'source{i}_line']}" for i in ("", "2")}
        assert theirs & sources or name in elsewhere, (name, sources)


def test_the_total_of_the_stages_is_explained(audit: Audit) -> None:
    """IC13: 91 = 57 + 34, and IC12: the 2021 report implies 30 for stage 2, not 33."""
    by_rows = audit.findings[audit.findings["rule"] == "parts"].set_index("rows")["why"]
    why = dict(by_rows["PO05 PO02 PO03 PO04"])
    other = why["why_other_total"]
    assert (other["other"], other["stated"], other["size"], other["left_sum"]) == ("PO06", 91, 57, 34)
    for rows in ("PO05 PO02 PO03 PO04", "PO06 PO02 PO03"):
        part = dict(by_rows[rows])["why_one_part"]
        # stage 1 would mend both as well, but was known when 2021 was reported; stage 2 was published later
        assert (part["part"], part["stated"], part["implied"], part["later"]) == ("PO03", 33, 30, "PO06")


def test_what_is_said_in_words_there(audit: Audit) -> None:
    def one(rule: str, rows: str) -> Check:
        return made(audit, rule, rows)[0]

    # IC20: stages of 6 to 7 months, a service of 6
    lengths = [one("planned", f"SV08 PO0{i}") for i in (2, 3, 4)]
    assert [check.expected for check in lengths] == [6, 6, 6]
    assert [round(check.observed, 1) for check in lengths] == [6.6, 7.0, 6.0]
    assert [bool(check.severity) for check in lengths] == [True, True, False]
    # IC23: 2000, 2400, 2400, 3240 never falls
    steps = [check for check in audit.made if check.rule == "series"]
    assert [(check.expected, check.observed, check.severity) for check in steps] == [
        (2000, 2400, ""), (2400, 2400, ""), (2400, 3240, "")
    ]  # fmt: skip
    # IC26, IC27: two definitions of success, three words for those it is a share of
    definition = next(check for check in audit.made if check.rule == "definition")
    assert definition.values["named"] == ("employment_or_education", "wide")
    assert {"PO12", "PO02"} <= set(definition.rows)
    denominator = next(check for check in audit.made if check.rule == "denominator")
    assert len(denominator.values["named"]) == 3
    # IC38, IC39: what the surveys do not state
    assert one("method", "DP05 DP06 DP07 DP08 DP09").values["missing"] == ("n", "mode", "wording", "period")
    assert set(one("method", "RG01 RG02 RG03 RG04").values["missing"]) >= {"n", "figure"}
    # IC43: headline and body count different people
    assert one("same", "PO20 PO21").severity == ""  # 69 is 69 ...
    groups = next(check for check in made(audit, "same", "PO20 PO21") if check.unit == "text")
    assert groups.severity == "contradiction"  # ... of others
    # IC50: 2021-01 is right if the planned end was October, a month short if it was November
    november, october = one("length", "PO67 PE01"), one("length", "PO67 PO26")
    assert (november.expected, november.observed, november.difference) == ("2021-02", "2021-01", -1)
    assert (october.observed, october.severity) == ("2021-01", "")
    # IC54, IC55, IC56: titles and numbers
    assert one("title", "ID01 ID02 ID03 ID04").difference == 1
    contract = one("identifier", "PR12 ID05 ID06 ID07 ID08")
    assert (contract.expected, contract.observed) == ("2014.EEZ/PP/1/MIC/081/043", "2014.EEZ/PP?1/MIC/081/043")
    dots = one("identifier", "PR06 PR07 ID01 ID02 ID03 ID04")
    assert (dots.expected, dots.observed) == ("9.2.2.2./16/I/001", "9.2.2.2/16/I/001")
    assert one("identifier", "ID12 ID13 ID14").severity == "contradiction"
    # IC63: plan A to plan B, in the order of the list
    listed = [tuple(map(float, pair.split("->"))) for pair in BY_HAND.loc["IC63", "expression"].split("; ")]
    revised = {
        (check.expected, check.observed) for check in audit.made if check.rule == "revised" and check.unit != "date"
    }
    assert revised >= set(listed[:-1])
    ends = next(c for c in made(audit, "revised", "PR10 PR09") if c.severity)
    assert (ends.expected[:4], ends.observed[:4]) == tuple(f"{year:.0f}" for year in listed[-1])
    # IC67, IC71: percentages and amounts
    for rows, stated, real, apart in (("AM14 AM13", 0.90, 0.8978, -42.04), ("AM23 AM21", 0.20, 0.2005, 0.98)):
        check = one("budget", rows)
        assert check.values["stated_share"] == stated
        assert round(check.values["real_share"], 4) == real
        assert round(check.difference or 0, 2) == apart
    # IC74: 28, 26, 24 and a target of 25
    assert [one("planned", f"CT22 PO3{i}").difference for i in (1, 2)] == [1, -1]
    assert [round(one("share", f"PO3{i}").observed * 100, 2) for i in (1, 2)] == [92.86, 85.71]
    # IC79: lats, at the fixed rate; IC80: three ways to write a number; IC81: a quotation used twice
    assert round(one("currency", "AM24").observed, 2) == 118663.50
    written = next(check for check in audit.made if check.rule == "format")
    assert (written.expected, written.observed) == (1, 3)
    assert one("repeated", "TX06 TX07").observed == 2


def test_the_verdicts_of_the_issue(audit: Audit) -> None:
    found = audit.findings
    assert not audit.ok
    contradictions = found[found["severity"] == "contradiction"]
    assert list(contradictions["rows"][:2]) == ["PO05 PO02 PO03 PO04", "PO06 PO02 PO03"]
    assert "PO09 PO13" in set(contradictions["rows"])  # 3,239 and 3,240
    assert set(found.loc[found["rule"] == "set", "severity"]) == {"note"}  # several answers are no error
    assert (found.loc[found["rule"] == "definition", "severity"] == "note").all()


# -------------------------------------------------------------------------------------------- the shipped tables


def test_the_description_is_valid_and_so_are_the_tables() -> None:
    import frictionless

    with frictionless.system.use_context(trusted=True):
        report = frictionless.validate(str(PUBLISHED / "datapackage.json"))
    assert report.valid, report.to_summary()
    package = json.loads((PUBLISHED / "datapackage.json").read_text(encoding="utf-8"))
    described = {resource["path"] for resource in package["resources"]}
    assert described == {path.name for path in PUBLISHED.glob("*.csv")}
    for resource in package["resources"]:
        assert resource["description"]
        assert all(column["description"] for column in resource["schema"]["fields"])


def test_every_row_has_its_words_where_it_says() -> None:
    seeds = ROOT.parent / "shared" / "seeds"
    if not seeds.exists():
        pytest.skip("the documents, ../shared/seeds, are not here")
    lines = {path.name: path.read_text(encoding="utf-8").split("\n") for path in seeds.glob("*.txt")}
    checked = 0
    for file in PUBLISHED.glob("*.csv"):
        frame = pd.read_csv(file, dtype=str, keep_default_na=False)
        for row in frame.to_dict("records") if "source_file" in frame else ():
            line = " ".join(lines[row["source_file"]][int(row["source_line"]) - 1].split())
            assert all(" ".join(part.split()) in line for part in row["quote"].split("[…]")), row["id"]
            checked += 1
    assert checked > 300


def test_every_fact_has_its_row() -> None:
    facts = ROOT.parent / "shared" / "facts"
    if not facts.exists():
        pytest.skip("the facts, ../shared/facts, are not here")
    ours = {i for frame in audit_published(PUBLISHED).tables.values() if "id" in frame for i in frame["id"]}
    for file in facts.glob("*.csv"):
        frame = pd.read_csv(file, dtype=str, keep_default_na=False)
        if "row_id" in frame:
            assert set(frame["row_id"]) <= ours, file.name


def test_no_table_holds_results() -> None:
    banned = ("computed", "expected", "observed", "verdict", "mismatch")
    for file in PUBLISHED.glob("*.csv"):
        head = file.read_text(encoding="utf-8").split("\n")[0].split(",")
        assert not [column for column in head if any(word in column for word in banned)], file.name


# --------------------------------------------------------------------------------------- new rows, no new code


def with_rows(folder: Path, name: str, *rows: dict[str, Any]) -> Audit:
    """The shipped tables with rows added to one of them."""
    shutil.copytree(PUBLISHED, folder / "published")
    file = folder / "published" / f"{name}.csv"
    frame = pd.read_csv(file, dtype=str, keep_default_na=False)
    pd.concat([frame, pd.DataFrame(rows).astype(str)]).fillna("").to_csv(file, index=False)
    return audit_published(folder / "published")


def new(audit: Audit, *ids: str) -> pd.DataFrame:
    """The findings about some rows."""
    about = audit.findings["rows"].str.split().map(lambda rows: bool({*rows} & {*ids}))
    return audit.findings[about]


SOURCE = {"quote": "q", "source_file": "000_fba7eac72734ea8c.txt", "source_line": 1}


def test_a_new_stage_with_a_wrong_share_is_found(tmp_path: Path) -> None:
    audit = with_rows(tmp_path, "programme_outcomes", {"id": "NEW", "n": 50, "k": 20, "share": "0.50", **SOURCE})
    found = new(audit, "NEW")
    assert list(found["rule"]) == ["share"]
    assert list(found["severity"]) == ["contradiction"]
    assert (found["expected"].iloc[0], found["observed"].iloc[0]) == (0.5, 0.4)
    assert round(found["difference"].iloc[0], 10) == -0.1


def test_more_cases_than_the_base_are_found(tmp_path: Path) -> None:
    audit = with_rows(tmp_path, "programme_outcomes", {"id": "NEW", "n": 20, "k": 50, **SOURCE})
    assert list(new(audit, "NEW")["key"]) == ["k_above_n"]


def test_a_new_part_takes_part_in_the_sum(tmp_path: Path) -> None:
    part = {"id": "NEW", "n": 5, "k": 2, "part_of": "PO05", "part_by": "stage", **SOURCE}
    audit = with_rows(tmp_path, "programme_outcomes", part)
    found = new(audit, "NEW").set_index("values")
    sums = sorted(zip(found["expected"], found["observed"], strict=True), key=str)
    assert (176.0, 181.0) in sums
    assert (91.0, 96.0) in sums


@pytest.mark.parametrize(
    ("response", "severity"), [("multiple", "note"), ("single", "contradiction"), ("", "contradiction")]
)
def test_the_answers_of_a_new_survey(tmp_path: Path, response: str, severity: str) -> None:
    rows = [{"id": f"NEW{i}", "share": "0.60", "set": "new", "response": response, **SOURCE} for i in (1, 2)]
    found = new(with_rows(tmp_path, "needs", *rows), "NEW1")
    assert list(found["severity"]) == [severity]
    assert found["observed"].iloc[0] == pytest.approx(1.2)


def test_a_new_statement_of_the_same_subject_is_compared(tmp_path: Path) -> None:
    row = {"id": "NEW", "n": 3500, "subject": "motivation:participants", **SOURCE}
    found = new(with_rows(tmp_path, "programme_outcomes", row), "NEW")
    assert list(found["rows"]) == ["PO09 NEW"]
    assert found["difference"].iloc[0] == 261


# ------------------------------------------------------------------------------------------ a user's own table

Table = Callable[..., Audit]


@pytest.fixture
def own(tmp_path: Path) -> Table:
    """The audit of a table given as lines."""

    def write(*lines: str) -> Audit:
        file = tmp_path / "own.csv"
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return audit_published(file)

    return write


def keys(audit: Audit) -> list[str]:
    return list(audit.findings["key"])


def test_the_least_a_table_needs(own: Table) -> None:
    audit = own("id,n,k,share,colour", "a,59,27,46%,red", 'b,"1\N{NO-BREAK SPACE}000",455,"45,5%",', "c,100,,0.5,")
    assert audit.ok
    assert audit.findings.empty
    frame = audit.tables["own"]
    assert frame["n"].tolist() == [59, 1000, 100]
    assert frame["share"].tolist() == [0.46, 0.455, 0.5]
    assert list(frame["colour"]) == ["red", "", ""]
    assert len(audit.checks) > 3
    assert audit.checks["ok"].all()


def test_a_share_is_as_exact_as_it_is_reported(own: Table) -> None:
    for n, k, share, agrees in (
        (59, 27, "46%", True), (59, 27, "45.8%", True), (59, 27, "45.7%", False), (200, 1, "0%", True),
        (200, 1, "1%", True), (8, 1, "12%", True), (8, 1, "13%", True), (8, 1, "12.5%", True), (8, 1, "12.6%", False),
        (3, 3, "100%", True), (7, 0, "0%", True),
    ):  # fmt: skip
        assert own("id,n,k,share", f"a,{n},{k},{share}").ok is agrees, (n, k, share)


@pytest.mark.parametrize(
    ("lines", "key"),
    [
        (("id,n,k,share", "a,10,,46%"), "implied"),
        (("id,n,share", "a,0,46%"), "share_of_none"),
        (("id,share", "a,120%"), "share_out_of_range"),
        (("id,n,k", "a,10,11"), "k_above_n"),
        (("id,n,part_of,part_by,partial", "t,10,,,", "a,12,t,age,yes"), "parts_exceed"),
        (("id,n,part_of,part_by", "t,,,", "a,3,t,age", "b,4,t,age", "c,3,t,sex", "d,5,t,sex"), "parts_disagree"),
        (("id,value,currency,share,part_of,part_as", "t,100,EUR,,,", "a,60,EUR,60%,t,share", "b,40,EUR,45%,t,share"),
         "budget_shares"),
        (("id,n,within", "t,10,", "a,11,t"), "within_exceeds"),
        (("id,n,series,as_of", "a,10,s,2021", "b,9,s,2022"), "series"),
        (("id,n,period_start,period_end", "a,1,2022,2021"), "period_backwards"),
        (("id,n,period_start,period_end,months", "a,1,2021-01,2021-12,10"), "length"),
        (("id,n,places,part_of", "t,3,A; B; C,", "a,1,A,t", "b,2,B,t"), "places_added"),
        (("id,value,currency", "a,1,EUR", "b,2,USD"), "currency_other"),
        (("id,n,survey,mode,wording,period", "a,100,s,,w,p"), "method_n_known"),
        (("id,n,subject", "a,3,s", "b,4,s"), "same"),
    ],
)  # fmt: skip
def test_each_kind_of_fault_is_found_and_said(own: Table, lines: tuple[str, ...], key: str) -> None:
    audit = own(*lines)
    assert key in keys(audit)
    for language in LANGUAGES:
        for finding in audit.findings.to_dict("records"):
            assert said(finding, language).endswith(".")
            assert "{" not in said(finding, language)


@pytest.mark.parametrize(
    ("total", "why"),
    [(10, "why_left_out"), (23, "why_counted_twice"), (51, "why_digits"), (99, None)],
)
def test_what_would_explain_a_wrong_total(own: Table, total: int, why: str | None) -> None:
    parts = {10: (5, 5, 3), 23: (10, 10, 3), 51: (10, 5, 0), 99: (7, 8, 20)}[total]
    stated = {10: 10, 23: 26, 51: 51, 99: 99}[total]
    audit = own("id,n,part_of,part_by", f"t,{stated},,", *(f"p{i},{n},t,x" for i, n in enumerate(parts)))
    found = [key for reasons in audit.findings["why"] for key, _ in reasons]
    assert (why in found) if why else found == []
    assert all(explained(row, language) for row in audit.findings.to_dict("records") for language in LANGUAGES if why)


def test_bounds_and_plans_are_no_contradiction(own: Table) -> None:
    head = "id,n,qualifier,planned,part_of"
    assert own(head, "t,100,more_than,,", "a,60,,,t", "b,50,,,t").ok
    assert own(head, "t,100,,,", "a,60,,yes,t", "b,50,,,t").ok
    assert own("id,n,subject,qualifier", "a,2000,s,more_than", "b,2400,s,exact").findings.empty
    assert not own("id,n,subject,qualifier", "a,2000,s,exact", "b,2400,s,exact").ok


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=2, max_size=8), st.integers(-30, 30))
@settings(max_examples=60, deadline=None)
def test_parts_that_add_up_are_never_found_and_others_always(sizes: list[tuple[int, int]], off: int) -> None:
    n, k = sum(a + b for a, b in sizes), sum(b for _, b in sizes)
    rows = [Row("t", 2, {"id": "total", "n": float(n), "k": float(max(k + off, 0))})]
    rows += [
        Row("t", 3 + i, {"id": f"p{i}", "n": float(a + b), "k": float(b), "part_of": "total"})
        for i, (a, b) in enumerate(sizes)
    ]
    figures = Figures({}, {row.id: row for row in rows})
    found = [check for rule in RULES for check in rule(figures) if check.rule == "parts" and check.severity]
    wrong = max(k + off, 0) - k
    assert [check.difference for check in found] == ([-wrong] if wrong else [])


@given(st.integers(1, 5000), st.data(), st.integers(0, 3))
@settings(max_examples=100, deadline=None)
def test_a_rounded_share_always_agrees(n: int, data: st.DataObject, digits: int) -> None:
    k = data.draw(st.integers(0, n))
    cells = {"id": "a", "n": float(n), "k": float(k), "share": round(k / n, 2 + digits), "share_digits": digits}
    for row in (Row("t", 2, cells), Row("t", 2, {c: v for c, v in cells.items() if c != "k"})):
        figures = Figures({}, {"a": row})
        assert not [check for rule in RULES for check in rule(figures) if check.severity]


# ------------------------------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (("n,k", "5,3"), "the column 'id' is missing"),
        (("id,colour", "a,red"), "no column n, k, share or value"),
        (("id,n,k", "a,59,many"), r"own.csv, row 2: k is 'many', which is no number. Correct it"),
        (("id,n,k", "a,59,2", "b,-3,1"), r"row 3: n is .*; it must be a whole number, 0 or more"),
        (("id,n", "a,2.5"), r"row 2: n is .*whole number"),
        (("id,share", "a,46"), r"row 2: share is '46'. Write it between 0 and 1 \(0.46\), or with a percent sign"),
        (("id,share", "a,half"), "row 2: share is 'half', which is no number"),
        (("id,n", "a,1", "a,2"), r"row 3: the id 'a' is there twice \(own.csv, row 2\)"),
        (("id,n", "a b,1"), "id is 'a b'; it must be a name without spaces"),
        (("id,n", ",1"), "id is ''"),
        (("id,n,part_of", "a,1,c", "total,2,"), "row 2: part_of is 'c'; there is no such row"),
        (("id,n,part_of", "a,1,a"), "the row itself"),
        (("id,n,part_of", "a,1,b", "b,1,a"), "is a part of itself, over other rows"),
        (("id,n,period_end", "a,1,May 2021"), "period_end is 'May 2021'; it must be a year, month or day"),
        (("id,n,period_end", "a,1,2021-02-30"), "period_end is '2021-02-30'"),
        (("id,n,response", "a,1,many"), "response is 'many'; it must be single, multiple, items"),
        (("id;n", "a;1"), "separated by semicolons"),
        (("id,n",), "empty but for its head"),
    ],
)  # fmt: skip
def test_bad_input_names_row_column_value_and_remedy(own: Table, lines: tuple[str, ...], message: str) -> None:
    with pytest.raises(ReadError, match=message):
        own(*lines)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such file or folder"):
        audit_published(tmp_path / "none")
    with pytest.raises(FileNotFoundError, match=r"no datapackage.json and no .csv"):
        audit_published(tmp_path)
    package = tmp_path / "datapackage.json"
    for text, error, message in (
        ("{", ReadError, "no Data Package"),
        ('{"resources": [{"name": "a"}]}', ReadError, "no Data Package"),
        ('{"resources": [{"name": "a", "path": "../a.csv"}]}', ReadError, "leads out of the folder"),
        ('{"resources": [{"name": "a", "path": "a.csv"}]}', FileNotFoundError, "a.csv: no such file; datapackage.json"),
        ('{"resources": []}', ReadError, "no table of figures"),
    ):
        package.write_text(text, encoding="utf-8")
        with pytest.raises(error, match=message):
            audit_published(tmp_path)


def test_a_folder_without_a_description(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,n\nt,5\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text("id,n,part_of\nx,2,t\ny,2,t\n", encoding="utf-8")
    audit = audit_published(tmp_path)
    assert list(audit.findings["rows"]) == ["t x y"]
    assert audit.findings["sources"].iloc[0] == "a:2 b:2 b:3"
    (tmp_path / "c.csv").write_text("id,n\nt,5\n", encoding="utf-8")
    with pytest.raises(ReadError, match=r"the id 't' is there twice \(a.csv, row 2\)"):
        audit_published(tmp_path)


@pytest.mark.parametrize(
    ("text", "number"),
    [("9\N{NO-BREAK SPACE}412\N{NO-BREAK SPACE}350,00", 9412350), ("5 709 424.00", 5709424), ("1,990", 1990),
     ("17 489,62", 17489.62), ("17 489.62", 17489.62), ("1.234.567,89", 1234567.89), ("1,234,567.89", 1234567.89),
     ("1,234,567", 1234567), ("−3,5", -3.5), ("1,23,456", None), ("12e3", None), ("", None), ("..", None),
     ("1'000", 1000)],
)  # fmt: skip
def test_numbers_are_read_as_people_write_them(text: str, number: float | None) -> None:
    assert read_number(text) == (None if number is None else pytest.approx(number))


# ----------------------------------------------------------------------------------------------- words, the command


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_finding_is_said_in_every_language(audit: Audit, language: str) -> None:
    shown = statements(audit.to(language))
    assert shown["statement"].str.strip().astype(bool).all()
    assert not shown["statement"].str.contains("{", regex=False).any()
    assert list(shown["rows"]) == list(audit.findings["rows"])
    other = statements(audit.to("lv" if language != "lv" else "en"))
    assert (shown["statement"] != other["statement"]).all()
    text = repr(audit.to(language))
    assert words()["audit_title"][language] in text
    assert "27 + 33 + 34 = 94" in text


def test_every_rule_and_severity_has_a_name(audit: Audit) -> None:
    named = {key.removeprefix("audit_rule_") for key in words() if key.startswith("audit_rule_")}
    assert {check.rule for check in audit.made} <= named
    assert named == {
        *re.findall(r'Check\(\s*"(\w+)"', "".join(p.read_text() for p in (ROOT / "motivlab").glob("audit_*.py"))),
        "same", "revised", "definition", "denominator", "identifier", "title", "share_of_parts",
    }  # fmt: skip


def test_the_language_is_checked(audit: Audit) -> None:
    with pytest.raises(ValueError, match="language is 'de'"):
        audit.to("de")
    with pytest.raises(ValueError, match="language is 'de'"):
        audit_published(PUBLISHED, "de")
    assert audit.to("lv").findings.equals(audit.findings)
    assert replace(audit, made=()).ok


def test_it_is_exported(audit: Audit, tmp_path: Path) -> None:
    export(audit.to("ru"), *(tmp_path / f"audit.{ending}" for ending in ("xlsx", "html", "csv")))
    read = pd.read_csv(tmp_path / "audit.csv")
    assert list(read["rows"]) == list(audit.findings["rows"])
    assert "сумма частей" in read["statement"].iloc[0]


def test_the_command_prints_findings_and_exits(tmp_path: Path, capsys: Captured) -> None:
    assert main(["audit", str(PUBLISHED)]) == 1
    out = capsys.readouterr().out
    assert "- PO05, k: 91 is stated, but the parts (PO02, PO03, PO04) add up to 27 + 33 + 34 = 94." in out
    assert "91 = 57 + 34" in out
    assert "000_fba7eac72734ea8c.txt:43" in out
    assert main(["audit", str(PUBLISHED), "--lang", "lv", "--to", str(tmp_path / "a.csv")]) == 1
    assert "Pretrunas" in capsys.readouterr().out
    assert (tmp_path / "a.csv").exists()
    good = tmp_path / "good.csv"
    good.write_text("id,n,k,share\na,59,27,46%\n", encoding="utf-8")
    assert main(["audit", str(good)]) == 0
    assert "1 row, " in capsys.readouterr().out
    assert main(["audit", str(tmp_path / "none")]) == 2
    assert "no such file or folder of published figures" in capsys.readouterr().err
