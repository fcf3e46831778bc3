"""Authorised plans for every read, and their SQL."""
