"""Direct identifiers in the responses: what is found, what is not, and that it is not told."""

from __future__ import annotations

import datetime as dt
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from surveys import REAL, SHIPPED

import motivlab as ml
from motivlab.kinds import Checks, Paradata
from motivlab.language import LANGUAGES
from motivlab.questionnaire import Choice, Question, Questionnaire
from motivlab.rules import Rule
from motivlab.rules_identifiers import masked, rules

ABOUT = ml.Survey.from_frame(pd.DataFrame({"id": ["R1"]}), respondent_id="id").about


def found(
    values: list[Any] | pd.Series, name: str = "q", kind: str = "text", label: str = "", about: Any = ABOUT
) -> dict[str, str]:
    """What the rule finds in one column: the value, and what it is, in English."""
    frame = pd.DataFrame({"id": [f"R{i}" for i in range(len(values))], name: values})
    form = Questionnaire((Question(name, kind, {"en": label}),))
    out = {}
    for rule in rules(form, about, frame.columns):
        assert isinstance(rule, Rule)
        assert rule.secret
        assert rule.told is not None
        positions = np.flatnonzero(rule.mask(frame))
        for position, detail in zip(positions, rule.told(frame, positions), strict=True):
            assert callable(detail)
            out[str(frame[rule.variable].iloc[position])] = detail("en")
    return out


CODE = "a personal code or another number of a person"
PHONE, EMAIL, IBAN, PLACE, IP = (
    "a telephone number", "an e-mail address", "a bank account number", "precise coordinates", "an IP address",
)  # fmt: skip
NAME, ADDRESS, DEVICE = "it looks like a person's name", "an address", "the identifier of a device"


# The personal codes are made up: date and check digit fit, and the hyphenated one is an example of public software.
@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("161175-19997", CODE),
        ("Mans kods ir 161175-19997.", CODE),
        ("mans kods 16117519997", CODE),
        ("321234-12345", CODE),
        ("PK:32123412345", CODE),
        ("isikukood 37605030299", CODE),
        ("+371 29 123 456", PHONE),
        ("+37129123456", PHONE),
        ("00371 29123456", PHONE),
        ("zvaniet 29123456 vakarā", PHONE),
        ("tālr. 67 123 456", PHONE),
        ("+44 (0)20 7946 0958", PHONE),
        ("a.b@example.lv", EMAIL),
        ("rakstiet uz jānis+x@pasts.example.lv!", EMAIL),
        ("LV80BANK0000435195001", IBAN),
        ("konts LV80 BANK 0000 4351 9500 1", IBAN),
        ("56.9496, 24.1052", PLACE),
        ("dzīvoju 56.94965 24.10521", PLACE),
        ("192.168.10.1", IP),
        ("2001:0db8:85a3:0000:0000:8a2e:0370:7334", IP),
    ],
)
def test_what_is_known_by_itself(value: str, kind: str) -> None:
    assert found([value]) == {value: kind}
    assert found(["nav", value, "jā", None]) == {value: kind}


@pytest.mark.parametrize(
    "value",
    [
        "161175-19998", "161375-19997", "311199-12345", "2021-10-31", "31.10.2021", "2021-10-31T10:22:11.000+03:00",
        "2019-2021", "2000-2500 eiro", "20 000 000 eiro", "60 000 000", "1 250,50 EUR", "0.0012345678", "+5",
        "+37 gadi",
        "v. 1.2.3.4", "3.14159", "LV80BANK0000435195002", "R0001", "20211031", "31102021", "20000000", "12345678",
        "550e8400-e29b-41d4-a716-446655440000", "uuid:550e8400-e29b-41d4-a716-446655440000", "24.10", "56.95, 24.11",
        "@motivlab", "a@b", "1-2-3-4-5-6-7-8", "26 10 2021", "Nr. 29-1", "@", "", " ", "+", "0", "\x00", "😀",
    ],
)  # fmt: skip
def test_what_is_not(value: str) -> None:
    assert found([value]) == {}


