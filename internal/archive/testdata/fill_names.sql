INSERT INTO channels (key, version, source, namespace, channel, name, type)
SELECT unhex(concat(repeat('0', 30), '01')), v, 'irc', 'libera', '#go\t\'', name, 'group'
FROM values('v UInt128, name String', (1, 'Go'), (2, 'Gophers'))
