SELECT formatRowNoNewline('JSONCompactEachRow',
    lower(hex(channel_key)), toString(version), source, namespace, channel, lower(hex(event_id)), lower(hex(thing_id)), kind, revision, sent_at, toString(position))
FROM versions FINAL
ORDER BY event_id
