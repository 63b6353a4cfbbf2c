"""SQLite: files and memory, through the standard library."""
