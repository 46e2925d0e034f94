"""What survey.yml declares of scales, gains and a programme: each fault names key, value and remedy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from surveys import CHOICES, SURVEY, YML

import motivlab as ml
from motivlab.about import SurveyError
from motivlab.programme import Instrument, Scale

MORE = """
scales:
  mood: {items: [m1, m2, m3], range: [1, 5], reverse: [m2], score: percent, at_least: 2, label: {lv: Noskaņa, en: Mood}}
gains:
  spirits: {design: retro_pre_post, then: mood, post: m1}
  rating: {design: global_rating, question: m3, improved: ["4", "5"], same: ["3"], worse: ["1", "2"]}
  named: {design: checklist, question: grounds}
programme:
  entry: entered
  exit: left
  outcome: grounds
  complete: true
  definitions: {work: {choices: [age, gender], label: Work}}
  outcome_dates: {age: left}
  indicators: {CO06: {where: "${age} < 25", planned: 10}}
"""
QUESTIONS = "".join(f"select_one five,m{i},Jautājums {i},Question {i},Вопрос {i},,\n" for i in (1, 2, 3))
DATES = "date,entered,Iestājās,Entered,Начал,,\ndate,left,Beidza,Left,Закончил,,\n"
FIVE = "".join(f"five,{i},{i},{i},{i},,\n" for i in range(1, 6))

Small = Callable[..., Path]


def folder(small: Small, more: str) -> Path:
    return small(survey=SURVEY + QUESTIONS + DATES, choices=CHOICES + FIVE, yml=YML + more)


def test_the_declarations_are_read(small: Small) -> None:
    about = ml.open_survey(folder(small, MORE)).about
    assert about.scales["mood"].bounds == (0, 100)
    assert about.scales["mood"].least == 2
    assert about.gains["spirits"].occasions == ("mood", "m1")
    assert about.programme is not None
    assert about.programme.dates == {"entry": "entered", "exit": "left"}
    assert about.programme.window == 28


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("design: checklist, ", ""), "the key 'gains.named.design' is missing. Add it, one of pre_post"),
        (("design: checklist", "design: before_after"), "'gains.named.design' is 'before_after'"),
        (("post: m1", "question: m1"), "'gains.spirits': the design retro_pre_post needs the key 'post'; add it"),
        (("then: mood, post: m1", "then: mood, post: m1, question: m2"), "the design retro_pre_post has no key"),
        (("post: m1", "post: m9"), "gains.spirits: no question 'm9'. Correct the name."),
        (("question: grounds", "question: m1"), "gains.named.question: 'm1' is of type select_one; name a question"),
        (('improved: ["4", "5"]', 'improved: ["4", "6"]'), "gains.rating.improved: 'm3' has no choice '6'"),
        (("worse: [", "wors: ["), "unknown key 'gains.rating.wors'; did you mean 'worse'?"),
        (("range: [1, 5]", "range: [5, 1]"), "'scales.mood': range is from 5 to 1"),
        (("range: [1, 5]", "range: [1, five]"), "'scales.mood.range.1' is 'five'"),
        (("reverse: [m2]", "reverse: [m4]"), "'scales.mood': reverse names 'm4', which is none of the items"),
        (("items: [m1, m2, m3]", "items: [m1]"), "a scale has at least two items, it names 1"),
        (("items: [m1, m2, m3]", "items: [m1, m2, m1]"), "items names 'm1' twice"),
        (("at_least: 2", "at_least: 4"), "at_least is 4; it is a number of items, from 1 to 3"),
        (("  entry: entered\n", ""), "the key 'programme.entry' is missing"),
        (("entry: entered", "entry: age"), "programme.entry: 'age' is of type integer; name a question of type date"),
        (("choices: [age, gender]", "choices: [age, work]"), "definitions.work.choices: 'grounds' has no choice"),
        (("choices: [age, gender]", "choices: []"), "'programme.definitions.work': choices is empty"),
        (("${age} < 25", "${aged} < 25"), "programme.indicators.CO06.where: '${aged} < 25' refers to 'aged'"),
        (("${age} < 25", "${age} <"), "programme.indicators.CO06.where:"),
        (("planned: 10", "planned: ten"), "'programme.indicators.CO06.planned' is 'ten'"),
        (("planned: 10", "planned: -10"), "'programme.indicators.CO06': planned is -10"),
        (("planned: 10", "planned: .nan"), "'programme.indicators.CO06': planned is nan"),
        (("  entry: entered", "  window: -1\n  entry: entered"), "'programme': window is -1; it is a number of days"),
        (("range: [1, 5]", "range: 1-5"), "'scales.mood.range' is '1-5': input should be a valid list"),
        (("range: [1, 5]", "range: [1]"), "'scales.mood.range' is [1]: it has too few values. Add the others."),
        (("range: [1, 5]", "range: [1, 5, 9]"), "is [1, 5, 9]: list should have at most 2 items, not 3"),
    ],
)  # fmt: skip
def test_a_fault_names_key_value_and_remedy(small: Small, change: tuple[str, str], said: str) -> None:
    assert change[0] in MORE
    with pytest.raises(SurveyError) as caught:
        ml.open_survey(folder(small, MORE.replace(*change)))
    assert said in str(caught.value)
    assert "survey.yml" in str(caught.value)


def test_the_parts_can_be_made_in_a_notebook_and_say_their_name() -> None:
    with pytest.raises(ValueError, match=r"Instrument: the key 'design' is missing. Add it, one of pre_post"):
        Instrument(pre="a", post="b")  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="Scale: at_least is 0"):
        Scale(items=("a", "b"), range=(0, 1), at_least=0)
    with pytest.raises(ValueError, match="Instrument: smallest is -1"):
        Instrument(design="pre_post", pre="a", post="b", smallest=-1.0)
