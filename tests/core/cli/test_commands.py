"""The commands on a real database: what they print, what they leave, how they end."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from hansa_core.cli import users
from hansa_core.testing.platform import Platform
from tests.core.cli.conftest import Hansa, run_in, run_program


def test_init_changes_nothing_when_run_again(hansa: Hansa) -> None:
    before = hansa("tenant", "list", "--json").out
    again = hansa("init", "--json")
    assert (again.code, json.loads(again.out)["plugins"]) == (0, ["contacts", "crm"])
    assert hansa("tenant", "list", "--json").out == before
    assert [each["slug"] for each in json.loads(before)] == ["main"]


def test_init_makes_the_first_administrator_once(hansa: Hansa) -> None:
    arguments = ("init", "--email", "first@test.example", "--json")
    first, second = json.loads(hansa(*arguments).out), json.loads(hansa(*arguments).out)
    assert len(first["password"]) >= 12
    assert second["password"] is None
    users = json.loads(hansa("user", "list", "--json").out)
    roles = [user["roles"] for user in users if user["email"] == "first@test.example"]
    assert roles == [["system.administrator"]]


def test_tenant_has_the_plugins_it_was_made_with(hansa: Hansa) -> None:
    made = hansa("tenant", "create", "acme", "--plugin", "contacts", "--json")
    assert (made.code, json.loads(made.out)["plugins"]) == (0, ["contacts"])
    assert "CrmDeal" not in hansa("schema", "--tenant", "acme").out
    assert hansa("--tenant", "acme", "plugin", "enable", "crm").code == 0
    assert "CrmDeal" in hansa("schema", "--tenant", "acme").out
    assert "CrmDeal" in hansa("schema").out


def test_tenant_is_not_made_when_a_plugin_is_unknown(hansa: Hansa) -> None:
    refused = hansa("tenant", "create", "nowhere", "--plugin", "fnance")
    assert refused.code == 2
    assert "fnance" in refused.err
    assert "nowhere" not in hansa("tenant", "list").out


def test_user_and_key_are_made_listed_and_revoked(hansa: Hansa) -> None:
    email = "mira@test.example"
    made = hansa("user", "create", email, "--role", "crm.sales_rep", "--json")
    assert json.loads(made.out)["password"]
    assert hansa("user", "create", email).code == 2

    key = json.loads(hansa("key", "create", "--user", email, "--json").out)
    assert set(key) == {"key"}
    listed = json.loads(hansa("key", "list", "--json").out)
    (line,) = [each for each in listed if each["user"] == email]
    assert key["key"].startswith(line["prefix"])
    assert key["key"] not in json.dumps(listed)

    assert hansa("key", "revoke", line["id"]).code == 0
    assert email not in hansa("key", "list").out
    assert hansa("key", "revoke", line["id"]).code == 2


def test_list_of_users_says_where_it_is_cut(hansa: Hansa, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("cut1", "cut2", "cut3"):
        hansa("user", "create", f"{name}@test.example")
    everybody = json.loads(hansa("user", "list", "--json").out)
    monkeypatch.setattr(users, "SHOWN_MAX", 2)
    cut = hansa("user", "list", "--json")
    assert json.loads(cut.out) == everybody[:2]
    assert "The first 2 users by address are shown; there are more." in cut.err
    monkeypatch.setattr(users, "SHOWN_MAX", len(everybody))
    assert hansa("user", "list").err == ""


async def test_list_of_users_takes_two_statements(platform: Platform) -> None:
    tenant = await platform.tenant("crm")
    await platform.user(tenant, "crm.sales_rep", "contacts.editor")
    await platform.user(tenant)
    caller = await platform.runtime.system_caller(tenant, "test")
    async with platform.runtime.read(caller) as unit:
        before = unit.session.statement_count
        rows = await users.user_rows(unit)
        assert unit.session.statement_count == before + 2
    assert ["contacts.editor", "crm.sales_rep"] in [row["roles"] for row in rows]
    assert [] in [row["roles"] for row in rows]


def test_key_is_printed_whole_on_a_line_of_its_own(hansa: Hansa) -> None:
    hansa("user", "create", "keys@test.example")
    out = hansa("key", "create", "--user", "keys@test.example").out
    (line,) = out.splitlines()
    assert line.startswith("hansa_main_")


def test_key_has_only_the_roles_it_was_given(hansa: Hansa) -> None:
    email = "narrow@test.example"
    hansa("user", "create", email, "--role", "crm.sales_rep", "--role", "contacts.reader")
    assert hansa("key", "create", "--user", email, "--role", "contacts.reader").code == 0
    refused = hansa("key", "create", "--user", email, "--role", "crm.sales_manager")
    assert (refused.code, "does not hold crm.sales_manager" in refused.err) == (2, True)
    lines = json.loads(hansa("key", "list", "--json").out)
    assert [line["roles"] for line in lines if line["user"] == email] == [["contacts.reader"]]


def test_document_is_added_listed_and_removed(hansa: Hansa, tmp_path: Path) -> None:
    one, manifest = tmp_path / "one.graphql", tmp_path / "all.json"
    one.write_text("{ me { name } }")
    name = "sha256:" + hashlib.sha256(one.read_bytes()).hexdigest()
    assert hansa("document", "add", str(one), "--collection", "shop").out.split() == [name]
    manifest.write_text(json.dumps({name[7:]: "{ me { name } }"}))  # as code generators write it
    added = hansa("document", "add", str(manifest), "--collection", "shop", "--json")
    assert json.loads(added.out) == [{"document": name, "new": False}]

    (line,) = json.loads(hansa("document", "list", "--json").out)
    assert line == {"collection": "shop", "document": name, "text": "{ me { name } }"}
    assert hansa("document", "remove", name).code == 2  # it is in no collection `main`
    assert hansa("document", "remove", name, "--collection", "shop").code == 0
    assert json.loads(hansa("document", "list", "--json").out) == []


def test_documents_that_cannot_be_answered_are_not_stored(hansa: Hansa, tmp_path: Path) -> None:
    good, wrong = tmp_path / "good.graphql", tmp_path / "wrong.graphql"
    good.write_text("{ me { name } }")
    wrong.write_text("{ nobody }")
    refused = hansa("document", "add", str(good), str(wrong))
    assert (refused.code, "nobody" in refused.err) == (2, True)
    manifest = tmp_path / "wrong.json"
    manifest.write_text(json.dumps({"0" * 64: "{ me { name } }"}))
    refused = hansa("document", "add", str(manifest))
    assert (refused.code, "SHA-256" in refused.err) == (2, True)
    assert json.loads(hansa("document", "list", "--json").out) == []


def test_key_is_narrowed_to_a_collection(hansa: Hansa) -> None:
    email = "shop@test.example"
    hansa("user", "create", email)
    assert hansa("key", "create", "--user", email, "--documents", "shop").code == 0
    lines = json.loads(hansa("key", "list", "--json").out)
    assert [line["documents"] for line in lines if line["user"] == email] == ["shop"]


def test_password_is_read_from_standard_input(hansa: Hansa) -> None:
    hansa("user", "create", "pass@test.example")
    done = hansa(
        *("user", "password", "pass@test.example", "--password-stdin", "--json"),
        typed="a long enough sentence\n",
    )
    assert (done.code, json.loads(done.out)) == (0, {"email": "pass@test.example"})
    short = hansa("user", "password", "pass@test.example", "--password-stdin", typed="short\n")
    assert (short.code, "at least 12 characters" in short.err) == (2, True)


def test_plugins_are_listed_with_their_state(hansa: Hansa) -> None:
    rows = {row["name"]: row for row in json.loads(hansa("plugin", "list", "--json").out)}
    assert rows["crm"]["status"] == "enabled"
    assert rows["crm"]["requires"][0].startswith("contacts")


@pytest.mark.parametrize("name", ["system", "contacts", "crm"])
def test_migrations_of_a_plugin_are_complete(hansa: Hansa, name: str) -> None:
    done = hansa("plugin", "makemigrations", name, "--json")
    assert (done.code, json.loads(done.out)) == (0, {"plugin": name, "path": None}), done.err


def test_migrate_finds_every_company_up_to_date(hansa: Hansa) -> None:
    done = json.loads(hansa("migrate", "--json").out)
    assert {"tenant": "main", "migrations": []} in done


def test_doctor_finds_a_new_installation_healthy(hansa: Hansa) -> None:
    done = hansa("doctor", "--json")
    findings = json.loads(done.out)
    assert (done.code, [each for each in findings if not each["ok"]]) == (0, [])
    checks = {each["check"] for each in findings}
    assert {"settings", "disk", "database", "logins", "ledger of main"} <= checks


def test_version_names_plugins(hansa: Hansa) -> None:
    assert set(json.loads(hansa("version", "--json").out)["plugins"]) == {"contacts", "crm"}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("plugin", "enable", "finance"), "finance"),
        (("plugin", "makemigrations", "finance"), "finance"),
        (("key", "create", "--user", "nobody@test.example"), "There is no user"),
        (("user", "create", "no address"), "e-mail"),
        (("user", "create", "a@test.example", "--role", "crm.boss"), "There is no role crm.boss"),
        (("--tenant", "nobody", "user", "list"), "There is no tenant nobody"),
        (("tenant", "create", "Ümlaut"), "small letters"),
        (("tenant", "create", "main"), "There is a tenant main already"),
        (("import", "x.csv", "--entity", "crm.deal"), "cannot be read"),
        (("key", "revoke", "7"), "valid UUID"),
        (("document", "add", "nowhere.graphql"), "cannot be read"),
        (("document", "remove", "sha256:0"), "There is no document"),
        (("serve", "--port", "99999"), "65535"),
        (("nothing",), "No such command"),
    ],
)
def test_mistake_is_a_sentence_and_code_2(
    hansa: Hansa, arguments: tuple[str, ...], sentence: str
) -> None:
    done = hansa(*arguments)
    assert done.code == 2
    assert sentence in done.err
    assert "Traceback" not in done.err + done.out


def test_installation_that_was_never_set_up_says_so(tmp_path: Path) -> None:
    done = run_in(tmp_path / "home", None, "tenant", "list")
    assert (done.code, "hansa init" in done.err) == (2, True)


def test_database_that_was_never_set_up_says_so(postgres_url: str, tmp_path: Path) -> None:
    done = run_in(tmp_path / "home", postgres_url, "tenant", "list")
    assert (done.code, "hansa init" in done.err) == (2, True)


def test_unreachable_database_is_a_sentence(tmp_path: Path) -> None:
    url = "postgresql://a:b@127.0.0.1:1/hansa"
    for command in (("tenant", "list"), ("init",), ("demo", "--port", "0")):
        done = run_in(tmp_path / "home", url, *command)
        assert (done.code, "could not be reached" in done.err) == (2, True)


def test_wrong_password_is_a_sentence(own_database: str, tmp_path: Path) -> None:
    parts = urlsplit(own_database)
    host = parts.netloc.rpartition("@")[2]
    url = urlunsplit(parts._replace(netloc=f"stranger:wrong@{host}"))
    done = run_in(tmp_path / "home", url, "tenant", "list")
    assert done.code == 2
    assert "could not be reached" in done.err
    assert "wrong" not in done.err


def test_data_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run_in(tmp_path / "file" / "home", None, "init")
    assert (done.code, "cannot be made" in done.err) == (2, True)
    assert run_in(tmp_path / "file" / "home", None, "doctor").code == 1


def test_program_ends_with_the_code_of_its_command(
    hansa: Hansa, own_database: str, home: Path
) -> None:
    assert hansa("tenant", "list").code == 0
    listed = run_program(home, "tenant", "list", "--json", database_url=own_database)
    assert (listed.code, listed.err) == (0, "")
    assert "main" in {each["slug"] for each in json.loads(listed.out)}
    refused = run_program(home, "user", "list", "--tenant", "x", database_url=own_database)
    assert (refused.code, refused.out) == (2, "")
