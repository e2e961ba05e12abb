"""Loaded by Python itself where a test puts this folder on its path: what nobody holds any more is gone within a second.

A server collects seldom, since that stops it; here what it keeps is to be told from what it has not thrown away yet.
"""

import gc
import threading
import time


def tidy() -> None:
    while True:
        time.sleep(1)
        gc.collect()


threading.Thread(target=tidy, daemon=True, name="tidy").start()
