"""The Floriday API: authentication, calls, change feeds. Tables, files and Dagster do not belong here."""
