"""A hospital with a past. The present is made by the verbs, the past by SQL: verbs would take hours."""

from __future__ import annotations

import re
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal

from django.apps import apps
from django.db import connections, transaction
from django.db.models import Field
from django.utils import timezone
from psycopg.sql import Literal

from billing.models import Price
from billing.sql import BACKFILL
from clinical import lab_catalogue
from clinical.icd10 import entries, load
from clinical.models import Batch, Icd10Code, LabTest, Medicine, Patient, Prescription, Visit
from hospital.models import Counter
from hospital.tests.hospital import Hospital

FAMILIES = [
    "Okafor",
    "Lindqvist",
    "Herrera",
    "Nair",
    "Weber",
    "Obi",
    "Zhang",
    "Haddad",
    "Fraser",
    "Osei",
    "Morgan",
    "Qureshi",
    "Bevan",
    "Hart",
    "Silva",
    "Novak",
    "Kim",
    "Ito",
    "Rossi",
    "Dubois",
]
GIVEN = [
    "Ada",
    "Ben",
    "Chidi",
    "Dana",
    "Emil",
    "Fatou",
    "Grace",
    "Hugo",
    "Ines",
    "Jonas",
    "Kofi",
    "Lena",
    "Mateo",
    "Nia",
    "Omar",
    "Priya",
    "Quinn",
    "Rosa",
    "Sami",
    "Tara",
]
SYLLABLES = [
    "ba",
    "ber",
    "chi",
    "da",
    "den",
    "el",
    "fa",
    "gor",
    "han",
    "hol",
    "is",
    "ja",
    "kan",
    "ko",
    "lan",
    "lor",
    "ma",
    "mor",
    "na",
    "nes",
    "o",
    "pe",
    "ra",
    "ros",
    "san",
    "sen",
    "ta",
    "tor",
    "vi",
    "wa",
]

