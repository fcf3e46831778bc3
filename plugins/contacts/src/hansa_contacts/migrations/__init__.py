"""Alembic scripts of the tables contacts_*."""
