SELECT * EXCEPT (sequence) FROM v_versions FORMAT JSONEachRow
