SELECT event_id, incarnation, content, accounts FROM agrichat.events WHERE event_id = ANY ($1)
