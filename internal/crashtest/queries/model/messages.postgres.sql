SELECT json_build_object(
    'Source', source, 'Namespace', namespace, 'Channel', channel, 'ID', external_id,
    'Kind', kind, 'Text', text, 'Reply', coalesce(reply_to, ''),
    'Edited', coalesce(extract(epoch FROM edited_at)::bigint, 0),
    'Deleted', coalesce(extract(epoch FROM deleted_at)::bigint, 0))::text
FROM agrichat.v_messages
