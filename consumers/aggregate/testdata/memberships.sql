SELECT formatRowNoNewline('JSONCompactEachRow',
    lower(hex(channel_key)), toString(version), source, namespace, channel, lower(hex(thing_id)), lower(hex(identity_key)), identity, name, state, at)
FROM memberships FINAL
ORDER BY thing_id
