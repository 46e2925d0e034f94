"""What the parts of ``survey.yml`` have in common: strict keys, texts per language, faults in plain words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from .questionnaire import did_you_mean
from .readers import FILL_IN

Text = str | dict[str, str]


class Part(BaseModel):
    """A part of ``survey.yml``: unknown keys and wrong types are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            name = type(self).__name__
            raise ValueError("\n".join(f"{name}: {said}" for said in faults(error, type(self)))) from None

    # or pydantic would make the parts of a file by this __init__ too, and their faults would lose their place
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    @model_validator(mode="before")
    @classmethod
    def _lists(cls, values: Any) -> Any:
        """YAML has lists where some keys hold tuples; ``strict`` would refuse them."""
        if not isinstance(values, dict):
            return values
        fields = cls.model_fields
        wanted = {key for key in values if key in fields and "tuple" in str(fields[key].annotation)}
        return {key: _tuple(value) if key in wanted else value for key, value in values.items()}


def _tuple(value: Any) -> Any:
    return tuple(map(_tuple, value)) if isinstance(value, list) else value


def in_language(text: Text, language: str) -> str:
    """A text of ``survey.yml`` in a language, or in the first one there is; empty where it is marked ``?``."""
    if isinstance(text, dict):
        text = text.get(language) or next((t for t in text.values() if t), "")
    return "" if text == FILL_IN else text


def faults(error: ValidationError, top: type[BaseModel], file: bool = False) -> Iterator[str]:
    """Each fault once: key, value, remedy."""
    found: dict[str, tuple[list[str], type[BaseModel], Any]] = {}
    for fault in error.errors():
        parts, model = _place(fault["loc"], top, fault["type"])
        found.setdefault(".".join(parts), (parts, model, fault))
    for key, (parts, model, fault) in found.items():
        if key and any(other.startswith(f"{key}.") for other in found):
            continue  # of the alternatives that a value may be, the one that comes nearest to it
        if fault["type"] == "extra_forbidden":
            near = did_you_mean(parts[-1], model.model_fields)
            yield f"unknown key {key!r}{near} Remove it, or use one of {', '.join(model.model_fields)}."
        elif fault["type"] == "missing" and parts[-1] not in model.model_fields:  # a place in a list
            yield f"{'.'.join(parts[:-1])!r} is {_as_written(fault['input'])}: it has too few values. Add the others."
        elif fault["type"] == "missing":
            unknown = '; write "?" for what is not known yet' if file and model is top else ""
            allowed = _allowed(model, parts[-1])
            yield f"the key {key!r} is missing. Add it{f', one of {allowed}' if allowed else unknown}."
        elif fault["type"] == "model_type":
            yield f"{key!r} is {fault['input']!r}. It needs keys of its own: {', '.join(model.model_fields)}."
        elif fault["type"] == "value_error":  # of the validators of a part
            yield f"{f'{key!r}: ' if key else ''}{fault['ctx']['error']}."
        else:
            # pydantic names Python's types; the file has lists
            message = (
                (fault["msg"][0].lower() + fault["msg"][1:]).replace("tuple", "list").replace(" after validation", "")
            )
            yield f"{key!r} is {_as_written(fault['input'])}: {message}. Correct the value."


def _as_written(value: Any) -> str:
    """A value as the file has it: a list is a list."""
    return repr(list(value) if isinstance(value, tuple) else value)


def _allowed(model: type[BaseModel], key: str) -> str:
    """The values of a key that has few."""
    return ", ".join(value for value in get_args(model.model_fields[key].annotation) if isinstance(value, str))


def _place(loc: tuple[int | str, ...], top: type[BaseModel], fault: str) -> tuple[list[str], type[BaseModel]]:
    """The keys that lead to a fault, and the model whose key the last one is, or that should stand there.

    pydantic names the members of a union among the keys, ``str``, ``dict[str,str]``; they are left out.
    """
    parts: list[str] = []
    models, model, free = [top], top, False
    for part in map(str, loc):
        if not parts or free or not re.search(r"\[|^(str|date|dict|tuple|float|int)$|^literal", part):
            parts.append(part)
        known = None if free else model.model_fields.get(part)
        free = known is not None and get_origin(known.annotation) is dict  # whose keys may be any
        models.append(model := next(iter(_models(known.annotation)), model) if known else model)
    return parts, models[-1] if fault == "model_type" or not loc else models[-2]


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The models in a type, ``dict[str, Analysis]``."""
    if isinstance(annotation, type) and get_origin(annotation) is None:
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [model for part in get_args(annotation) for model in _models(part)]
