CREATE DATABASE agrichat OWNER agrichat
