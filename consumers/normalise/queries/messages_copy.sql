COPY agrichat.messages (
    thing_id, channel_key, external_id, kind, author_key, author, author_name, sent_at, precision, zone,
    zone_assumed, text, revision, edited_at, deleted, deleted_at, erased, reply_to, thread, action, links,
    hashtags, mentions, attachments, body, accounts, incarnation, position, changed, token
) FROM STDIN (FORMAT binary)
