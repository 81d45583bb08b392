-- $1: stream, $2: when it was created. The position of PostgreSQL: incarnation, generation, newest counter, newest token.
SELECT coalesce((SELECT max(i.incarnation) FROM agrichat.incarnations i WHERE i.stream = $1 AND i.created = $2), 0),
       coalesce((SELECT s.generation FROM agrichat.store s), 0),
       coalesce((SELECT max(l.counter) FROM agrichat.ledger l), 0),
       coalesce((SELECT max(l.token) FROM agrichat.ledger l), 0)
