"""The Hansa kernel."""
