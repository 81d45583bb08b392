SELECT formatRowNoNewline('JSONCompactEachRow',
    source, namespace, channel, channel_name, external_id, author, author_name, sent_at, kind, text, edited_at,
    deleted_at, reply_to, revision)
FROM v_messages
ORDER BY thing_id
