SELECT * EXCEPT (position) FROM v_versions FORMAT JSONEachRow
