SELECT formatRowNoNewline('JSONCompactEachRow',
    source, namespace, channel, external_id, account)
FROM v_seen_by
ORDER BY thing_id, account
