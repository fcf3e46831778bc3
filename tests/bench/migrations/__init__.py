"""Alembic scripts of the tables bench_*."""
