"""One script per revision, in the order their names say."""
