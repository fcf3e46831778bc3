"""Entities and extensions: the classes whose records the kernel stores."""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, Generic, TypeVar, cast
from uuid import UUID

from typing_extensions import dataclass_transform

from hansa_sdk.checks import Check
from hansa_sdk.fields import (
    UNSET,
    Field,
    FieldBase,
    FieldOptions,
    Ref,
    computed,
    field,
    formula,
    many,
    money,
    ref,
    rollup,
)

X = TypeVar("X", bound="Extension[Entity]")
E_co = TypeVar("E_co", bound="Entity", covariant=True)

_FIELD_ANNOTATION = re.compile(r"^(?:\w+\.)*(Field|Ref)\[")


def _declare(cls: type[object]) -> tuple[dict[str, FieldBase], tuple[Check, ...]]:
    """Collect fields and checks of a class, bases first; bare `name: Field[str]` counts too."""
    for name, annotation in inspect.get_annotations(cls).items():
        text = annotation if isinstance(annotation, str) else str(annotation)
        kind = _FIELD_ANNOTATION.match(text)
        if kind and name not in cls.__dict__:
            options = FieldOptions()
            bare: FieldBase = Ref[object](options) if kind[1] == "Ref" else Field[object](options)
            setattr(cls, name, bare)
            bare.__set_name__(cls, name)
    fields: dict[str, FieldBase] = {}
    checks: list[Check] = []
    for base in reversed(cls.__mro__):
        for name, value in base.__dict__.items():
            if isinstance(value, FieldBase):
                fields[name] = value
            elif isinstance(value, Check):
                checks.append(value)
    return fields, tuple(checks)


class _Record:
    """Holds a record's values and takes them by keyword, refusing unknown and missing ones."""

    __declared_fields__: ClassVar[Mapping[str, FieldBase]] = {}
    __declared_checks__: ClassVar[tuple[Check, ...]] = ()

    def __init__(self, **values: object) -> None:
        self.__dict__["values"] = {}
        fields = type(self).__declared_fields__
        unknown = sorted(set(values) - {name for name, f in fields.items() if f.options.init})
        if unknown:
            raise TypeError(f"{type(self).__name__} takes no argument {', '.join(unknown)}")
        missing: list[str] = []
        for name, declared in fields.items():
            if name in values:
                setattr(self, name, values[name])
            elif declared.options.default is not UNSET:
                declared.write(self, copy.deepcopy(declared.options.default))
            elif declared.options.init:
                missing.append(name)
        if missing:
            raise TypeError(f"{type(self).__name__} needs {', '.join(missing)}")

    def __repr__(self) -> str:
        shown = cast("dict[str, object]", self.__dict__["values"]).get("id")
        return f"<{type(self).__name__} {shown}>"


@dataclass_transform(
    kw_only_default=True,
    eq_default=False,
    field_specifiers=(field, ref, many, money, rollup, formula, computed),
)
class Entity(_Record):
    """A kind of record, declared by fields; the kernel makes its table, API and policy.

    `name` is plugin.noun; `plural` defaults to the noun + s; `subject` names the reference to the
    person or organisation whose data a record is ("self" for the record itself); `archivable`
    records can be hidden from lists; `unique` lists the fields whose values together are unique.
    `indexes` lists fields that lists are filtered and then sorted by, in this order: the database
    finds such records without looking at others.

    >>> class Note(Entity, name="demo.note", label="Note"):
    ...     text: Field[str] = field(max_length=200)
    >>> Note(text="hello").text
    'hello'
    """

    __entity_name__: ClassVar[str] = ""
    __plural__: ClassVar[str] = ""
    __label__: ClassVar[str] = ""
    __subject__: ClassVar[str | None] = None
    __archivable__: ClassVar[bool] = True
    __unique__: ClassVar[tuple[tuple[str, ...], ...]] = ()
    __indexes__: ClassVar[tuple[tuple[str, ...], ...]] = ()

    id: Field[UUID] = field(init=False)
    created_at: Field[datetime] = field(init=False, readonly=True)
    created_by: Field[UUID | None] = field(init=False, readonly=True)
    updated_at: Field[datetime] = field(init=False, readonly=True)
    updated_by: Field[UUID | None] = field(init=False, readonly=True)
    archived: Field[bool] = field(init=False, default=False, readonly=True)
    version: Field[int] = field(init=False, readonly=True)

    def __init_subclass__(
        cls,
        *,
        name: str = "",
        plural: str | None = None,
        label: str | None = None,
        subject: str | None = None,
        archivable: bool = True,
        unique: tuple[tuple[str, ...], ...] = (),
        indexes: tuple[tuple[str, ...], ...] = (),
    ) -> None:
        super().__init_subclass__()
        noun = name.rpartition(".")[2]
        cls.__entity_name__ = name
        cls.__plural__ = plural or f"{noun}s"
        cls.__label__ = label or noun.replace("_", " ").capitalize()
        cls.__subject__ = subject
        cls.__archivable__ = archivable
        cls.__unique__ = unique
        cls.__indexes__ = indexes
        cls.__declared_fields__, cls.__declared_checks__ = _declare(cls)

    def __getitem__(self, extension: type[X]) -> X:
        """Return this record's part that the plugin declaring `extension` added."""
        parts = cast("dict[type[object], object]", self.__dict__.setdefault("extensions", {}))
        if extension not in parts:
            parts[extension] = extension()
        return cast(X, parts[extension])


@dataclass_transform(
    kw_only_default=True, eq_default=False, field_specifiers=(field, ref, money, formula, computed)
)
class Extension(_Record, Generic[E_co]):
    """Fields a plugin adds to another plugin's entity; every field is optional or has a default.

    >>> from hansa_sdk.system import User
    >>> class Desk(Extension[User]):
    ...     room: Field[str | None] = field(default=None)
    >>> Desk.room.field_name
    'room'
    """

    __extends__: ClassVar[type[Entity] | None] = None
    __entity_name__: ClassVar[str] = ""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for base in cls.__dict__.get("__orig_bases__", ()):
            arguments = getattr(base, "__args__", ())
            if arguments and isinstance(arguments[0], type) and issubclass(arguments[0], Entity):
                cls.__extends__ = arguments[0]
                cls.__entity_name__ = arguments[0].__entity_name__
        cls.__declared_fields__, cls.__declared_checks__ = _declare(cls)


Entity.__declared_fields__, _ = _declare(Entity)
