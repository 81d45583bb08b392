-- The facts: the current state of every thing, one row a thing once FINAL has had its say.
--
-- A fact is a full state with a version, so a table is a set in which the highest version of a key stands. The key of a
-- table is made of parts that never change for a thing (its channel and its id). There is no PARTITION BY: whatever could
-- be partitioned by (a time, a kind) may change between two states, and a row is never replaced by one of another partition.
--
-- Ids are 16 raw bytes and so sort as PostgreSQL sorts its uuid; 16 zero bytes stand for "none". A version is 16 bits of
-- generation, 56 of token and 56 of counter, the highest first. Times are UTC and NULL where the network gave none, or one
-- that DateTime64 cannot hold.
--
-- On a cluster: one shard, as many replicas as you like. The path of the replicas comes from the server's
-- default_replica_path and its macros. Sharding would be right only by the key, for FINAL looks at one server's rows.

CREATE TABLE IF NOT EXISTS messages /* ON CLUSTER */
(
    channel_key  FixedString(16) COMMENT 'hash of source, namespace and channel',
    thing_id     FixedString(16) COMMENT 'hash of source, namespace, channel and the native id',
    version      UInt128 COMMENT 'of the fact: generation, token, counter',
    source       LowCardinality(String) COMMENT 'network or format',
    namespace    LowCardinality(String) COMMENT 'scope in which the ids of the network are unique',
    channel      LowCardinality(String) COMMENT 'the chat, as the network calls it',
    external_id  String COMMENT 'the message, as the network calls it, or its content key',
    kind         LowCardinality(String) COMMENT 'message, action, service or unparsed; empty: only mentioned so far',
    author_key   FixedString(16) COMMENT 'hash of source, namespace and author',
    author       String COMMENT 'the author, as the network calls them',
    author_name  String COMMENT 'as shown on this message',
    sent_at      Nullable(DateTime64(6, 'UTC')),
    precision    UInt8 COMMENT 'of sent_at: 0 none, 1 day, 2 minute, 3 second, 4 millisecond, 5 microsecond',
    zone_assumed Bool COMMENT 'the zone of sent_at was named by the user, not by the network',
    text         String CODEC(ZSTD(1)),
    revision     String COMMENT 'of the state; 0: never edited',
    edited_at    Nullable(DateTime64(6, 'UTC')),
    deleted      Bool,
    deleted_at   Nullable(DateTime64(6, 'UTC')) COMMENT 'may be NULL for a deleted message',
    reply_to     String COMMENT 'external_id of another message of the channel',
    thread       String COMMENT 'external_id of the first message of the thread',
    forwarded    Bool,
    action       LowCardinality(String) COMMENT 'of a service message',
    media        Array(LowCardinality(String)) COMMENT 'kinds of the attachments',
    links        Array(String),
    hashtags     Array(String),
    mentions     Array(String),
    accounts     Array(String) COMMENT 'which accounts saw it',
    position     UInt64 COMMENT 'in the stream (sequence * 1024 + line of a bundle), of the first event about it: orders messages of one instant',
    characters   UInt32 COMMENT 'code points of text',
    words        UInt32 COMMENT 'runs of letters and digits in text',
    generation   UInt16 ALIAS toUInt16(bitShiftRight(version, 112)),
    token        UInt64 ALIAS toUInt64(bitAnd(bitShiftRight(version, 56), 72057594037927935)),
    counter      UInt64 ALIAS toUInt64(bitAnd(version, 72057594037927935)),
    INDEX by_channel channel TYPE set(32) GRANULARITY 1
)
ENGINE = /* Replicated */ReplacingMergeTree(version)
ORDER BY (channel_key, thing_id)
SETTINGS non_replicated_deduplication_window = 10000, replicated_deduplication_window = 10000,
    fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'The current state of every message';

CREATE TABLE IF NOT EXISTS versions /* ON CLUSTER */
(
    channel_key  FixedString(16) COMMENT 'hash of source, namespace and channel',
    event_id     FixedString(16) COMMENT 'hash of the thing and the revision',
    version      UInt128 COMMENT 'of the fact: generation, token, counter',
    source       LowCardinality(String),
    namespace    LowCardinality(String),
    channel      LowCardinality(String),
    thing_id     FixedString(16) COMMENT 'what the event is about; for a message its thing_id there',
    kind         LowCardinality(String) COMMENT 'message, deletion, reaction, reactions, membership, ...',
    revision     String,
    sent_at      Nullable(DateTime64(6, 'UTC')) COMMENT 'when it came to be, by the clock of the network',
    position     UInt64 COMMENT 'in the stream, where it first stood',
    generation   UInt16 ALIAS toUInt16(bitShiftRight(version, 112)),
    token        UInt64 ALIAS toUInt64(bitAnd(bitShiftRight(version, 56), 72057594037927935)),
    counter      UInt64 ALIAS toUInt64(bitAnd(version, 72057594037927935)),
    INDEX by_channel channel TYPE set(32) GRANULARITY 1
)
ENGINE = /* Replicated */ReplacingMergeTree(version)
ORDER BY (channel_key, event_id)
SETTINGS non_replicated_deduplication_window = 10000, replicated_deduplication_window = 10000,
    fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'Every event of the record: the versions of messages, deletions, reactions and all else';

