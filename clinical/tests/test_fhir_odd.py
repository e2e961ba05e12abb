"""Records as they should not be: said in words, with their place, and the rest goes on."""

import gzip
import io
import json

import pytest
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clinical.models import Observation, Patient, Problem
from clinical.tests.records import (
    a_condition,
    a_life,
    a_patient,
    an_observation,
    bundle,
    concept,
    outcome,
    take,
    written,
)


def reasons(tally):
    return [str(one) for one in tally.broken]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "The file is not JSON."),
        (b"{", "The file is not JSON."),
        (b"\xff\xfe\x00", "The file is not JSON."),
        (b'{"resourceType": "Bundle", "value": NaN}', "The file is not JSON."),
        (b"[" * 100_000, "The file is nested too deeply."),
        (b"[1, 2]", "The file is JSON, and no FHIR resource."),
        (b'"Patient"', "The file is JSON, and no FHIR resource."),
        (b'{"resourceType": 7}', "The file is JSON, and no FHIR resource."),
        (b'{"resourceType": "Bundle", "entry": 7}', "“entry” of the bundle is not a list."),
        (gzip.compress(b"{}" * 1000, mtime=0)[:30], "The file is a gzip archive that is damaged or cut off."),
        (b"\x1f\x8bnonsense", "The file is a gzip archive that is damaged or cut off."),
    ],
)
def test_a_file_that_is_none_is_reported(alpha, tmp_path, content, words):
    good = written(tmp_path, a_patient(), "good.json")
    tally = take(alpha, written(tmp_path, content), good)
    assert reasons(tally) == [f"record.json: {words}"]
    assert tally.total("new") == 1


def test_a_file_that_is_not_there_is_reported(alpha, tmp_path):
    assert reasons(take(alpha, tmp_path / "gone.json")) == [
        "gone.json: The file cannot be read: No such file or directory."
    ]


def test_a_byte_order_mark_and_compression_do_no_harm(alpha, tmp_path):
    plain = json.dumps(a_patient()).encode("utf-8-sig")
    assert take(alpha, written(tmp_path, plain)).total("new") == 1
    assert take(alpha, written(tmp_path, gzip.compress(plain), "again.bin")).total("unchanged") == 1


def test_a_file_of_lines_is_read_line_by_line(alpha, tmp_path):
    lines = [json.dumps(a_patient()), "{broken", json.dumps(a_condition())]
    tally = take(alpha, written(tmp_path, "\n".join(lines).encode(), "record.ndjson"))
    assert reasons(tally) == ["record.ndjson, entry 1: The line is not JSON."]
    assert tally.total("new") == 2


