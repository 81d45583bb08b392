-- $1: incarnation; $2: sequences. Which of them were entered, and by which transactions whose facts may not be published.
SELECT coalesce(range_agg(l.sequences * $2::text::int8multirange), '{}')::text,
       coalesce(array_agg(l.counter ORDER BY l.counter) FILTER (WHERE l.facts_at IS NULL), '{}'),
       coalesce(array_agg(l.token ORDER BY l.counter) FILTER (WHERE l.facts_at IS NULL), '{}')
FROM (SELECT counter, token, sequences, facts_at FROM agrichat.ledger
      WHERE incarnation = $1 AND sequences && $2::text::int8multirange) l
