-- $1 and $2 are taken for the sake of one form for all kinds. The last column: the hash of the fact (fact.Hash), if the channel is known.
SELECT s.sighting_id, s.changed, s.token, $1::int IS NULL AND $2::bigint IS NULL, CASE WHEN c.key IS NOT NULL THEN substring(sha256(convert_to(concat_ws(
    E'\x1f', c.source, c.namespace, c.channel, s.event_id, s.thing_id, s.account, s.removed), 'UTF8')) FOR 16) END
FROM agrichat.sightings s LEFT JOIN agrichat.channels c ON c.key = s.channel_key ORDER BY s.sighting_id
