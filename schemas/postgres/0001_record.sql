-- +goose Up
-- The record: what the log says, in its current state. Everything here can be rebuilt from the stream.
--
-- Ids are the 128-bit ones that events derive (internal/event); no id that this database generates leaves it.
-- Every row that a fact is made of carries the counter of the transaction that last changed it and the token that
-- transaction was written under: with the store's generation they are the version of its fact.

CREATE SCHEMA agrichat;

-- One row: which store this is. The generation is handed out by the bus, so that a rebuilt store has a higher one.
CREATE TABLE agrichat.store (
    only_row    boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    generation  integer
);
INSERT INTO agrichat.store DEFAULT VALUES;

-- One row: the highest token that a controller has announced. A transaction under a lower one is refused.
CREATE TABLE agrichat.fence (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    token    bigint NOT NULL DEFAULT 0
);
INSERT INTO agrichat.fence DEFAULT VALUES;

-- The lives of the stream: a stream made anew begins again at sequence 1, and its sequences must not be taken for the
-- old ones'. The number is local to this store.
CREATE TABLE agrichat.incarnations (
    incarnation integer PRIMARY KEY,
    stream      text NOT NULL,
    created     timestamptz NOT NULL     -- by the server's clock; a stream restored from a copy may repeat it
);

CREATE SEQUENCE agrichat.ledger_counter;

