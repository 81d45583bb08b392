SELECT m.changed, m.token, c.key, c.source, c.namespace, c.channel, m.thing_id, m.external_id, m.kind, m.author_key, m.author,
       m.author_name, m.sent_at, m.precision, m.zone_assumed, m.text, m.revision, m.edited_at, m.deleted, m.deleted_at, m.erased,
       m.reply_to, m.thread, m.action, m.links, m.hashtags, m.mentions, m.attachments, coalesce(m.body ? 'forward', false),
       m.accounts, m.position
FROM agrichat.messages m JOIN agrichat.channels c ON c.key = m.channel_key
WHERE m.kind IS NOT NULL AND m.changed BETWEEN $1 AND $2 AND ($3::bigint[] IS NULL OR m.changed = ANY ($3))