ANSWERS = [
    "Nav darba Rīgā", "Rīga", "Pieriga Latvija", "Pierīga Latvija", "Rīga Latvija", "Skolas direktors", "Vecākā māsa",
    "Galvenais grāmatvedis", "Jelgavas novads", "Sarkanais Krusts", "Latvijas Banka", "Eiropas Savienība",
    "vakcinācijas statuss", "dzīvesvieta ārpus Rīgas", "Never had a job", "United Kingdom", "Sales Manager",
    "Truck driver", "Нет работы в Риге", "Рига", "Даугавпилс", "Водитель грузовика", "Красный Крест", "нет гражданства",
    "Covid", "2021. gadā", "3 reizes", "ap 1200 eiro", "no 600 līdz 900", "65 gadi", "Nezinu", "-", "n/a", "Jā", "Дa",
    "Rimi Latvija", "Darba devējs teica, ka esmu par vecu", "Anna", "Mana priekšniece Anna", "12.05.2020", "24/7",
]  # fmt: skip


@given(st.lists(st.sampled_from(ANSWERS), min_size=1, max_size=40))
def test_ordinary_answers_identify_nobody(answers: list[str]) -> None:
    assert found(answers) == {}


@given(
    st.one_of(
        st.lists(st.integers(-(10**7), 10**7), min_size=1),
        st.lists(st.floats(-1e6, 1e6).map(lambda v: round(v, 2)), min_size=1),
        st.lists(st.integers(1, 10**6).map(lambda n: n + 20_000_000), min_size=1, unique=True).map(sorted),
        st.lists(st.integers(0, 10**4).map(lambda n: 32_000_000_000 + n), min_size=2, unique=True),
        st.lists(st.dates(dt.date(1900, 1, 1), dt.date(2099, 12, 31)), min_size=1),
        st.lists(st.dates().map(lambda d: f"{d}T10:22:11.123+03:00"), min_size=1),
        st.lists(st.dates(dt.date(1900, 1, 1), dt.date(2099, 12, 31)).map(lambda d: f"{d:%Y%m%d}"), min_size=1),
        st.lists(st.dates(dt.date(1900, 1, 1), dt.date(2099, 12, 31)).map(lambda d: f"{d:%d%m%Y}"), min_size=1),
        st.lists(st.uuids().map(str), min_size=1),
        st.lists(st.integers(1900, 2100), min_size=1),
        st.lists(st.integers(0, 9999).map(lambda n: f"R{n:04d}"), min_size=1),
    )
)
def test_numbers_days_and_pseudonyms_identify_nobody(values: list[Any]) -> None:
    kind = "integer" if isinstance(values[0], int) else "decimal" if isinstance(values[0], float) else "text"
    assert found(values, kind=kind) == {}
    if not isinstance(values[0], int) or max(values) < 10**7:
        assert found([str(value) for value in values]) == {}


@given(
    st.lists(st.text(max_size=30), min_size=1, max_size=10), st.sampled_from(["q", "name", "phone", "lat", "deviceid"])
)
def test_any_text_is_stood(values: list[str], name: str) -> None:
    found(values, name)


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([], dtype=object), pd.Series([None, None]), pd.Series([np.nan]), pd.Series([True]),
        pd.Series([pd.NA], dtype="Int64"),
        pd.Series([np.inf]), pd.Series([1, "a", None, 2.5], dtype=object), pd.Series(pd.to_datetime(["2021-01-01"])),
        pd.Series([pd.Timedelta(1)]), pd.Series(["a"], dtype="category"), pd.Series([[1, 2]], dtype=object),
    ],
)  # fmt: skip
def test_any_column_is_stood(values: pd.Series) -> None:
    assert found(values) == {}


# ----------------------------------------------------------------------------------- what the column says, and holds

PEOPLE = [
    "Jānis Bērziņš",
    "Anna Kalniņa",
    "Ilze Ozola-Krūmiņa",
    "Nav darba Rīgā",
    "Pēteris K. Liepa",
    "Skolas direktors",
]


def test_names_where_a_good_part_are_names() -> None:
    assert set(found(PEOPLE)) == {"Jānis Bērziņš", "Anna Kalniņa", "Ilze Ozola-Krūmiņa", "Pēteris K. Liepa"}
    assert set(found(["Иван Петров", "Елена Сергеевна Смирнова", "нет"]).values()) == {NAME}
    # a few among many
    assert found([*PEOPLE[:2], *ANSWERS]) == {}


