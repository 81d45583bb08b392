-- The newest migration that was applied, and how many were. The first row of the table is no migration.
SELECT coalesce(max(m.version_id), 0), count(DISTINCT m.version_id) FILTER (WHERE m.version_id > 0)
FROM public.agrichat_migrations m WHERE m.is_applied
