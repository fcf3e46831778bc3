"""Hansa plugin: crm."""
