-- The latest word on each membership. Words without a time stand before all others.
SELECT DISTINCT ON (thing_id) thing_id, state, name, at
FROM agrichat.membership_words WHERE thing_id = ANY ($1)
ORDER BY thing_id, at DESC NULLS LAST, position DESC, event_id DESC, state DESC, name DESC
