"""The records that the sandbox serves: numbered records in books, one book for each organization and feed. No HTTP."""
