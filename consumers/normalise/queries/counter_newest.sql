-- The newest counter, and the token that this was read under.
SELECT coalesce((SELECT max(counter) FROM agrichat.ledger), 0), f.token FROM agrichat.fence f
