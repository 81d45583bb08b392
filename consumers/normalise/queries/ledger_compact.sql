-- Joins rows whose facts are published and that are older than $1 into one for each incarnation, token and day. A row that would
-- be joined with no other is left alone.
WITH several AS MATERIALIZED (
    SELECT incarnation, token, date_trunc('day', written_at, 'UTC') AS day FROM agrichat.ledger
    WHERE facts_at IS NOT NULL AND written_at < clock_timestamp() - $1::interval
    GROUP BY 1, 2, 3 HAVING count(*) > 1
), old AS (
    DELETE FROM agrichat.ledger l USING several s
    WHERE l.incarnation = s.incarnation AND l.token = s.token AND date_trunc('day', l.written_at, 'UTC') = s.day
      AND l.facts_at IS NOT NULL AND l.written_at < clock_timestamp() - $1::interval
    RETURNING l.*, s.day
), top AS (
    SELECT DISTINCT ON (incarnation, token, day) incarnation, token, day, last_event, last_seq
    FROM old WHERE last_event IS NOT NULL ORDER BY incarnation, token, day, last_seq DESC
)
INSERT INTO agrichat.ledger (counter, first_counter, incarnation, sequences, last_event, last_seq, token, facts, facts_at, written_at)
SELECT max(o.counter), min(o.first_counter), o.incarnation, range_agg(o.sequences), (array_agg(t.last_event))[1], coalesce(max(t.last_seq), 0), o.token,
       sum(o.facts), max(o.facts_at), max(o.written_at)
FROM old o LEFT JOIN top t USING (incarnation, token, day)
GROUP BY o.incarnation, o.token, o.day
