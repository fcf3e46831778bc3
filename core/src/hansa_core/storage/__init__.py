"""Tables, SQL statements, transactions and records: everything that talks to PostgreSQL."""
