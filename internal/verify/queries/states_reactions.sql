-- $1 and $2 are taken for the sake of one form for all kinds. The last column: the hash of the fact (fact.Hash), if the channel is known.
SELECT s.thing_id, s.changed, s.token, $1::int IS NULL AND $2::bigint IS NULL, CASE WHEN c.key IS NOT NULL THEN substring(sha256(convert_to(concat_ws(
    E'\x1f', c.source, c.namespace, c.channel, s.message_id, s.target,
    coalesce(s.person_key, '00000000-0000-0000-0000-000000000000'::uuid), s.person, s.person_name, s.emoji, s.count,
    coalesce((CASE WHEN s.at >= '1900-01-01 00:00Z' AND s.at < '2262-01-01 00:00Z' THEN (extract(epoch FROM s.at) * 1000000)::bigint END)::text, ''),
    s.removed), 'UTF8')) FOR 16) END
FROM agrichat.reactions s LEFT JOIN agrichat.channels c ON c.key = s.channel_key ORDER BY s.thing_id
