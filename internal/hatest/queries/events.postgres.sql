-- $1: the run
SELECT e.event_id FROM agrichat.events e JOIN agrichat.channels c ON c.key = e.channel_key WHERE c.source = 'load' AND c.namespace = $1
