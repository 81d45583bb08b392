DROP SCHEMA IF EXISTS agrichat CASCADE;
DROP TABLE IF EXISTS public.agrichat_migrations;
