"""HL7 table 0211: what a message says about its letters, and what to do when that is not true."""

from __future__ import annotations

CODECS = {
    "ASCII": "ascii",
    "8859/1": "iso-8859-1",
    "8859/2": "iso-8859-2",
    "8859/3": "iso-8859-3",
    "8859/4": "iso-8859-4",
    "8859/5": "iso-8859-5",
    "8859/6": "iso-8859-6",
    "8859/7": "iso-8859-7",
    "8859/8": "iso-8859-8",
    "8859/9": "iso-8859-9",
    "8859/15": "iso-8859-15",
    "ISO IR87": "iso2022_jp",
    "ISO IR159": "iso2022_jp_2",
    "ISO IR14": "shift_jis",
    "GB 18030-2000": "gb18030",
    "KS X 1001": "euc_kr",
    "CNS 11643-1992": "big5",
    "BIG-5": "big5",
    "UNICODE": "utf-8",
    "UNICODE UTF-8": "utf-8",
    "UTF-8": "utf-8",
    "UTF8": "utf-8",
    "WINDOWS-1250": "cp1250",
    "WINDOWS-1251": "cp1251",
    "WINDOWS-1252": "cp1252",
}
LAST = "iso-8859-1"  # every byte is a letter of it


def decoded(content: bytes, declared: list[str]) -> tuple[str, str]:
    """The text, and the codec that it is in: the declared one if that is true, else UTF-8 if it is, else Western European."""
    said = CODECS.get(declared[0].upper().replace("ISO-", "").replace("8859-", "8859/"), "") if declared else ""
    for codec in filter(None, (said, "utf-8", "cp1252")):
        try:
            return content.decode(codec), codec
        except UnicodeDecodeError:
            continue
    return content.decode(LAST), LAST


def encoded(text: str, codec: str) -> bytes:
    return text.encode(codec, errors="replace")
