INSERT INTO messages (channel_key, thing_id, version, source, namespace, channel, sent_at, deleted)
SELECT unhex(hex(toUInt128(number % 7))), reverse(unhex(hex(toUInt128(number * 2654435761)))),
    bitShiftLeft(toUInt128(3), 112) + bitShiftLeft(toUInt128(5), 56) + number + round, 's', 'n', toString(number % 7),
    if(number % 10 = 0, NULL, toDateTime64('2024-01-01 00:00:00', 6, 'UTC') + INTERVAL number % 3 DAY), number % 4 = 0
FROM numbers(100000) AS n
ARRAY JOIN [0, 100000] AS round
