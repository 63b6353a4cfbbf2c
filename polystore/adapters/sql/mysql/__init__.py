"""MySQL and MariaDB, through PyMySQL and asyncmy."""
