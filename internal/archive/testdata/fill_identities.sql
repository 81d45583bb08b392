INSERT INTO identities (key, version, source, namespace, identity, name, bot)
SELECT unhex(concat(repeat('0', 30), '02')), 1, 'irc', 'libera', 'boris', 'Boris B.', true
