SELECT formatRowNoNewline('JSONCompactEachRow',
    lower(hex(key)), toString(version), source, namespace, identity, name, username, bot)
FROM identities FINAL
ORDER BY key
