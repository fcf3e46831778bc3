"""Fields of an entity: descriptors that are a column on the class and a value on a record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import (
    Final,
    Generic,
    Literal,
    TypeAlias,
    TypeVar,
    cast,
    get_args,
    get_type_hints,
    overload,
)
from uuid import UUID

from hansa_sdk.columns import AnyColumn, Column, ManyColumn, RefColumn
from hansa_sdk.expressions import Expression, Number, exact
from hansa_sdk.links import Lines, Link, is_link
from hansa_sdk.predicates import Predicate

T = TypeVar("T")
E = TypeVar("E")
Owner = TypeVar("Owner")
OnDelete: TypeAlias = Literal["restrict", "cascade", "set_null"]
RollupKind: TypeAlias = Literal["sum", "count", "min", "max"]


class _Unset:
    """Says that an argument was left out, where None is a value."""

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = _Unset()


@dataclass(frozen=True, slots=True)
class FieldOptions:
    """What a declaration says about a field; `max_length` counts characters.

    >>> FieldOptions(max_length=5).max_length
    5
    """

    label: str | None = None
    help: str | None = None
    default: object = UNSET
    init: bool = True
    max_length: int | None = None
    unique: bool = False
    index: bool = False
    search: bool = False
    personal: bool = False
    readonly: bool = False
    currency: str | None = None
    on_delete: OnDelete = "restrict"
    inverse: str | None = None
    owned: bool = False
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rollup:
    """A figure over a to-many relation, computed by the database when GraphQL asks for it.

    >>> Rollup("count", lambda: None, None).kind
    'count'
    """

    kind: RollupKind
    over: Callable[[], AnyColumn | None]
    where: Callable[[], Predicate] | None


class FieldBase:
    """What all fields share: a name, its declaration's options, and where a record keeps it.

    >>> FieldBase(FieldOptions()).name
    ''
    """

    def __init__(
        self,
        options: FieldOptions,
        *,
        compute: Callable[..., object] | None = None,
        formula: Callable[[], Expression[object]] | None = None,
        rollup: Rollup | None = None,
    ) -> None:
        self.options = options
        self.compute = compute
        self.formula = formula
        self.rollup = rollup
        self.name = ""

    def __set_name__(self, owner: type[object], name: str) -> None:
        self.name = name

    def read(self, record: object) -> object:
        """Return the record's value, computing it where the field is computed.

        Raises AttributeError for a value that is not there yet, and for roll-ups.
        """
        if self.compute is not None:
            return self.compute(record)
        if self.formula is not None:
            found = self.formula().worked_out(lambda path: exact(getattr(record, path.names[-1])))
            return found.result() if isinstance(found, Number) else found
        place = f"{type(record).__name__}.{self.name}"
        if self.rollup is not None:
            raise AttributeError(
                f"{place} is a roll-up: the database computes it, records do not hold it. Read it "
                "by ctx.select(...), or add up what ctx.load_all(...) gives."
            )
        values = cast("dict[str, object]", record.__dict__["values"])
        if self.name not in values:
            raise AttributeError(f"{place} has no value yet")
        return values[self.name]

    def write(self, record: object, value: object) -> None:
        """Set the record's value; raises AttributeError for computed fields."""
        if self.compute is not None or self.formula is not None or self.rollup is not None:
            raise AttributeError(f"{type(record).__name__}.{self.name} is computed")
        cast("dict[str, object]", record.__dict__["values"])[self.name] = value


class Field(FieldBase, Generic[T]):
    """A plain value: a `Column[T]` on the class, a `T` on a record. `T | None` may be empty.

    >>> Field[str](FieldOptions()).options.unique
    False
    """

    @overload
    def __get__(self, instance: None, owner: type[Owner]) -> Column[T, Owner]: ...
    @overload
    def __get__(self, instance: object, owner: type[object]) -> T: ...
    def __get__(self, instance: object | None, owner: type[object]) -> Column[T, object] | T:
        if instance is None:
            return Column(owner, self.name)
        return cast(T, self.read(instance))

    def __set__(self, instance: object, value: T) -> None:
        self.write(instance, value)


class Ref(FieldBase, Generic[T]):
    """A to-one reference: a `RefColumn` on the class, a `Link` on a record.

    `Ref[User | None]` may be empty.

    >>> Ref[object](FieldOptions()).name
    ''
    """

    _entity: type[object] | None = None

    @overload
    def __get__(self, instance: None, owner: type[Owner]) -> RefColumn[T, Owner]: ...
    @overload
    def __get__(self: Ref[E | None], instance: object, owner: type[object]) -> Link[E] | None: ...
    @overload
    def __get__(self: Ref[E], instance: object, owner: type[object]) -> Link[E]: ...
    def __get__(self, instance: object | None, owner: type[object]) -> object:
        if instance is None:
            return RefColumn[T](owner, self.name)
        value = self.read(instance)
        if isinstance(value, Link):
            link = cast("Link[object]", value)
            return link if link.target else Link[object](id=link.id, target=self._target(owner))
        return value

    def __set__(self, instance: object, value: T | Link[T]) -> None:
        plain: object = value
        self.write(instance, plain if plain is None or is_link(plain) else Link(record=plain))

    def _target(self, owner: type[object]) -> type[object] | None:
        """Read the entity referred to from the annotation, where its names can be found."""
        if self._entity is None:
            try:
                annotated = get_args(get_type_hints(owner)[self.name])[0]
            except NameError:
                return None
            parts: tuple[object, ...] = (*get_args(annotated), annotated)
            found = [part for part in parts if isinstance(part, type) and part is not NoneType]
            self._entity = found[0] if found else None
        return self._entity


