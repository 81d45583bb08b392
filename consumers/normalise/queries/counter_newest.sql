SELECT coalesce(max(counter), 0) FROM agrichat.ledger
