-- $1: the run
SELECT external_id, coalesce(person, ''), count(*)
FROM agrichat.v_reactions WHERE source = 'load' AND namespace = $1 GROUP BY 1, 2
