"""Hansa plugin: contacts."""
