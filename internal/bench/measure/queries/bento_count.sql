SELECT count(*) FROM public.bento_messages
