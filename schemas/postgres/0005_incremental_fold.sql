-- +goose NO TRANSACTION
-- +goose Up
-- What a fold reads of a message that very many events are about: the reactions of one person with one emoji, the snapshots, the
-- named people of one emoji, the latest word on a membership. Each index takes the place of a shorter one where there was one.
-- They are built without blocking writers; an interrupted build leaves an invalid index, which is removed and built again.

DROP INDEX CONCURRENTLY IF EXISTS agrichat.events_target_part;
CREATE INDEX CONCURRENTLY events_target_part ON agrichat.events
    (target_id, kind, hashtextextended(coalesce(author ->> 'id', '') || ' ' || coalesce(body ->> 'emoji', ''), 0))
    WHERE target_id IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS agrichat.events_target;

DROP INDEX CONCURRENTLY IF EXISTS agrichat.reactions_message_emoji;
CREATE INDEX CONCURRENTLY reactions_message_emoji ON agrichat.reactions (message_id, left(emoji, 100));
DROP INDEX CONCURRENTLY IF EXISTS agrichat.reactions_message;

DROP INDEX CONCURRENTLY IF EXISTS agrichat.membership_words_latest;
CREATE INDEX CONCURRENTLY membership_words_latest ON agrichat.membership_words
    (thing_id, at DESC NULLS LAST, position DESC);

-- +goose Down
-- Forward only.
