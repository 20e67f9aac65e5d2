"""`floriday up`: one `dagster dev` a project, as a child process that is watched and ended with all that it started."""
