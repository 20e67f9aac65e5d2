"""What a terminal shows: tables, lines and help texts that are not wider than it is."""
