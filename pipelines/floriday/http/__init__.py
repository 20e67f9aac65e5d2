"""HTTP: connections, tokens, retries, rate limits and deadlines. Nothing here knows feeds."""
