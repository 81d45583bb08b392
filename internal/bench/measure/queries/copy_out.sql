COPY agrichat.%s TO STDOUT (FORMAT binary)
