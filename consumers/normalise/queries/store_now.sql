-- The token and the generation that a snapshot is of; -1: no generation.
SELECT f.token, coalesce(s.generation, -1) FROM agrichat.fence f, agrichat.store s
