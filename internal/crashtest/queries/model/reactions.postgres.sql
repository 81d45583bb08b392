SELECT json_build_object(
    'Source', source, 'Namespace', namespace, 'Channel', channel, 'ID', external_id,
    'Person', coalesce(person, ''), 'Emoji', emoji, 'Count', count)::text
FROM agrichat.v_reactions
