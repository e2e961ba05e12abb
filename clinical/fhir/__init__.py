"""Reading FHIR R4 records.

files       a path becomes entries
values      a piece of JSON becomes a checked value, or is refused in words
links       a reference becomes the key of a row
readers     a resource becomes the fields of a row: one function for each type, in one table
store       rows are inserted, changed or left alone
importer    all of it, file by file, with a tally
"""
