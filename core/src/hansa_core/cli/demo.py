"""`hansa demo`: a small company to look around in, on a database of its own."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from typing import Annotated

import typer

from hansa_core.cli.demo_mark import only_demo
from hansa_core.cli.options import PortOption
from hansa_core.cli.output import note
from hansa_core.cli.running import PORT, end_orderly_on_terminate, importing, run_forever
from hansa_core.listening import listen
from hansa_core.settings import Settings
from hansa_core.storage.embedded import starting


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("demo")(run_demo)


def run_demo(
    port: PortOption = PORT,
    reset: Annotated[bool, typer.Option("--reset", help="Begin with a fresh database.")] = False,
) -> None:
    """Run a small demo company on a database of its own, until Ctrl-C."""
    end_orderly_on_terminate()
    settings = Settings.read()
    with (
        closing(listen("127.0.0.1", port)) as listening,
        only_demo(settings.home),
        _server(settings) as admin_url,
    ):
        with importing():  # most of a start's time goes here; the database starts meanwhile
            from hansa_core.cli.demo_company import claimed, show
        place = claimed(settings, admin_url(), reset=reset)
        run_forever(show(place, listening))


@contextmanager
def _server(settings: Settings) -> Generator[Callable[[], str]]:
    """Start the demo's server, or look for the one the settings name; give its address later."""
    url = settings.database_url
    if url is None:
        note("Starting the database ...")
        with starting(settings.home) as server:
            yield lambda: server().url()
        return

    def found() -> str:
        from hansa_core.cli.servers import reachable  # brings SQLAlchemy along

        return reachable(url)

    yield found
