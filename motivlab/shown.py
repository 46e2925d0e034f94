"""What shows itself in a notebook as a gated table; the layer of the tables registers here how."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

SHOW: dict[str, Callable[[Any], str]] = {"text": object.__repr__, "html": object.__repr__}


class Shown:
    """A result: in a notebook it is its table, in the language of the survey."""

    def __repr__(self) -> str:
        return SHOW["text"](self)

    def _repr_html_(self) -> str:
        return SHOW["html"](self)
