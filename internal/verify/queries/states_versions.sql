-- $1: incarnation, $2: position. counted: whether the event is on the log below it. The last column: the hash of its fact (fact.Hash), if the
-- channel is known.
SELECT s.event_id, s.changed, s.token, s.incarnation = $1 AND s.position < $2, CASE WHEN c.key IS NOT NULL THEN substring(sha256(convert_to(concat_ws(
    E'\x1f', c.source, c.namespace, c.channel, s.thing_id, s.kind, s.revision,
    coalesce((CASE WHEN s.sent_at >= '1900-01-01 00:00Z' AND s.sent_at < '2262-01-01 00:00Z' THEN (extract(epoch FROM s.sent_at) * 1000000)::bigint END)::text, ''),
    s.position), 'UTF8')) FOR 16) END
FROM agrichat.events s LEFT JOIN agrichat.channels c ON c.key = s.channel_key ORDER BY s.event_id
