-- Joins rows that are told of and older than $1 into one for each incarnation and token.
WITH old AS (
    DELETE FROM agrichat.ledger
    WHERE facts_at IS NOT NULL AND written_at < clock_timestamp() - $1::interval
    RETURNING *
), top AS (
    SELECT DISTINCT ON (incarnation, token) incarnation, token, last_event, last_seq
    FROM old WHERE last_event IS NOT NULL ORDER BY incarnation, token, last_seq DESC
)
INSERT INTO agrichat.ledger (counter, first_counter, incarnation, sequences, last_event, last_seq, token, facts, facts_at, written_at)
SELECT max(o.counter), min(o.first_counter), o.incarnation, range_agg(o.sequences), (array_agg(t.last_event))[1], coalesce(max(t.last_seq), 0), o.token,
       sum(o.facts), max(o.facts_at), max(o.written_at)
FROM old o LEFT JOIN top t USING (incarnation, token)
GROUP BY o.incarnation, o.token
