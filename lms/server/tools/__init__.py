"""Tools that this server calls itself, because a request names the MCP servers that have them."""
