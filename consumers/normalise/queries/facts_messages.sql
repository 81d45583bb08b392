SELECT s.changed, s.token, c.key, c.source, c.namespace, c.channel, s.thing_id, s.external_id, s.kind, s.author_key, s.author,
    s.author_name, s.sent_at, s.precision, s.zone_assumed, s.text, s.revision, s.edited_at, s.deleted, s.deleted_at,
    s.reply_to, s.thread, s.action, s.links, s.hashtags, s.mentions, s.attachments, s.accounts, s.position, s.erased,
    coalesce(s.body ? 'forward', false)
FROM agrichat.messages s JOIN agrichat.channels c ON c.key = s.channel_key
WHERE s.kind IS NOT NULL AND s.changed BETWEEN $1 AND $2 AND ($3::bigint[] IS NULL OR s.changed = ANY ($3))
