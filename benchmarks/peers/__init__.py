"""Polystore and the libraries that do the same work."""
