"""Our database engine: PostgreSQL that tells each transaction who is acting."""
