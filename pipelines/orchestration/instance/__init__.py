"""Where Dagster keeps its history, and how it starts runs: the instance, and the classes that `dagster.yaml` names."""
