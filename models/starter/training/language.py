"""All that the starter was trained to read, for its manifest: which words of a prompt are known, and which ask for a
background or for none.

    python language.py FOLDER       writes `sizes` and `language` into a model folder's manifest; needs nothing but Python

What ships is of the names and captions of version 0.8.0: its lists were written by this script as of commit fd1a17e.

Names are taken from `vocabulary.py`. Whatever else captions say ("a", "next to", "make", "on the left") is found by
drawing many of them and leaving their names out, so that no list of it has to be kept.
"""

import importlib.util
import json
import random
import re
import sys
from pathlib import Path
from unittest.mock import MagicMock

# Captions need nothing of what draws pictures.
for drawing in ("numpy", "torch", "PIL"):
    if drawing not in sys.modules and importlib.util.find_spec(drawing) is None:
        sys.modules.update({name: MagicMock() for name in (drawing, "torch.nn", "torch.nn.functional")})

import vocabulary as words
from form import SHAPES
from tasks import Tasks

CAPTIONS = 100_000
# What leads to a place. Behind it a scene has its own words: "brick wall" of "in front of a brick wall".
LEADING = set("a an the in on at by of under among against front".split())
# What an edit says that cuts out, beside what a prompt does.
CUTTING = ["remove the background", "cut it out"]


def spelt(phrase):
    """As the engine compares words: in lower case, one blank apart."""
    return " ".join(re.findall(r"[^\W_]+", phrase.lower()))


def core(scene):
    """A scene without what leads to it."""
    rest = scene.split()
    while len(rest) > 1 and rest[0] in LEADING:
        rest.pop(0)
    return " ".join(rest)


def subjects():
    said = {spelt(phrase) for icon in words.SUBJECTS for phrase in words.phrases(icon)}
    return said | {spelt(words.plural(phrase)) for phrase in said}


def manners():
    return {spelt(phrase) for kinds in (words.STYLES, words.FINISHES) for phrases in kinds.values() for phrase in phrases}


def scenes():
    said = {spelt(phrase) for phrases in words.SCENES.values() for phrase in phrases}
    return said | {core(phrase) for phrase in said}


def between(names, products):
    """Words of captions beside these names; `products` is the share of references that are a product to be turned."""
    fillers = [f"filler-{i}" for i in range(600)]  # stand for sprites that have no name
    tasks, r = Tasks([*words.NAMES, *fillers], allow_held_out_pairs=True, products=products), random.Random(7)
    kinds = [tasks.picture, tasks.reference, tasks.edit, tasks.pair]
    longest = max(len(name.split()) for name in names)
    found = set()
    for _ in range(CAPTIONS):
        for part in r.choices(kinds, [3, 3, 3, 1])[0](r).caption.split(","):
            rest, at = spelt(part).split(), 0
            while at < len(rest):
                length = next((n for n in range(longest, 0, -1) if " ".join(rest[at : at + n]) in names and at + n <= len(rest)), 0)
                if length == 0:
                    found.add(rest[at])
                at += length or 1
    return found


def language():
    names = subjects() | manners() | scenes() | {spelt(phrase) for phrase in words.TRANSPARENT}
    colours = {f"{place}{colour}{ground}" for colour in words.COLOURS for place, ground in (("on ", ""), ("", " background"), ("", " gradient"))}
    known = names | between(names, 0) | LEADING | set(words.COLOURS)
    return {
        "known": sorted(known),
        # Products have names in captions, and were never drawn without being shown.
        "shown": sorted(between(names, 0.6) - known),
        # A name of a thing is first of all that: "two stars" are no sky.
        "grounds": sorted((scenes() - subjects()) | colours | {"background", "gradient"}),
        "cut_out": sorted({spelt(phrase) for phrase in [*words.TRANSPARENT, *CUTTING]}),
    }


def sizes():
    """Those that the program offers and draws, the usual one first; the evaluation paints each."""
    return [{"width": width, "height": height} for height, width in SHAPES]


def main():
    path = Path(sys.argv[1]) / "starter.json"
    manifest = json.loads(path.read_text())
    files = manifest.pop("files")
    manifest.update(sizes=sizes(), language=language(), files=files)
    path.write_text(json.dumps(manifest, indent=1) + "\n")
    print({key: len(all) for key, all in manifest["language"].items()})


if __name__ == "__main__":
    main()
