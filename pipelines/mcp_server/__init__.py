"""An MCP server, with which assistants read the warehouse: tools, resources and prompts of the Model Context Protocol.

It only reads. SQL is executed by the confined process of :mod:`pipelines.warehouse.read.query_process`. The package
``mcp`` is optional, so only ``floriday mcp`` imports this room.
"""
