UPDATE agrichat.ledger SET facts_at = clock_timestamp() WHERE counter = ANY ($1) AND facts_at IS NULL
