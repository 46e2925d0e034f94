"""The import of the Carpentries' long-term survey of 2017: a table whose select-all columns have no names."""

from __future__ import annotations

from pathlib import Path

import motivlab as ml

# Each select-all question: its first and its last column. The free text of "other" stands beside them.
SETS = {
    "field": ("Field", "Column12"),
    "content": ("Content", "Column23"),
    "behaviours": ("Behaviors-Adopted", "Column32"),
    "helped": ("How-Tools-Learned-Help", "Column37"),
    "involvement": ("Carpentry-Involvement", "Column51"),
    "activities": ("Activities", "Column57"),
}
NEVER = ("I had not been using tools like these.", "I have not been using tools like these.")
ORDERS = [
    ["Strongly disagree", "Disagree", "Neutral", "Agree", "Strongly agree"],
    [NEVER, "Less than once per year.", "Several times per year.", "Monthly.", "Weekly.", "Daily."],
    ["I'm less confident now.", "I'm equally confident now.", "I'm more confident now."],
]
# What a person fills in: the file does not say it.
GAINS = """
gains:
  usage: {design: retro_pre_post, then: programming_usage_before_workshop, post: programming_usage_since_workshop}
  confidence: {design: global_rating, question: change_in_confidence, improved: ["3"], same: ["2"], worse: ["1"]}
  behaviours: {design: checklist, question: behaviours}
"""


def import_carpentries(file: Path, folder: Path) -> ml.Survey:
    """The survey folder, opened."""
    ml.import_survey(file, folder, SETS, ORDERS, neutral=["Neutral"])
    with (folder / "survey.yml").open("a", encoding="utf-8") as stream:
        stream.write(GAINS)
    return ml.open_survey(folder)
