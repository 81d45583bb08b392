INSERT INTO messages (channel_key, thing_id, version, source, namespace, channel, external_id, kind, author_key, author,
    author_name, sent_at, precision, text, revision, deleted, position, characters, words)
SELECT unhex(concat(repeat('0', 30), hex(toUInt8(chat)))), unhex(concat(repeat('0', 30), hex(toUInt8(n)))), v, source, namespace,
    channel, toString(n), kind, unhex(concat(repeat('0', 30), hex(toUInt8(who)))), author, author_name, at, precision, text,
    revision, deleted, n, lengthUTF8(text), words
FROM values('chat UInt8, n UInt8, v UInt128, source String, namespace String, channel String, kind String, who UInt8,
    author String, author_name String, at Nullable(DateTime64(6, \'UTC\')), precision UInt8, text String, revision String,
    deleted Bool, words UInt32',
    -- an older state of message 1, which must not count
    (1, 1, 1, 'irc', 'libera', '#go\t\'', 'message', 1, 'anna', 'Anna', '2024-01-06 23:30:00', 3, 'old', '0', false, 99),
    (1, 1, 2, 'irc', 'libera', '#go\t\'', 'message', 1, 'anna', 'Anna', '2024-01-06 23:30:00', 3, 'new text', 't1', false, 2),
    (1, 2, 1, 'irc', 'libera', '#go\t\'', 'action', 2, 'boris', 'Борис', '2024-01-07 10:00:00', 3, 'машет', '0', false, 1),
    (1, 3, 1, 'irc', 'libera', '#go\t\'', 'message', 2, 'boris', 'Боря', '2024-01-07 10:59:59', 3, 'да', '0', false, 1),
    (1, 4, 1, 'irc', 'libera', '#go\t\'', 'service', 2, 'boris', '', '2024-01-07 11:00:00', 3, '', '0', false, 0),
    (1, 5, 1, 'irc', 'libera', '#go\t\'', 'message', 1, 'anna', 'Anna', '2024-01-07 11:00:00', 3, 'gone', '0', true, 1),
    -- only its day is known
    (2, 6, 1, 'telegram', 'telegram', 'user:5', 'message', 3, 'user7', 'Vera', '2024-01-08 00:00:00', 1, 'hi', '0', false, 1),
    -- nothing is known of its time, and nobody of its author
    (2, 7, 1, 'telegram', 'telegram', 'user:5', 'message', 0, '', '', NULL, 0, 'hm', '0', false, 1),
    (2, 8, 1, 'telegram', 'telegram', 'user:5', 'unparsed', 0, '', '', NULL, 0, '', '0', false, 0))
