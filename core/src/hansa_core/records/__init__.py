"""Writing records: validation, hooks, events, in one transaction."""
