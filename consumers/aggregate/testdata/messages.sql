SELECT formatRowNoNewline('JSONCompactEachRow',
    lower(hex(channel_key)), toString(version), source, namespace, channel, lower(hex(thing_id)), external_id, kind, lower(hex(author_key)), author, author_name, sent_at,
    precision, zone_assumed, text, revision, edited_at, deleted, deleted_at, reply_to, thread, forwarded, action, media,
    links, hashtags, mentions, accounts, toString(position), characters, words)
FROM messages FINAL
ORDER BY thing_id
