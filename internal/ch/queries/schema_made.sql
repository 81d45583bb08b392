-- Whether any migration was applied, whether there are messages, and whether they have the columns that they had when the schema
-- was frozen.
SELECT (SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = 'schema_migrations'),
       (SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = 'messages'),
       (SELECT count() FROM system.columns WHERE database = currentDatabase() AND table = 'messages' AND name = 'position')
