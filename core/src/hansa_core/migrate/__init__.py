"""Migrations: each plugin's Alembic scripts, run per tenant and written from its declarations."""
