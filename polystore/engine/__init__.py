"""Runs plans: binding, loading rows into instances, changes of an instance, connections."""