class Many(FieldBase, Generic[T]):
    """The records that refer to this one: a `ManyColumn` on the class, `Lines` on a record.

    >>> Many[object](FieldOptions(inverse="party")).options.inverse
    'party'
    """

    @overload
    def __get__(self, instance: None, owner: type[object]) -> ManyColumn[T]: ...
    @overload
    def __get__(self, instance: object, owner: type[object]) -> Lines[T]: ...
    def __get__(self, instance: object | None, owner: type[object]) -> ManyColumn[T] | Lines[T]:
        if instance is None:
            return ManyColumn(owner, self.name)
        entity = str(getattr(owner, "__entity_name__", ""))
        return Lines(entity, self.name, cast(UUID, instance.__dict__["values"]["id"]))


def field(
    *,
    default: T | _Unset = UNSET,
    init: bool = True,
    label: str | None = None,
    help: str | None = None,
    max_length: int | None = None,
    unique: bool = False,
    index: bool = False,
    search: bool = False,
    personal: bool = False,
    readonly: bool = False,
    aliases: Sequence[str] = (),
) -> Field[T]:
    """Declare a plain field.

    `max_length` counts characters; `unique` within the tenant; `personal` values are encrypted in
    the event ledger under their subject's key; `readonly` fields are set by actions and hooks,
    never through the API; `aliases` are other names an imported column may carry.

    >>> field(max_length=80, search=True).options.max_length
    80
    """
    return Field(
        FieldOptions(
            label=label,
            help=help,
            default=default,
            init=init,
            max_length=max_length,
            unique=unique,
            index=index,
            search=search,
            personal=personal,
            readonly=readonly,
            aliases=tuple(aliases),
        )
    )


def ref(
    *,
    default: T | _Unset = UNSET,
    init: bool = True,
    on_delete: OnDelete = "restrict",
    label: str | None = None,
    help: str | None = None,
    readonly: bool = False,
    unique: bool = False,
) -> Ref[T]:
    """Declare a to-one reference; `on_delete` says what the deletion of the target does here.

    >>> ref(on_delete="cascade").options.on_delete
    'cascade'
    """
    options = FieldOptions(
        label=label,
        help=help,
        default=default,
        init=init,
        on_delete=on_delete,
        readonly=readonly,
        unique=unique,
    )
    return Ref(options)


def many(
    inverse: str,
    *,
    init: Literal[False] = False,
    owned: bool = False,
    label: str | None = None,
    aliases: Sequence[str] = (),
) -> Many[T]:  # pyright: ignore[reportInvalidTypeVarUse]  # T comes from the annotation
    """Declare the other side of the reference named `inverse`.

    `owned` lines are written and deleted together with their owner.

    >>> many("party", owned=True).options.owned
    True
    """
    return Many(
        FieldOptions(label=label, init=False, inverse=inverse, owned=owned, aliases=tuple(aliases))
    )


def money(
    *,
    currency: str,
    default: T | _Unset = UNSET,
    init: bool = True,
    label: str | None = None,
    help: str | None = None,
    readonly: bool = False,
    personal: bool = False,
) -> Field[T]:
    """Declare an amount; `currency` names the record's field that holds its currency.

    >>> money(currency="currency").options.currency
    'currency'
    """
    options = FieldOptions(
        label=label,
        help=help,
        default=default,
        init=init,
        readonly=readonly,
        personal=personal,
        currency=currency,
    )
    return Field(options)


def rollup(
    kind: RollupKind,
    over: Callable[[], AnyColumn],
    *,
    init: Literal[False] = False,
    where: Callable[[], Predicate] | None = None,
    label: str | None = None,
) -> Field[T]:  # pyright: ignore[reportInvalidTypeVarUse]  # T comes from the annotation
    """Declare a figure over a to-many relation: `over` is a field of the related entity.

    Callables, because the other entity may be declared later. The figure is over the records the
    caller may see, archived ones left out. Lists show it, filter and order by it, and so do
    `ctx.find` and `ctx.select`; records in Python do not hold it. A count is an `int`; "min" and
    "max" are the type of `over` or None; "sum" adds numbers, and amounts where `where` holds them
    to one currency: it is then a `Decimal` in that currency. Conditions of roles and of other
    roll-ups do not take it.

    >>> rollup("count", lambda: AnyColumn(object, "id")).rollup.kind
    'count'
    """
    return Field(FieldOptions(label=label, init=False), rollup=Rollup(kind, over, where))


def formula(
    of: Callable[[], Expression[T]],
    *,
    init: Literal[False] = False,
    label: str | None = None,
    help: str | None = None,
) -> Field[T]:
    """Declare a field that the database computes of the record's own stored fields.

    `weighted: Field[Money | None] = formula(lambda: Deal.amount * Deal.likelihood / 100)`. Lists
    filter, order, group and add up by it; a record in Python computes it as it is read. It is
    missing where something it takes is missing or hidden (`or_else` says what stands for a missing
    value), where it is divided by zero, and where a whole number has more than 64 bits. Numbers
    have six decimals, amounts four and the currency of the amounts they are of.

    >>> from hansa_sdk.system import User
    >>> formula(lambda: User.name + "!").formula is not None
    True
    """
    return Field(FieldOptions(label=label, help=help, init=False), formula=of)


def computed(function: Callable[..., T]) -> Field[T]:
    """Make a method a read-only field, computed in Python from the record's stored fields.

    Lists show it. What they are to filter and order by is declared by `formula`.

    >>> computed(lambda record: 1).compute is not None
    True
    """
    result: Field[T] = Field(FieldOptions(init=False), compute=function)
    result.__doc__ = function.__doc__
    return result
