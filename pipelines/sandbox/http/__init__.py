"""The HTTP server of the sandbox: the API, the authorization server and the control routes."""
