"""Regular expressions as forms write them, matched in time that grows with the length of the text and no faster.

A form's ``regex()`` is Java's (ODK Collect, KoboCollect), and a cell may hold anything: a pattern such as ``(a+)+``
would keep Python's own ``re`` busy for hours. So the pattern becomes an automaton, whose states are worked out as they
are met. What an automaton cannot do (looking ahead and behind, references to groups, possessive quantifiers) is
refused with a word.

References
----------
Thompson, K. (1968). Regular expression search algorithm. Communications of the ACM, 11(6), 419-422.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Any

MOST_STATES = 5_000
MOST_STEPS = 20_000_000  # states visited for one pattern, some seconds
MOST_DEPTH = 50

Test = Callable[[str], bool]

_ASCII: dict[str, Test] = {
    "d": lambda c: "0" <= c <= "9",
    "w": lambda c: c.isascii() and (c.isalnum() or c == "_"),
    "s": lambda c: c in " \t\n\x0b\f\r",
    "h": lambda c: c in " \t\xa0\u1680\u180e\u202f\u205f\u3000" or "\u2000" <= c <= "\u200a",
}
_POSIX: dict[str, Test] = {
    "Alpha": lambda c: c.isascii() and c.isalpha(),
    "Digit": _ASCII["d"],
    "Alnum": lambda c: c.isascii() and c.isalnum(),
    "Upper": lambda c: "A" <= c <= "Z",
    "Lower": lambda c: "a" <= c <= "z",
    "Punct": lambda c: c.isascii() and c.isprintable() and not c.isalnum() and c != " ",
    "Space": _ASCII["s"],
    "IsAlphabetic": str.isalpha,
    "IsDigit": str.isdecimal,
    "IsUppercase": str.isupper,
    "IsLowercase": str.islower,
}
_SIGNS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "a": "\a", "e": "\x1b"}


class PatternError(ValueError):
    """A pattern that cannot be read or matched here."""


@lru_cache(maxsize=256)
def matcher(pattern: str) -> Callable[[str], bool]:
    r"""A test whether a whole text matches a pattern.

    Parameters
    ----------
    pattern : str
        In Java's dialect, in which ``\d`` and ``\w`` are ASCII and ``\p{L}`` is a letter of any script.

    Raises
    ------
    PatternError
        At once, if the pattern cannot be read; of the test, if a text needs more than a few seconds.

    Examples
    --------
    >>> matcher("^[0]{1}[0-9]{10}$")("07701234567"), matcher("(a+)+")("a" * 1000 + "b")
    (True, False)
    """
    return _Automaton(pattern).matches


def _not(test: Test) -> Test:
    return lambda c: not test(c)


def _any_of(tests: list[Test]) -> Test:
    return lambda c: any(test(c) for test in tests)


def _between(low: str, high: str) -> Test:
    return lambda c: low <= c <= high


def _either_case(test: Test) -> Test:
    return lambda c: test(c) or test(c.lower()) or test(c.upper())


def _property(name: str) -> Test | None:
    if name in _POSIX:
        return _POSIX[name]
    plain = name.removeprefix("Is")
    if re.fullmatch("[LMNPSZC][a-z]?", plain):
        return lambda c: unicodedata.category(c).startswith(plain)
    if name.startswith("Is") and plain.upper() in ("LATIN", "CYRILLIC", "GREEK", "ARABIC", "HEBREW"):
        script = plain.upper() + " "
        return lambda c: c.isalpha() and unicodedata.name(c, "").startswith(script)
    return None


class _Parser:
    """A pattern as a tree: tuples of ("one", test), ("all", parts), ("any", parts), ("times", part, least, most)."""

    def __init__(self, pattern: str) -> None:
        self.pattern, self.at, self.depth = pattern, 0, 0
        self.folded = pattern.startswith("(?i)")
        self.at = 4 if self.folded else 0

    def error(self, words: str) -> PatternError:
        return PatternError(f"the pattern {self.pattern[:80]!r}: {words}")

    def peek(self, ahead: int = 1) -> str:
        return self.pattern[self.at : self.at + ahead]

    def next(self) -> str:
        if self.at >= len(self.pattern):
            raise self.error("it ends too early.")
        self.at += 1
        return self.pattern[self.at - 1]

    def whole(self) -> Any:
        tree = self.choice()
        if self.at < len(self.pattern):
            raise self.error("a ')' without a '('.")
        return tree

    def choice(self) -> Any:
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise self.error("it is nested too deeply.")
        parts = [self.run()]
        while self.peek() == "|":
            self.at += 1
            parts.append(self.run())
        self.depth -= 1
        return ("any", parts) if len(parts) > 1 else parts[0]

    def run(self) -> Any:
        parts = []
        while self.peek() and self.peek() not in "|)":
            if self.peek(2) == "\\Q":
                end = self.pattern.find("\\E", self.at)
                end = len(self.pattern) if end < 0 else end
                parts += [self.one(_between(c, c)) for c in self.pattern[self.at + 2 : end]]
                self.at = min(end + 2, len(self.pattern))
                parts[-1:] = [self.quantified(part) for part in parts[-1:]]
            else:
                parts.append(self.quantified(self.atom()))
        return ("all", parts)

    def quantified(self, part: Any) -> Any:
        while self.peek():
            found = re.match(r"[*+?]|\{(\d+)(?:(,)(\d*))?\}", self.pattern[self.at : self.at + 30], re.ASCII)
            if not found:
                break
            self.at += found.end()
            if self.peek() == "+":
                raise self.error("possessive quantifiers such as '*+' are not matched here.")
            self.at += self.peek() == "?"  # as few as possible: the whole text has to match in any case
            least, comma, most = found.groups()
            low, high = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(found[0], (int(least or 0), int(least or 0)))
            high = (int(most) if most else None) if comma else high
            if max(low, high or 0) > MOST_STATES:
                raise self.error(f"it repeats more than {MOST_STATES:,} times.")
            part = ("times", part, low, high)
        return part

    def one(self, test: Test) -> Any:
        return ("one", _either_case(test) if self.folded else test)

    def atom(self) -> Any:
        letter = self.next()
        if letter == "(":
            if self.peek() == "?":
                found = re.match(r"\?(?::|<[A-Za-z]\w*>)", self.pattern[self.at :])
                if not found:
                    raise self.error("groups such as '(?=...)', '(?!...)' and '(?<=...)' are not matched here.")
                self.at += found.end()
            inside = self.choice()
            if self.peek() != ")":
                raise self.error("a '(' is never closed.")
            self.at += 1
            return inside
        if letter == "[":
            return self.one(self.letters())
        if letter == ".":
            return self.one(lambda c: c not in "\n\r\x85\u2028\u2029")
        if letter in "^$":
            return ("start",) if letter == "^" else ("end",)
        if letter == "\\" and self.peek() in ("A", "z", "Z"):
            return ("start",) if self.next() == "A" else ("end",)
        if letter in "*+?":
            raise self.error(f"there is nothing to repeat before {letter!r}.")
        return self.one(self.escape() if letter == "\\" else _between(letter, letter))

    def escape(self) -> Test:
        """What follows a backslash, of a single letter."""
        letter = self.next()
        if letter.lower() in _ASCII:
            test = _ASCII[letter.lower()]
            return _not(test) if letter.isupper() else test
        if letter in "pP":
            found = re.match(r"\{(\w+)\}|([A-Z])", self.pattern[self.at :])
            test_of = _property(found[1] or found[2]) if found else None
            if not found or test_of is None:
                raise self.error(f"\\{letter}{found[0] if found else ''} is no class of letters known here.")
            self.at += found.end()
            return _not(test_of) if letter == "P" else test_of
        if letter in "ux":
            found = re.match("[0-9a-fA-F]{4}" if letter == "u" else "[0-9a-fA-F]{2}", self.pattern[self.at :])
            if not found:
                raise self.error(f"\\{letter} is not followed by the number of a letter.")
            self.at += found.end()
            letter = chr(int(found[0], 16))
        elif letter in _SIGNS:
            letter = _SIGNS[letter]
        elif letter.isascii() and letter.isalnum():
            raise self.error(f"\\{letter} is not matched here.")
        return _between(letter, letter)

    def letters(self) -> Test:
        """What stands in square brackets."""
        negated = self.peek() == "^"
        self.at += negated
        tests: list[Test] = []
        first = True
        while first or self.peek() != "]":
            first = False
            letter = self.next()
            if letter == "[" or (letter == "&" and self.peek() == "&"):
                raise self.error("a class of letters within another ('[a[b]]', '&&') is not matched here.")
            if letter == "\\" and (self.peek().lower() in _ASCII or self.peek() in "pP"):
                tests.append(self.escape())
                continue
            low = self.single(letter)
            high = low
            if self.peek() == "-" and self.peek(2)[1:] not in ("]", ""):
                self.at += 1
                high = self.single(self.next())
            if high < low:
                raise self.error(f"{low}-{high} runs backwards.")
            tests.append(_between(low, high))
        self.at += 1
        return _not(_any_of(tests)) if negated else _any_of(tests)

    def single(self, letter: str) -> str:
        """One letter of a class, perhaps escaped."""
        if letter != "\\":
            return letter
        start = self.at
        self.escape()
        said = self.pattern[start : self.at]
        return chr(int(said[1:], 16)) if said[0] in "ux" else _SIGNS.get(said, said)


class _Automaton:
    """States by number: a test and the next state, or states that follow without a letter."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.tests: list[Test | None] = []
        self.after: list[list[int]] = []
        self.kinds: list[str] = []
        self.steps = 0
        accept = self.state("accept", None, [])
        self.accept = accept
        self.first = self.closure([self.build(_Parser(pattern).whole(), accept)], at_start=True)
        self.known: dict[tuple[frozenset[int], str], frozenset[int]] = {}
        self.ends: dict[tuple[frozenset[int], bool], bool] = {}

    def state(self, kind: str, test: Test | None, after: list[int]) -> int:
        if len(self.kinds) >= MOST_STATES:
            raise PatternError(f"the pattern {self.pattern[:80]!r} is too large to be matched here.")
        self.kinds.append(kind)
        self.tests.append(test)
        self.after.append(after)
        return len(self.kinds) - 1

    def build(self, tree: Any, follows: int) -> int:
        """The state in which a part begins, that goes on to the one that follows."""
        if tree[0] == "one":
            return self.state("one", tree[1], [follows])
        if tree[0] in ("start", "end"):
            return self.state(tree[0], None, [follows])
        if tree[0] == "all":
            for part in reversed(tree[1]):
                follows = self.build(part, follows)
            return follows
        if tree[0] == "any":
            return self.state("free", None, [self.build(part, follows) for part in tree[1]])
        _, part, least, most = tree
        if most is None:
            loop = self.state("free", None, [follows])
            self.after[loop].append(self.build(part, loop))
            follows = loop
        else:
            end = follows
            for _ in range(most - least):
                follows = self.state("free", None, [end, self.build(part, follows)])
        for _ in range(least):
            follows = self.build(part, follows)
        return follows

    def closure(self, states: list[int], at_start: bool = False, at_end: bool = False) -> frozenset[int]:
        """All states that are reached without a letter."""
        seen, stack = set(states), list(states)
        while stack:
            state = stack.pop()
            kind = self.kinds[state]
            if kind == "free" or (kind == "start" and at_start) or (kind == "end" and at_end):
                new = [one for one in self.after[state] if one not in seen]
                seen.update(new)
                stack += new
        self.steps += len(seen)
        if self.steps > MOST_STEPS:
            raise PatternError(f"the pattern {self.pattern[:80]!r} takes too long. Write it without nested repetition.")
        return frozenset(seen)

    def matches(self, text: str) -> bool:
        """Whether the whole text is accepted."""
        now = self.first
        for letter in text:
            following = self.known.get((now, letter))
            if following is None:
                reached = [self.after[s][0] for s in now if (test := self.tests[s]) is not None and test(letter)]
                following = self.closure(reached)
                if len(self.known) > 50_000:
                    self.known.clear()
                    self.ends.clear()
                self.known[(now, letter)] = following
            if not following:
                return False
            now = following
        if (last := self.ends.get((now, not text))) is None:
            last = self.ends[(now, not text)] = self.accept in self.closure(list(now), at_start=not text, at_end=True)
        return last
