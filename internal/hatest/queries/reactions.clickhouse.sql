SELECT external_id, person, count() AS n
FROM v_reactions WHERE source = 'load' AND namespace = {run:String} AND NOT removed GROUP BY 1, 2