BROKEN = [
    (a_condition(id="x", subject={"reference": "Patient/nobody"}), "Its patient Patient/nobody is not known."),
    (a_condition(id="x", subject=None), "“subject” names no patient."),
    (a_condition(id="x", subject="Patient/p1"), "“subject” is not an object."),
    (a_condition(id="x", code={}), "“code” has neither a text nor a code."),
    (a_condition(id="x", code={"text": "a\0b"}), "“text” contains characters that are no text."),
    (a_condition(id="x", code={"text": "\ud800"}), "“text” contains characters that are no text."),
    (a_condition(id="x", onsetDateTime="yesterday"), "“onsetDateTime” is “yesterday”, which is not a FHIR date."),
    (a_condition(id="x", onsetDateTime="2001-02-30"), "“onsetDateTime” is “2001-02-30”, which is not in the calendar."),
    (a_condition(id="x", onsetDateTime="0007-01-01"), "“onsetDateTime” is in the year 0007."),
    (a_condition(id="x", clinicalStatus=concept("?", "so-so")), "“clinicalStatus” is “so-so”, which is not one of"),
    (a_condition(id="x", encounter=[]), "“encounter” is not an object."),
    (an_observation(id="x", valueQuantity={"value": "12"}), "“value” is not a number."),
    (an_observation(id="x", valueQuantity={"value": 1e300}), "“value” is too large a number."),
    (an_observation(id="x", valueBoolean="yes", valueQuantity=None), "“valueBoolean” is neither true nor false."),
    (an_observation(id="x", code=concept("y" * 300)), "“text” has 300 letters, and there is room for 255."),
    (an_observation(id="x", effectiveDateTime=None), "It does not say when it was observed."),
    (an_observation(id="x", component=[{"code": concept("y" * 300)}]), "“text” has 300 letters"),
    ({"resourceType": "Condition"}, "It has no id."),
    ({"id": "x"}, "It has no resourceType."),
    (a_patient(id="x", name=[]), "The patient has no name."),
    (a_patient(id="x", gender="maybe"), "“gender” is “maybe”"),
    (7, "The entry carries no resource."),
    (None, "The entry carries no resource."),
    (
        {"resourceType": "DocumentReference", "id": "x", "subject": {"reference": "Patient/p1"}, "content": [{"attachment": {"data": "***"}}]},
        "The data of the attachment are not base64.",
    ),
    (
        {"resourceType": "DocumentReference", "id": "x", "subject": {"reference": "Patient/p1"}, "content": [{"attachment": {"url": "https://x.example"}}]},
        "It carries no data",
    ),
    (
        {"resourceType": "DocumentReference", "id": "x", "subject": {"reference": "Patient/p1"}, "content": [{"attachment": {"data": "PGh0bWw+"}}]},
        "web page",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("resource", "words"), BROKEN)
def test_a_broken_entry_is_reported_with_its_place_and_the_rest_goes_on(alpha, tmp_path, resource, words):
    tally = take(alpha, written(tmp_path, bundle(a_patient(), resource, a_condition())))
    (reason,) = reasons(tally)
    assert reason.startswith("record.json, entry 1")
    assert words in reason
    with alpha.acting():
        assert Problem.objects.get(fhir_id="c1").patient.fhir_id == "p1"


@pytest.mark.parametrize(("resource", "words"), BROKEN)
def test_a_strict_import_undoes_the_whole_file(alpha, tmp_path, resource, words):
    good = written(tmp_path, a_patient(id="before"), "good.json")
    bad = written(tmp_path, bundle(a_patient(), resource, a_condition()))
    with pytest.raises(CommandError, match="Stopped"):
        call_command(
            "import_fhir",
            str(good),
            str(bad),
            tenant=alpha.tenant.slug,
            strict=True,
            stdout=io.StringIO(),
            stderr=io.StringIO(),
        )
    with alpha.acting():
        assert [patient.fhir_id for patient in Patient.objects.all()] == ["before"]


def test_what_belongs_to_a_refused_patient_is_refused_too(alpha, tmp_path):
    tally = take(alpha, written(tmp_path, bundle(a_patient(birthDate="never"), a_condition(), an_observation())))
    assert outcome(tally) == (0, 0, 0, 3)
    assert "Its patient was refused." in reasons(tally)[1]


def test_a_link_to_something_unknown_is_left_out_and_noted(alpha, tmp_path):
    tally = take(alpha, written(tmp_path, bundle(a_patient(), a_condition(encounter={"reference": "Encounter/lost"}))))
    assert outcome(tally) == (2, 0, 0, 0)
    assert "Encounter Encounter/lost is neither in the files nor here" in str(tally.notes[0])


def test_a_row_never_moves_to_another_patient(alpha, tmp_path):
    other = a_patient(id="p2", name=[{"family": "Stone", "given": ["Bob"]}], birthDate="1950-01-01", identifier=[])
    take(alpha, written(tmp_path, bundle(a_patient(), other, a_condition())))
    tally = take(alpha, written(tmp_path, bundle(a_condition(subject={"reference": "Patient/p2"}))))
    assert "belongs to another patient" in reasons(tally)[0]


def test_the_same_id_in_another_source_does_not_turn_one_person_into_another(alpha, tmp_path):
    take(alpha, written(tmp_path, a_patient()))
    stranger = a_patient(name=[{"family": "Stone", "given": ["Bob"]}], birthDate="1950-01-01", identifier=[])
    assert "already belongs to P-000001" in reasons(take(alpha, written(tmp_path, stranger)))[0]


def test_two_different_resources_with_one_id_are_not_mixed(alpha, tmp_path):
    tally = take(
        alpha, written(tmp_path, bundle(a_patient(), a_condition(), a_condition(code=concept("Gout")), a_condition()))
    )
    assert reasons(tally) == ["record.json, entry 2, Condition/c1: Entry 1 is another Condition with the same id."]
    assert outcome(tally) == (2, 0, 1, 1)


def test_types_without_a_place_are_counted(alpha, tmp_path):
    out = io.StringIO()
    path = written(
        tmp_path, bundle(a_patient(), {"resourceType": "Claim", "id": "1"}, {"resourceType": "Claim", "id": "2"})
    )
    call_command("import_fhir", str(path), tenant=alpha.tenant.slug, stdout=out, stderr=io.StringIO())
    assert "Claim" in out.getvalue()
    assert "2 not stored: there is no place for this type yet" in out.getvalue()


def test_progress_and_what_is_broken_go_to_the_error_stream(alpha, tmp_path):
    out, err = io.StringIO(), io.StringIO()
    path = written(tmp_path, bundle(a_patient(), {"resourceType": "Condition"}))
    call_command("import_fhir", str(path), tenant=alpha.tenant.slug, stdout=out, stderr=err)
    assert "1/1 files" in err.getvalue()
    assert "broken: record.json, entry 1, Condition: It has no id." in err.getvalue()
    assert "a second" in out.getvalue()


@pytest.mark.parametrize("arguments", [{"tenant": "nowhere"}, {}])
def test_the_command_refuses_an_unknown_organisation_and_an_empty_folder(alpha, tmp_path, arguments):
    with pytest.raises(CommandError, match="There is no"):
        call_command("import_fhir", str(tmp_path), **{"tenant": alpha.tenant.slug, **arguments})


def test_a_row_that_lost_its_link_to_a_broken_visit_is_unchanged_the_second_time(alpha, tmp_path):
    life = a_life()
    next(one for one in life if one["resourceType"] == "Encounter")["period"]["start"] = []
    path = written(tmp_path, bundle(*life))
    assert take(alpha, path).total("broken") == 1
    assert outcome(take(alpha, path))[:2] == (0, 0)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False) | st.text(max_size=8)
    | st.sampled_from(["2001-13", "Patient/p1", "#med", "urn:uuid:", "?identifier=|", "\0", "\ud800", "x" * 400]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["coding", "text", "value", "reference", "id"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


def places(node, path=()):
    """Every place in a piece of JSON."""
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in inner:
        yield (*path, key)
        yield from places(value, (*path, key))


@st.composite
def mutated(draw):
    record = json.loads(json.dumps(bundle(*a_life())))
    for _ in range(draw(st.integers(1, 4))):
        *way, last = draw(st.sampled_from(list(places(record))))
        holder = record
        for key in way:
            holder = holder[key]
        if draw(st.booleans()) and isinstance(holder, dict):
            del holder[last]
        else:
            holder[last] = draw(JSON)
    return record


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(record=mutated())
def test_a_mutated_record_is_read_or_refused_and_never_half_done(alpha, tmp_path, record):
    path = written(tmp_path, record)
    first = take(alpha, path)
    again = take(alpha, path)
    assert len(first.broken) == first.total("broken")
    assert (again.total("new"), again.total("changed")) == (0, 0)
    assert again.total("unchanged") == first.total("new", "changed", "unchanged")
    with alpha.acting():
        assert not Observation.objects.filter(patient=None).exists()
