"""The pytest plugin: options, markers, fixtures, and skips that fail where all must run.

Installed with hansa-core (`hansa-core[testing]` brings its libraries), so a plugin author's tests
have the same fixtures as ours. Markers: `database` (set by itself on a test that uses only a
database: it runs on every supported PostgreSQL), `browser`, `bench`.
"""

from __future__ import annotations

import shutil
import signal
import tempfile
import uuid
from collections.abc import AsyncGenerator, Generator, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import pytest

from hansa_core.plugins.discovery import installed_plugins
from hansa_core.testing.counting import Count, Outcome, Report, Tally
from hansa_core.testing.databases import fresh_database
from hansa_core.testing.environment import TestEnvironment
from hansa_core.testing.profile import Profile

if TYPE_CHECKING:
    from hansa_core.testing.platform import Platform

_DEEP_TIMEOUT_SECONDS: Final = 1800.0
_MARKERS: Final = (
    "database: needs a PostgreSQL and nothing else; set on tests that use `postgres_url`",
    "browser: drives a real browser",
    "bench: measures; runs only when asked with -m bench",
)

_profile = pytest.StashKey[Profile]()
_environment = pytest.StashKey[TestEnvironment]()
_home = pytest.StashKey[Path]()
_report = pytest.StashKey[Report]()
_count = pytest.StashKey[Count]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--deep`."""
    parser.getgroup("hansa").addoption(
        "--deep",
        action="store_true",
        help="run the same tests with the deep numbers and write deep-report.json",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Choose the profile before any other plugin reads its settings."""
    profile = Profile.deep() if config.getoption("--deep") else Profile.small()
    config.stash[_profile] = profile
    config.stash[_environment] = TestEnvironment.read()
    config.stash[_home] = _home_of_this_run(config)
    for line in _MARKERS:
        config.addinivalue_line("markers", line)
    if profile.name == "deep" and getattr(config.option, "timeout", 0) is None:
        config.option.timeout = _DEEP_TIMEOUT_SECONDS
    if _controls(config):
        config.stash[_report] = Report(profile)
    if config.pluginmanager.hasplugin("hypothesispytest"):
        from hansa_core.testing.examples import load_profile

        load_profile(profile)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the embedded server's data once every process of the run has ended."""
    home = config.stash.get(_home, None)
    if home is None or not home.exists() or not _controls(config):
        return
    from hansa_core.storage.embedded import destroy

    destroy(home)
    shutil.rmtree(home)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """Tell a pytest-xdist worker which embedded server the run shares."""
    config = cast(pytest.Config, getattr(node, "config"))  # noqa: B009  # xdist is optional, its type unknown here
    workerinput = cast(dict[str, str], getattr(node, "workerinput"))  # noqa: B009  # as above
    workerinput["hansa_home"] = str(config.stash[_home])


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need only a database, so nobody forgets to."""
    for item in items:
        fixtures = cast(list[str], getattr(item, "fixturenames", []))
        special = any(item.get_closest_marker(name) for name in ("browser", "bench"))
        if "postgres_url" in fixtures and not special:
            item.add_marker("database")


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Attach what the test was asked and ran; fail it when it ran less."""
    tallies: list[Tally] = []
    try:
        if _is_property(item):
            from hansa_core.testing.examples import counted

            with counted(getattr(item, "obj", None)) as tallies:
                result = yield
        else:
            result = yield
    finally:
        count = item.stash.get(_count, None)
        for tally in (*tallies, *(count.tallies.values() if count else ())):
            item.user_properties.append(("hansa_tally", asdict(tally)))
    shortfall = count.shortfall() if count else None
    if shortfall:
        pytest.fail(shortfall, pytrace=False)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure under HANSA_REQUIRE_ALL=1."""
    report = yield
    expected = hasattr(report, "wasxfail")
    if report.skipped and not expected and item.config.stash[_environment].require_all:
        _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn the skip of a whole module into a failure under HANSA_REQUIRE_ALL=1."""
    report = yield
    if report.skipped and collector.config.stash[_environment].require_all:
        _refuse_skip(report)
    return report


class _Recorder:
    """Feeds the controlling process's report (a session-wide plugin object)."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count one phase of one test."""
        self._report.add(cast(Outcome, report))


def pytest_sessionstart(session: pytest.Session) -> None:
    """Start recording where the run is controlled."""
    report = session.config.stash.get(_report, None)
    if report is not None:
        session.config.pluginmanager.register(_Recorder(report), "hansa-recorder")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write deep-report.json after a deep run."""
    report = session.config.stash.get(_report, None)
    if report is not None and report.profile.name == "deep" and report.tests:
        report.write(session.config.rootpath)


@pytest.fixture(scope="session")
def profile(pytestconfig: pytest.Config) -> Profile:
    """The numbers of this run, small or deep."""
    return pytestconfig.stash[_profile]


@pytest.fixture
def count(request: pytest.FixtureRequest, profile: Profile) -> Count:
    """The test's account: `n = count.asked("import_rows")`, later `count.ran(n)`."""
    own = Count(profile)
    cast(pytest.Item, request.node).stash[_count] = own
    return own


@pytest.fixture(scope="session")
def postgres_url(pytestconfig: pytest.Config) -> Iterator[str]:
    """Owner's URL of the server under test: HANSA_TEST_DATABASE_URL, or an embedded one."""
    given = pytestconfig.stash[_environment].database_url
    if given is not None:
        yield given
        return
    from hansa_core.storage.embedded import embedded

    # A run that is told to end (timeout, CI) stops its server too, as one that is interrupted does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with embedded(pytestconfig.stash[_home], durable=False) as server:
        yield server.url("postgres")


@pytest.fixture(scope="session")
def database_url(postgres_url: str) -> Iterator[str]:
    """Owner's URL of an empty database of this session's own (one per pytest-xdist worker)."""
    with fresh_database(postgres_url) as url:
        yield url


@pytest.fixture(scope="session")
def sample_data(pytestconfig: pytest.Config) -> Path:
    """The folder HANSA_SAMPLE_DATA names; without it the test is skipped."""
    folder = pytestconfig.stash[_environment].sample_data
    if folder is None or not folder.is_dir():
        pytest.skip("HANSA_SAMPLE_DATA does not name a folder with the real data sets")
    return folder


@pytest.fixture(scope="session")
async def platform(
    postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Platform]:
    """A kernel with every installed plugin, on a database no other fixture has.

    The login's password lies in one home: a second home would reset it.
    """
    from hansa_core.testing.platform import open_platform

    home = tmp_path_factory.mktemp("home")
    with fresh_database(postgres_url) as owner_url:
        async with open_platform(owner_url, home, installed_plugins()) as opened:
            yield opened


def _controls(config: pytest.Config) -> bool:
    """Return whether this process controls the run (it is no pytest-xdist worker)."""
    return not hasattr(config, "workerinput")


def _home_of_this_run(config: pytest.Config) -> Path:
    """Return the embedded server's folder: named now, made by the first test that needs it."""
    if not _controls(config):
        return Path(cast(dict[str, str], getattr(config, "workerinput"))["hansa_home"])  # noqa: B009  # only workers have it
    return Path(tempfile.gettempdir()) / f"hansa-test-{uuid.uuid4().hex[:12]}"


def _is_property(item: pytest.Item) -> bool:
    return bool(getattr(getattr(item, "obj", None), "is_hypothesis_test", False))


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Make the report of a skip the report of a failure that names the reason."""
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    report.outcome = "failed"
    report.longrepr = f"{reason} (a skip is a failure under HANSA_REQUIRE_ALL=1)"
