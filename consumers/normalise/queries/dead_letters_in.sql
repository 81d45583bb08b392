-- $1: incarnation, $2: sequences, $3: how many causes, $4: how many events of each. Dead letters at these sequences, by cause and
-- with the first events of each: all of them, of this cause, the cause, positions, event ids, subjects.
SELECT (sum(count(*)) OVER ())::bigint, count(*), d.cause,
       (array_agg(d.position ORDER BY d.position))[1:$4::int],
       (array_agg(d.event_id ORDER BY d.position))[1:$4::int],
       (array_agg(d.subject ORDER BY d.position))[1:$4::int]
FROM (SELECT $2::text::int8multirange AS spans) a
JOIN agrichat.dead_letters d ON d.incarnation = $1 AND d.position >= lower(a.spans) << 10 AND d.position < upper(a.spans) << 10
    AND a.spans @> (d.position >> 10)
WHERE d.state = 'dead'
GROUP BY d.cause
ORDER BY count(*) DESC, min(d.position)
LIMIT $3
