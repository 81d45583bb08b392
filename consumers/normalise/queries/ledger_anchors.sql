-- $1: incarnation. The highest entered event and those of earlier and earlier transactions, to see whether they still stand in the
-- stream.
(SELECT last_seq, last_event FROM agrichat.ledger
 WHERE incarnation = $1 AND last_event IS NOT NULL ORDER BY last_seq DESC LIMIT 1)
UNION
SELECT l.last_seq, l.last_event
FROM (SELECT max(counter) AS counter FROM agrichat.ledger) n,
     unnest('{0,1,2,4,8,16,32,64,128,256,1024,4096,16384,65536}'::bigint[]) AS back,
     LATERAL (SELECT last_seq, last_event FROM agrichat.ledger
              WHERE incarnation = $1 AND last_event IS NOT NULL AND counter >= n.counter - back ORDER BY counter LIMIT 1) l
ORDER BY 1 DESC
