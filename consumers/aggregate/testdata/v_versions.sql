SELECT formatRowNoNewline('JSONCompactEachRow',
    source, namespace, channel, channel_name, kind, revision, sent_at, lower(hex(thing_id)))
FROM v_versions
ORDER BY event_id
