"""The event ledger: rows written in the business transaction, sealed into a hash chain after it."""
