"""MCP servers (https://modelcontextprotocol.io), whose tools a model may call while this server makes the calls.

`python -m lms.mcp` is the process that talks to them, by the official `mcp` package: that is asyncio, and takes a
second to import, so it stays out of the daemon and the front. `protocol` is what it is asked, `connection` how.
"""
