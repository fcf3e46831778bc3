"""References made by hand know their entity once a record has them."""

from __future__ import annotations

from uuid import UUID

import pytest

from hansa_core.records.unit import UnitOfWork
from hansa_core.testing.platform import Platform
from hansa_sdk import (
    Email,
    Entity,
    Field,
    Link,
    Many,
    Ref,
    Team,
    User,
    UserTeam,
    field,
    many,
    ref,
    rollup,
)

ID = UUID(int=7)


class Desk(Entity, name="demo.desk", label="Desk"):
    owner: Ref[User] = ref()
    team: Ref[Team | None] = ref(default=None)
    drawers: Many[Drawer] = many("desk")
    drawer_count: Field[int] = rollup("count", lambda: Drawer.label)


class Drawer(Entity, name="demo.drawer", label="Drawer"):
    desk: Ref[Desk] = ref()
    label: Field[str] = field(default="")


def test_reference_made_by_id_has_its_fields_entity_when_read_from_a_record() -> None:
    desk = Desk(owner=Link(id=ID), team=Link(id=ID))
    assert (desk.owner.id, desk.owner.target) == (ID, User)
    assert desk.team is not None
    assert (desk.team.id, desk.team.target) == (ID, Team)
    desk.team = None
    assert desk.team is None
    assert Drawer(desk=Link(id=ID)).desk.target is Desk


def test_reference_keeps_the_record_or_the_entity_it_was_made_of() -> None:
    user = User(email=Email("ada@demo.example"), name="Ada")
    assert Desk(owner=user).owner.record is user
    assert Link(id=ID, target=UserTeam).target is UserTeam


def test_reference_to_an_entity_that_cannot_be_found_still_has_its_id() -> None:
    class Hidden(Entity, name="demo.hidden", label="Hidden"):
        text: Field[str] = field(default="")

    class Seeker(Entity, name="demo.seeker", label="Seeker"):
        hidden: Ref[Hidden] = ref()

    assert Seeker(hidden=Link(id=ID)).hidden.id == ID


def test_rollup_read_in_python_says_how_to_get_the_figure() -> None:
    desk = Desk(owner=Link(id=ID))
    with pytest.raises(AttributeError, match=r"Desk\.drawer_count is a roll-up.* ctx\.select\("):
        print(desk.drawer_count)


async def test_reference_made_by_id_can_be_loaded_before_and_without_a_record(
    platform: Platform,
) -> None:
    tenant = await platform.tenant()

    async def work(unit: UnitOfWork) -> list[str]:
        top = Team(name="Top")
        await unit.save(top)
        below = Team(name="Below", parent=Link(id=top.id))
        assert below.parent is not None
        unsaved = await unit.load(below.parent)
        return [unsaved.name, (await unit.load(Link(id=top.id, target=Team))).name]

    caller = await platform.system(tenant)
    assert await platform.runtime.write(caller, work) == ["Top", "Top"]
