-- Keeps two keepers from giving one life two numbers. A statement of its own: the next one sees what the other wrote.
SELECT pg_advisory_xact_lock(hashtextextended('agrichat.incarnations', 0))
