"""Checked dataclasses: values are compared with their annotation and range whenever one is built."""

import ast
import dataclasses
import functools
import inspect
import math
import sys
import textwrap
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import field
from typing import Any, Literal, TypeGuard, TypeVar, get_args, get_origin, get_type_hints

from .errors import ConfigError

C = TypeVar("C", bound="Checked")

UNBOUNDED = sys.float_info.max
"""Upper end of a range without a bound: any finite number."""


def within(default: Any, low: float, high: float = UNBOUNDED) -> Any:
    """Declare a number field with a closed range of finite numbers."""
    return field(default=default, metadata={"low": low, "high": high})


class Checked:
    """Check every field against its annotation and range whenever a configuration is built."""

    __slots__ = ()

    def __post_init__(self) -> None:
        hints = _type_hints(type(self))  # type: ignore[arg-type]
        for spec in dataclasses.fields(self):  # type: ignore[arg-type]
            where = f"{type(self).__name__}.{spec.name}"
            value = _conform(getattr(self, spec.name), hints[spec.name], where)
            if not spec.metadata.get("low", -math.inf) <= _magnitude(value) <= spec.metadata.get("high", math.inf):
                raise ConfigError(f"{where} is {value}, but must be {_range_text(spec.metadata)}.")
            object.__setattr__(self, spec.name, value)


def field_keys(config: Checked, prefix: str = "") -> Iterator[str]:
    """Yield the dotted names of all fields of a configuration, by stage: ``mode``, ``recurrence.score_threshold``."""
    for spec in dataclasses.fields(config):  # type: ignore[arg-type]
        value = getattr(config, spec.name)
        if isinstance(value, Checked):
            yield from field_keys(value, f"{prefix}{spec.name}.")
        else:
            yield prefix + spec.name


@functools.cache
def field_docs(config_class: type) -> dict[str, str]:
    """Return the docstring under each field of a configuration class, for help texts and tooltips."""
    body = ast.parse(textwrap.dedent(inspect.getsource(config_class))).body[0]
    assert isinstance(body, ast.ClassDef)
    docs = {}
    for statement, following in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and isinstance(following, ast.Expr)
            and isinstance(following.value, ast.Constant)
            and isinstance(following.value.value, str)
        ):
            docs[statement.target.id] = " ".join(following.value.value.split())
    return docs


@functools.cache
def _type_hints(config_class: Hashable) -> dict[str, Any]:
    """Resolve annotations once per class."""
    return get_type_hints(config_class)


def _conform(value: Any, annotation: Any, where: str) -> Any:
    """Return the value in the annotated type, or raise ConfigError."""
    origin = get_origin(annotation)
    if origin is Literal:
        if value not in get_args(annotation):
            raise ConfigError(f"{where} is {value!r}, but must be one of {', '.join(map(str, get_args(annotation)))}.")
        return value
    if origin is tuple:
        if isinstance(value, str) or not isinstance(value, list | tuple):
            raise ConfigError(f"{where} must be a list, not {value!r}.")
        return tuple(_conform(item, get_args(annotation)[0], where) for item in value)
    if annotation is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    is_number = annotation in (int, float) and not isinstance(value, bool)
    if not isinstance(value, annotation) or (annotation in (int, float) and not is_number):
        raise ConfigError(f"{where} is {value!r}, but must be {_type_text(annotation)}.")
    return value


def _type_text(annotation: Any) -> str:
    """Name a type in a user's words."""
    names = {float: "a number", int: "a whole number", bool: "true or false", str: "text"}
    return names.get(annotation, f"a table of {getattr(annotation, '__name__', annotation)}")


def _magnitude(value: Any) -> float:
    """Return a number for range checks; NaN never passes, what is not a number always does."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    return value


def _range_text(metadata: Mapping[str, Any]) -> str:
    """Say a closed range in words."""
    low, high = metadata["low"], metadata["high"]
    return f"finite and at least {low}" if high == UNBOUNDED else f"between {low} and {high}"


def check_template(template: str, where: str) -> None:
    """Refuse a template without exactly one place for the query."""
    if template.count("{}") != 1 or set("{}") & set(template.replace("{}", "")):
        raise ConfigError(f'{where}: "{template}" must contain {{}} once, where the query goes, and no other braces.')


def updated(config: C, mapping: Mapping[str, Any], prefix: str) -> C:
    """Return the configuration with nested values replaced; unknown keys raise."""
    known = {spec.name for spec in dataclasses.fields(config)}  # type: ignore[arg-type]
    changes: dict[str, Any] = {}
    for key, value in mapping.items():
        if key not in known:
            raise ConfigError(f"Unknown parameter {prefix}{key}; known here: {', '.join(sorted(known))}.")
        current = getattr(config, key)
        nested = isinstance(current, Checked) and isinstance(value, Mapping)
        changes[key] = updated(current, value, f"{prefix}{key}.") if nested else value
    return dataclasses.replace(config, **changes)  # type: ignore[type-var]


def is_whole(value: object) -> TypeGuard[int]:
    """Tell whether a value is a whole number; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def plain(value: Any) -> Any:
    """Turn tuples into lists throughout."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value