INSERT = re.compile(r"\s*INSERT INTO (\w+)\s*\(([^)]*)\)\s*SELECT (.*)", re.DOTALL)
# One in ten has one of twenty common names; the others share 27,000.
PATIENTS = """
    INSERT INTO clinical_patient (id, tenant_id, version, created_at, updated_at, mrn, given_name, family_name, sex, birth_date,
        birth_date_estimated, phone, email, line, city, state, postal_code, country, document_number, tags, fhir_id, fhir_digest, search)
    SELECT gen_random_uuid(), %(tenant)s, 1, now(), now(), %(first)s + n, given, family, 'female', date '1930-01-01' + n %% 33000,
        false, phone, '', '', '', '', '', '', '', '{}', '', '', ' ' || lower(given || ' ' || family) || ' ' || phone
    FROM (SELECT n, (%(given)s::text[])[1 + hash %% 20] AS given, '+1555' || lpad((n %% 10000000)::text, 7, '0') AS phone,
        CASE WHEN hash %% 10 = 0 THEN (%(families)s::text[])[1 + (hash / 400) %% 20] ELSE initcap(
            (%(syllables)s::text[])[1 + (hash / 20) %% 30] || (%(syllables)s::text[])[1 + (hash / 600) %% 30]
            || (%(syllables)s::text[])[1 + (hash / 18000) %% 30]) END AS family
        FROM (SELECT n, abs(hashint8(%(first)s + n)::bigint) AS hash FROM generate_series(1, %(count)s) n) hashed) named
"""
VISITS = """
    INSERT INTO clinical_visit (id, tenant_id, version, created_at, updated_at, serial, complaint, kind, priority, status, payment,
        registered_at, gate_override_reason, consultation_finished_at, ended_at, end_reason, patient_id, doctor_id, registered_by_id)
    SELECT gen_random_uuid(), %(tenant)s, 1, at, at, %(first)s + n, 'Cough', 'walk_in', 'routine', 'done', 'paid',
        at, '', at + interval '1 hour', at + interval '2 hours', '', patient.id, %(doctor)s, %(reception)s
    FROM (SELECT n, now() - interval '2 days' - n * interval '700 days' / %(count)s AS at, 1 + n %% (%(patients)s) AS place
        FROM generate_series(1, %(count)s) n) past
    JOIN (SELECT id, row_number() OVER (ORDER BY mrn) AS place FROM clinical_patient WHERE tenant_id = %(tenant)s) patient USING (place)
"""
OF_EACH = {
    "clinical_queueplace": """
        (id, tenant_id, version, created_at, updated_at, queue, day, token, priority, entered_at, called_at, called_to, ended_at, reason,
            patient_id, visit_id)
        SELECT gen_random_uuid(), tenant_id, 1, registered_at, registered_at, queue, registered_at::date, serial, 2,
            registered_at + place * interval '30 minutes', registered_at + place * interval '35 minutes', '',
            registered_at + (place + 1) * interval '30 minutes', '', patient_id, id
        FROM past CROSS JOIN (VALUES ('examination', 0), ('consultation', 1), ('pharmacy', 2)) queues (queue, place)""",
    "clinical_diagnosis": """
        (id, tenant_id, version, created_at, updated_at, code, title, certainty, is_primary, note, recorded_at, patient_id, visit_id)
        SELECT gen_random_uuid(), tenant_id, 1, registered_at, registered_at, 'J06.9', 'Acute upper respiratory infection', 'confirmed',
            true, '', registered_at, patient_id, id FROM past""",
    "clinical_laborder": """
        (id, tenant_id, version, created_at, updated_at, accession, priority, status, cancel_reason, rejection_reason, ordered_at,
            collected_at, received_at, begun_at, resulted_at, released_at, reviewed_at, test_id, patient_id, visit_id)
        SELECT gen_random_uuid(), tenant_id, 1, registered_at, registered_at, serial, 'routine', 'reviewed', '', '', registered_at,
            registered_at, registered_at, registered_at, registered_at, registered_at, registered_at, %(test)s, patient_id, id
        FROM past""",
    "clinical_prescription": """
        (id, tenant_id, version, created_at, updated_at, serial, status, note, prescribed_at, ended_at, end_reason, outside_pharmacy,
            outside_contact, outside_note, outside_way, call_back_reason, patient_id, visit_id)
        SELECT gen_random_uuid(), tenant_id, 1, registered_at, registered_at, serial, 'dispensed', '', registered_at, ended_at, '', '',
            '', '', '', '', patient_id, id FROM past""",
    "clinical_prescriptionline": """
        (id, tenant_id, version, created_at, updated_at, position, dose, frequency, instructions, quantity, dispensed, returned, status,
            short_reason, decline_reason, allergy_reason, settled_at, medicine_id, prescription_id)
        SELECT gen_random_uuid(), tenant_id, 1, created_at, created_at, 1, '1', '', '', 10, 10, 0, 'dispensed', '', '', '', ended_at,
            %(medicine)s, id FROM clinical_prescription WHERE tenant_id = %(tenant)s AND status = 'dispensed'""",
    "billing_charge": """
        (id, tenant_id, version, created_at, updated_at, kind, code, text, quantity, unit_price, amount, needs_price, source_id,
            sequence, charged_at, cancel_reason, waive_reason, patient_id, visit_id)
        SELECT gen_random_uuid(), tenant_id, 1, registered_at, registered_at, 'consultation', 'consultation', 'Consultation', 1, 40, 40,
            false, id, 1, registered_at, '', '', patient_id, id FROM past""",
    "billing_payment": """
        (id, tenant_id, serial, amount, method, reference, received_at, lets_in, patient_id, visit_id)
        SELECT gen_random_uuid(), tenant_id, serial, 40, 'cash', '', registered_at, false, patient_id, id FROM past""",
    "billing_allocation": """
        (id, tenant_id, amount, at, charge_id, payment_id)
        SELECT gen_random_uuid(), charge.tenant_id, 40, charge.charged_at, charge.id, payment.id
        FROM billing_charge charge JOIN billing_payment payment USING (tenant_id, visit_id)
        WHERE charge.tenant_id = %(tenant)s AND charge.charged_at < now() - interval '1 day'""",
    "clinical_observation": """
        (id, tenant_id, version, created_at, updated_at, category, code, text, value_number, unit, value_code, value_text, flag,
            effective_at, effective_said, fhir_id, patient_id, visit_id)
        SELECT gen_random_uuid(), tenant_id, 1, registered_at, registered_at, 'vital-signs', '8867-4', 'Heart rate', 60 + serial %% 40,
            '/min', '', '', '', registered_at, '', '', patient_id, id FROM past""",
}
LEDGER = ("billing_ledgeraccount", "billing_journalentry", "billing_journalline")
TABLES = ("clinical_patient", "clinical_visit", *OF_EACH, *LEDGER)


