-- $1: chats, $2: incarnation, $3: position. Messages with content keys of the minutes in which a chat has both such that first stood from the
-- position on and others. Minutes are those that the clocks showed by which each was read: two imports may have named two zones.
WITH told AS MATERIALIZED (
    SELECT m.channel_key, m.external_id, m.incarnation = $2 AND m.position >= $3 AS fresh,
        date_trunc('minute', m.sent_at AT TIME ZONE CASE WHEN m.zone_assumed AND m.zone NOT IN ('', 'Local') THEN m.zone ELSE 'UTC' END) AS minute
    FROM agrichat.messages m
    WHERE m.channel_key = ANY ($1::text[]::uuid[]) AND m.kind IS NOT NULL AND NOT m.deleted AND m.sent_at IS NOT NULL
      AND length(m.external_id) = 33 AND left(m.external_id, 1) = 'k'
), mixed AS (
    SELECT channel_key, minute FROM told GROUP BY 1, 2 HAVING bool_or(fresh) AND NOT bool_and(fresh)
)
SELECT replace(t.channel_key::text, '-', ''), (extract(epoch FROM t.minute) / 60)::bigint, t.external_id, t.fresh
FROM told t JOIN mixed USING (channel_key, minute)
