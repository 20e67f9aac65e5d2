"""HTTP: connections, tokens, retries, rate limits and deadlines. Change feeds do not belong here."""
