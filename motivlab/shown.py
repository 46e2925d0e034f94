"""What shows itself in a notebook as a gated table, made by a layer above."""

from __future__ import annotations

from importlib import import_module
from typing import Any


class Shown:
    """A result: in a notebook it is its table, in the language of the survey."""

    def __repr__(self) -> str:
        return str(_table(self).text())

    def _repr_html_(self) -> str:
        return str(_table(self).html())


def _table(thing: Any) -> Any:
    # by name, since this layer knows of none above
    return import_module("motivlab.tables").table(thing)
