-- $1: incarnation, $2: last sequence. What was removed from the stream before it was stored; of earlier incarnations all.
SELECT u.counter, u.incarnation,
       CASE WHEN u.incarnation = $1 THEN u.sequences * int8multirange(int8range(1, $2, '[]')) ELSE u.sequences END::text,
       u.accepted_at
FROM agrichat.unstored_sequences u
WHERE u.incarnation < $1 OR u.incarnation = $1 AND u.sequences && int8range(1, $2, '[]')
ORDER BY u.incarnation, u.counter
