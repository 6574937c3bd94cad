"""Sizes of the starter, and where what is drawn and trained lies: the one place for both.

    LIKENESS_TRAINING=FOLDER python train.py ...      `build` beside these modules where nothing is said
"""

import os
from pathlib import Path

BUILD = Path(os.environ.get("LIKENESS_TRAINING", Path(__file__).parent / "build"))

SIDE = 256  # pixels along a square picture
# (height, width) that the program offers, of about equal area: 4:5, 3:2, 5:3 and their inverses.
SHAPES = ((SIDE, SIDE), (288, 224), (224, 288), (288, 192), (192, 288), (320, 192), (192, 320))
GROUND = 352  # pixels along the drawn backgrounds, of which pictures show a part
SPRITE = 256  # pixels along the sprites of the atlas
UNIT = 2  # pixels of a finish's finest mark

SPAN = 32  # pixels along what one token of latents covers
CHANNELS = 128  # of latents

TOKENS = 32  # of the longest caption
VOCABULARY = 2560  # of the tokenizer
