"""Places of the body: their codes, names, shapes on the body map, and topography for those who code tumours.

A code never changes its meaning: lesions and specimens keep it. `icdo` is the topography of skin in ICD-O-3 (C44).
A shape is an SVG path in a view that is 200 wide. That of a paired site is drawn once, where the viewer's left is, and
mirrored; on the front that is the patient's right, on the back the left, and so it is with hands and feet: their thumbs
and great toes are inside, as everybody sees one's own.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models

WIDTH = 200


class Laterality(models.TextChoices):
    NONE = "", "Neither"
    RIGHT = "right", "Right"
    LEFT = "left", "Left"
    MIDLINE = "midline", "Midline"


@dataclass(frozen=True)
class View:
    name: str
    height: int
    at_viewers_left: str = Laterality.RIGHT.value


@dataclass(frozen=True)
class Site:
    name: str
    view: str
    icdo: str
    centre: tuple[int, int]
    shape: str
    paired: bool = False

    @property
    def sides(self) -> tuple[str, ...]:
        """What the map draws: one shape, or two, that at the viewer's left first."""
        first = VIEWS[self.view].at_viewers_left
        return (first, opposite(first)) if self.paired else ("",)

    def is_mirrored(self, laterality: str) -> bool:
        return self.paired and laterality == self.sides[1]

    def place(self, laterality: str) -> tuple[int, int]:
        """Where a lesion is put that nobody pointed at."""
        x, y = self.centre
        return (WIDTH - x if self.is_mirrored(laterality) else x, y)

    def in_words(self, laterality: str) -> str:
        return f"{self.name}, {laterality}" if laterality else self.name


def opposite(side: str) -> str:
    return Laterality.LEFT.value if side == Laterality.RIGHT else Laterality.RIGHT.value


VIEWS = {
    "front": View("Front", 420),
    "back": View("Back", 420, Laterality.LEFT.value),
    "head": View("Head", 230),
    "hands": View("Hands", 260, Laterality.LEFT.value),
    "feet": View("Feet", 230, Laterality.LEFT.value),
}
TRUNK, ARM, LEG = "C44.5", "C44.6", "C44.7"

UPPER_ARM = "M57 98L76 100L70 146L50 144Z"
FOREARM = "M50 144L70 146L58 196L42 192Z"
HAND = "M42 192L58 196Q60 214 50 224Q38 222 42 192Z"
THIGH = "M72 204L92 214L99 219L97 290L76 290Q67 240 72 204Z"
KNEE = "M76 290L97 290L96 312L78 312Z"
LOWER_LEG = "M78 312L96 312L93 386L82 386Q73 345 78 312Z"
FOOT = "M82 386L93 386L95 402Q86 414 70 407Z"
SHOULDER = "M90 74Q64 76 57 98L76 100L80 84L90 80Z"

