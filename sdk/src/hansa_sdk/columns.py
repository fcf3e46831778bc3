"""What a field is on its class: a typed column that predicates, orders and views are made of."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Literal
from uuid import UUID

from typing_extensions import TypeVar

from hansa_sdk.expressions import Expression, Read, Worked
from hansa_sdk.predicates import Compare, Marker, Operator, Path, Predicate, Quantifier, Related

if TYPE_CHECKING:
    from hansa_sdk.links import Link

T = TypeVar("T")
V = TypeVar("V")
E_co = TypeVar("E_co", covariant=True)
Owner_co = TypeVar("Owner_co", covariant=True, default=object)
"""The class a column was taken from: what a reference must refer to for the column behind it."""


class AnyColumn:
    """A column of whatever type, as views and orders take it.

    >>> from hansa_sdk.system import User
    >>> User.name.path.names
    ('name',)
    """

    __slots__ = ("_name", "crossed", "owner", "prefix")

    def __init__(
        self,
        owner: type[object],
        name: str,
        prefix: tuple[str, ...] = (),
        crossed: tuple[str, ...] = (),
    ) -> None:
        self.owner = owner
        self.prefix = prefix
        self.crossed = crossed
        self._name = name

    @property
    def field_name(self) -> str:
        """The field's own name."""
        return self._name

    @property
    def path(self) -> Path:
        """Where the column is, seen from the entity the expression starts at."""
        return Path(_entity_of(self), (*self.prefix, self._name), self.crossed)

    def _compare(self, operator: Operator, value: object, *, exact_case: bool = True) -> Predicate:
        operand = value.path if isinstance(value, AnyColumn) else value
        return Compare(self.path, operator, _plain(operand), exact_case)

    def is_null(self, empty: bool = True) -> Predicate:
        """The field has no value (or, with `empty=False`, has one)."""
        return self._compare("is_null", empty)

    def ascending(self, *, nulls: Literal["first", "last"] = "last") -> Order:
        """Order by this field, smallest first."""
        return Order(self.path, descending=False, nulls_first=nulls == "first")

    def descending(self, *, nulls: Literal["first", "last"] = "last") -> Order:
        """Order by this field, largest first."""
        return Order(self.path, descending=True, nulls_first=nulls == "first")

    def __repr__(self) -> str:
        return f"<column {self.path}>"


class Column(AnyColumn, Expression[T], Generic[T, Owner_co]):
    """A field seen on its class: comparisons give predicates, typed by the field's type.

    `Deal.title` is a `Column[str, Deal]`, which is a `Column[str]` too. What is computed of columns
    is an `Expression`.

    >>> from hansa_sdk.system import User
    >>> (User.name == "Ada").operator
    'eq'
    """

    __slots__ = ()
    __hash__ = object.__hash__

    @property
    def paths(self) -> Sequence[Path]:
        """The column's own path."""
        return (self.path,)

    def worked_out(self, read: Read) -> Worked:
        """Return the field's value."""
        return read(self.path)

    def __eq__(self, other: T | Column[T] | Marker) -> Compare:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]  # a predicate, not a truth
        return _as_compare(self._compare("eq", other))

    def __ne__(self, other: T | Column[T] | Marker) -> Compare:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]  # a predicate, not a truth
        return _as_compare(self._compare("ne", other))

    def __lt__(self, other: T | Column[T] | Marker) -> Predicate:
        return self._compare("lt", other)

    def __le__(self, other: T | Column[T] | Marker) -> Predicate:
        return self._compare("le", other)

    def __gt__(self, other: T | Column[T] | Marker) -> Predicate:
        return self._compare("gt", other)

    def __ge__(self, other: T | Column[T] | Marker) -> Predicate:
        return self._compare("ge", other)

    def one_of(self, values: Collection[T]) -> Predicate:
        """The field's value is one of `values`."""
        return self._compare("in", tuple(values))

    def contains(self, text: str) -> Predicate:
        """The text holds `text`, case aside."""
        return self._compare("contains", text, exact_case=False)

    def starts_with(self, text: str) -> Predicate:
        """The text begins with `text`, case aside."""
        return self._compare("starts_with", text, exact_case=False)

    def ends_with(self, text: str) -> Predicate:
        """The text ends with `text`, case aside."""
        return self._compare("ends_with", text, exact_case=False)


class RefColumn(AnyColumn, Generic[T, Owner_co]):
    """A to-one reference seen on its class.

    >>> from hansa_sdk.system import User, UserTeam
    >>> str(UserTeam.user.to(User.name).path)
    'system.user_team.user.name'
    """

    __slots__ = ()
    __hash__ = object.__hash__

    def __eq__(self, other: T | Link[T] | UUID | Marker | None) -> Compare:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]  # a predicate, not a truth
        if other is None:
            return Compare(self.path, "is_null", True)
        return _as_compare(self._compare("eq", other))

    def __ne__(self, other: T | Link[T] | UUID | Marker | None) -> Compare:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]  # a predicate, not a truth
        if other is None:
            return Compare(self.path, "is_null", False)
        return _as_compare(self._compare("ne", other))

    def one_of(self, values: Collection[UUID] | Marker) -> Predicate:
        """The reference is to one of the records with these ids."""
        return self._compare("in", values if isinstance(values, Marker) else tuple(values))

    def to(self, column: Column[V, T]) -> Column[V, Owner_co]:
        """Follow the reference to a field of the entity it refers to."""
        return Column(self.owner, column.field_name, *self._across(column))

    def via(self, reference: RefColumn[V, T]) -> RefColumn[V, Owner_co]:
        """Follow the reference to a reference of the entity it refers to."""
        return RefColumn(self.owner, reference._name, *self._across(reference))

    def _across(self, column: AnyColumn) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the names and the entities that lie before a column behind this reference."""
        return (
            (*self.prefix, self._name, *column.prefix),
            (*self.crossed, _entity_of(column), *column.crossed),
        )


class ManyColumn(AnyColumn, Generic[E_co]):
    """A to-many relation seen on its class; `archived` asks for archived records as well.

    >>> from hansa_sdk.system import Team, UserTeam
    >>> from hansa_sdk.predicates import CURRENT_USER
    >>> Team.members.some(UserTeam.user == CURRENT_USER).quantifier
    'some'
    """

    __slots__ = ()

    def some(self, part: Predicate, *, archived: bool = False) -> Related:
        """At least one related record meets `part`."""
        return self._related("some", part, archived)

    def none(self, part: Predicate, *, archived: bool = False) -> Related:
        """No related record meets `part`."""
        return self._related("none", part, archived)

    def every(self, part: Predicate, *, archived: bool = False) -> Related:
        """Every related record meets `part`."""
        return self._related("every", part, archived)

    def _related(self, quantifier: Quantifier, part: Predicate, archived: bool) -> Related:
        return Related(self.path, quantifier, part, archived)


@dataclass(frozen=True, slots=True)
class Order:
    """One key of an order.

    >>> from hansa_sdk.system import User
    >>> User.name.descending().descending
    True
    """

    path: Path
    descending: bool
    nulls_first: bool


def _entity_of(column: AnyColumn) -> str:
    return str(getattr(column.owner, "__entity_name__", ""))


def _as_compare(predicate: Predicate) -> Compare:
    assert isinstance(predicate, Compare)
    return predicate


def _plain(value: object) -> object:
    """Records and links stand for their ids in a predicate."""
    from hansa_sdk.links import Link

    if isinstance(value, Link):
        return value.id
    if getattr(type(value), "__entity_name__", None) is not None:
        return getattr(value, "id")  # noqa: B009  # the entity module imports this one
    return value
