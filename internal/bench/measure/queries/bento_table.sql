CREATE TABLE public.bento_messages (
    id          bigint PRIMARY KEY,
    sent        timestamptz,
    author      text NOT NULL,
    author_name text NOT NULL,
    reply_to    bigint,
    text        text NOT NULL
)
