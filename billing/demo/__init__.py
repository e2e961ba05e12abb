"""Two hospitals in the middle of a working day, for trying things out. `manage.py demo` makes them; production refuses.

clock      what the time is while a part of the past is played
houses     the hospitals, their people, their prices
people     patients
shelves    medicines and their batches
stories    why people come, and what becomes of it
day        the day, played step by step through the same verbs as the pages use
"""
