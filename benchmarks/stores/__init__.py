"""The stores: for each the bare driver, and who is measured on it."""
