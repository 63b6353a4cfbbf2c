"""PostgreSQL, through psycopg 3 in both colours."""
