COPY agrichat.%s FROM STDIN (FORMAT binary)
