"""What breaks in a hospital at night, done on purpose: see docs/reliability.md, and THREATS FA-1 to FA-19.

`bin/faults` starts an installation of its own, lets people work in it, breaks something (the seed alone decides
what, and when), mends it, and then compares what people were told, what their pages show, and what the database holds.
"""
