-- +goose Up
-- Which server the store was last written on, and how far a republication has come. A server with another system identifier, or on
-- another timeline under the same token, may have lost transactions whose facts are published: the store takes a new generation
-- then, and every fact is published again under it.
ALTER TABLE agrichat.store
    ADD COLUMN system_id      text,
    ADD COLUMN timeline       text,
    ADD COLUMN server_token   bigint,    -- the token under which system_id and timeline were read
    ADD COLUMN republish_from bigint;    -- facts of transactions from here on are to be published again; NULL: none

-- +goose Down
-- Forward only.
