-- $1: messages. Which of them have reactions, or had.
SELECT DISTINCT message_id FROM agrichat.reactions WHERE message_id = ANY ($1)
