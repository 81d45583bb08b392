-- The latest word on each membership. Words without a time stand before all others.
SELECT t.thing, w.state, w.name, w.at
FROM unnest($1::uuid[]) AS t (thing)
CROSS JOIN LATERAL (
    SELECT state, name, at FROM agrichat.membership_words WHERE thing_id = t.thing
    ORDER BY at DESC NULLS LAST, position DESC, event_id DESC, state DESC, name DESC LIMIT 1
) w
ORDER BY t.thing
