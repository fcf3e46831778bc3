"""What a caller may do: roles compiled to grants."""
