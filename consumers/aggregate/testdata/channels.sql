SELECT formatRowNoNewline('JSONCompactEachRow',
    lower(hex(key)), toString(version), source, namespace, channel, name, type, topic)
FROM channels FINAL
ORDER BY key
