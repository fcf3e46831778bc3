"""The command line `hansa`: parsing and printing only, the work lives elsewhere."""

from hansa_core.cli.application import main

__all__ = ("main",)
