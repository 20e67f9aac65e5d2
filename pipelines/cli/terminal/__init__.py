"""How tables, lines and the progress of a sync fit a terminal."""
