-- $1: sequence. The messages of the stream above it of which the record holds something.
SELECT position >> 10 FROM agrichat.events
WHERE incarnation = (SELECT max(incarnation) FROM agrichat.incarnations) AND position >= ($1::bigint + 1) << 10
