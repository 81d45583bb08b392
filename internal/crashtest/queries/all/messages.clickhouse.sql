SELECT * EXCEPT (sequence) FROM v_messages FORMAT JSONEachRow
