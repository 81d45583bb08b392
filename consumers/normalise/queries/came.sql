-- $1: incarnation, $2: sequences. What of them the record holds, by chat: different events, and the rows that stand as the
-- transactions of these sequences wrote them.
WITH asked AS MATERIALIZED (
    SELECT unnest($2::text::int8multirange) AS span
), entered AS MATERIALIZED (
    SELECT l.first_counter, l.counter FROM agrichat.ledger l
    WHERE l.incarnation = $1 AND l.sequences && $2::text::int8multirange
), stored AS (
    SELECT e.channel_key, count(*) AS n
    FROM asked a JOIN agrichat.events e ON e.incarnation = $1 AND e.sequence >= lower(a.span) AND e.sequence < upper(a.span)
    GROUP BY 1
), told AS (
    SELECT x.channel_key, count(*) AS n
    FROM entered n
    CROSS JOIN LATERAL (
        SELECT e.channel_key FROM agrichat.events e WHERE e.changed BETWEEN n.first_counter AND n.counter
        UNION ALL
        SELECT m.channel_key FROM agrichat.messages m WHERE m.changed BETWEEN n.first_counter AND n.counter AND m.kind IS NOT NULL
        UNION ALL
        SELECT r.channel_key FROM agrichat.reactions r WHERE r.changed BETWEEN n.first_counter AND n.counter
        UNION ALL
        SELECT b.channel_key FROM agrichat.memberships b WHERE b.changed BETWEEN n.first_counter AND n.counter
        UNION ALL
        SELECT c.key FROM agrichat.channels c WHERE c.changed BETWEEN n.first_counter AND n.counter
    ) x GROUP BY 1
)
SELECT c.source, c.namespace, c.channel, c.name, coalesce(s.n, 0), coalesce(t.n, 0)
FROM stored s FULL JOIN told t USING (channel_key)
JOIN agrichat.channels c ON c.key = coalesce(s.channel_key, t.channel_key)
ORDER BY 1, 2, 3
