"""Invariants: what `hansa verify` runs. So far the ledger's chain."""
