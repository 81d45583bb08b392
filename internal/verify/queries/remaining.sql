-- $1: stream, $2: when it was created, $3: up to which sequence. The sequences of it in the ledger, and the newest counter.
SELECT coalesce((SELECT range_agg(l.sequences * int8multirange(int8range(1, $3, '[]')))
                 FROM agrichat.ledger l
                 WHERE l.incarnation = (SELECT max(i.incarnation) FROM agrichat.incarnations i WHERE i.stream = $1 AND i.created = $2)),
                '{}')::text,
       coalesce((SELECT max(l.counter) FROM agrichat.ledger l), 0)
