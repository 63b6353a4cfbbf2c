"""The way to one server: scripts are run, and the definitions of models are kept in step, in both colours."""
