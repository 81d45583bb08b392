-- From which counter on facts are to be published again; 0: none are.
SELECT coalesce(republish_from, 0) FROM agrichat.store
