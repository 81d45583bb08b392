SELECT event_id, incarnation, content, accounts, coalesce((reading ->> 'as_of')::bigint, 0) FROM agrichat.events WHERE event_id = ANY ($1)
