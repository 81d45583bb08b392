-- The highest generation of any fact.
SELECT greatest((SELECT max(generation) FROM messages), (SELECT max(generation) FROM versions), (SELECT max(generation) FROM reactions),
                (SELECT max(generation) FROM memberships), (SELECT max(generation) FROM channels))
