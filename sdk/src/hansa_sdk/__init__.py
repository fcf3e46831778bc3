"""What a Hansa plugin imports."""
