"""Values that every row gets: what `--set FIELD=VALUE` says."""

from __future__ import annotations

from collections.abc import Mapping

from hansa_core.model.meta import EntityMeta
from hansa_core.transfer.drafts import Asked, Values, put_checked
from hansa_core.transfer.targets import did_you_mean, settable
from hansa_core.transfer.values import CellError, ReferenceText, ValueReader
from hansa_sdk import HansaError, Invalid


def constant_values(
    entity: EntityMeta, given: Mapping[str, str], *, said_by: str = "--set"
) -> Values:
    """Return the values of the fields, checked. Raises Invalid naming field and reason."""
    values: Values = {}
    fields = {name: each for each in settable(entity) for name in (each.name, each.api_name)}
    for name, text in given.items():
        field = fields.get(name)
        if field is None:
            raise Invalid(
                f"{entity.name} has no field {name!r} to set.",
                next_step=did_you_mean(name, [each.name for each in settable(entity)]),
                path=("set", name),
            )
        where = said_by if said_by != "--set" else f"--set {name}={text}"
        try:
            value = ValueReader(field).read(text)
            if isinstance(value, ReferenceText):
                values[field.name] = Asked(field.target, "", value, "", text)
            else:
                put_checked(field, value, values)
        except (CellError, HansaError) as error:
            raise Invalid(
                f"{where} cannot be: {error}", next_step="Correct it.", path=("set", name)
            ) from error
    return values
