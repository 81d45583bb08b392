SELECT CAST(source, 'String') AS s, CAST(namespace, 'String') AS n, CAST(channel, 'String') AS c, toDate32(at) AS day, count() AS things, countIf(false) AS gone
FROM memberships FINAL
GROUP BY s, n, c, day
ORDER BY s, n, c, day
