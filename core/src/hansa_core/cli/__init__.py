"""The command line `hansa`: parsing and printing only, the work lives elsewhere."""

import sys

__all__ = ("main",)

_INTERRUPTED = 130


def main() -> None:
    """Run the command the process was started with, and exit with its code."""
    try:
        # Here, because Ctrl-C during the imports is no traceback either.
        from hansa_core.cli.bytecode import keep_bytecode

        keep_bytecode()
        from hansa_core.cli.application import run

        run(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
