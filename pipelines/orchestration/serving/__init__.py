"""`floriday up`: one `dagster dev` for each project, as a child process that is watched and stopped completely."""
