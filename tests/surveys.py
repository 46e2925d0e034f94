"""Where surveys for tests are, and the parts of a small one."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ROOT / "data" / "discrimination_survey"
REAL = ROOT.parent / "shared" / "real"

YML = """\
title: {lv: Mazā aptauja, en: Small survey, ru: Малый опрос}
synthetic: false
respondent_id: id
fieldwork: {start: 2021-10-04, end: 2021-10-29}
design: {weight: w}
analysis:
  grounds: {measure: encountered, by: [sex]}
"""
SURVEY = """\
type,name,label::Latviešu (lv),label::English (en),label::Русский (ru),relevant,constraint,missing
select_one sex,sex,Dzimums,Gender,Пол,,,
integer,age,Vecums,Age,Возраст,,. >= 18 and . <= 75,-8=refused
select_one yn,met,Vai saskārāties?,Have you met it?,Сталкивались?,,,
select_multiple grounds,grounds,Iemesli,Grounds,Причины,${met} = 'yes',,
text,other,Cits,Other,Другое,"selected(${grounds}, 'other')",,
date,day,Diena,Day,День,,,
"""
CHOICES = """\
list_name,name,label::Latviešu (lv),label::English (en),label::Русский (ru),missing,exclusive
sex,f,Sieviete,Woman,Женщина,,
sex,m,Vīrietis,Man,Мужчина,,
yn,yes,Jā,Yes,Да,,
yn,no,Nē,No,Нет,,
yn,dk,Nezinu,Don't know,Не знаю,dont_know,
grounds,age,Vecums,Age,Возраст,,
grounds,gender,Dzimums,Gender,Пол,,
grounds,other,Cits,Other,Другое,,
grounds,none,Neviens,None,Ни одной,,yes
grounds,ref,Atteicās,Refused,Отказ,refused,
"""
HEAD = "id,w,sex,age,met,grounds/age,grounds/gender,grounds/other,grounds/none,grounds/ref,other,day"
ROWS = (
    "1,1,f,30,yes,1,0,0,0,0,,2021-10-04",
    "2,2,m,40,yes,1,1,0,0,0,,2021-10-05",
    "3,1,f,50,no,,,,,,,2021-10-05",
    "4,1,m,60,yes,0,0,0,1,0,,2021-10-06",
    "5,1,f,-8,dk,,,,,,,2021-10-06",
    "6,1,m,70,yes,0,0,0,0,1,,2021-10-07",
    "7,1,f,20,yes,0,0,1,0,0,looks,2021-10-07",
)
