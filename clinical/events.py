"""What colleagues see at once of what happens in this app. docs/events.md is made from this."""

from clinical import lab_words
from clinical.models import Document, LabOrder
from realtime.catalogue import LiveEvent, changed, created, reached

EVENTS = (
    # --- laboratory and documents ---
    LiveEvent(
        "lab_order:created",
        LabOrder,
        when=created,
        hears=("lab_technician",),
        loudness=lab_words.loudness_of_order,
        template="clinical/laboratory/_order_row.html",
        title=lab_words.title_of_order,
        link=lab_words.bench_of,
    ),
    LiveEvent(
        "lab_order:updated",
        LabOrder,
        when=changed(),
        hears=("lab_technician", "checker_doctor", "main_doctor"),
        template="clinical/laboratory/_order_row.html",
    ),
    LiveEvent(
        "lab:result_ready",
        LabOrder,
        when=reached("released"),
        hears=("main_doctor", "checker_doctor"),
        loudness=lab_words.loudness_of_result,
        title=lab_words.title_of_result,
        link=lab_words.visit_of,
    ),
    LiveEvent(
        "document:uploaded",
        Document,
        when=reached("filed"),
        hears=("checker_doctor", "lab_technician", "main_doctor", "admin"),
        template="clinical/document/_row.html",
    ),
)
