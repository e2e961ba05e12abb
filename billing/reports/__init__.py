"""Figures, summed up by the database: a constant number of queries, whatever the period and however many rows."""
