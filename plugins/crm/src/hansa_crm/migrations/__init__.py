"""Alembic scripts of the tables crm_*."""
