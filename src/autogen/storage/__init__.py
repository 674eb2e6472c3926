"""The database, numbered migrations, and files that are whole or absent."""
