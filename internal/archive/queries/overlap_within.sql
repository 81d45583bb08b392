-- How many messages with content keys, or by the network's ids where the chat goes by its name, chats have in spans of minutes, both included. keys: channel keys in hexadecimal; firsts, lasts: a span for each.
WITH asked AS
(
    SELECT toFixedString(unhex(s.1), 16) AS key, s.2 AS number, {firsts:Array(Int64)}[number] AS first, {lasts:Array(Int64)}[number] AS last
    FROM (SELECT arrayJoin(arrayZip({keys:Array(String)}, arrayEnumerate({keys:Array(String)}))) AS s)
)
SELECT a.number AS number, count()
FROM (SELECT * FROM messages FINAL WHERE channel_key IN (SELECT key FROM asked)) AS m
INNER JOIN asked AS a ON m.channel_key = a.key
WHERE m.kind IN ('message', 'action') AND NOT m.deleted AND m.sent_at IS NOT NULL AND (length(m.external_id) = 33 AND startsWith(m.external_id, 'k') OR startsWith(m.channel, 'name:') OR m.channel = 'unnamed')
    AND intDiv(toUnixTimestamp64Micro(assumeNotNull(m.sent_at)), 60000000) BETWEEN a.first AND a.last
GROUP BY number
