"""Jobs that limit the size of Dagster's history and of the warehouse file."""
