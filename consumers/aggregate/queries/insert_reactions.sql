INSERT INTO reactions (
    channel_key, version, source, namespace, channel, thing_id, message_id, target, person_key, person, person_name, emoji,
    count, at, removed, content_hash, truncated
)
