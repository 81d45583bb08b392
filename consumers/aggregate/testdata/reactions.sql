SELECT formatRowNoNewline('JSONCompactEachRow',
    lower(hex(channel_key)), toString(version), source, namespace, channel, lower(hex(thing_id)), lower(hex(message_id)), target, lower(hex(person_key)), person, person_name, emoji,
    count, at, removed)
FROM reactions FINAL
ORDER BY thing_id
