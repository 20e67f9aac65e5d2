"""``floriday sync --follow``: options, output and messages to systemd of the resident sync."""
