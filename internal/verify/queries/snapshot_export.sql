-- A name under which other transactions can see what this one sees, as long as it is open.
SELECT pg_export_snapshot()
