SELECT formatRowNoNewline('JSONCompactEachRow',
    source, namespace, channel, channel_name, day, toString(messages), toString(deleted), toString(edited), toString(service), toString(unparsed), toString(characters),
    toString(words), toString(reactions), toString(people), first_at, last_at)
FROM v_by_day
ORDER BY source, namespace, channel, day
