-- Refuses two messages: one that travels in a bundle, and one that may travel alone.
CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.external_id IN ('13', 'm13') THEN
        RAISE EXCEPTION 'message % is refused', NEW.external_id USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refuse BEFORE INSERT ON agrichat.messages FOR EACH ROW EXECUTE FUNCTION public.refuse()
