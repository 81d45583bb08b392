SELECT formatRowNoNewline('JSONCompactEachRow',
    source, namespace, channel, channel_name, identity, name, state, at)
FROM v_memberships
ORDER BY thing_id
