"""The kernel's own plugin: users, teams, roles, keys, settings, units."""
