-- $1 and $2 are taken for the sake of one form for all kinds.
SELECT s.sighting_id, s.changed, s.token, $1::int IS NULL AND $2::bigint IS NULL FROM agrichat.sightings s ORDER BY s.sighting_id
