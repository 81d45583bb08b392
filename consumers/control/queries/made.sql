-- Whether the schema has a fence yet.
SELECT to_regclass('agrichat.fence') IS NOT NULL