CREATE TABLE IF NOT EXISTS reactions /* ON CLUSTER */
(
    channel_key  FixedString(16) COMMENT 'hash of source, namespace and channel',
    thing_id     FixedString(16) COMMENT 'hash of the channel, the message, the person and the emoji',
    version      UInt128 COMMENT 'of the fact: generation, token, counter',
    source       LowCardinality(String),
    namespace    LowCardinality(String),
    channel      LowCardinality(String),
    message_id   FixedString(16) COMMENT 'thing_id of the message',
    target       String COMMENT 'external_id of the message',
    person_key   FixedString(16) COMMENT '16 zero bytes: all those whom nobody names',
    person       String,
    person_name  String,
    emoji        String,
    count        UInt32 COMMENT '1 for a person; for the unnamed how many they are',
    at           Nullable(DateTime64(6, 'UTC')) COMMENT 'of the latest word on it',
    removed      Bool COMMENT 'taken back',
    generation   UInt16 ALIAS toUInt16(bitShiftRight(version, 112)),
    token        UInt64 ALIAS toUInt64(bitAnd(bitShiftRight(version, 56), 72057594037927935)),
    counter      UInt64 ALIAS toUInt64(bitAnd(version, 72057594037927935)),
    INDEX by_channel channel TYPE set(32) GRANULARITY 1
)
ENGINE = /* Replicated */ReplacingMergeTree(version)
ORDER BY (channel_key, thing_id)
SETTINGS non_replicated_deduplication_window = 10000, replicated_deduplication_window = 10000,
    fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'The current state of every reaction of a person, and how many reacted whom nobody names';

CREATE TABLE IF NOT EXISTS memberships /* ON CLUSTER */
(
    channel_key  FixedString(16) COMMENT 'hash of source, namespace and channel',
    thing_id     FixedString(16) COMMENT 'hash of the channel and the identity',
    version      UInt128 COMMENT 'of the fact: generation, token, counter',
    source       LowCardinality(String),
    namespace    LowCardinality(String),
    channel      LowCardinality(String),
    identity_key FixedString(16),
    identity     String,
    name         String COMMENT 'as shown then',
    state        LowCardinality(String) COMMENT 'joined, left or banned',
    at           Nullable(DateTime64(6, 'UTC')) COMMENT 'since when',
    generation   UInt16 ALIAS toUInt16(bitShiftRight(version, 112)),
    token        UInt64 ALIAS toUInt64(bitAnd(bitShiftRight(version, 56), 72057594037927935)),
    counter      UInt64 ALIAS toUInt64(bitAnd(version, 72057594037927935)),
    INDEX by_channel channel TYPE set(32) GRANULARITY 1
)
ENGINE = /* Replicated */ReplacingMergeTree(version)
ORDER BY (channel_key, thing_id)
SETTINGS non_replicated_deduplication_window = 10000, replicated_deduplication_window = 10000,
    fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'The current state of every membership';

CREATE TABLE IF NOT EXISTS channels /* ON CLUSTER */
(
    key          FixedString(16) COMMENT 'hash of source, namespace and channel',
    version      UInt128 COMMENT 'of the fact: generation, token, counter',
    source       LowCardinality(String),
    namespace    LowCardinality(String),
    channel      String,
    name         String,
    type         LowCardinality(String) COMMENT 'private, group, channel, ...',
    topic        String,
    generation   UInt16 ALIAS toUInt16(bitShiftRight(version, 112)),
    token        UInt64 ALIAS toUInt64(bitAnd(bitShiftRight(version, 56), 72057594037927935)),
    counter      UInt64 ALIAS toUInt64(bitAnd(version, 72057594037927935))
)
ENGINE = /* Replicated */ReplacingMergeTree(version)
ORDER BY key
SETTINGS non_replicated_deduplication_window = 10000, replicated_deduplication_window = 10000,
    fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'What every channel is called now';

CREATE TABLE IF NOT EXISTS identities /* ON CLUSTER */
(
    key          FixedString(16) COMMENT 'hash of source, namespace and identity',
    version      UInt128 COMMENT 'of the fact: generation, token, counter',
    source       LowCardinality(String),
    namespace    LowCardinality(String),
    identity     String,
    name         String,
    username     String,
    bot          Bool,
    generation   UInt16 ALIAS toUInt16(bitShiftRight(version, 112)),
    token        UInt64 ALIAS toUInt64(bitAnd(bitShiftRight(version, 56), 72057594037927935)),
    counter      UInt64 ALIAS toUInt64(bitAnd(version, 72057594037927935))
)
ENGINE = /* Replicated */ReplacingMergeTree(version)
ORDER BY key
SETTINGS non_replicated_deduplication_window = 10000, replicated_deduplication_window = 10000,
    fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'What every identity is called now';
