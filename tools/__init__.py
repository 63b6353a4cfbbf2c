"""What the project needs to be built and tested; nothing of it is shipped."""
