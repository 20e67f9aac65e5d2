"""The Dagster instance: its settings, and the classes for storage and run launcher that `dagster.yaml` names."""
