"""Tables, lines, help texts and the progress of a sync, none of them wider than the terminal."""
