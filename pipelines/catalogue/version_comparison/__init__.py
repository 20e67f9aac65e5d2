"""Compares the catalogue with a specification of Floriday, to move to another version of the API."""
