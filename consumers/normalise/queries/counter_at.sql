-- $1: incarnation, $2: sequence. The lowest counter of a transaction that stored it or a later one. A ledger row that compaction
-- has joined tells only where its oldest transaction began, so the events say it; of rows that stand as they were written the
-- ledger also knows transactions that stored no event. Where no event stands, the joined rows are all there is.
SELECT coalesce(
    least(
        (SELECT min(changed) FROM agrichat.events WHERE incarnation = $1 AND position >= $2::bigint << 10),
        (SELECT min(counter) FROM agrichat.ledger
         WHERE incarnation = $1 AND first_counter = counter AND sequences && int8multirange(int8range($2, NULL, '[)')))),
    (SELECT min(first_counter) FROM agrichat.ledger
     WHERE incarnation = $1 AND sequences && int8multirange(int8range($2, NULL, '[)'))),
    0)
