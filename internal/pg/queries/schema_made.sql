-- Whether any migration was applied, and whether the record, if there is one, has the columns that it had when the schema was
-- frozen.
SELECT to_regclass('public.agrichat_migrations') IS NOT NULL,
       to_regclass('agrichat.events') IS NULL OR EXISTS (
           SELECT FROM pg_attribute a
           WHERE a.attrelid = to_regclass('agrichat.events') AND a.attname = 'position' AND NOT a.attisdropped)
