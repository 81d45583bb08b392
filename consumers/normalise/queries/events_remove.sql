DELETE FROM agrichat.events WHERE event_id = ANY ($1)
