SELECT coalesce(max(id), 0) FROM public.bento_messages
