"""Documents for every operation of a schema, made from what its server says of itself.

What a new plugin or entity brings is asked, changed and refused like the rest, by itself.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from hansa_core.testing.server import Client, Json

RefOf = Callable[[str], str]
"""The id of a record of a GraphQL type that may be referred to."""

_TYPE: Final = "type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }"
_INTROSPECTION: Final = f"""{{ __schema {{ types {{ kind name
  fields {{ name {_TYPE} args {{ name defaultValue {_TYPE} }} }}
  inputFields {{ name defaultValue {_TYPE} }} enumValues {{ name }} }} }} }}"""
_KERNEL: Final = frozenset({"me", "meta"})
_VALUES: Final[Mapping[str, object]] = {
    "Int": 1,
    "BigInt": 1,
    "Boolean": True,
    "Decimal": "1.00",
    "Date": "2026-01-31",
    "DateTime": "2026-01-31T09:30:00Z",
    "Duration": "PT1H",
    "Currency": "EUR",
    "Email": "someone@demo.example",
    "Phone": "1",
    "Url": "https://demo.example",
    "JSON": {},
}


@dataclass(frozen=True)
class Operation:
    """One root field, asked alone; `arguments` are its arguments as the server told them."""

    name: str
    document: str
    arguments: Mapping[str, Json]


@dataclass(frozen=True)
class Schema:
    """A schema as the server told it to one client."""

    types: Mapping[str, Json]

    @classmethod
    async def of(cls, client: Client) -> Schema:
        told = await client.ask(_INTROSPECTION)
        return cls({each["name"]: each for each in told["types"]})

    def names(self) -> set[str]:
        """Return every name of a type or root field."""
        return {*self.types, *self.queries(), *self.mutations()}

    def queries(self) -> dict[str, Operation]:
        """Return the query fields by name, the kernel's own left out."""
        return {name: op for name, op in self._root("Query").items() if name not in _KERNEL}

    def mutations(self) -> dict[str, Operation]:
        """Return the mutation fields by name."""
        return self._root("Mutation")

    def variables(self, operation: Operation, id: str, ref: RefOf) -> dict[str, Json]:
        """Return values for what is needed: `id` for the record itself, `ref` for others."""
        return {
            name: id if name == "id" else self.sample(argument["type"], ref)
            for name, argument in operation.arguments.items()
            if _needed(argument)
        }

    def sample(self, type_: Json, ref: RefOf) -> Json:
        """Return a value that fits an input type, as small as it may be."""
        if type_["kind"] == "NON_NULL":
            return self.sample(type_["ofType"], ref)
        if type_["kind"] == "LIST":
            several = type_["ofType"]["kind"] == "NON_NULL" and _named(type_).endswith(
                "UpsertInput"
            )
            return [self.sample(type_["ofType"], ref)] if several else []
        name = type_["name"]
        if type_["kind"] == "ENUM":
            return self.types[name]["enumValues"][0]["name"]
        if target := referred_to(name):
            return {"connect": ref(target)}
        if type_["kind"] == "INPUT_OBJECT":
            fields = self.types[name]["inputFields"]
            return {f["name"]: self.sample(f["type"], ref) for f in fields if _needed(f)}
        if name in ("ID", "UUID"):
            return str(uuid.uuid4())
        return _VALUES.get(name, f"sample {uuid.uuid4().hex[:8]}")

    def references(self, operation: Operation) -> dict[str, str]:
        """Return the fields of its input that refer to other records: name to type of record."""
        if "input" not in operation.arguments:
            return {}
        fields = self.types[_named(operation.arguments["input"]["type"])]["inputFields"]
        found = {field["name"]: referred_to(_named(field["type"])) for field in fields}
        return {name: target for name, target in found.items() if target}

    def inputs_of(self, operation: Operation, type_name: str) -> list[str]:
        """Return the fields of its input that are of a type."""
        if "input" not in operation.arguments:
            return []
        fields = self.types[_named(operation.arguments["input"]["type"])]["inputFields"]
        return [field["name"] for field in fields if _named(field["type"]) == type_name]

    def _root(self, kind: str) -> dict[str, Operation]:
        return {f["name"]: self._operation(kind.lower(), f) for f in self.types[kind]["fields"]}

    def _operation(self, kind: str, field: Json) -> Operation:
        arguments = {
            each["name"]: each
            for each in field["args"]
            if _needed(each) or each["type"]["kind"] != "NON_NULL"  # others keep their default
        }
        head = ", ".join(f"${name}: {_written(a['type'])}" for name, a in arguments.items())
        given = ", ".join(f"{name}: ${name}" for name in arguments)
        asked = f"{field['name']}({given})" if given else field["name"]
        selection = self._selection(_named(field["type"]))
        document = f"{kind}{f' ({head})' if head else ''} {{ {asked} {selection} }}"
        return Operation(field["name"], document, arguments)

    def _selection(self, name: str) -> str:
        fields = {each["name"] for each in self.types[name]["fields"] or ()}
        errors = "errors { code path message params }"
        if "errors" in fields:
            return f"{{ {errors} {f'results {{ {errors} }}' if 'results' in fields else ''} }}"
        if "nodes" in fields:
            return "{ totalCount nodes { id } }"
        return "{ id }" if "id" in fields else "{ __typename }" if fields else ""


def referred_to(name: str) -> str:
    """Return the record type a `...ReferenceInput` refers to, "" for any other type."""
    return name.removesuffix("ReferenceInput") if name.endswith("ReferenceInput") else ""


def _needed(given: Json) -> bool:
    return given["type"]["kind"] == "NON_NULL" and given["defaultValue"] is None


def _named(type_: Json) -> str:
    return type_["name"] or _named(type_["ofType"])


def _written(type_: Json) -> str:
    if type_["kind"] == "NON_NULL":
        return f"{_written(type_['ofType'])}!"
    return f"[{_written(type_['ofType'])}]" if type_["kind"] == "LIST" else type_["name"]
