INSERT INTO versions (
    channel_key, version, source, namespace, channel, event_id, thing_id, kind, revision, sent_at, position, content_hash
)
