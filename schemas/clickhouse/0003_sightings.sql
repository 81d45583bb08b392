-- Which accounts collected an event beside the one that messages.accounts names, as in PostgreSQL.

CREATE TABLE IF NOT EXISTS sightings /* ON CLUSTER */
(
    channel_key  FixedString(16) COMMENT 'hash of source, namespace and channel',
    sighting_id  FixedString(16) COMMENT 'hash of the event and the account',
    version      UInt128 COMMENT 'of the fact: generation, token, counter',
    source       LowCardinality(String),
    namespace    LowCardinality(String),
    channel      LowCardinality(String),
    event_id     FixedString(16),
    thing_id     FixedString(16) COMMENT 'what the event is about; for a message its thing_id there',
    account      String,
    removed      Bool COMMENT 'the account has come to stand in messages.accounts',
    generation   UInt16 ALIAS toUInt16(bitShiftRight(version, 112)),
    token        UInt64 ALIAS toUInt64(bitAnd(bitShiftRight(version, 56), 72057594037927935)),
    counter      UInt64 ALIAS toUInt64(bitAnd(version, 72057594037927935))
)
ENGINE = /* Replicated */ReplacingMergeTree(version)
ORDER BY (channel_key, sighting_id)
SETTINGS non_replicated_deduplication_window = 10000, replicated_deduplication_window = 10000,
    fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'Further accounts that collected an event';

CREATE VIEW IF NOT EXISTS v_seen_by /* ON CLUSTER */ AS
SELECT DISTINCT source, namespace, channel, external_id, account, channel_key, thing_id
FROM
(
    SELECT source, namespace, channel, external_id, arrayJoin(accounts) AS account, channel_key, thing_id
    FROM messages FINAL
    WHERE kind != ''
    UNION ALL
    SELECT m.source AS source, m.namespace AS namespace, m.channel AS channel, m.external_id AS external_id,
           s.account AS account, m.channel_key AS channel_key, m.thing_id AS thing_id
    FROM (SELECT channel_key, thing_id, account FROM sightings FINAL WHERE NOT removed) AS s
    INNER JOIN (SELECT source, namespace, channel, external_id, channel_key, thing_id FROM messages FINAL WHERE kind != '') AS m
        ON m.channel_key = s.channel_key AND m.thing_id = s.thing_id
);
