-- Run once, by psql, when the folder of the database is empty. The role owns its database and is no superuser.
\set password `cat /run/secrets/postgres_password`
CREATE ROLE agrichat LOGIN PASSWORD :'password';
CREATE DATABASE agrichat OWNER agrichat;
