"""The sheets of the model card, drawn by the program that ships.

    python card.py ../../../target/release/likeness      writes ../pictures/prompts.webp and ../pictures/unseen.webp

The first has the fixed prompts of sample.py; the second, subjects that were never trained on: each reference beside
what the model makes of it in new scenes.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from evaluation import OUT, read_sheet
from sample import PROMPTS
from sheet import sheet

PICTURES = OUT.parent / "pictures"
SCENES = ["this on a beach", "this in a forest", "this in the snow", "this on a yellow background", "this at sunset", "this subject, transparent background"]
SUBJECTS = [0, 7, 21, 42, 63, 84]  # rows of the evaluation's references


def drawn(likeness, prompt, folder, *options):
    path = Path(folder) / "picture.png"
    subprocess.run([likeness, "generate", prompt, "--seed", "1", "--quiet", "--out", path, *options], check=True)
    return picture(Image.open(path))


def picture(image):
    """[4, H, W] premultiplied in 0..1, as `sheet` takes it."""
    rgba = np.asarray(image.convert("RGBA"), np.float32).transpose(2, 0, 1) / 255
    return np.concatenate([rgba[:3] * rgba[3:], rgba[3:]])


def main():
    likeness = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        rows = [([drawn(likeness, p, folder)], p) for p in PROMPTS]
        save(rows, "prompts.webp", 5)
        references = read_sheet("references.webp", max(SUBJECTS) + 1)
        rows = []
        for i in SUBJECTS:
            file = Path(folder) / "reference.png"
            Image.fromarray(references[i]).save(file)
            rows.append(([picture(Image.open(file))], "the reference"))
            rows += [([drawn(likeness, s, folder, "--ref", file)], s) for s in SCENES]
        save(rows, "unseen.webp", 1 + len(SCENES))


def save(rows, name, columns):
    with tempfile.NamedTemporaryFile(suffix=".png") as file:
        sheet(rows, file.name, columns)
        Image.open(file.name).save(PICTURES / name, quality=90)


if __name__ == "__main__":
    main()
