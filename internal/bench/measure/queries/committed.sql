-- $1: sequences of messages of one event each. Those of them of which the record holds the event.
SELECT position >> 10 FROM agrichat.events
WHERE incarnation = (SELECT max(incarnation) FROM agrichat.incarnations)
  AND position = ANY (SELECT sequence << 10 FROM unnest($1::bigint[]) AS wanted (sequence))
