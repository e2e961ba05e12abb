from __future__ import annotations


class Unclear(Exception):
    """Nobody can say what a payer's word means for our charges; a person looks."""
