"""The cross-table of old and new codes of a recode."""

from __future__ import annotations

import numpy as np

from .gate import judged, protected
from .language import number, say
from .recodes import Recoded
from .sentences import source_line
from .tables import SUPPRESSED, Block, Table, table
from .thresholds import PROFILES


@table.register(Recoded)
def _recoded(recoded: Recoded) -> Table:
    """A row per old code, with the new one beside it and how many respondents; few are not shown."""
    survey, language = recoded.survey, recoded.language
    profile = PROFILES[survey.about.gate]
    old, new = survey.question(recoded.of), survey.question(recoded.name)
    words = {choice.name: choice.label(language) for choice in (*new.choices, *old.choices)}
    counts = recoded.frame.assign(by="old", level=recoded.frame["old"], asked=recoded.frame["n"], missing_share=0.0)
    # nothing may come out by subtraction, neither from all respondents nor from those of the new code
    frame = protected(protected(judged(counts, profile), profile, ["new"]), profile)
    frame["n"] = frame["n"].astype(float).mask(frame["reason"].isin(["few", "protect"]), np.nan)
    rows = tuple(
        (
            words.get(old_code, old_code), old_code, words.get(new_code, new_code), new_code,
            SUPPRESSED if n != n else number(int(n), language),
        )
        for old_code, new_code, n in frame[["old", "new", "n"]].itertuples(index=False)
    )  # fmt: skip
    head = ("", say("recode_old", language), "", say("recode_new", language), "n")
    title = say("recode_title", language, new=new.label(language), old=old.label(language))
    notes = [say("recode_note", language)]
    if frame["n"].isna().any():
        notes.append(say("recode_few", language, n=profile.suppress_below))
    notes += [say("note_synthetic", language)] if survey.about.synthetic else []
    notes.append(source_line(survey.about, language))
    numbers = frame[["old", "new", "missing", "n", "status", "reason"]]
    return Table(title, (Block("", head, rows),), tuple(notes), numbers, language)
