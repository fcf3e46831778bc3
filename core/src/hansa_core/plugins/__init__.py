"""Finding plugins, and hooks between them."""
