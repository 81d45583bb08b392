-- $1, $2, $3: messages, persons' ids and emoji, side by side. The single reactions of those; a few others may be among them.
SELECT e.event_id, e.thing_id, e.target_id, e.channel_key, e.kind, e.revision, e.author, e.sent_at, e.precision, e.zone, e.zone_assumed, e.reading,
       e.body, e.raw, e.accounts, e.incarnation, e.position
FROM unnest($1::uuid[], $2::text[], $3::text[]) AS t (target, person, emoji)
JOIN agrichat.events e ON e.target_id = t.target AND e.kind = 'reaction'
    AND hashtextextended(coalesce(e.author ->> 'id', '') || ' ' || coalesce(e.body ->> 'emoji', ''), 0) =
        hashtextextended(t.person || ' ' || t.emoji, 0)
