"""What `bin/run` starts, under one parent that leaves nothing behind.

Children hear of their parent's death from the kernel, so that even a kill -9 takes them along. What survives that is
found by the mark in its environment, and ended, by the next start.
"""