def open_house(name: str) -> Hospital:
    house = Hospital(name, require_payment_before="nothing")
    if not Icd10Code.objects.exists():
        load(entries(sample=True), whole=False)
    with house.acting():
        lab_catalogue.install()
        medicine = Medicine(
            code="AMOX", name="Amoxicillin", form="capsule", strength="500 mg", unit="capsule", low_at=5
        )
        medicine.save()
        Batch.receive(
            medicine, lot="A1", expires_on=timezone.localdate() + timedelta(days=300), quantity=100_000, by=None
        )
        Price(kind="consultation", code="consultation", amount=Decimal(40), valid_from=date(2000, 1, 1)).save()
    return house


def patients(house: Hospital, count: int) -> None:
    with bulk(house) as run:
        run(
            PATIENTS,
            count=count,
            given=GIVEN,
            families=FAMILIES,
            syllables=SYLLABLES,
            first=taken(house, "patient", count),
        )


def past(house: Hospital, visits: int) -> None:
    """Finished visits of the last two years, one patient for each three, with all that hangs on them."""
    seen = max(5, visits // 3)
    patients(house, seen)
    with house.acting():
        given = {"test": LabTest.objects.first().pk, "medicine": Medicine.objects.first().pk}
    who = {"doctor": house.main_doctor.pk, "reception": house.reception.pk}
    first = taken(house, "visit", visits)
    with bulk(house) as run:
        run(VISITS, count=visits, patients=seen, first=first, **who)
        run(
            "CREATE TEMPORARY TABLE past ON COMMIT DROP AS SELECT * FROM clinical_visit WHERE tenant_id = %(tenant)s AND status = 'done'"
        )
        for table, columns in OF_EACH.items():
            run(f"INSERT INTO {table} {columns}", **given)
            run(f"ANALYZE {table}")
        for statement in BACKFILL:
            run(statement)
    for counter in ("lab_order", "prescription", "payment", "receipt", "accession"):
        taken(house, counter, visits)


def taken(house: Hospital, counter: str, count: int) -> int:
    """Set a counter on by so many; returns the last number before."""
    with house.acting():
        before = Counter.take(counter) - 1
        Counter.objects.filter(name=counter).update(value=before + count)
    return before


def completed(sql: str) -> str:
    """Columns that are not named, and may not be empty, get what the model would fill in."""
    if not (found := INSERT.match(sql)):
        return sql
    table, columns, rest = found.groups()
    [model] = [one for one in apps.get_models() if one._meta.db_table == table]
    named = {name.strip() for name in columns.split(",")}
    missing = {
        field.column: sql_literal(field)
        for field in model._meta.concrete_fields
        if not (field.null or field.generated or field.has_db_default() or field.column in named)
    }
    return f"INSERT INTO {table} ({', '.join([*missing, columns])}) SELECT {', '.join([*missing.values(), rest])}"


def sql_literal(field: Field) -> str:
    value = field.get_db_prep_save(field.get_default(), connections["owner"])
    return Literal(value).as_string(connections["owner"].connection).replace("%", "%%")


@contextmanager
def bulk(house: Hospital):
    """As the owner of the tables, in the tenant, without the audit and the triggers of single rows."""
    owner = connections["owner"]
    with transaction.atomic(using="owner"), owner.cursor() as cursor:
        cursor.execute("SELECT set_config('app.tenant', %s, true)", [str(house.tenant.pk)])
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield lambda sql, **values: cursor.execute(completed(sql), {"tenant": house.tenant.pk, **values})
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    with owner.cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join(TABLES)}")


def present(house: Hospital, rows: int = 50) -> None:
    """So many on each list: at the front desk, in the laboratory, at the pharmacy."""
    with house.acting():
        test, medicine = LabTest.objects.filter(kind="numeric").first(), Medicine.objects.first()
        for number in range(rows):
            arrive(number)
            examined(number, tests=[test])
            visit = examined(number)
            visit.diagnose(by=None, diagnoses=[{"code": "J06.9"}])
            Prescription.write(
                visit, [{"medicine": medicine, "quantity": 10, "dose": "1 tablet", "frequency": "twice a day"}], by=None
            ).sign(by=None)


def arrive(number: int) -> Visit:
    name = {"given_name": GIVEN[number % 20], "family_name": f"{FAMILIES[number // 20 % 20]} {number}"}
    patient = Patient.register(by=None, sex="female", birth_date=date(1980, 5, 17), **name)
    return Visit.register(patient, complaint="Cough", by=None)


def examined(number: int, **more) -> Visit:
    visit = arrive(number)
    visit.examine(by=None, symptoms="Cough", findings="", vitals={}, **more)
    return visit
