"""Contact sheets for eyes: pictures in a grid on a checkerboard, each with its caption below.

    python sheet.py samples.png     140 random training tasks, looked at before training begins
"""

import random
import sys
import textwrap

import numpy as np
from PIL import Image, ImageDraw, ImageFont


def on_checkerboard(picture, cell=8):
    """float [4, H, W] premultiplied in 0..1 to uint8 [H, W, 3]."""
    _, h, w = picture.shape
    board = 0.78 + 0.14 * ((np.arange(h)[:, None] // cell + np.arange(w)[None] // cell) % 2)
    rgb = picture[:3] + board[None] * (1 - picture[3:])
    return (rgb.clip(0, 1) * 255).round().astype(np.uint8).transpose(1, 2, 0)


def sheet(rows, path, columns=10, lines=3):
    """rows: list of (list of pictures, caption); the pictures of one row stand side by side in its cell."""
    font = ImageFont.load_default(size=10)
    wide, side = max(len(p) for p, _ in rows), len(rows[0][0][0][0])
    cell = (side * wide + 6, side + 12 * lines + 6)
    out = Image.new("RGB", (cell[0] * columns, cell[1] * -(-len(rows) // columns)), (255, 255, 255))
    pen = ImageDraw.Draw(out)
    for i, (pictures, caption) in enumerate(rows):
        x, y = cell[0] * (i % columns), cell[1] * (i // columns)
        for k, picture in enumerate(pictures):
            out.paste(Image.fromarray(on_checkerboard(np.asarray(picture))), (x + k * side, y))
        for n, line in enumerate(textwrap.wrap(caption, 24 * wide)[:lines]):
            pen.text((x, y + side + 1 + 12 * n), line, fill=(20, 20, 20), font=font)
    out.save(path)


def main():
    import atlas
    import products
    from form import SIDE
    from scenes import Stage
    from tasks import Tasks

    sprites, names = atlas.load()
    stage, tasks, r = Stage(sprites, products.load()), Tasks(names), random.Random(1)
    rows = []
    for kind, count in (("picture", 70), ("reference", 21), ("turned", 7), ("edit", 28), ("nothing", 7), ("pair", 7)):
        for _ in range(count):
            task = tasks.edit(r, kind) if kind == "nothing" else getattr(tasks, kind)(r)
            pictures = [stage.compose([s], SIDE, SIDE)[0].numpy()[:, ::2, ::2] for s in (*task.references, task.target)]
            rows.append((pictures, task.caption))
    sheet(rows[:70], sys.argv[1], 14)
    sheet(rows[70:], sys.argv[1].replace(".png", "-references.png"), 7)


if __name__ == "__main__":
    main()
