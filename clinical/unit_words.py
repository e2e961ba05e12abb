"""Units as people write them, where the database puts the words together."""

from django.db.models import Case, F, TextField, Value, When

from clinical.measure import UNITS


def shown_unit(field: str) -> Case:
    """A unit of UCUM as people write it."""
    known = [When(**{field: unit}, then=Value(said)) for unit, said in UNITS.items()]
    return Case(*known, default=F(field), output_field=TextField())
