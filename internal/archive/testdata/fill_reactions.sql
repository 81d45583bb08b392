INSERT INTO reactions (channel_key, thing_id, version, source, namespace, channel, message_id, target, emoji, count, removed)
SELECT unhex(concat(repeat('0', 30), '01')), unhex(concat(repeat('0', 30), hex(toUInt8(n)))), v, 'irc', 'libera', '#go\t\'',
    unhex(concat(repeat('0', 30), hex(toUInt8(on)))), toString(on), '+', count, removed
FROM values('n UInt8, v UInt128, on UInt8, count UInt32, removed Bool',
    (101, 1, 1, 1, false), (102, 1, 1, 7, false), (103, 1, 2, 1, false), (103, 2, 2, 1, true), (104, 1, 5, 3, false))
