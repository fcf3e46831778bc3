"""Following a path of names from an entity to a field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from hansa_core.model.meta import EntityMeta, FieldMeta, Kind, ManyMeta
from hansa_sdk import Invalid
from hansa_sdk.predicates import Path


def resolve(
    entities: Mapping[str, EntityMeta], entity: str, names: Sequence[str]
) -> FieldMeta | ManyMeta:
    """Return what `names` leads to across to-one references.

    Raises Invalid that names the first part that does not exist, with near names.
    """
    meta = entities[entity]
    for position, name in enumerate(names):
        found: FieldMeta | ManyMeta | None = meta.fields.get(name) or meta.relations.get(name)
        if found is None:
            raise unknown_name(meta, name)
        if position == len(names) - 1:
            return found
        if isinstance(found, ManyMeta) or found.kind is not Kind.REFERENCE:
            raise Invalid(
                f"{meta.name}.{name} is no reference, so {'.'.join(names)} leads nowhere.",
                path=tuple(names),
            )
        meta = entities[found.target]
    raise Invalid(f"A path from {entity} needs at least one name.")


def check_crossed(entities: Mapping[str, EntityMeta], path: Path) -> None:
    """Raise Invalid where a resolved path follows a reference to fields of another entity."""
    meta = entities[path.entity]
    for name, meant in zip(path.names, path.crossed, strict=False):
        target = meta.fields[name].target
        if meant not in ("", target):  # "" is a field of the SDK's Entity itself
            raise Invalid(
                f"{meta.name}.{name} refers to {target}, and {path.names[-1]} is of {meant}.",
                next_step=f"Follow it to a field of {target}.",
                path=path.names,
            )
        meta = entities[target]


def unknown_name(meta: EntityMeta, name: str) -> Invalid:
    """Return the error for a name that is neither field nor relation of an entity."""
    near = get_close_matches(name, [*meta.fields, *meta.relations], n=3)
    hint = f"Did you mean {' or '.join(near)}?" if near else "See `meta` for its fields."
    return Invalid(f"{meta.name} has no field {name!r}.", next_step=hint, path=(name,))
