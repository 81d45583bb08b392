-- The name of a snapshot that other transactions can import while this one is open.
SELECT pg_export_snapshot()
