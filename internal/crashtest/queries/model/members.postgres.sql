SELECT json_build_object('Source', source, 'Namespace', namespace, 'Channel', channel, 'ID', identity, 'State', state)::text
FROM agrichat.v_memberships
