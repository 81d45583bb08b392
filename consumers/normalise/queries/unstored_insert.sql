-- $1: counter, $2: token, $3: incarnation, $4: sequences.
INSERT INTO agrichat.unstored_sequences (counter, token, incarnation, sequences)
VALUES ($1, $2, $3, $4::text::int8multirange)
