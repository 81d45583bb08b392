DROP TRIGGER refuse ON agrichat.messages;
DROP FUNCTION public.refuse()
