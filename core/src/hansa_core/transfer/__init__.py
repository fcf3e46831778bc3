"""Data in and out: imports."""
