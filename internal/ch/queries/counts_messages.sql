SELECT CAST(source, 'String') AS s, CAST(namespace, 'String') AS n, CAST(channel, 'String') AS c, toDate32(sent_at) AS day, count() AS things, countIf(deleted) AS gone
FROM messages FINAL
GROUP BY s, n, c, day
ORDER BY s, n, c, day
