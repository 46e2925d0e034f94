"""Words, plural forms and number formats in Latvian, English and Russian.

The phrases stand in ``words.yml`` and, of one kind of analysis each, in ``words_*.yml``; plural rules and number
formats are Babel's.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from importlib.resources import files
from typing import Any

LANGUAGES = ("lv", "en", "ru")

NO_BREAK = "\N{NO-BREAK SPACE}"


@lru_cache(maxsize=1)
def words() -> dict[str, dict[str, Any]]:
    """Every phrase: key, then language, then the text or the text per plural form."""
    from ruamel.yaml import YAML

    parts = (
        part for part in files("motivlab").iterdir() if part.name.startswith("words") and part.name.endswith("yml")
    )
    text = "\n".join(part.read_text(encoding="utf-8") for part in sorted(parts, key=lambda part: part.name))
    loaded: dict[str, dict[str, Any]] = YAML(typ="safe", pure=True).load(text)
    return loaded


def say(key: str, language: str, **values: Any) -> str:
    """A phrase in a language.

    Parameters
    ----------
    key : str
        A key of ``words.yml`` or ``words_*.yml``.
    language : {"lv", "en", "ru"}
    **values
        What stands in its braces. Whole numbers are written as the language writes them; ``n`` chooses the plural
        form where the phrase has several.

    Examples
    --------
    >>> [say("respondents", "lv", n=n) for n in (1, 10, 21, 22)]
    ['1 respondents', '10 respondentu', '21 respondents', '22 respondenti']
    """
    phrase = words()[key][language]
    if isinstance(phrase, dict):
        from babel import Locale

        phrase = phrase.get(Locale.parse(language).plural_form(values["n"]), phrase["other"])
    shown = {k: number(v, language) if isinstance(v, int) else v for k, v in values.items()}
    return str(phrase.format(**shown))


def known(key: str) -> bool:
    """Whether there is such a phrase."""
    return key in words()


def number(value: float, language: str, digits: int = 0) -> str:
    """A number with the language's decimal sign and grouping.

    Examples
    --------
    >>> number(11874, "en"), number(1.5, "lv", 1)
    ('11,874', '1,5')
    """
    from babel.numbers import format_decimal

    return format_decimal(value, "#,##0" + ("." + "0" * digits if digits else ""), locale=language)


def percent(share: float, language: str, digits: int = 0) -> str:
    """A share as a percentage.

    Examples
    --------
    >>> percent(0.453, "en"), percent(0.453, "lv", 1)
    ('45%', '45,3%')
    """
    from babel import Locale
    from babel.numbers import format_percent

    pattern = Locale.parse(language).percent_formats[None].pattern
    return format_percent(share, pattern.replace("0", "0." + "0" * digits if digits else "0"), locale=language)


def dates(start: dt.date, end: dt.date, language: str) -> str:
    r"""From one day to another, as the language writes it.

    Examples
    --------
    >>> dates(dt.date(2021, 10, 4), dt.date(2021, 10, 29), "en")
    'Oct 4\u2009–\u200929, 2021'
    """
    from babel.dates import format_date, format_interval

    if start == end:
        return format_date(start, "long", locale=language)
    return format_interval(start, end, "yMMMd", locale=language)
