"""Alembic scripts of plugin `system`."""
