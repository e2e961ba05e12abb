"""What a file is, by its bytes, and what is refused in words."""

from __future__ import annotations

import io
import time

import pytest

from clinical import filetypes
from clinical.filetypes import recognise
from clinical.tests.papers import dicom, gif, jpeg, object_stream, pdf, png
from hospital.workflow import Refused

WEBP = b"RIFF\x1a\0\0\0WEBPVP8 "
TIFF = b"II*\0\x08\0\0\0"
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
PROGRAM = b"MZ\x90\0" + b"\0" * 60


def recognised(content: bytes, name: str) -> str:
    return recognise(io.BytesIO(content), name).mime


def refused(content: bytes, name: str) -> str:
    with pytest.raises(Refused) as error:
        recognised(content, name)
    assert error.value.status == 422
    return str(error.value)


@pytest.mark.parametrize(
    ("content", "name", "mime"),
    [
        (pdf(), "report.pdf", "application/pdf"),
        (png(), "scan.PNG", "image/png"),
        (jpeg(), "photo.jpeg", "image/jpeg"),
        (gif(), "moving.gif", "image/gif"),
        (WEBP, "photo.webp", "image/webp"),
        (TIFF, "fax.tif", "image/tiff"),
        (dicom(), "thorax.dcm", "application/dicom"),
        (dicom(TIFF), "slide.dcm", "application/dicom"),
        ("Größe 1,80 m\r\n".encode(), "note.txt", "text/plain"),
        (b"a;b\r\n1;2\r\n", "table.csv", "text/csv"),
        (b"\xef\xbb\xbfwith a mark", "note.txt", "text/plain"),
        (b"Temperature < 38, x < a limit > b", "note.txt", "text/plain"),
        (pdf(), "without ending", "application/pdf"),
        (pdf(), "Dr. Okafor", "application/pdf"),
    ],
)
def test_the_bytes_say_what_it_is(content, name, mime):
    assert recognised(content, name) == mime


@pytest.mark.parametrize(
    ("content", "name", "says"),
    [
        (b"", "empty.pdf", "is empty"),
        (b"<!DOCTYPE html><html><script>alert(1)</script></html>", "report.pdf", "is a web page"),
        (b"  \n<HTML>", "report.txt", "is a web page"),
        (SVG, "logo.svg", "is an SVG picture"),
        (SVG, "logo.png", "is an SVG picture"),
        (PROGRAM, "report.pdf", "is a Windows program"),
        (b"\x7fELF\x02\x01\x01", "tool", "is a program"),
        (b"#!/bin/sh\nrm -rf /\n", "notes.txt", "is a script"),
        (b"PK\x03\x04\x14\0", "letter.docx", "is an archive or an Office file"),
        (filetypes.EICAR, "test.txt", "is the test file of virus scanners"),
        (b"x" * 2000 + b"<script>", "note.txt", "of an unknown kind"),
        (b"caf\xe9", "latin.txt", "of an unknown kind"),
        (b"nul\0byte", "note.txt", "of an unknown kind"),
        (png(), "scan.pdf", "is called .pdf but its contents are a PNG picture"),
        (jpeg(), "photo.jpg.exe", "is called .exe"),
        (pdf(), "page.html", "is called .html"),
        (png(30_000, 30_000), "bomb.png", "30000 by 30000 pixels"),
        (jpeg(60_000, 60_000), "bomb.jpg", "60000 by 60000 pixels"),
        (png(tail=b"<html>"), "both.png", "something else behind it"),
        (gif(b"/*\x01\0"), "script.gif", "a picture and a script at once"),
        (gif(tail=b"<script>"), "both.gif", "something else behind it"),
        (png()[:20], "cut.png", "damaged"),
        (jpeg()[:12], "cut.jpg", "damaged"),
        (dicom(PROGRAM), "thorax.dcm", "something else hidden in front"),
        (pdf()[:-8], "cut.pdf", "cut off"),
        (pdf() + b" " * 3000 + b"<html>", "both.pdf", "something else behind it"),
        (b"%PDF-1.7\n<html><script>1</script></html>\n%%EOF", "both.pdf", "a PDF and a web page at once"),
    ],
)
def test_what_is_not_what_it_says_or_could_do_harm_is_refused_in_words(content, name, says):
    sentence = refused(content, name)
    assert says in sentence
    assert sentence.startswith(f"“{name}” ")
    assert sentence.endswith("Nothing of it was kept.")


@pytest.mark.parametrize(
    ("objects", "says"),
    [
        (b"3 0 obj << /S /JavaScript /JS (app.alert(1)) >> endobj", "a script"),
        (b"3 0 obj << /S /J#61vaScript >> endobj", "a script"),
        (b"3 0 obj << /JS(app.alert(1)) >> endobj", "a script"),
        (b"3 0 obj << /S /Launch /F (cmd.exe) >> endobj", "starts a program"),
        (b"3 0 obj << /Type /EmbeddedFile >> endobj", "another file"),
        (b"3 0 obj << /Names << /EmbeddedFiles 4 0 R >> >> endobj", "another file"),
        (b"3 0 obj << /AcroForm << /XFA 4 0 R >> >> endobj", "run scripts"),
        (b"3 0 obj << /S /SubmitForm >> endobj", "sends itself away"),
        (b"trailer << /Encrypt 9 0 R >>", "cannot be checked"),
        (object_stream(b"3 0 << /S /JavaScript >>"), "a script"),
        (object_stream(b"3 0 << /S /#4a#61vaScript >>"), "a script"),
        (object_stream(b"3 0 << /JS 4 0 R >>", b""), "a script"),
        (object_stream(b"packed otherwise", b"/Filter /LZWDecode"), "cannot be checked"),
        (object_stream(b"packed twice", b"/Filter [/FlateDecode /LZWDecode]"), "cannot be checked"),
        (object_stream(b"not packed at all", b"/Filter /Crypt"), "cannot be checked"),
        (b"(stream\n 3 0 obj << /S /JavaScript >> endobj endstream)", "a script"),
    ],
)
def test_a_pdf_that_runs_or_carries_something_is_refused(objects, says):
    assert says in refused(pdf(objects), "report.pdf")


def test_harmless_object_streams_and_pictures_that_look_like_names_pass():
    picture = b"6 0 obj\n<< /Length 20 >>\nstream\n\x80/JS \x91/XFA \x00\nendstream\nendobj"
    assert recognised(pdf(object_stream(b"3 0 << /Type /Page >>"), picture), "report.pdf") == "application/pdf"


def test_an_object_stream_that_unpacks_to_far_too_much_is_refused():
    assert "cannot be checked" in refused(pdf(object_stream(b"\0" * (70 * 1024 * 1024))), "bomb.pdf")


@pytest.mark.parametrize("filling", [b"<<", b"/", b"stream\n", b"obj<</ObjStm>>stream\nendstream", b"/#61"])
def test_a_pdf_made_to_be_slow_is_read_in_a_second_or_two(filling):
    content = pdf(filling * (4 * 1024 * 1024 // len(filling)))
    begin = time.monotonic()
    filetypes.pdf.fault(content)
    assert time.monotonic() - begin < 8
