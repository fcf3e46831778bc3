"""The client `gql` from PyPI as its users use it: queries, mutations, and what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from gql import Client, GraphQLRequest, gql
from gql.client import AsyncClientSession
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport

from tests.clients.conftest import Office

CREATE = """mutation Create($input: ContactsPartyCreateInput!) {
  contactsPartyCreate(input: $input) {
    record { id version name addresses { nodes { street } } }
    errors { code path message }
  }
}"""


def client_of(office: Office, key: str | None = None, *, with_schema: bool = True) -> Client:
    headers = {"Authorization": f"Bearer {key or office.key}"}
    transport = HTTPXAsyncTransport(url=office.url, headers=headers, trust_env=False)
    return Client(transport=transport, fetch_schema_from_transport=with_schema)


@pytest.fixture
async def session(office: Office) -> AsyncIterator[AsyncClientSession]:
    async with client_of(office) as opened:
        yield opened


async def test_gql_reads_the_schema_and_holds_documents_to_it(session: AsyncClientSession) -> None:
    schema = session.client.schema
    assert schema is not None
    assert "CrmDeal" in schema.type_map
    with pytest.raises(Exception, match="Cannot query field 'nobody'"):
        await session.execute(gql("{ nobody }"))


async def test_gql_writes_with_variables_and_reads_it_again(session: AsyncClientSession) -> None:
    lines = {"create": [{"street": "Am Kai 1"}]}
    request = GraphQLRequest(
        CREATE, variable_values={"input": {"name": "Brass & Co", "addresses": lines}}
    )
    payload = (await session.execute(request))["contactsPartyCreate"]
    assert payload["errors"] == []
    assert payload["record"]["addresses"]["nodes"] == [{"street": "Am Kai 1"}]
    read = GraphQLRequest(
        "query One($id: ID!) { contactsParty(id: $id) { name } } query Other { me { name } }",
        variable_values={"id": payload["record"]["id"]},
        operation_name="One",
    )
    assert await session.execute(read) == {"contactsParty": {"name": "Brass & Co"}}


async def test_gql_sees_refused_writes_in_their_payload(session: AsyncClientSession) -> None:
    request = GraphQLRequest(
        CREATE, variable_values={"input": {"name": "", "addresses": {"create": []}}}
    )
    payload = (await session.execute(request))["contactsPartyCreate"]
    assert payload["record"] is None
    assert [(each["code"], each["path"]) for each in payload["errors"]] == [
        ("invalid", ["input", "name"])
    ]


async def test_gql_raises_what_was_refused_as_a_whole(office: Office) -> None:
    async with client_of(office, with_schema=False) as session:
        with pytest.raises(TransportQueryError) as caught:
            await session.execute(gql("{ crmDeals(first: 500) { totalCount } }"))
    assert caught.value.errors is not None
    assert caught.value.errors[0]["extensions"]["code"] == "limit"


async def test_gql_is_told_who_is_not_signed_in(office: Office) -> None:
    with pytest.raises(TransportQueryError) as caught:
        async with client_of(office, "wrong", with_schema=False) as session:
            await session.execute(gql("{ me { name } }"))
    assert caught.value.errors is not None
    assert caught.value.errors[0]["extensions"]["code"] == "unauthenticated"
