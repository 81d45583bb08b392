INSERT INTO messages (
    channel_key, version, source, namespace, channel, thing_id, external_id, kind, author_key, author, author_name, sent_at,
    precision, zone_assumed, text, revision, edited_at, deleted, deleted_at, reply_to, thread, forwarded, action, media,
    links, hashtags, mentions, accounts, position, characters, words, content_hash, truncated
)
