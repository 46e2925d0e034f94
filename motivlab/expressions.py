"""Expressions of an XLSForm: read here, evaluated over a frame of responses in :mod:`motivlab.evaluate`.

``relevant``, ``constraint``, ``calculation``, ``choice_filter`` and ``required`` are XPath 1.0 with the functions of
ODK. elementpath parses them; its tree is turned into a small one of our own, so nothing is ever passed to ``eval``.
What is not an expression is an :class:`ExpressionError` at once. A function that nobody knows, or that has no meaning
on a finished table, is read and kept, and an error when it is evaluated.

Values compare as XPath 1.0 does: if one side is a number both are compared as numbers, and a blank is then NaN, so
that every comparison with it is false but ``!=``; otherwise both sides are compared as text, a blank being ``''``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from .evaluate import ARITHMETIC, Context, Evaluator, ExpressionError, MeaninglessError, Node
from .functions import FUNCTIONS
from .moments import number_of
from .values import COMPARE, Mask

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Context", "Expression", "ExpressionError", "Mask", "MeaninglessError", "parse_expression"]

MAX_LENGTH = 32_767  # characters in a cell of a spreadsheet
MAX_DEPTH = 100
_PART = re.compile(
    r"""(?P<text>"[^"]*"|'[^']*')"""
    r"""|\$\{(?P<name>[^{}]*)\}"""
    r"""|(?P<current>current\s*\(\s*\)\s*/)"""
    r"""|(?P<word>[^\W\d][\w.-]*(?::[^\W\d][\w.-]*)?)(?P<open>\s*\(\s*(?P<close>\))?)?"""
)
_OPERATORS = ("and", "or", "div", "mod")
_NODE_TESTS = ("text", "node", "comment", "processing-instruction")
_LITERALS = ("(integer)", "(decimal)", "(float)")
_LAST_SAVED = "last-saved#"


@dataclass(frozen=True)
class Expression:
    """A parsed expression.

    Attributes
    ----------
    text : str
        The expression as it was written.
    names : tuple of str
        The questions and repeats it refers to, each once, in order of appearance.
    choices : tuple of (str, str)
        Questions and the texts they are compared with, which should be choices of theirs; ``.`` is ``""``.
    columns : tuple of str
        The columns of the choices sheet that a ``choice_filter`` reads.
    root : Node
        The tree.
    """

    text: str
    names: tuple[str, ...]
    choices: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    root: Node

    def mask(
        self,
        frame: pd.DataFrame,
        this: str | None = None,
        context: Context | None = None,
        choice: Mapping[str, str] | None = None,
    ) -> Mask:
        """Where the expression is true.

        Parameters
        ----------
        frame : DataFrame
            Codes, one row per respondent: one column per question, or 0/1 columns ``question/choice``.
        this : str, optional
            The question that ``.`` stands for.
        context : Context, optional
            The members of repeats, the day of the interview; see :attr:`motivlab.Survey.context`.
        choice : mapping of str to str, optional
            For a ``choice_filter``: the columns of one choice.

        Returns
        -------
        ndarray of bool, shape (len(frame),)

        Raises
        ------
        MeaninglessError
            If the expression has no meaning on a finished table, such as ``random()``.
        ExpressionError
            If a question has no column, or nobody knows a function.
        """
        return Evaluator(self.text, frame, this, context, choice).mask(self.root)

    def values(self, frame: pd.DataFrame, this: str | None = None, context: Context | None = None) -> Any:
        """The value of the expression in each row, for a ``calculation``; parameters and errors as for :meth:`mask`.

        Returns
        -------
        ndarray of float, bool or str, shape (len(frame),)
            NaN is a number that could not be worked out, ``""`` a blank.
        """
        return Evaluator(self.text, frame, this, context).column(self.root)


