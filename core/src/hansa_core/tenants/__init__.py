"""Tenants: the directory of companies, the two logins, and which host name means which company."""
