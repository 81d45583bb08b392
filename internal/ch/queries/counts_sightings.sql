SELECT CAST(source, 'String') AS s, CAST(namespace, 'String') AS n, CAST(channel, 'String') AS c, CAST(NULL, 'Nullable(Date32)') AS day, count() AS things, countIf(removed) AS gone
FROM sightings FINAL
GROUP BY s, n, c, day
ORDER BY s, n, c, day
