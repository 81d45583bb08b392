-- $1: ids of events, $2: their positions, $3: incarnation. How many of them are neither stored nor dead letters.
SELECT count(*) FROM unnest($1::uuid[], $2::bigint[]) AS a (id, position)
WHERE NOT EXISTS (SELECT 1 FROM agrichat.events e WHERE e.event_id = a.id)
  AND NOT EXISTS (SELECT 1 FROM agrichat.dead_letters d
                  WHERE d.incarnation = $3 AND d.position BETWEEN (a.position >> 10) << 10 AND a.position | 1023)
