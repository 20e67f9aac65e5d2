"""Work on what is stored, without calling Floriday: rebuild tables from the raw log, move an account."""
