"""The two forms of the starter, as data: `small` is what two processor cores can train, `full` what an accelerator can.

    LIKENESS_FORM=full python train.py ...      small where nothing is said

Whatever has a size reads it here; the engine reads sizes from the files that ship and knows neither form.
"""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Form:
    name: str
    side: int  # pixels along a square picture
    others: tuple  # (height, width) of other shapes of about equal area, in whole patches
    limits: tuple  # smallest and largest side that the manifest allows
    measured: tuple  # (width, height) of the sizes that the evaluation paints: no other is offered or drawn
    ground: int  # pixels along the backgrounds, of which pictures show a part
    sprite: int  # pixels along the sprites of the atlas
    unit: int  # pixels of a finish's finest mark
    heads: int  # of 64 numbers each
    text_layers: int
    tokens: int  # of the longest caption
    vocabulary: int  # of the tokenizer
    names: int | None  # how many of the list in vocabulary.py are taught; None for every name that is not held out


FORMS = {
    form.name: form
    for form in (
        # Others: 4:5 and its inverse (7x9 patches), 3:5 and its inverse (6x10).
        Form("small", 128, ((144, 112), (112, 144), (160, 96), (96, 160)), (96, 160), ((128, 128),), 168, 128, 1, 4, 2, 32, 2048, 206),
        # Others: 4:5 (14x18 patches), 3:2 (13x20), 16:9 (12x21), and their inverses.
        Form("full", 256, ((288, 224), (224, 288), (320, 208), (208, 320), (336, 192), (192, 336)), (192, 336), ((256, 256),), 352, 224, 2, 6, 3, 48, 4096, None),
    )
}
FORM = FORMS[os.environ.get("LIKENESS_FORM", "small")]
DRAWN = Path(__file__).parent / "build"  # what both forms are made of
BUILD = DRAWN if FORM.name == "small" else DRAWN / FORM.name
