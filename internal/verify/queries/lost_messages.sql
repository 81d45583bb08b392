-- $1: incarnation. Messages that have events and no row, and the position of one; 0: on an earlier stream.
SELECT e.thing_id, coalesce(max(e.position) FILTER (WHERE e.incarnation = $1), 0)
FROM agrichat.events e
WHERE e.kind IN ('message', 'deletion', 'unparsed')
  AND NOT EXISTS (SELECT FROM agrichat.messages m WHERE m.thing_id = e.thing_id)
GROUP BY e.thing_id
