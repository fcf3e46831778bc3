"""One entity class to its metadata, with every mistake in it named."""

from __future__ import annotations

import inspect
import re
import sys
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias, cast, get_args

from hansa_core.model.defaults import expected_in
from hansa_core.model.formulas import value_of_formula
from hansa_core.model.meta import TEXT_KINDS, EntityMeta, FieldMeta, Kind, ManyMeta, camel, pascal
from hansa_core.model.types import ValueType, value_type
from hansa_sdk import Entity, Invalid, Plugin, Problem
from hansa_sdk.fields import UNSET, FieldBase, FieldOptions, Many, OnDelete, Ref

RESERVED_FIELDS: Final = frozenset(
    {"custom", "and", "or", "not", "some", "none", "every", "search"}
)
RESERVED_NOUNS: Final = frozenset({"meta", "me", "node", "query", "mutation", "subscription"})
_SYSTEM_FIELDS: Final = frozenset(
    {"id", "created_at", "created_by", "updated_at", "updated_by", "archived", "version"}
)
_ON_DELETE: Final[tuple[str, ...]] = get_args(OnDelete)
_TEXTS: Final = TEXT_KINDS | {Kind.TEXT_LIST, Kind.TRANSLATED, Kind.JSON}
_ENTITY_NAME: Final = re.compile(r"[a-z][a-z0-9]*\.[a-z][a-z0-9_]*")
_FIELD_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")

Hints: TypeAlias = Mapping[str, Any]  # what a plugin author wrote after the colon


@dataclass(frozen=True, slots=True)
class Known:
    """The entity classes of a set of plugins by name, and the plugins that have any."""

    classes: Mapping[str, type[Entity]]
    plugins: frozenset[str]

    @classmethod
    def of(cls, plugins: Sequence[Plugin]) -> Known:
        """Return what a set of plugins declares."""
        classes = {each.__entity_name__: each for plugin in plugins for each in plugin.entities}
        return cls(classes, frozenset(name.partition(".")[0] for name in classes))


class Annotations:
    """Evaluates the annotations of entity classes as `typing.get_type_hints` does, each once."""

    def __init__(self) -> None:
        self._own: dict[type[object], Hints] = {}

    def of(self, cls: type[object]) -> Hints:
        """Return the annotations of a class and its bases.

        Raises NameError, TypeError or AttributeError for those that cannot be read.
        """
        found: dict[str, Any] = {}
        for base in reversed(cls.__mro__):
            if base not in self._own:
                self._own[base] = _own_hints(base)
            found.update(self._own[base])
        return found


def _own_hints(cls: type[object]) -> Hints:
    """Evaluate the annotations of a class but not of its bases: names of its module come first."""
    holder = type("Own", (), {"__annotations__": vars(cls).get("__annotations__", {})})
    module = sys.modules.get(cls.__module__)
    return typing.get_type_hints(holder, dict(vars(cls)), {} if module is None else vars(module))