SITES: dict[str, Site] = {
    # --- front ---
    "face": Site("Face", "front", "C44.3", (100, 34), "M100 8Q121 8 121 32Q119 56 100 60Q81 56 79 32Q79 8 100 8Z"),
    "neck_front": Site("Neck, front", "front", "C44.4", (100, 67), "M91 58Q100 62 109 58L110 74L90 74Z"),
    "shoulder_front": Site("Shoulder, front", "front", ARM, (72, 88), SHOULDER, True),
    "chest": Site(
        "Chest", "front", TRUNK, (100, 106), "M90 74L110 74L110 80L120 84L124 100L126 128L74 128L76 100L80 84L90 80Z"
    ),
    "abdomen": Site("Abdomen", "front", TRUNK, (100, 152), "M74 128L126 128L124 178L76 178Z"),
    "groin": Site("Groin", "front", TRUNK, (100, 194), "M76 178L124 178L128 204L108 214L100 220L92 214L72 204Z"),
    "upper_arm_front": Site("Upper arm, front", "front", ARM, (63, 122), UPPER_ARM, True),
    "forearm_front": Site("Forearm, palm side", "front", ARM, (55, 170), FOREARM, True),
    "palm": Site("Palm", "front", ARM, (48, 207), HAND, True),
    "thigh_front": Site("Thigh, front", "front", LEG, (85, 250), THIGH, True),
    "knee": Site("Knee", "front", LEG, (87, 301), KNEE, True),
    "shin": Site("Shin", "front", LEG, (86, 345), LOWER_LEG, True),
    "foot_front": Site("Foot", "front", LEG, (84, 400), FOOT, True),
    # --- back ---
    "scalp_back": Site(
        "Back of the head",
        "back",
        "C44.4",
        (100, 32),
        "M100 8Q121 8 121 32Q119 52 110 57L90 57Q81 52 79 32Q79 8 100 8Z",
    ),
    "nape": Site("Nape", "back", "C44.4", (100, 66), "M90 57L110 57L110 74L90 74Z"),
    "shoulder_back": Site("Shoulder, back", "back", ARM, (72, 88), SHOULDER, True),
    "upper_back": Site(
        "Upper back",
        "back",
        TRUNK,
        (100, 106),
        "M90 74L110 74L110 80L120 84L124 100L126 134L74 134L76 100L80 84L90 80Z",
    ),
    "lower_back": Site("Lower back", "back", TRUNK, (100, 156), "M74 134L126 134L124 178L76 178Z"),
    "buttock": Site("Buttock", "back", TRUNK, (86, 199), "M76 178L100 178L100 220L92 214L72 204Z", True),
    "upper_arm_back": Site("Upper arm, back", "back", ARM, (63, 118), "M57 98L76 100L72 136L52 134Z", True),
    "elbow": Site("Elbow", "back", ARM, (60, 143), "M52 134L72 136L68 152L49 150Z", True),
    "forearm_back": Site("Forearm, back", "back", ARM, (54, 174), "M49 150L68 152L58 196L42 192Z", True),
    "hand_back": Site("Back of the hand", "back", ARM, (48, 207), HAND, True),
    "thigh_back": Site("Thigh, back", "back", LEG, (85, 250), THIGH, True),
    "knee_hollow": Site("Hollow of the knee", "back", LEG, (87, 301), KNEE, True),
    "calf": Site("Calf", "back", LEG, (86, 345), LOWER_LEG, True),
    "heel_back": Site("Heel", "back", LEG, (84, 400), FOOT, True),
    # --- head ---
    "scalp": Site("Scalp", "head", "C44.4", (100, 24), "M48 62Q50 8 100 8Q150 8 152 62Q126 38 100 38Q74 38 48 62Z"),
    "forehead": Site("Forehead", "head", "C44.3", (100, 58), "M64 51Q82 38 100 38Q118 38 136 51L138 78L62 78Z"),
    "temple": Site("Temple", "head", "C44.3", (54, 78), "M64 51L62 78L60 96L46 96Q45 74 48 62Z", True),
    "eyelid": Site("Eyelid", "head", "C44.1", (77, 89), "M62 78L92 78L92 98L60 98Z", True),
    "nose": Site("Nose", "head", "C44.3", (100, 108), "M92 78L108 78L112 126Q100 138 88 126Z"),
    "ear": Site("Ear", "head", "C44.2", (38, 108), "M46 90Q30 86 31 106Q33 130 47 130Z", True),
    "cheek": Site("Cheek", "head", "C44.3", (68, 122), "M46 96L60 98L92 98L88 126L78 142L52 150Q46 124 46 96Z", True),
    "upper_lip": Site(
        "Upper lip", "head", "C44.0", (100, 142), "M78 142L88 126Q100 138 112 126L122 142Q100 154 78 142Z"
    ),
    "lower_lip": Site(
        "Lower lip", "head", "C44.0", (100, 157), "M78 142Q100 154 122 142Q118 166 100 166Q82 166 78 142Z"
    ),
    "chin": Site("Chin", "head", "C44.3", (100, 182), "M82 160Q90 166 100 166Q110 166 118 160L124 190Q100 206 76 190Z"),
    "jaw": Site("Jaw", "head", "C44.3", (67, 168), "M52 150L78 142L82 160L76 190Q58 174 52 150Z", True),
    "neck": Site("Neck, side", "head", "C44.4", (76, 208), "M70 186Q84 198 100 200L100 224L62 224Z", True),
    # --- hands: the backs above, the palms below ---
    "hand_dorsum": Site(
        "Back of the hand, near the wrist", "hands", ARM, (54, 92), "M34 70L76 70L72 118L40 118Z", True
    ),
    "thumb": Site("Thumb", "hands", ARM, (84, 86), "M76 74L86 66Q96 64 94 76L80 104L74 104Z", True),
    "index_finger": Site("Index finger", "hands", ARM, (71, 46), "M66 70L66 26Q71 18 76 26L76 70Z", True),
    "middle_finger": Site("Middle finger", "hands", ARM, (60, 42), "M56 70L55 18Q60 10 65 18L66 70Z", True),
    "ring_finger": Site("Ring finger", "hands", ARM, (50, 46), "M45 70L44 24Q49 16 54 24L56 70Z", True),
    "little_finger": Site("Little finger", "hands", ARM, (38, 54), "M34 70L33 38Q38 30 43 38L45 70Z", True),
    "palm_middle": Site("Middle of the palm", "hands", ARM, (54, 178), "M34 150L76 150L72 206L40 206Z", True),
    "wrist": Site("Wrist, palm side", "hands", ARM, (56, 220), "M40 206L72 206L70 238L42 238Z", True),
    # --- feet: from above, and the soles below ---
    "great_toe": Site("Great toe", "feet", LEG, (82, 20), "M74 34L74 16Q82 4 90 16L90 34Z", True),
    "toes": Site("Toes, second to fifth", "feet", LEG, (58, 28), "M40 42L42 26Q58 10 72 18L72 34Z", True),
    "foot_dorsum": Site("Back of the foot", "feet", LEG, (66, 62), "M40 42L72 34L90 34L86 84L52 84Z", True),
    "ankle": Site("Ankle", "feet", LEG, (69, 98), "M52 84L86 84L84 114L54 114Z", True),
    "sole_front": Site("Sole, front", "feet", LEG, (66, 148), "M40 144Q52 126 90 130L88 166L48 166Z", True),
    "sole_arch": Site("Sole, arch", "feet", LEG, (70, 180), "M48 166L88 166L84 196L56 196Z", True),
    "heel": Site("Heel, sole", "feet", LEG, (70, 208), "M56 196L84 196Q86 222 70 224Q54 222 56 196Z", True),
}
