SELECT CAST(source, 'String') AS s, CAST(namespace, 'String') AS n, '' AS c, CAST(NULL, 'Nullable(Date32)') AS day, count() AS things, countIf(false) AS gone
FROM identities FINAL
GROUP BY s, n, c, day
ORDER BY s, n, c, day