class EntityCompiler:
    """Compiles one entity class, collecting problems instead of stopping at the first."""

    def __init__(
        self,
        plugin: Plugin,
        cls: type[Entity],
        known: Known,
        problems: list[Problem],
        annotations: Annotations,
    ) -> None:
        self.plugin = plugin
        self.annotations = annotations
        self.cls = cls
        self.known = known.classes
        self.problems = problems
        self.name = cls.__entity_name__
        # `party { crm { source } }` shows what crm added: another plugin's name is no field here.
        self._others = known.plugins - {plugin.name}

    def problem(self, where: str, expected: str, found: str, next_step: str) -> None:
        """Note one mistake at `where` ("" for the entity itself)."""
        declaration = f"entity {self.name or self.cls.__name__}{'.' if where else ''}{where}"
        self.problems.append(Problem(self.plugin.name, declaration, expected, found, next_step))

    def compile(self) -> EntityMeta | None:
        """Return the metadata; None when the name or the annotations cannot be read."""
        if not self._name_is_good():
            return None
        hints = self._hints()
        if hints is None:
            return None
        noun = self.name.partition(".")[2]
        fields: dict[str, FieldMeta] = {}
        relations: dict[str, ManyMeta] = {}
        for name, declared in self.cls.__declared_fields__.items():
            if not self._field_name_is_good(name):
                continue
            if isinstance(declared, Many):
                relation = self._relation(name, cast("Many[object]", declared), hints)
                if relation is not None:
                    relations[name] = relation
            else:
                field = self._field(name, declared, hints)
                if field is not None:
                    fields[name] = field
        self._complete_formulas(fields)
        meta = EntityMeta(
            name=self.name,
            plugin=self.plugin.name,
            noun=noun,
            plural=camel(self.cls.__plural__),
            label=self.cls.__label__,
            type_name=pascal(self.name),
            table=self.name.replace(".", "_"),
            cls=self.cls,
            fields=fields,
            relations=relations,
            checks=self.cls.__declared_checks__,
            unique=self.cls.__unique__,
            indexes=self.cls.__indexes__,
            subject=self.cls.__subject__ or "",
            archivable=self.cls.__archivable__,
        )
        self._check_whole(meta)
        return meta

    def _name_is_good(self) -> bool:
        if not _ENTITY_NAME.fullmatch(self.name):
            self.problem("", "a name like plugin.noun", repr(self.name), "Set name=.")
            return False
        prefix, _, noun = self.name.partition(".")
        if prefix != self.plugin.name:
            self.problem(
                "", f"a name that begins with {self.plugin.name}.", self.name, "Rename it."
            )
        if noun in RESERVED_NOUNS:
            self.problem("", "a noun that is not reserved", noun, "Choose another noun.")
        if camel(self.cls.__plural__) == camel(noun):
            self.problem("", "a plural that differs from the noun", noun, "Set plural=.")
        return True

    def _hints(self) -> Hints | None:
        try:
            return self.annotations.of(self.cls)
        except (NameError, TypeError, AttributeError) as error:
            self.problem("", "annotations that can be read", str(error), "Import that name.")
            return None

    def _field_name_is_good(self, name: str) -> bool:
        if not _FIELD_NAME.fullmatch(name) or name.endswith("_") or "__" in name:
            self.problem(name, "a snake-case name", repr(name), "Rename the field.")
            return False
        declared = self.cls.__declared_fields__[name]
        if name in _SYSTEM_FIELDS and declared is not Entity.__declared_fields__[name]:
            self.problem(name, "a name every record does not have already", name, "Rename it.")
            return False
        if name in RESERVED_FIELDS or name in self._others:
            self.problem(name, "a name that is not reserved", name, "Rename the field.")
            return False
        return True

    def _value_type(self, name: str, declared: FieldBase, hints: Hints) -> ValueType | None:
        annotation = hints.get(name)
        if declared.compute is not None:
            annotation = typing.get_type_hints(declared.compute).get("return")
        found = value_type(annotation)
        if found is None:
            self.problem(
                name, "a type the kernel knows", repr(annotation), "See the SDK's value types."
            )
        return found

    def _field(self, name: str, declared: FieldBase, hints: Hints) -> FieldMeta | None:
        kind = self._value_type(name, declared, hints)
        if kind is None:
            return None
        options = declared.options
        made_of = (declared.compute, declared.formula, declared.rollup)
        stored = all(each is None for each in made_of)
        target = kind.target.__entity_name__ if kind.target else ""
        if target and target not in self.known:
            self.problem(
                name,
                "a reference to an entity of this plugin or of one it requires",
                target,
                "Add its plugin to requires, or correct the type.",
            )
        if kind.kind is Kind.MONEY and stored:
            self._check_currency(name, options.currency, hints)
        self._check_options(name, options, kind)
        meta = FieldMeta(
            name=name,
            api_name=camel(name),
            kind=kind.kind,
            label=options.label or name.replace("_", " ").capitalize(),
            nullable=kind.nullable,
            column=name if stored else "",
            help=options.help or "",
            has_default=options.default is not UNSET,
            default=None if options.default is UNSET else options.default,
            max_length=options.max_length,
            unique=options.unique,
            index=options.index,
            search=options.search,
            personal=options.personal,
            readonly=options.readonly,
            system=name in _SYSTEM_FIELDS,
            values=tuple(member.value for member in kind.enum) if kind.enum else (),
            enum=kind.enum,
            currency_field=options.currency or "",
            target=target,
            target_class=kind.target,
            on_delete=options.on_delete,
            compute=declared.compute,
            rollup=declared.rollup,
            aliases=options.aliases,
        )
        expected = expected_in(meta, meta.default) if meta.has_default else ""
        if expected:
            found = f"default={meta.default!r:.80}"
            self.problem(name, expected, found, "Correct the default, or the field's type.")
        return meta

    def _complete_formulas(self, fields: dict[str, FieldMeta]) -> None:
        """Give the fields that are formulas their expression, once all fields are known."""
        for name, declared in self.cls.__declared_fields__.items():
            if declared.formula is None or name not in fields:
                continue
            field = fields[name]
            try:
                expression = declared.formula()
                value = value_of_formula(self.name, fields, expression)
            except (AttributeError, NameError, TypeError) as error:
                self.problem(name, "a formula of fields", str(error), "Correct the names.")
                continue
            except Invalid as error:
                found = error.message.rstrip(".")
                self.problem(name, "a formula that can be computed", found, error.next_step)
                continue
            if value.kind is not field.kind or (value.nullable and not field.nullable):
                found = f"{field.kind}{' or None' if field.nullable else ''}"
                self.problem(name, value.noun, found, "Correct the field's type.")
            fields[name] = replace(field, formula=expression, currency_field=value.currency)

    def _check_options(self, name: str, options: FieldOptions, kind: ValueType) -> None:
        if options.max_length is not None and options.max_length <= 0:
            self.problem(name, "max_length above 0", str(options.max_length), "Correct it.")
        if options.max_length is not None and kind.kind not in _TEXTS:
            self.problem(name, "max_length of a text only", str(kind.kind), "Leave it out.")
        if options.search and kind.kind not in TEXT_KINDS:
            self.problem(name, "search=True on a text only", str(kind.kind), "Leave it out.")
        if options.on_delete not in _ON_DELETE:
            self.problem(
                name,
                f"on_delete= one of {', '.join(_ON_DELETE)}",
                repr(options.on_delete),
                "Correct it.",
            )
        if options.on_delete == "set_null" and not kind.nullable:
            self.problem(name, "a nullable type for set_null", "a required one", "Add | None.")

    def _check_currency(self, name: str, currency: str | None, hints: Hints) -> None:
        sibling = value_type(hints[currency]) if currency and currency in hints else None
        if sibling is None or sibling.kind is not Kind.CURRENCY:
            self.problem(
                name,
                "money(currency=...) naming a Field[Currency] of the same entity",
                repr(currency),
                "Declare the amount with money(currency=...).",
            )

    def _relation(self, name: str, declared: Many[object], hints: Hints) -> ManyMeta | None:
        kind = value_type(hints.get(name))
        if kind is None or kind.target is None:
            self.problem(name, "Many[Entity]", repr(hints.get(name)), "Name the related entity.")
            return None
        target = kind.target
        inverse = declared.options.inverse or ""
        backward = self._references_of(target)
        if inverse not in backward or target.__entity_name__ not in self.known:
            self.problem(
                name,
                f"a reference of {target.__entity_name__} back to {self.name}",
                repr(inverse),
                f"Name one of: {', '.join(backward)}."
                if backward
                else f"Declare one: Ref[{self.cls.__name__}].",
            )
            return None
        return ManyMeta(
            name=name,
            api_name=camel(name),
            label=declared.options.label or name.replace("_", " ").capitalize(),
            target=target.__entity_name__,
            inverse=inverse,
            owned=declared.options.owned,
            aliases=declared.options.aliases,
        )

    def _references_of(self, target: type[Entity]) -> list[str]:
        """Return the names of an entity's references to this one, sorted."""
        try:
            hints = self.annotations.of(target)
        except (NameError, TypeError, AttributeError):
            return []  # told where that entity is compiled
        found: list[str] = []
        for name, declared in target.__declared_fields__.items():
            kind = value_type(hints.get(name)) if isinstance(declared, Ref) else None
            if kind is not None and kind.target is self.cls:
                found.append(name)
        return sorted(found)

    def _check_whole(self, meta: EntityMeta) -> None:
        computed = [field.compute for field in meta.fields.values() if field.compute is not None]
        for function in (*(check.holds for check in meta.checks), *computed):
            if inspect.iscoroutinefunction(function):  # a coroutine is true whatever it says
                name = str(getattr(function, "__name__", function))
                self.problem(name, "a function that is not async", "async def", "Write `def`.")
        for option, listed in (("unique", meta.unique), ("indexes", meta.indexes)):
            for name in (name for names in listed for name in names):
                if name not in meta.fields or not meta.fields[name].stored:
                    self.problem("", f"{option}= with stored fields", name, "Correct the name.")
        for names in meta.indexes:
            if not names or len({*names}) < len(names) or names[-1] == "id":
                given = ", ".join(names) or "none"
                advice = "Name each once; the id follows by itself."
                self.problem("", "indexes= with different fields", given, advice)
        if meta.subject not in ("", "self") and (
            meta.subject not in meta.fields or meta.fields[meta.subject].kind is not Kind.REFERENCE
        ):
            self.problem("", 'subject= "self" or a reference', meta.subject, "Correct it.")
        if not meta.subject and any(field.personal for field in meta.fields.values()):
            self.problem(
                "", "subject= for an entity with personal fields", "none", "Say whose data it is."
            )


