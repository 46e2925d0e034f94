"""``relevant`` and ``constraint`` expressions of an XLSForm as boolean masks over a frame of responses.

The subset read here is ``= != < <= > >= and or not() selected() .`` with ``${name}``, strings, numbers and
parentheses. elementpath parses the expression as XPath 1.0; its tree is turned into NumPy masks, so nothing is
ever passed to ``eval``. Anything outside the subset is an :class:`ExpressionError`.

Values compare as XPath 1.0 does: if one side is a number both are compared as numbers, and a blank is then NaN, so
that every comparison with it is false but ``!=``; otherwise both sides are compared as text, a blank being ``''``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .codes import as_numbers, as_texts

if TYPE_CHECKING:
    import pandas as pd

Mask = npt.NDArray[np.bool_]

SUPPORTED = "= != < <= > >= and or not() selected() . ${name}, text in quotes, numbers and parentheses"

_REFERENCE = re.compile(r"""("[^"]*"|'[^']*')|\$\{\s*([^}]*?)\s*\}""")
_DATE = r"\d{4}-\d{2}-\d{2}"
_COMPARE = {
    "=": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


class ExpressionError(ValueError):
    """An expression that cannot be read, or that uses what is outside the subset."""


@dataclass(frozen=True)
class Expression:
    """A parsed expression.

    Attributes
    ----------
    text : str
        The expression as it was written.
    names : tuple of str
        The questions it refers to, each once, in order of appearance.
    choices : tuple of (str, str)
        Questions and the texts they are compared with, which should be choices of theirs; ``.`` is ``""``.
    """

    text: str
    names: tuple[str, ...]
    choices: tuple[tuple[str, str], ...]
    _root: Any

    def mask(self, frame: pd.DataFrame, this: str | None = None) -> Mask:
        """Where the expression is true.

        Parameters
        ----------
        frame : DataFrame
            Codes, one row per respondent: one column per question, or 0/1 columns ``question/choice``.
        this : str, optional
            The question that ``.`` stands for.

        Returns
        -------
        ndarray of bool, shape (len(frame),)

        Raises
        ------
        ExpressionError
            If a question has no column, or is used in a way its type does not allow.
        """
        return _Evaluator(self, frame, this).truth(self._root)


@lru_cache(maxsize=4096)
def parse_expression(text: str) -> Expression:
    """Parse an expression of an XLSForm.

    Parameters
    ----------
    text : str
        For instance ``"${age} >= 18 and not(selected(${grounds}, 'none'))"``.

    Returns
    -------
    Expression

    Raises
    ------
    ExpressionError
        If the text is not an expression, or uses anything outside the subset.

    Examples
    --------
    >>> import pandas as pd
    >>> parse_expression("${age} >= 18").mask(pd.DataFrame({"age": [17, 18, None]})).tolist()
    [False, True, False]
    """
    names: list[str] = []

    def variable(match: re.Match[str]) -> str:
        if match[1] is not None:
            return match[1]
        if match[2] not in names:
            names.append(match[2])
        # Question names may hold characters that XPath names may not: the tree sees v0, v1, ...
        return f"$v{names.index(match[2])}"

    prepared = _REFERENCE.sub(variable, text)
    try:
        root = _parser()().parse(prepared)
    except Exception as error:  # elementpath raises SyntaxError, TypeError, NameError, ValueError alike
        raise ExpressionError(f"{text!r} cannot be read ({_readable(error)}). Supported: {SUPPORTED}.") from error
    _require_condition(root, text)
    return Expression(text, tuple(names), tuple(_choices(root, names)), root)


@lru_cache(maxsize=1)
def _parser() -> Any:
    from elementpath.xpath1 import XPath1Parser

    class XLSFormParser(XPath1Parser):
        """A class of its own, so that selected() is registered in its table only."""

    def evaluate(token: Any, context: Any = None) -> Any:
        raise token.missing_context()  # the parser tries to fold constants; there are none here

    XLSFormParser.method(XLSFormParser.function("selected", nargs=2))(evaluate)
    return XLSFormParser


def _readable(error: Exception) -> str:
    return re.sub(r"\[err:\w+\] ", "", str(error)).strip() or type(error).__name__


_LITERALS = ("(integer)", "(decimal)", "(float)")


def _require_condition(token: Any, text: str) -> None:
    symbol = token.symbol
    if symbol in ("and", "or", "not") or (symbol == "(" and len(token) == 1):
        for child in token:
            _require_condition(child, text)
    elif symbol in _COMPARE:
        for child in token:
            _require_value(child, text)
            if symbol not in ("=", "!=") and child.symbol == "(string)" and not _has_order(child.value):
                raise ExpressionError(f"{text!r}: {child.value!r} is neither a number nor a date, 2021-10-31.")
    elif symbol == "selected":
        if token[0].symbol not in ("$", ".") or token[1].symbol != "(string)":
            raise ExpressionError(f"{text!r}: selected() takes a question and a choice, selected(${{q}}, 'a').")
    elif symbol in ("$", ".", "(string)", *_LITERALS):
        raise ExpressionError(f"{text!r}: a value stands where a condition should, for instance ${{q}} = 'yes'.")
    else:
        raise _unsupported(token, text)


def _has_order(literal: str) -> bool:
    return _is_date(literal) or not np.isnan(as_numbers([literal])[0])


def _require_value(token: Any, text: str) -> None:
    symbol = token.symbol
    if symbol == "(" and len(token) == 1:
        _require_value(token[0], text)
    elif symbol in ("and", "or", "not", "selected", *_COMPARE):
        raise ExpressionError(f"{text!r}: conditions are joined by 'and' and 'or', not compared.")
    elif symbol not in ("$", ".", "(string)", *_LITERALS) and not (
        symbol == "-" and len(token) == 1 and token[0].symbol in _LITERALS
    ):
        raise _unsupported(token, text)


def _unsupported(token: Any, text: str) -> ExpressionError:
    shown = token.value if token.symbol == "(name)" else token.symbol
    return ExpressionError(f"{text!r}: {shown!r} is not supported. Supported: {SUPPORTED}.")


def _choices(root: Any, names: list[str]) -> Iterator[tuple[str, str]]:
    for token in root.iter():
        if token.symbol in ("=", "!=", "selected"):
            for one, other in ((token[0], token[1]), (token[1], token[0])):
                if one.symbol in ("$", ".") and other.symbol == "(string)" and other.value:
                    yield names[int(one[0].value[1:])] if one.symbol == "$" else "", str(other.value)


Operand = Any  # a literal (str or float), or a column of values


class _Evaluator:
    """One expression over one frame; each method returns masks or columns as long as the frame."""

    def __init__(self, expression: Expression, frame: pd.DataFrame, this: str | None) -> None:
        self.expression = expression
        self.frame = frame
        self.this = this

    def error(self, words: str) -> ExpressionError:
        return ExpressionError(f"{self.expression.text!r}: {words}")

    def truth(self, token: Any) -> Mask:
        symbol = token.symbol
        if symbol == "and":
            return self.truth(token[0]) & self.truth(token[1])
        if symbol == "or":
            return self.truth(token[0]) | self.truth(token[1])
        if symbol == "not":
            return ~self.truth(token[0])
        if symbol == "(":
            return self.truth(token[0])
        if symbol == "selected":
            return self.selected(self.name(token[0]), token[1].value)
        return self.compare(symbol, token[0], token[1])

    def name(self, token: Any) -> str:
        if token.symbol == "$":
            return self.expression.names[int(token[0].value[1:])]
        if self.this is None:
            raise self.error("'.' has no meaning here. Name the question, ${name}.")
        return self.this

    def selected(self, name: str, choice: str) -> Mask:
        if name in self.frame:
            return np.asarray(as_texts(self.frame[name]) == choice)
        item = f"{name}/{choice}"
        if item not in self.frame:
            self.items(name)  # says so if there is no such question at all
            raise self.error(f"the question {name!r} has no choice {choice!r} (no column {item!r}).")
        return as_numbers(self.frame[item]) == 1

    def items(self, name: str) -> list[str]:
        found = [c for c in self.frame.columns if isinstance(c, str) and c.startswith(f"{name}/")]
        if not found:
            raise self.error(f"there is no column for the question {name!r}.")
        return found

    def compare(self, symbol: str, left: Any, right: Any) -> Mask:
        a, b = self.operand(left), self.operand(right)
        if symbol not in ("=", "!=") or isinstance(a, float) or isinstance(b, float):
            x, y = _as_numbers(a), _as_numbers(b)
        else:
            x, y = _as_texts(a), _as_texts(b)
        return np.broadcast_to(_COMPARE[symbol](x, y), (len(self.frame),)).astype(bool)

    def operand(self, token: Any) -> Operand:
        symbol = token.symbol
        if symbol == "(string)":
            return str(token.value)
        if symbol in _LITERALS:
            return float(token.value)
        if symbol == "-":
            return -float(token[0].value)
        if symbol == "(":
            return self.operand(token[0])
        name = self.name(token)
        if name in self.frame:
            return self.frame[name]
        return self.chosen_text(name)

    def chosen_text(self, name: str) -> npt.NDArray[np.object_]:
        """The value of a multiple response question as XForms has it: the chosen names, separated by spaces."""
        out = np.full(len(self.frame), "", dtype=object)
        for column in self.items(name):
            hit = as_numbers(self.frame[column]) == 1
            out[hit] = np.where(out[hit] == "", "", out[hit] + " ") + column[len(name) + 1 :]
        return out


def _as_numbers(x: Operand) -> Any:
    import pandas as pd

    if isinstance(x, float):
        return x
    if isinstance(x, str):
        return as_numbers(pd.to_datetime([x], errors="coerce"))[0] if _is_date(x) else as_numbers([x])[0]
    numbers = as_numbers(x)
    series = pd.Series(x)
    if series.dtype.kind not in "iufbM" and not isinstance(series.dtype, pd.CategoricalDtype):
        # a date question stays text as long as one of its dates cannot be read
        dates = as_numbers(pd.to_datetime(series.where(series.astype(str).str.match(_DATE)), errors="coerce"))
        numbers = np.where(np.isnan(numbers), dates, numbers)
    return numbers


def _is_date(text: str) -> bool:
    return re.fullmatch(_DATE, text) is not None


def _as_texts(x: Operand) -> Any:
    return x if isinstance(x, str) else as_texts(x)
