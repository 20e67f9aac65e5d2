-- The database of Dagster's storage, beside that of the lakes; executed when PostgreSQL is started for the first time.
CREATE DATABASE dagster OWNER floriday;