class Entities:
    """Compiles entity classes, and keeps those without a mistake for the next set of plugins."""

    def __init__(self) -> None:
        self._annotations = Annotations()
        self._kept: dict[type[Entity], EntityMeta] = {}

    def compile(
        self,
        plugin: Plugin,
        cls: type[Entity],
        known: Known,
        problems: list[Problem],
    ) -> EntityMeta | None:
        """Compile one entity class of a set of plugins.

        Mistakes are appended to `problems`. What a class comes to is the same in every set, but
        whether it may be in it is not.
        """
        kept = self._kept.get(cls)
        if kept is not None and kept.plugin == plugin.name and _fits(kept, known):
            return kept
        before = len(problems)
        meta = EntityCompiler(plugin, cls, known, problems, self._annotations).compile()
        if meta is not None and len(problems) == before:
            self._kept[cls] = meta
        return meta


def _fits(meta: EntityMeta, known: Known) -> bool:
    """Tell whether an entity has no mistake in a set, as it had none in another."""
    others = known.plugins - {meta.plugin}
    targets = {each.target for each in meta.fields.values() if each.target}
    targets |= {each.target for each in meta.relations.values()}
    names = meta.fields.keys() | meta.relations.keys()
    return targets <= known.classes.keys() and names.isdisjoint(others)