@pytest.mark.parametrize(
    ("name", "label"),
    [("first_name", ""), ("respName", ""), ("vards_uzvards", ""), ("q7", "Jūsu vārds, uzvārds?"),
     ("q7", "Как Вас зовут?"),
     ("q7", "What is your full name?"), ("имя", "")],
)  # fmt: skip
def test_names_where_the_column_says_so(name: str, label: str) -> None:
    assert found(["Zane", "ozols", "nav", "n/a", "R12"], name, label=label) == {"Zane": NAME, "ozols": NAME}


@pytest.mark.parametrize(
    ("name", "label"),
    [("school_name", ""), ("name_of_bank", "Name of your bank"), ("username", ""), ("q1", "Darba vārds")],
)
def test_names_of_other_things(name: str, label: str) -> None:
    assert found(["Rimi", "Swedbank", "Latvijas Banka"], name, label=label) == {}


def test_telephones_where_the_column_says_so_or_is_full_of_them() -> None:
    assert found([29123456, 67111222, 7], "phone", "integer") == {"29123456": PHONE, "67111222": PHONE}
    assert set(found(["29123456", "67 111 222", "nav"], "talrunis")) == {"29123456", "67 111 222"}
    numbers = ["29123456", "26111111", "27123999", "67111222", "28123456"]
    assert set(found(numbers)) == set(numbers)
    assert found(numbers, "household_id") == {}
    assert found([3, 1, 2], "phones", "integer", "How many mobile phones are there?") == {}


def test_personal_codes_without_a_hyphen() -> None:
    assert set(found(["16117519997", "32123412345", "32983412345"]).values()) == {CODE}
    assert set(found([16117519997, 32123412345], kind="integer").values()) == {CODE}
    assert found(["1234567", "12"], "passport") == {"1234567": CODE}


def test_places() -> None:
    assert found(["56.9496 24.1052 0 5", "56.9 24.1 0 0", "56.900000 24.100000 0 0"], "gps", "geopoint") == {
        "56.9496 24.1052 0 5": PLACE
    }
    assert set(found([56.94961, 57.0, 57.12], "_gps_latitude", "decimal")) == {"56.94961"}
    assert found([56.94961, 57.12345], "score", "decimal") == {}
    line = "56.9496 24.1052 0 0; 56.9497 24.1053 0 0"
    assert found([line], "walk", "geotrace") == {line: PLACE}


def test_addresses() -> None:
    assert found(["Brīvības iela 21-5", "Daugavpils", "nav"], "adrese") == {"Brīvības iela 21-5": ADDRESS}
    streets = ["Brīvības iela 21-5", "ул. Бривибас 21", "nav"]
    assert set(found(streets)) == set(streets[:2])
    assert found(["Brīvības ielā 5 atteica darbu", *ANSWERS]) == {}


def test_what_a_device_fills_in() -> None:
    assert found(["collect:Ab1", "deviceid not found", None], "deviceid", "deviceid") == {"collect:Ab1": DEVICE}
    assert found(["355000000000001"], "imei") == {"355000000000001": DEVICE}
    assert list(found(["maija"], "who", "username").values()) == ["a user name"]
    named = ABOUT.model_copy(update={"paradata": Paradata(interviewer="who")})
    assert found(["maija", "jānis"], "who", "username", about=named) == {}


def test_codes_dates_weights_and_plain_ids_are_not_looked_at() -> None:
    form = Questionnaire((
        Question("sex", "select_one", {}, (Choice("29123456"),)), Question("day", "date"), Question("start", "start"),
        Question("photo", "image"),
    ))  # fmt: skip
    frame = pd.DataFrame(
        {"id": ["29123456"], "sex": ["29123456"], "day": ["a@b.lv"], "start": ["x"], "photo": ["a@b.lv"]}
    )
    made = list(rules(form, ABOUT, frame.columns))
    assert [rule.variable for rule in made] == ["id"]
    assert not made[0].mask(frame).any()
    assert made[0].mask(frame.assign(id=["a@example.lv"])).all()
    assert made[0].mask(frame.assign(id=["161175-19997"])).all()


