"""The sheets of the model card, drawn by the program that ships.

    python card.py ../../../target/release/likeness      writes ../pictures/prompts.webp and ../pictures/unseen.webp

The first has the fixed prompts of sample.py, each picture with the sprite beside it that comes nearest to it of all
that were trained on, by the judge's embedding: a copy would show. The second has subjects that were never trained on:
each reference beside what the model makes of it in new scenes.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

import judges
from evaluation import OUT, read_sheet
from sample import PROMPTS
from scenes import Figure, Scene
from sheet import sheet
from tasks import Tasks

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


@torch.no_grad()
def nearest(pictures):
    """For each picture the sprite that was trained on and that the judge takes for the most alike."""
    stage, names = judges.atlas()
    tasks = Tasks(names)
    sprites = [tasks.sprite(n, style) for n in names if n not in tasks.hidden for style in range(4)]
    scenes = [Scene([Figure(s, scale=0.70)], background=None) for s in sprites]
    alone = torch.cat([stage.compose(scenes[i : i + 100], 128, 128) for i in range(0, len(scenes), 100)])
    judge = judges.load()
    shelf = F.normalize(judge.sees(alone)["embedding"], dim=-1)
    asked = judge.sees(torch.from_numpy(np.stack(pictures)))["embedding"]
    return alone[(F.normalize(asked, dim=-1) @ shelf.T).argmax(1)].numpy()


def main():
    likeness = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        made = [drawn(likeness, p, folder) for p in PROMPTS]
        save([([m, n], p) for m, n, p in zip(made, nearest(made), PROMPTS)], "prompts.webp", 5)
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