@lru_cache(maxsize=4096)
def parse_expression(text: str, choice_filter: bool = False) -> Expression:
    """Parse an expression of an XLSForm.

    Parameters
    ----------
    text : str
        For instance ``"${age} >= 18 and not(selected(${grounds}, 'none'))"``.
    choice_filter : bool
        Whether a bare name is a column of the choices sheet, as in ``region = ${region}``.

    Returns
    -------
    Expression

    Raises
    ------
    ExpressionError
        If the text is not an expression, a function has too few or too many arguments, or a text that is neither a
        number nor a date is compared by its order.

    Examples
    --------
    >>> import pandas as pd
    >>> parse_expression("${age} >= 18").mask(pd.DataFrame({"age": [17, 18, None]})).tolist()
    [False, True, False]
    >>> parse_expression("round(${age} div 10)").values(pd.DataFrame({"age": [17, 34]})).tolist()
    [2.0, 3.0]
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionError(
            f"{text[:60]!r}...: {len(text):,} characters, of at most {MAX_LENGTH:,} that a spreadsheet's cell holds. "
            "Split it into calculations."
        )
    reader = _Reader(text, choice_filter)
    root = reader.read()
    return Expression(text, tuple(reader.names), tuple(_choices(root)), tuple(reader.columns), root)


@lru_cache(maxsize=1)
def _parser() -> Any:
    from elementpath.xpath1 import XPath1Parser

    class XLSFormParser(XPath1Parser):
        """A class of its own, so that call() is registered in its table only."""

        def parse(self, source: str) -> Any:
            """The tree alone: XPath1Parser would also work out the constants in it."""
            self.tokenizer = self.tokenizer or self.create_tokenizer(self.symbol_table)
            return super(XPath1Parser, self).parse(source)

    # Every function is read as call('name', ...): the names of ODK, and those that nobody knows, need no registering.
    XLSFormParser.function("call", nargs=(1, None))
    return XLSFormParser


def shown(text: str) -> str:
    """An expression in quotes, cut off where it is longer than a message should be."""
    return repr(text if len(text) <= 300 else text[:300] + "...")


def _readable(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return re.sub(r"\[err:\w+\] ", "", str(error)).strip()[:200] or type(error).__name__


class _Reader:
    """One text on its way to a tree."""

    def __init__(self, text: str, choice_filter: bool) -> None:
        self.text = text
        self.choice_filter = choice_filter
        self.names: list[str] = []
        self.columns: list[str] = []
        self.variables: list[str] = []
        self.calls: list[str] = []

    def error(self, words: str) -> ExpressionError:
        return ExpressionError(f"{shown(self.text)}: {words}")

    def read(self) -> Node:
        prepared = _PART.sub(self._prepared, self.text)
        self.names = [name for name in self.variables if not name.startswith(_LAST_SAVED)]
        if "instance" in self.calls:  # instance('list') and a path: into another file
            return Node("call", "instance")
        try:
            root = _parser()().parse(prepared)
        except Exception as error:  # elementpath raises SyntaxError, TypeError, NameError, ValueError alike
            raise ExpressionError(f"{shown(self.text)} cannot be read ({_readable(error)}).") from error
        return self.node(root)

    def _prepared(self, match: re.Match[str]) -> str:
        if match["text"] is not None:
            return match["text"]
        if match["name"] is not None:
            name = match["name"].strip()
            if name not in self.variables:
                self.variables.append(name)
            # Question names may hold characters that XPath names may not: the tree sees v0, v1, ...
            return f"$v{self.variables.index(name)}"
        if match["current"] is not None:
            return ""
        if match["open"] is None or match["word"] in (*_OPERATORS, *_NODE_TESTS):
            return match[0]
        self.calls.append(match["word"])
        return f"call('{match['word']}'{')' if match['close'] else ', '}"

    def node(self, token: Any, depth: int = 0) -> Node:
        """A token of elementpath as a node; a chain of operators is walked, not descended."""
        if depth > MAX_DEPTH:
            raise self.error(f"it is nested more than {MAX_DEPTH} deep. Split it into calculations.")
        symbol = token.symbol
        if symbol == "(" and len(token) == 1:
            return self.node(token[0], depth + 1)
        if symbol == "(string)":
            return Node("text", str(token.value))
        if symbol in _LITERALS:
            return Node("number", float(token.value))
        if symbol == "$":
            return self.named(self.variables[int(token[0].value[1:])])
        if symbol == ".":
            return Node("this")
        if symbol in ("and", "or"):
            parts: list[Any] = []
            while token.symbol == symbol:
                parts.append(token[1])
                token = token[0]
            return Node(symbol, None, tuple(self.node(part, depth + 1) for part in (token, *reversed(parts))))
        if symbol in ARITHMETIC and len(token) == 2:
            chain = []
            while token.symbol in ARITHMETIC and len(token) == 2:
                chain.append((token.symbol, token[1]))
                token = token[0]
            signs = tuple(operator for operator, _ in reversed(chain))
            parts = [token, *(part for _, part in reversed(chain))]
            return Node("arithmetic", signs, tuple(self.node(part, depth + 1) for part in parts))
        if symbol == "-" and len(token) == 1:
            return Node("minus", None, (self.node(token[0], depth + 1),))
        if symbol in COMPARE:
            return self.comparison(symbol, *(self.node(part, depth + 1) for part in token))
        if symbol == "call":
            return self.call(str(token[0].value), tuple(self.node(part, depth + 1) for part in token[1:]))
        if symbol == "(name)" and self.choice_filter:
            if token.value not in self.columns:
                self.columns.append(token.value)
            return Node("column", token.value)
        if symbol == "(name)":
            name = str(token.value)[:60]
            raise self.error(f"{name!r} is not supported. A question is written ${{{name}}}.")
        return self.path(token, symbol)

    def named(self, name: str) -> Node:
        if name.startswith(_LAST_SAVED):
            return Node("call", "last-saved")
        if name not in self.names:
            self.names.append(name)
        return Node("name", name)

    def comparison(self, symbol: str, one: Node, other: Node) -> Node:
        for part in (one, other):
            if symbol not in ("=", "!=") and part.kind == "text" and np.isnan(number_of(part.value)):
                raise self.error(f"{part.value!r} is neither a number nor a date, 2021-10-31.")
        return Node("compare", symbol, (one, other))

    def call(self, name: str, args: tuple[Node, ...]) -> Node:
        if name in FUNCTIONS:
            least, most, _ = FUNCTIONS[name]
            if not least <= len(args) <= (most or len(args)):
                wanted = f"{least}" if most == least else f"{least} to {most}" if most else f"at least {least}"
                raise self.error(f"{name}() takes {wanted} arguments, here {len(args)}.")
        return Node("call", name, args)

    def path(self, token: Any, symbol: str) -> Node:
        """``..`` and ``../name``: a name is unique in a form, so its last step says which question is meant."""
        steps: list[str] = []
        while token.symbol == "/" and len(token) == 2 and token[1].symbol in ("(name)", ".."):
            steps.append(str(token[1].value) if token[1].symbol == "(name)" else "..")
            token = token[0]
        plain = token.symbol in ("..", ".", "(name)") or (token.symbol == "/" and len(token) == 1)
        if plain and steps and steps[0] != "..":
            return self.named(steps[0])
        if token.symbol == ".." and set(steps) <= {".."}:
            return Node("parent", 1 + len(steps))
        return Node("path", repr(symbol))


def _choices(root: Node) -> Iterator[tuple[str, str]]:
    stack = [root]
    while stack:
        node = stack.pop()
        stack.extend(reversed(node.args))
        equal = node.kind == "compare" and node.value in ("=", "!=")
        if equal or (node.kind == "call" and node.value in ("selected", "is-selected")):
            for one, other in (node.args, node.args[::-1]):
                if one.kind in ("name", "this") and other.kind == "text" and other.value:
                    yield one.value or "", other.value
