"""`hansa version`: what is installed."""

from __future__ import annotations

import platform
from importlib.metadata import version

import typer

from hansa_core.cli.options import JsonOption
from hansa_core.cli.output import say, say_json
from hansa_core.plugins.discovery import installed_plugins
from hansa_core.plugins.order import plugin_version


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("version")(show_version)


def show_version(as_json: JsonOption = False) -> None:
    """Show the versions of Hansa, its plugins and Python."""
    plugins = {name: plugin_version(plugin) for name, plugin in installed_plugins().items()}
    plugins.pop("system", None)
    if as_json:
        say_json(
            {
                "hansa": version("hansa-core"),
                "sdk": version("hansa-sdk"),
                "python": platform.python_version(),
                "plugins": plugins,
            }
        )
        return
    say(f"Hansa {version('hansa-core')} (SDK {version('hansa-sdk')})")
    say(f"Python {platform.python_version()}")
    for name, installed in sorted(plugins.items()):
        say(f"Plugin {name} {installed}")
