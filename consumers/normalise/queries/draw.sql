SELECT nextval('agrichat.ledger_counter')
