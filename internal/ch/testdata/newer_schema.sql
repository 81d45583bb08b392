INSERT INTO schema_migrations (number, name) SELECT 9999, '9999_future.sql'
