-- +goose Up
-- Sequences of CHAT that the stream no longer held when they were to be stored for the first time: removed before they were stored.
-- Those removed later are in the ledger alone. A row for each transaction of the ledger that found some.
CREATE TABLE agrichat.unstored_sequences (
    counter     bigint PRIMARY KEY,
    token       bigint NOT NULL,
    incarnation integer NOT NULL,
    sequences   int8multirange NOT NULL,
    noted_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    accepted_at timestamptz,             -- when somebody accepted the loss; NULL: nobody has
    accepted_by text
);

-- +goose Down
-- Forward only.
