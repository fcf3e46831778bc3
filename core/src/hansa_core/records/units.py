"""Units of quantities: each must be the code of a unit of measure the tenant has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from hansa_core.model.meta import EntityMeta, FieldMeta, Kind
from hansa_core.model.shape import Shape
from hansa_core.records.values import check_unit
from hansa_core.storage.transaction import Session
from hansa_sdk import HansaError, Invalid

_UNIT: Final = "system.unit"
_CODES: Final = sa.bindparam("codes", type_=postgresql.ARRAY(sa.Text))


async def bad_units(
    session: Session,
    shape: Shape,
    meta: EntityMeta,
    rows: Sequence[Mapping[str, object]],
    names: Sequence[Sequence[str]],
) -> list[HansaError]:
    """Return an error per quantity in a unit that is not there.

    `names` says per row which keys were set. One statement for all rows, none without quantities.
    """
    errors: list[HansaError] = []
    used: list[tuple[int, FieldMeta, str]] = []
    for field in meta.stored:
        if field.kind is not Kind.QUANTITY:
            continue
        key = f"{field.name}_unit"
        for index, (row, set_names) in enumerate(zip(rows, names, strict=True)):
            if key not in set_names:
                continue
            try:  # a hook may have left anything there
                unit = check_unit(field, row.get(key))
            except HansaError as error:
                errors.append(error.under(index))
                continue
            if unit is not None:
                used.append((index, field, unit))
    if not used:
        return errors
    code = shape.table(_UNIT).c[shape.entity(_UNIT).fields["code"].column]
    found = await session.fetch(
        sa.select(code.label("code")).where(code == sa.any_(_CODES)),
        {"codes": sorted({unit for _, _, unit in used})},
    )
    known = {row["code"] for row in found}
    errors += [_unknown(index, field, unit) for index, field, unit in used if unit not in known]
    return errors


def _unknown(index: int, field: FieldMeta, unit: str) -> Invalid:
    shown = unit if len(unit) <= 40 else f"{unit[:37]}..."
    return Invalid(
        f"{field.label}: there is no unit of measure {shown!r}.",
        next_step="Give the code of one, like kg, or add it to the units first.",
        path=(index, field.name, "unit"),
        params={"field": field.name, "unit": shown},
    )
