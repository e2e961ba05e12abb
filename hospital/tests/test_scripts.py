"""Names on paper, in any script: drawn, joined, or spelled and said so, but never an empty box."""

from __future__ import annotations

import pytest

from hospital.scripts import DEJAVU, MORE, AnyScript, font_for, runs_of, spell, turned

NAMES = {
    "Chinese": "王小明",
    "Japanese": "佐藤 さくら",
    "Korean": "김민준",
    "Arabic": "محمد عبد الله",
    "Urdu": "ٹیپو",
    "Hebrew": "שרה אברהם",
    "Devanagari": "अनुष्का क्षत्रिय",
    "Bengali": "আরিফ হোসেন",
    "Gurmukhi": "ਗੁਰਪ੍ਰੀਤ",
    "Tamil": "குமார்",
    "Telugu": "తెలుగు",
    "Kannada": "ಕನ್ನಡ",
    "Malayalam": "മലയാളം",
    "Gujarati": "ગુજરાતી",
    "Odia": "ଓଡ଼ିଆ",
    "Sinhala": "ශ්‍රී",
    "Thai": "สมชาย",
    "Lao": "ສົມສັກ",
    "Khmer": "ខ្មែរ",
    "Burmese": "မြန်မာ",
    "Amharic": "አበበ",
    "Tibetan": "བསྟན་འཛིན",
    "Cyrillic": "Анна Щербакова",
    "Greek": "Αθηνά",
    "Vietnamese": "Nguyễn Thị Hoa",
}


def paper() -> AnyScript:
    made = AnyScript(format="A4")
    made.add_font("one", fname=DEJAVU / "DejaVuSans-Bold.ttf")
    made.add_page()
    made.set_font("one", size=12)
    return made


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_each_letter_is_drawn_by_a_font_that_has_it(name, caplog):
    made = paper()
    made.multi_cell(0, 6, name)
    made.output()
    assert not made.spelled
    assert "missing" not in caplog.text  # what the library says of a letter that becomes a box


def test_only_the_fonts_that_the_words_need_are_loaded():
    made = paper()
    made.cell(text="Łukasz Müller")
    assert set(made.fonts) == {"one"}
    made.cell(text="王")
    assert set(made.fonts) == {"one", "droidsansfallbackfull"}


@pytest.mark.parametrize(
    ("line", "from_left"),
    [
        ("ضغط 123 الدم 45", ["45", " الدم ", "123", "ضغط "]),
        ("Name محمد 85/120 mmHg", ["Name ", "85/120", "محمد ", " mmHg"]),
        ("Weight 80 kg", []),
    ],
)
def test_numbers_within_arabic_stand_to_its_left(line, from_left):
    assert [words for _, words in turned(runs_of(line))] == from_left
    made = paper()
    frags = made._preload_bidirectional_text(line, markdown=False)
    assert [frag.string for frag in frags] == (from_left or [line])


@pytest.mark.parametrize("word", ["محمد", "क्षत्रि"])
def test_letters_that_belong_together_are_joined(word):
    made = paper()
    assert made.get_string_width(word) < 0.97 * sum(map(made.get_string_width, word))


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("\N{DIGIT ONE FULL STOP} Anna", "1. Anna"),
        ("Jose\u0301", "José"),
        ("ꦗꦮ", "[ja][wa]"),
        ("𠮷田", "[U+20BB7]田"),
        ("Ann\U000e0101a\u2066", "Anna"),
        ("\U000e0fff", "[U+E0FFF]"),
    ],
)
def test_what_nobody_can_draw_is_spelled_and_said(name, written, caplog):
    made = paper()
    assert made.normalize_text(name) == written
    assert made.spelled == ("[" in written)
    made.cell(text=name)
    made.output()
    assert "missing" not in caplog.text


def test_fonts_lie_where_they_are_looked_for_with_their_licences():
    assert len(MORE) > 20 and all(font.exists() for font in MORE)
    licence = (MORE[-1].parent / "LICENSE.txt").read_text()
    assert all(font.stem.split("-")[0].rstrip("s")[:8] in licence for font in MORE[1:])


def test_a_name_of_a_sign_says_what_it_is():
    assert spell("\N{FACE WITH MONOCLE}") == "face with monocle"
    assert font_for("\N{CUNEIFORM SIGN A}") is None
