"""Alerts: what is critical for somebody climbs, step by step, until a person says what was done. See docs/architecture.md, section 7."""
