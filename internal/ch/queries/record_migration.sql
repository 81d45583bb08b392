INSERT INTO schema_migrations (number, name) SELECT {number}, '{name}'
