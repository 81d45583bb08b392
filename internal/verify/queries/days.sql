-- $1: incarnation, $2: position. Number of events of each chat and day below it.
SELECT c.source, c.namespace, c.channel, (e.sent_at AT TIME ZONE 'UTC')::date, count(*)
FROM agrichat.events e JOIN agrichat.channels c ON c.key = e.channel_key
WHERE e.incarnation <= $1 AND (e.incarnation < $1 OR e.position < $2)
GROUP BY 1, 2, 3, 4
