"""Connections to one server, in both colours: packed commands go out, replies come back.

The two halves are written by hand: threads take turns on a pool, tasks share one connection.
"""
