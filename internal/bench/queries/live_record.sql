-- $1: sequence. What the record holds of the stream above it.
SELECT sequence FROM agrichat.events
WHERE incarnation = (SELECT max(incarnation) FROM agrichat.incarnations) AND sequence > $1
