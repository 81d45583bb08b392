-- $1: incarnation, $2: sequences. What of them is stored, by chat: different events, and the rows that stand as the transactions
-- that stored these events wrote them. The transactions are those of the events and not those of the ledger's rows, which
-- compaction joins. Each table is read once, and events twice, by position and by transaction: joined to one transaction after the
-- other, a million messages would take minutes, for an index of block ranges knows nothing of the newest ones. The same holds for
-- spans, of which an import has thousands when others publish meanwhile: events are read from the first span to the last, and each
-- is looked up among the spans, unless there is one. Rows are counted by transaction before anything is joined.
-- Events that stood before and that the sequences completed or corrected are those that their transactions changed last: what these
-- wrote without what stands at the sequences; rows of the ledger that compaction has joined say nothing of that.
WITH asked AS MATERIALIZED (
    SELECT m.spans, lower(m.spans) << 10 AS first, upper(m.spans) << 10 AS beyond, m.spans = int8multirange(range_merge(m.spans)) AS whole
    FROM (SELECT $2::text::int8multirange AS spans) m
), stood AS MATERIALIZED (
    SELECT e.channel_key, e.changed, count(*) AS n, count(*) FILTER (WHERE e.reading @> '{"differs": true}') AS differ,
        count(*) FILTER (WHERE e.reading @> '{"swapped": true}') AS swapped
    FROM agrichat.events e
    WHERE e.incarnation = $1 AND e.position >= (SELECT first FROM asked) AND e.position < (SELECT beyond FROM asked)
      AND ((SELECT whole FROM asked) OR (SELECT spans FROM asked) @> (e.position >> 10))
    GROUP BY 1, 2
), entered AS MATERIALIZED (
    SELECT l.counter
    FROM agrichat.ledger l
    WHERE l.incarnation = $1 AND l.sequences && (SELECT spans FROM asked) AND l.counter = l.first_counter
), ends AS MATERIALIZED (
    SELECT min(counter) AS least, max(counter) AS most
    FROM (SELECT counter FROM entered UNION ALL SELECT changed FROM stood) c
), wrote AS MATERIALIZED (
    SELECT e.channel_key, e.changed, count(*) AS n, count(*) FILTER (WHERE e.reading @> '{"differs": true}') AS differ,
        count(*) FILTER (WHERE e.reading @> '{"swapped": true}') AS swapped
    FROM agrichat.events e
    WHERE e.changed BETWEEN (SELECT least FROM ends) AND (SELECT most FROM ends)
    GROUP BY 1, 2
), updated AS MATERIALIZED (
    SELECT w.channel_key, w.changed, w.n - coalesce(s.n, 0) AS n, w.differ - coalesce(s.differ, 0) AS differ,
        w.swapped - coalesce(s.swapped, 0) AS swapped
    FROM wrote w JOIN entered t ON t.counter = w.changed LEFT JOIN stood s USING (channel_key, changed)
    WHERE w.n > coalesce(s.n, 0)
), counters AS MATERIALIZED (
    SELECT changed AS counter FROM stood UNION SELECT changed FROM updated
), stored AS (
    SELECT channel_key, sum(n)::bigint AS n, sum(differ)::bigint AS differ, sum(swapped)::bigint AS swapped FROM stood GROUP BY 1
), corrected AS (
    SELECT channel_key, sum(n)::bigint AS n, sum(differ)::bigint AS differ, sum(swapped)::bigint AS swapped FROM updated GROUP BY 1
), written AS (
    SELECT x.channel_key, sum(x.n)::bigint AS n
    FROM (
        SELECT channel_key, changed, n FROM wrote
        UNION ALL
        SELECT m.channel_key, m.changed, count(*) FROM agrichat.messages m
        WHERE m.changed BETWEEN (SELECT least FROM ends) AND (SELECT most FROM ends) AND m.kind IS NOT NULL
        GROUP BY 1, 2
        UNION ALL
        SELECT r.channel_key, r.changed, count(*) FROM agrichat.reactions r
        WHERE r.changed BETWEEN (SELECT least FROM ends) AND (SELECT most FROM ends)
        GROUP BY 1, 2
        UNION ALL
        SELECT b.channel_key, b.changed, count(*) FROM agrichat.memberships b
        WHERE b.changed BETWEEN (SELECT least FROM ends) AND (SELECT most FROM ends)
        GROUP BY 1, 2
        UNION ALL
        SELECT s.channel_key, s.changed, count(*) FROM agrichat.sightings s
        WHERE s.changed BETWEEN (SELECT least FROM ends) AND (SELECT most FROM ends)
        GROUP BY 1, 2
        UNION ALL
        SELECT c.key, c.changed, 1 FROM agrichat.channels c
        WHERE c.changed BETWEEN (SELECT least FROM ends) AND (SELECT most FROM ends)
    ) x JOIN counters n ON n.counter = x.changed
    GROUP BY 1
)
SELECT c.source, c.namespace, c.channel, c.name, coalesce(s.n, 0), coalesce(w.n, 0), coalesce(u.n, 0),
    coalesce(s.differ, 0) + coalesce(u.differ, 0), coalesce(s.swapped, 0) + coalesce(u.swapped, 0)
FROM stored s FULL JOIN written w USING (channel_key) FULL JOIN corrected u USING (channel_key)
JOIN agrichat.channels c ON c.key = channel_key
ORDER BY 1, 2, 3
