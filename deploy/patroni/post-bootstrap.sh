#!/bin/sh
# Patroni calls it once, when the cluster is new: with the file of agrichat's password, and how to connect as superuser.
set -eu
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --set password="$(cat "$1")" "$2" <<'SQL'
CREATE ROLE agrichat LOGIN PASSWORD :'password';
CREATE DATABASE agrichat OWNER agrichat;
REVOKE ALL ON DATABASE agrichat FROM PUBLIC;
SQL
