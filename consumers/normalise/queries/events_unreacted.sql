-- $1: messages. As of when the last export that tells all reactions showed none to them.
SELECT e.thing_id, max((e.reading ->> 'as_of')::bigint) FROM agrichat.events e
WHERE e.thing_id = ANY ($1) AND e.kind = 'message' AND e.reading ? 'as_of'
GROUP BY 1
