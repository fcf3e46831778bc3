"""The pytest plugin does what CI relies on: numbers, deep-report.json, skips that fail."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import pytest

from hansa_core.testing.profile import Profile


def test_skip_fails_when_all_is_required(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile(
        "import pytest\n"
        "def test_missing():\n    pytest.skip('no browser here')\n"
        "@pytest.mark.skip(reason='not today')\ndef test_marked():\n    pass\n"
    )
    monkeypatch.delenv("HANSA_REQUIRE_ALL", raising=False)
    pytester.runpytest_subprocess().assert_outcomes(skipped=2)

    monkeypatch.setenv("HANSA_REQUIRE_ALL", "1")
    result = pytester.runpytest_subprocess()

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*no browser here*a skip is a failure under HANSA_REQUIRE_ALL*"])
    result.stdout.fnmatch_lines(["*1 failed, 1 error*"])


def test_module_skip_fails_when_all_is_required(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile("import pytest\npytest.importorskip('no_such_library')\n")
    monkeypatch.setenv("HANSA_REQUIRE_ALL", "1")

    result = pytester.runpytest_subprocess()

    assert result.ret != pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["*no_such_library*a skip is a failure*"])


def test_xfail_stays_expected_when_all_is_required(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile(
        "import pytest\n@pytest.mark.xfail(reason='known')\ndef test_known():\n    assert False\n"
    )
    monkeypatch.setenv("HANSA_REQUIRE_ALL", "1")

    pytester.runpytest_subprocess().assert_outcomes(xfailed=1)


_NUMBERS = """
from hypothesis import given, settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, rule

def test_rows(count):
    rows = count.asked("import_rows")
    count.ran(rows)

def test_fewer(count):
    count.asked("writers")
    count.ran()

@given(strategies.integers())
def test_property(number):
    assert number == number

@given(strategies.integers())
async def test_awaited_property(number):
    assert number == number

class Machine(RuleBasedStateMachine):
    @rule()
    def step(self):
        pass

TestMachine = Machine.TestCase
TestMachine.settings = settings(stateful_step_count=1)
"""


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["one process", "two workers"])
def test_deep_report_tells_asked_and_ran_when_deep(
    pytester: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    pytester.makepyfile(_NUMBERS)
    pytester.makeini("[pytest]\nasyncio_mode = auto\n")

    result = pytester.runpytest_subprocess("--deep", *workers)

    result.assert_outcomes(passed=4, failed=1)
    result.stdout.fnmatch_lines(["*ran less than it was asked (writers: 1 of 8)*"])
    lines = _lines(pytester.path / "deep-report.json")
    deep = Profile.deep()
    assert lines["test_rows"] == ("import_rows", deep.import_rows, deep.import_rows, 0)
    assert lines["test_fewer"] == ("writers", deep.writers, 1, 1)
    for name in ("test_property", "test_awaited_property"):
        number, asked, ran, failures = lines[name]
        assert (number, asked, failures) == ("hypothesis_examples", deep.hypothesis_examples, 0)
        assert ran == deep.hypothesis_examples
    assert lines["runTest"][:2] == ("hypothesis_examples", deep.hypothesis_examples)
    assert lines["runTest"][2] > 0


def test_no_report_and_small_numbers_when_not_deep(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "from hypothesis import settings\n"
        "def test_small(profile):\n"
        "    assert profile.name == 'small'\n"
        "    assert settings().max_examples == profile.hypothesis_examples\n"
    )

    pytester.runpytest_subprocess().assert_outcomes(passed=1)

    assert not (pytester.path / "deep-report.json").exists()


def test_unknown_number_names_the_nearest() -> None:
    with pytest.raises(LookupError, match=r"no number 'import_row'.* Did you mean 'import_rows'"):
        Profile.small().number("import_row")


def test_deep_never_asks_less_than_small() -> None:
    small, deep = Profile.small(), Profile.deep()
    names = [name for name in Profile.__slots__ if name != "name"]
    assert len(names) > 5
    assert all(deep.number(name) >= small.number(name) for name in names)


def test_database_mark_is_set_when_a_test_uses_a_database(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "import pytest\n"
        "@pytest.fixture\ndef tenant(database_url):\n    return database_url\n"
        "def test_through_a_fixture(tenant):\n    pass\n"
        "@pytest.mark.browser\ndef test_in_a_browser(tenant):\n    pass\n"
        "def test_pure():\n    pass\n"
    )

    result = pytester.runpytest_subprocess("--collect-only", "-q", "-m", "database")

    result.stdout.fnmatch_lines(["*::test_through_a_fixture", "*1/3 tests collected*"])


def _lines(path: Path) -> Mapping[str, tuple[str, int, int, int]]:
    content = cast(Mapping[str, object], json.loads(path.read_text()))
    rows = cast(list[dict[str, object]], content["tests"])
    return {
        str(row["test"]).rpartition("::")[2]: cast(
            tuple[str, int, int, int],
            (row["number"], row["asked"], row["ran"], row["failures"]),
        )
        for row in rows
    }
