-- $1: messages, $2: persons' ids. The snapshots of their reactions; of the people in complete ones only those asked for: in the others they
-- are counted, to know of which emoji all are named.
SELECT e.event_id, e.thing_id, e.target_id, e.channel_key, e.kind, e.revision, e.author, e.sent_at, e.precision, e.zone, e.zone_assumed, e.reading,
       CASE WHEN e.body ? 'people' AND e.body -> 'complete' = 'true' THEN jsonb_set(e.body, '{people}', coalesce(
           (SELECT jsonb_agg(p) FROM jsonb_array_elements(e.body -> 'people') p WHERE p -> 'person' ->> 'id' = ANY ($2::text[])), '[]'))
       ELSE e.body END,
       e.raw, e.accounts, e.incarnation, e.position
FROM agrichat.events e WHERE e.target_id = ANY ($1::uuid[]) AND e.kind = 'reactions'
