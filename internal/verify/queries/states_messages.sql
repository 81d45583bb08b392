-- $1 and $2 are taken for the sake of one form for all kinds. The last column: the hash of the fact (fact.Hash), if the channel is known.
SELECT s.thing_id, s.changed, s.token, $1::int IS NULL AND $2::bigint IS NULL, CASE WHEN c.key IS NOT NULL THEN substring(sha256(convert_to(concat_ws(
    E'\x1f', c.source, c.namespace, c.channel, s.external_id, coalesce(s.kind, ''),
    coalesce(s.author_key, '00000000-0000-0000-0000-000000000000'::uuid), s.author, s.author_name,
    coalesce((CASE WHEN s.sent_at >= '1900-01-01 00:00Z' AND s.sent_at < '2262-01-01 00:00Z' THEN (extract(epoch FROM s.sent_at) * 1000000)::bigint END)::text, ''),
    s.precision, s.zone_assumed, s.revision,
    coalesce((CASE WHEN s.edited_at >= '1900-01-01 00:00Z' AND s.edited_at < '2262-01-01 00:00Z' THEN (extract(epoch FROM s.edited_at) * 1000000)::bigint END)::text, ''),
    s.deleted,
    coalesce((CASE WHEN s.deleted_at >= '1900-01-01 00:00Z' AND s.deleted_at < '2262-01-01 00:00Z' THEN (extract(epoch FROM s.deleted_at) * 1000000)::bigint END)::text, ''),
    coalesce(s.reply_to, ''), coalesce(s.thread, ''), coalesce(s.body ? 'forward', false), coalesce(s.action, ''),
    CASE WHEN s.attachments IS NULL THEN '' ELSE coalesce((SELECT string_agg(coalesce(a.value ->> 'kind', ''), E'\x1e' ORDER BY a.ordinality)
        FROM jsonb_array_elements(s.attachments) WITH ORDINALITY AS a), '') END,
    array_to_string(s.links, E'\x1e'), array_to_string(s.hashtags, E'\x1e'), array_to_string(s.mentions, E'\x1e'),
    array_to_string(s.accounts, E'\x1e'), s.position, CASE WHEN s.erased OR s.text IS NULL THEN '' ELSE s.text END), 'UTF8')) FOR 16) END
FROM agrichat.messages s LEFT JOIN agrichat.channels c ON c.key = s.channel_key WHERE s.kind IS NOT NULL ORDER BY s.thing_id
