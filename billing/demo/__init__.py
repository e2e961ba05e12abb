"""Two hospitals in the middle of a working day, for trying things out. `manage.py demo` makes them; production refuses.

clock      what the time is while a part of the past is played
houses     the hospitals, their people, their prices
people     patients
charts     what was known of them before today
shelves    medicines and their batches
stories    why people come, and what becomes of it
tubes      labels, racks, a rejected specimen, a panel, new ranges
biopsies   biopsies in every state, overdue, malignant, lost
notes      notes of the doctors, signed and not
remittances  what payers sent, and what they refused
records    contacts, relations, tags, somebody registered twice, somebody unknown
papers     letters in versions, for doctors only, and a restricted chart
post       messages of other systems, applied and waiting
desk       invoices, a deposit, drawers, reminders
day        the day, played step by step through the same verbs as the pages use
"""
