"""Names of settings and next steps, for the error messages of the packages that the settings configure."""

from __future__ import annotations

BASE_URL = "FLORIDAY_BASE_URL"
AUTH_URL = "FLORIDAY_AUTH_URL"
WAREHOUSE = "FLORIDAY_WAREHOUSE"
PUBLISHED = "FLORIDAY_PUBLISHED"
SCOPES = "FLORIDAY_SCOPES"
MCP_TOKEN = "FLORIDAY_MCP_TOKEN"  # noqa: S105 - the name of the variable
CREDENTIALS = "FLORIDAY_CLIENT_ID and FLORIDAY_CLIENT_SECRET"

CHECK_ENVIRONMENT = f"{BASE_URL} and {AUTH_URL} must belong to one environment, and the version must be in service"
CHECK_CREDENTIALS = "are they this application's, and of this environment? Staging and live have their own"
CHECK_API_KEY = "is FLORIDAY_API_KEY this application's?"
EXPECTED_AUTH_URL = "it expects the token endpoint (which ends in /token) or the authorization server's address"
