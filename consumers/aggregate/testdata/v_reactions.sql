SELECT formatRowNoNewline('JSONCompactEachRow',
    source, namespace, channel, channel_name, external_id, person, person_name, emoji, count, at, removed)
FROM v_reactions
ORDER BY thing_id
