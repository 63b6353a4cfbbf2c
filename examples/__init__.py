"""Programs that show polystore at work."""
