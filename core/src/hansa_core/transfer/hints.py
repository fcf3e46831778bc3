"""What looks as if an import was not meant so: records made again beside those that are there."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from typing import Final

from hansa_core.model.meta import EntityMeta
from hansa_core.records.unit import UnitOfWork
from hansa_core.transfer.blueprint import EXTERNAL_ID
from hansa_core.transfer.lookups import equals
from hansa_sdk import Predicate, all_of
from hansa_sdk.predicates import Compare, Path

_IDS_AT_ONCE: Final = 10_000
_SOURCES_SHOWN: Final = 3


async def same_ids_elsewhere(
    unit: UnitOfWork, entity: EntityMeta, source: str, ids: Sequence[object]
) -> list[str]:
    """Return a hint per other source from which records with these external ids are there."""
    counts: Counter[str] = Counter()
    for start in range(0, len(ids), _IDS_AT_ONCE):
        same = Compare(
            Path(entity.name, (EXTERNAL_ID,)), "in", tuple(ids[start : start + _IDS_AT_ONCE])
        )
        counts.update(await _by_source(unit, entity, same, source))
    return [
        f"{count:,} of these external ids are there from source {other!r} too. If they are the "
        f"same records, import them with --source {shlex.quote(other)} --by {EXTERNAL_ID}."
        for other, count in counts.most_common(_SOURCES_SHOWN)
    ]


async def _by_source(
    unit: UnitOfWork, entity: EntityMeta, same: Predicate, own: str
) -> dict[str, int]:
    counts: dict[str, int] = {}
    elsewhere = [same, ~equals(entity.name, "source", own)]
    for _ in range(_SOURCES_SHOWN):
        rows = await unit.reader.rows(entity.name, all_of(elsewhere), (), 1, archived=True)
        if not rows:
            break
        other = str(rows[0]["source"])
        this = equals(entity.name, "source", other)
        counts[other] = await unit.reader.count(entity.name, all_of((same, this)), archived=True)
        elsewhere.append(~this)
    return counts


async def count_from(unit: UnitOfWork, entity: EntityMeta, source: str) -> int:
    """Count the records that are there from a source."""
    where = equals(entity.name, "source", source)
    return await unit.reader.count(entity.name, where, archived=True)


def made_again(before: int, source: str, field: str) -> str:
    """Return the hint for rows that nothing tells from those of an earlier import."""
    return (
        f"{before:,} records from source {source!r} were there already, and without --by every row "
        f"makes a new one. Give --by FIELD, like {field}, to find them again."
    )
