"""Who a caller is: passwords, sessions, keys."""
