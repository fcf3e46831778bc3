"""A pytest plugin for tests on a real database: our own and plugin authors'."""
