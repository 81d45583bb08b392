-- What verify compares contents by. Rows from before have 16 zero bytes: not known.

ALTER TABLE messages /* ON CLUSTER */
    ADD COLUMN IF NOT EXISTS content_hash FixedString(16) COMMENT 'of all that the fact says, computed from PostgreSQL; 16 zero bytes: not known',
    ADD COLUMN IF NOT EXISTS truncated Bool COMMENT 'the fact was larger than a message of the bus may be: PostgreSQL has all of it';

ALTER TABLE versions /* ON CLUSTER */
    ADD COLUMN IF NOT EXISTS content_hash FixedString(16) COMMENT 'as in messages';

ALTER TABLE reactions /* ON CLUSTER */
    ADD COLUMN IF NOT EXISTS content_hash FixedString(16) COMMENT 'as in messages',
    ADD COLUMN IF NOT EXISTS truncated Bool COMMENT 'as in messages';

ALTER TABLE memberships /* ON CLUSTER */
    ADD COLUMN IF NOT EXISTS content_hash FixedString(16) COMMENT 'as in messages',
    ADD COLUMN IF NOT EXISTS truncated Bool COMMENT 'as in messages';

ALTER TABLE channels /* ON CLUSTER */
    ADD COLUMN IF NOT EXISTS content_hash FixedString(16) COMMENT 'as in messages',
    ADD COLUMN IF NOT EXISTS truncated Bool COMMENT 'as in messages';

ALTER TABLE identities /* ON CLUSTER */
    ADD COLUMN IF NOT EXISTS content_hash FixedString(16) COMMENT 'as in messages',
    ADD COLUMN IF NOT EXISTS truncated Bool COMMENT 'as in messages';

ALTER TABLE sightings /* ON CLUSTER */
    ADD COLUMN IF NOT EXISTS content_hash FixedString(16) COMMENT 'as in messages';
