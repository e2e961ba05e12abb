"""What a file is, by its bytes. Its name and the browser's word count only as claims that must agree with them.

Files are refused that another program might run or show as something else: web pages, SVG, PDFs with scripts or files
inside, pictures with a tail, DICOM files with a program in their preamble. See `clinical.pdf` for what a PDF may hold.
"""

from __future__ import annotations

import codecs
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from PIL import Image, UnidentifiedImageError

from clinical import pdf
from hospital.workflow import Refused

HEAD = 1024
PIECE, OVERLAP = 1024 * 1024, 128  # texts are looked through in pieces; a word may lie over the end of one
PIXELS = 100_000_000  # a picture that is larger when opened than any camera's, and small as a file, is a bomb
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!"
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f]")
MARKUP = re.compile(
    rb"<(?:!doctype|html|head|body|script|iframe|svg|\?xml|img|meta|object|embed|style|link)\b", re.IGNORECASE
)


@dataclass(frozen=True)
class FileType:
    mime: str
    label: str
    endings: tuple[str, ...]


PDF = FileType("application/pdf", "a PDF", ("pdf",))
PNG = FileType("image/png", "a PNG picture", ("png",))
JPEG = FileType("image/jpeg", "a JPEG picture", ("jpg", "jpeg", "jpe"))
GIF = FileType("image/gif", "a GIF picture", ("gif",))
WEBP = FileType("image/webp", "a WebP picture", ("webp",))
TIFF = FileType("image/tiff", "a TIFF picture", ("tif", "tiff"))
DICOM = FileType("application/dicom", "a DICOM picture", ("dcm", "dicom"))
CSV = FileType("text/csv", "a CSV table", ("csv",))
TEXT = FileType("text/plain", "plain text", ("txt", "text", "log"))
TYPES = (PDF, PNG, JPEG, GIF, WEBP, TIFF, DICOM, CSV, TEXT)
ACCEPTED = ", ".join(f".{ending}" for kind in TYPES for ending in kind.endings)
READABLE = "PDF, PNG, JPEG, GIF, WebP, TIFF, DICOM, text or CSV"

# Signatures of what is never accepted, with the word for it.
FOREIGN = (
    (b"MZ", "a Windows program"),
    (b"\x7fELF", "a program"),
    (b"\xca\xfe\xba\xbe", "a program"),
    (b"\xcf\xfa\xed\xfe", "a program"),
    (b"#!", "a script"),
    (b"PK\x03\x04", "an archive or an Office file"),
    (b"Rar!", "an archive"),
    (b"7z\xbc\xaf", "an archive"),
    (b"\x1f\x8b", "an archive"),
    (b"\xd0\xcf\x11\xe0", "an old Office file"),
    (b"{\\rtf", "an RTF file"),
)


def recognise(file: IO[bytes], name: str) -> FileType:
    """The type of the file, or Refused in words. Leaves the file at its beginning."""
    file.seek(0)
    head = file.read(HEAD)
    if not head:
        raise refusal(name, "is empty")
    kind = by_signature(head) or by_text(file, name)
    if kind is None:
        raise refusal(name, f"is {foreign(head)}, which is not accepted. Send {READABLE}")
    agree(name, kind)
    file.seek(0)
    if fault := FAULTS.get(kind, no_fault)(file):
        raise refusal(name, fault)
    file.seek(0)
    return kind


def refusal(name: str, what: str) -> Refused:
    return Refused(f"“{name}” {what}. Nothing of it was kept.", status=422, field="files")


def word_for(mime: str) -> str:
    """The type without its article: "PDF", "JPEG picture", "plain text"."""
    label = next((kind.label for kind in TYPES if kind.mime == mime), mime)
    return label.removeprefix("a ")


def by_signature(head: bytes) -> FileType | None:
    if head.startswith(b"%PDF-"):
        return PDF
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if head.startswith(b"\xff\xd8\xff"):
        return JPEG
    if head.startswith((b"GIF87a", b"GIF89a")):
        return GIF
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return WEBP
    if head[128:132] == b"DICM":
        return DICOM
    return TIFF if head.startswith((b"II*\x00", b"MM\x00*")) else None


def by_text(file: IO[bytes], name: str) -> FileType | None:
    """Plain text or CSV: UTF-8 throughout, no control characters, and no markup that a browser would show."""
    file.seek(0)
    if foreign(file.read(HEAD)) != UNKNOWN:
        return None
    file.seek(0)
    if not is_plain(file):
        return None
    return CSV if ending_of(name) == "csv" else TEXT