def test_columns_that_are_no_questions_are_looked_at() -> None:
    frame = pd.DataFrame({"id": ["R1", "R2"], "note": ["zvaniet 29123456", None], "who": ["a@example.lv", "x"]})
    hit = {rule.variable: rule.mask(frame).tolist() for rule in rules(Questionnaire(()), ABOUT, frame.columns)}
    assert hit == {"id": [False, False], "note": [True, False], "who": [True, False]}


def test_it_can_be_said_to_be_none() -> None:
    off = ABOUT.model_copy(update={"checks": Checks(rules={"identifier": "off"})})
    assert found(["a@example.lv"], about=off) == {}


# -------------------------------------------------------------------------------------------------- what is told


@given(st.text(max_size=40))
def test_a_masked_value_tells_two_characters(value: str) -> None:
    assert len(masked(value)) <= 3
    assert masked("Jānis Bērziņš") == "J…š"


def test_the_shipped_surveys_identify_nobody() -> None:
    for folder in (SHIPPED, SHIPPED.parent / "programme_participants"):
        survey = ml.open_survey(folder)
        for rule in rules(survey.questionnaire, survey.about, survey.responses.columns):
            assert not rule.mask(survey.responses).any(), rule.variable


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_finding_is_an_error_that_does_not_repeat_the_value(language: str) -> None:
    survey = with_texts("Mana adrese ir a.b@example.lv", language)
    findings = survey.check().findings
    rows = findings[findings["rule"] == "identifier"]
    assert rows["severity"].tolist() == ["error"]
    assert rows["value"].tolist() == ["M…v"]
    assert "example" not in rows["message"].iloc[0]
    assert "checks: {identifier: off}" in rows["message"].iloc[0]


def with_texts(text: str, language: str = "en") -> ml.Survey:
    survey = ml.open_survey(SHIPPED, language)
    frame = survey.responses.copy()
    at = frame["grounds_other"].first_valid_index()
    frame.loc[at, "grounds_other"] = text
    return ml.Survey(frame, survey.questionnaire, survey.about, language, survey.folder, survey.files)


def test_no_report_is_written_of_such_a_survey(small: Any, tmp_path: Path) -> None:
    folder = small()
    file = folder / "responses.csv"
    text = file.read_text(encoding="utf-8")
    changed = pd.read_csv(file, dtype=str, keep_default_na=False)
    row = changed.index[changed["grounds/other"] == "1"][0]
    changed.loc[row, "other"] = "a.b@example.lv"
    changed.to_csv(file, index=False)
    with pytest.raises(ValueError, match=r"other .*identif.*pseudonym.*identifier: off"):
        ml.write_report(folder, tmp_path / "report")
    assert not (tmp_path / "report").exists()
    file.write_text(text, encoding="utf-8")


@pytest.mark.skipif(not (REAL / "kobo_household").exists(), reason="the real Kobo survey is not here")
def test_the_real_kobo_survey() -> None:
    read = {"dtype": str, "keep_default_na": False, "na_values": ["NA", ""]}
    frame: pd.DataFrame = pd.read_csv(REAL / "kobo_household" / "raw_data.csv", **read)
    sheet = pd.read_csv(REAL / "kobo_household" / "survey.csv", dtype=str, keep_default_na=False)
    kinds = {name: kind.split()[0] for kind, name in zip(sheet["type"], sheet["name"], strict=True) if kind != "NA"}
    labels = dict(zip(sheet["name"], sheet["label::English (en)"], strict=True))
    form = Questionnaire(tuple(
        Question(name, kinds[name], {"en": labels[name]}) for name in frame
        if name in kinds and not kinds[name].startswith("select")
    ))  # fmt: skip
    hit = {
        rule.variable: int(rule.mask(frame).sum())
        for rule in rules(form, ABOUT.model_copy(update={"respondent_id": "X_id"}), frame.columns)
        if rule.mask(frame).any()
    }
    assert hit == {"deviceid": 632}


def test_a_hundred_thousand_texts_take_a_moment() -> None:
    import time

    values = [str(uuid.UUID(int=i << 64)) for i in range(50_000)] + [f"atbilde {i} bija laba" for i in range(50_000)]
    start = time.perf_counter()
    assert found(pd.Series(values, dtype="str")) == {}
    assert time.perf_counter() - start < 3
