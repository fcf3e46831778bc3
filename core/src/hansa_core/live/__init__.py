"""Changes as they happen: who listens to a tenant's ledger, and whether they still may."""
