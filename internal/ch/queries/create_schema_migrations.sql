CREATE TABLE IF NOT EXISTS schema_migrations /* ON CLUSTER */
(
    number     UInt32,
    name       String,
    applied_at DateTime DEFAULT now()
)
ENGINE = /* Replicated */ReplacingMergeTree
ORDER BY number
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'Which files of the schema were applied; a file may stand here twice'
