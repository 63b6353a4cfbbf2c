"""Writes that treat each row in its own way, on a server."""
