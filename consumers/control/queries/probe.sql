-- The timeline is that of the WAL being written: the control file names it only from the checkpoint after a promotion on. A
-- server in recovery writes none.
SELECT NOT pg_is_in_recovery() AND NOT current_setting('transaction_read_only')::boolean,
       (SELECT s.system_identifier::text FROM pg_control_system() s),
       CASE WHEN pg_is_in_recovery() THEN 0
            ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint END,
       current_setting('server_version_num')::int,
       current_setting('server_version')