-- A row a transaction: which sequences of the stream it came from. This decides what is applied again.
CREATE TABLE agrichat.ledger (
    counter     bigint PRIMARY KEY,
    first_counter bigint NOT NULL,       -- of the rows that were joined into this one
    incarnation integer NOT NULL,
    sequences   int8multirange NOT NULL,
    last_event  uuid,                    -- stands at the highest of them; confirms the incarnation
    last_seq    bigint NOT NULL,
    token       bigint NOT NULL,
    facts       integer NOT NULL,        -- how many facts it made
    facts_at    timestamptz,             -- when they were published; NULL: they still must be
    written_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX ledger_sequences ON agrichat.ledger USING gist (sequences);
CREATE INDEX ledger_unpublished ON agrichat.ledger (counter) WHERE facts_at IS NULL;

CREATE TABLE agrichat.channels (
    key        uuid PRIMARY KEY,
    source     text NOT NULL,
    namespace  text NOT NULL,
    channel    text NOT NULL,
    name       text NOT NULL DEFAULT '',
    type       text NOT NULL DEFAULT '',
    topic      text NOT NULL DEFAULT '',
    as_of      timestamptz,              -- when the name was true; NULL: nobody said
    event_id   uuid,                     -- the event it came from; NULL: only messages told of the channel
    changed    bigint NOT NULL,
    token      bigint NOT NULL
);
-- The key is derived from the names, so they need no constraint; cut, because an index takes no long ones.
CREATE INDEX channels_names ON agrichat.channels (left(source, 100), left(namespace, 100), left(channel, 100));

CREATE TABLE agrichat.people (
    key  uuid PRIMARY KEY,
    name text NOT NULL DEFAULT ''
);

CREATE TABLE agrichat.identities (
    key        uuid PRIMARY KEY,
    source     text NOT NULL,
    namespace  text NOT NULL,
    identity   text NOT NULL,
    name       text NOT NULL DEFAULT '',
    username   text NOT NULL DEFAULT '',
    bot        boolean NOT NULL DEFAULT false,
    as_of      timestamptz,              -- when the name was shown; NULL: nobody said
    username_as_of timestamptz,
    person     uuid REFERENCES agrichat.people (key),  -- NULL: nobody has said who this is elsewhere
    changed    bigint NOT NULL,
    token      bigint NOT NULL
);
CREATE INDEX identities_names ON agrichat.identities (left(source, 100), left(namespace, 100), left(identity, 100));

-- Every event, once. The versions of a message are its events; every state below is a fold over them.
CREATE TABLE agrichat.events (
    event_id     uuid PRIMARY KEY,
    thing_id     uuid NOT NULL,
    target_id    uuid,                   -- the message that a reaction is to
    channel_key  uuid NOT NULL,
    kind         text NOT NULL,
    revision     text NOT NULL,
    author       jsonb,
    sent_at      timestamptz,
    precision    smallint NOT NULL,
    zone         text NOT NULL,
    zone_assumed boolean NOT NULL,
    seen_at      timestamptz,
    body         jsonb NOT NULL,
    content      uuid NOT NULL,          -- 128 bits of a hash of author, time and body: an equal copy says nothing new
    raw          bytea,                  -- of what could not be read; of the rest the stream has it
    accounts     text[] NOT NULL,        -- who collected it
    incarnation  integer NOT NULL,
    position     bigint NOT NULL,        -- where it first stood in the stream: sequence * 1024 + line of a bundle
    changed      bigint NOT NULL,
    token        bigint NOT NULL
);
CREATE INDEX events_thing ON agrichat.events (thing_id);
CREATE INDEX events_target ON agrichat.events (target_id) WHERE target_id IS NOT NULL;
CREATE INDEX events_position ON agrichat.events (incarnation, position);
CREATE INDEX events_changed ON agrichat.events USING brin (changed) WITH (pages_per_range = 32);

-- The current state of every message. A stub (kind NULL) is the target of something that came before it.
CREATE TABLE agrichat.messages (
    thing_id     uuid PRIMARY KEY,
    channel_key  uuid NOT NULL,
    external_id  text NOT NULL,
    kind         text CHECK (kind IN ('message', 'action', 'service', 'unparsed')),
    author_key   uuid,
    author       text NOT NULL DEFAULT '',
    author_name  text NOT NULL DEFAULT '',
    sent_at      timestamptz,
    precision    smallint NOT NULL DEFAULT 0,
    zone         text NOT NULL DEFAULT '',
    zone_assumed boolean NOT NULL DEFAULT false,
    text         text,
    revision     text NOT NULL DEFAULT '',
    edited_at    timestamptz,
    deleted      boolean NOT NULL DEFAULT false,
    deleted_at   timestamptz,
    erased       boolean NOT NULL DEFAULT false,
    reply_to     text,                   -- external id; in another channel: see body
    thread       text,
    action       text,                   -- of a service message
    links        text[] NOT NULL DEFAULT '{}',
    hashtags     text[] NOT NULL DEFAULT '{}',
    mentions     text[] NOT NULL DEFAULT '{}',
    attachments  jsonb,
    body         jsonb,                  -- forward, poll, service, details, a reply elsewhere: what has no column
    accounts     text[] NOT NULL DEFAULT '{}',
    incarnation  integer NOT NULL,
    position     bigint NOT NULL,        -- of the first event about it: orders messages of one instant
    changed      bigint NOT NULL,
    token        bigint NOT NULL,
    -- A tsvector holds a megabyte; of a longer text the beginning is found.
    search       tsvector GENERATED ALWAYS AS (to_tsvector('pg_catalog.russian', left(coalesce(text, ''), 200000))) STORED
);
COMMENT ON COLUMN agrichat.messages.search IS
    'Words of Russian and English: the configuration "russian" stems Cyrillic words as Russian and Latin ones as English';
CREATE INDEX messages_channel ON agrichat.messages (channel_key, sent_at, position);
CREATE INDEX messages_changed ON agrichat.messages USING brin (changed) WITH (pages_per_range = 32);
CREATE INDEX messages_search ON agrichat.messages USING gin (search);

-- One row for each person, message and emoji, whatever it is now; and one with an empty person for those unnamed.
CREATE TABLE agrichat.reactions (
    thing_id    uuid PRIMARY KEY,
    message_id  uuid NOT NULL,
    channel_key uuid NOT NULL,
    target      text NOT NULL,
    person_key  uuid,
    person      text NOT NULL DEFAULT '',
    person_name text NOT NULL DEFAULT '',
    emoji       text NOT NULL,
    count       integer NOT NULL,
    at          timestamptz,             -- of the latest word on it
    removed     boolean NOT NULL,
    changed     bigint NOT NULL,
    token       bigint NOT NULL
);
CREATE INDEX reactions_message ON agrichat.reactions (message_id);
CREATE INDEX reactions_changed ON agrichat.reactions USING brin (changed) WITH (pages_per_range = 32);

CREATE TABLE agrichat.memberships (
    thing_id     uuid PRIMARY KEY,
    channel_key  uuid NOT NULL,
    identity_key uuid NOT NULL,
    identity     text NOT NULL,
    name         text NOT NULL DEFAULT '',
    state        text NOT NULL,
    at           timestamptz,
    changed      bigint NOT NULL,
    token        bigint NOT NULL
);
-- What was ever said of a membership, by an event of its own or by a service message. The latest word stands.
CREATE TABLE agrichat.membership_words (
    thing_id uuid NOT NULL,
    event_id uuid NOT NULL,
    state    text NOT NULL,
    name     text NOT NULL,
    at       timestamptz,
    position bigint NOT NULL             -- of the event: decides between two words of one instant
);
CREATE UNIQUE INDEX membership_words_once ON agrichat.membership_words (thing_id, event_id, state, md5(name), at)
    NULLS NOT DISTINCT;
CREATE INDEX memberships_channel ON agrichat.memberships (channel_key);
CREATE INDEX memberships_changed ON agrichat.memberships USING brin (changed) WITH (pages_per_range = 32);

-- What will never be stored, and why. The copies are in the stream DEAD.
CREATE TABLE agrichat.dead_letters (
    incarnation integer NOT NULL,
    position    bigint NOT NULL,
    event_id    text NOT NULL,
    subject     text NOT NULL,
    cause       text NOT NULL,
    state       text NOT NULL DEFAULT 'dead' CHECK (state IN ('dead', 'requeued', 'dropped')),
    at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (incarnation, position)
);

-- +goose Down
-- Forward only.
