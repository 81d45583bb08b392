COPY agrichat.messages (
    channel_key, thing_id, external_id, kind, author_key, author, author_name, sent_at, precision, zone, zone_assumed, text,
    revision, edited_at, deleted, deleted_at, reply_to, thread, action, links, hashtags, mentions, attachments, body,
    accounts, incarnation, position, erased, changed, token
) FROM STDIN (FORMAT binary)
