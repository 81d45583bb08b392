-- $1, $2: first second and end, since 1970, of the times that ClickHouse can hold. Number of times of each kind outside of them.
WITH r AS (SELECT to_timestamp($1::bigint) AS first, to_timestamp($2::bigint) AS beyond)
SELECT 'messages', count(*) FILTER (WHERE m.sent_at < r.first OR m.sent_at >= r.beyond)
    + count(*) FILTER (WHERE m.edited_at < r.first OR m.edited_at >= r.beyond)
    + count(*) FILTER (WHERE m.deleted_at < r.first OR m.deleted_at >= r.beyond)
FROM agrichat.messages m, r WHERE m.kind IS NOT NULL
UNION ALL
SELECT 'versions', count(*) FROM agrichat.events e, r WHERE e.sent_at < r.first OR e.sent_at >= r.beyond
UNION ALL
SELECT 'reactions', count(*) FROM agrichat.reactions x, r WHERE x.at < r.first OR x.at >= r.beyond
UNION ALL
SELECT 'memberships', count(*) FROM agrichat.memberships x, r WHERE x.at < r.first OR x.at >= r.beyond
