"""The Floriday API: authentication, calls, change feeds.

Here belongs what is said over the wire. Tables, files and Dagster do not.
"""