def is_plain(file: IO[bytes]) -> bool:
    decoder, before = codecs.getincrementaldecoder("utf-8-sig")(), b""
    try:
        while piece := file.read(PIECE):
            seen = before + piece
            if CONTROLS.search(decoder.decode(piece)) or MARKUP.search(seen) or EICAR in seen:
                return False
            before = seen[-OVERLAP:]
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


UNKNOWN = "of an unknown kind"


def foreign(head: bytes) -> str:
    """The word for what is not accepted."""
    if EICAR in head:
        return "the test file of virus scanners"
    if MARKUP.search(head):
        return "an SVG picture" if b"<svg" in head.lower() else "a web page"
    return next((word for signature, word in FOREIGN if head.startswith(signature)), UNKNOWN)


def agree(name: str, kind: FileType) -> None:
    """A name without an ending claims nothing; any other ending must be one of the type."""
    ending = ending_of(name)
    if ending and ending not in kind.endings:
        raise refusal(
            name,
            f"is called .{ending} but its contents are {kind.label}. Give it its right name, or send the right file",
        )


def ending_of(name: str) -> str:
    stem, dot, ending = name.rpartition(".")
    return ending.lower() if dot and stem and ending.isalnum() and len(ending) <= 8 else ""


def no_fault(file: IO[bytes]) -> str:
    return ""


def png_fault(file: IO[bytes]) -> str:
    head = file.read(24)
    if len(head) < 24 or head[12:16] != b"IHDR":
        return "is a damaged PNG picture"
    return too_many_pixels(*struct.unpack(">II", head[16:24])) or tail_fault(file, b"IEND\xaeB`\x82")


def gif_fault(file: IO[bytes]) -> str:
    head = file.read(10)
    if len(head) < 10:
        return "is a damaged GIF picture"
    if head[6:8] == b"/*":
        return "is a picture and a script at once"
    return too_many_pixels(*struct.unpack("<HH", head[6:10])) or tail_fault(file, b"\x3b")


def jpeg_fault(file: IO[bytes]) -> str:
    """Walks the segments up to the frame header, which carries the size."""
    file.seek(2)
    while len(marker := file.read(4)) == 4 and marker[0] == 0xFF:
        length = struct.unpack(">H", marker[2:4])[0]
        if marker[1] in range(0xC0, 0xD0) and marker[1] not in (0xC4, 0xC8, 0xCC):
            frame = file.read(5)
            return (
                too_many_pixels(*struct.unpack(">HH", frame[1:5])) if len(frame) == 5 else "is a damaged JPEG picture"
            )
        file.seek(length - 2, 1)
    return "is a damaged JPEG picture"


def dicom_fault(file: IO[bytes]) -> str:
    """The first 128 bytes are free for anything, and were used to hide programs: only zeros or a TIFF header may stand there."""
    preamble = file.read(128)
    if preamble.strip(b"\x00") and not preamble.startswith((b"II*\x00", b"MM\x00*")):
        return "is a DICOM picture with something else hidden in front of it"
    return ""


def size_fault(file: IO[bytes]) -> str:
    """By its head alone: nothing is unpacked."""
    try:
        with Image.open(file, formats=("TIFF", "WEBP")) as picture:
            return too_many_pixels(*picture.size)
    except Image.DecompressionBombError:
        return f"has more than {PIXELS // 10**6} million pixels, which is more than any camera's"
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        return ""


def tail_fault(file: IO[bytes], end: bytes) -> str:
    file.seek(-len(end), 2)
    return "" if file.read() == end else "is a picture with something else behind it, or it is cut off"


def too_many_pixels(width: int, height: int) -> str:
    if width * height == 0:
        return "is a damaged picture"
    return f"has {width} by {height} pixels, which is more than any camera's" if width * height > PIXELS else ""


def pdf_fault(file: IO[bytes]) -> str:
    return pdf.fault(file.read())


FAULTS: dict[FileType, Callable[[IO[bytes]], str]] = {
    PDF: pdf_fault,
    PNG: png_fault,
    GIF: gif_fault,
    JPEG: jpeg_fault,
    TIFF: size_fault,
    WEBP: size_fault,
    DICOM: dicom_fault,
}
