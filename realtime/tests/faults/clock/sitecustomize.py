"""Loaded by Python itself where a test puts this folder on its path: this process believes in another time."""

import datetime
import os

import time_machine

offset = datetime.timedelta(seconds=float(os.environ["FAULTS_CLOCK"]))
time_machine.travel(datetime.datetime.now(datetime.UTC) + offset, tick=True).start()
