"""Sprites: every subject of `vocabulary.py` in four art styles, drawn once, kept as one array.

    python atlas.py            downloads the four icon packages with npm, writes build/atlas.npz

The packages are build-time data. They are not shipped; the model card lists their licences.
"""

import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np

BUILD = Path(__file__).parent / "build"
SIDE = 128

# One art style each. Versions are pinned: the pictures are the training data.
PACKAGES = [
    ("@iconify-json/noto@1.2.9", "cartoon"),
    ("@iconify-json/fluent-emoji@1.2.7", "3d"),
    ("@iconify-json/fluent-emoji-flat@1.2.6", "flat"),
    ("@iconify-json/twemoji@1.2.5", "minimal"),
]
CATEGORIES = ("Activities", "Animals & Nature", "Food & Drink", "Objects", "Travel & Places")


def fetch(package):
    """The icons.json and metadata.json of a package."""
    folder = BUILD / "packages"
    folder.mkdir(parents=True, exist_ok=True)
    name = package.lstrip("@").rsplit("@", 1)
    archive = folder / f"{name[0].replace('/', '-')}-{name[1]}.tgz"
    if not archive.exists():
        subprocess.run(["npm", "pack", "--silent", package], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    with tarfile.open(archive) as tar:
        load = lambda member: json.load(io.TextIOWrapper(tar.extractfile(f"package/{member}"), "utf-8"))
        return load("icons.json"), load("metadata.json")


def draw(icons, name):
    """One sprite as premultiplied RGBA, uint8 [SIDE, SIDE, 4]."""
    from PIL import Image
    from resvg_py import svg_to_bytes

    icon = icons["icons"][name]
    width, height = icon.get("width", icons.get("width", 16)), icon.get("height", icons.get("height", 16))
    left, top = icon.get("left", 0), icon.get("top", 0)
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="{left} {top} {width} {height}" width="{SIDE}" height="{SIDE}">{icon["body"]}</svg>'
    png = svg_to_bytes(svg_string=svg, width=SIDE, height=SIDE)
    picture = np.asarray(Image.open(io.BytesIO(bytes(png))).convert("RGBA").resize((SIDE, SIDE)), np.float32)
    picture[..., :3] *= picture[..., 3:] / 255
    return picture.round().astype(np.uint8)


def main():
    packages = [(style, *fetch(package)) for package, style in PACKAGES]
    shared = set.intersection(*(set(icons["icons"]) for _, icons, _ in packages))
    categories = packages[0][2]["categories"]
    names = sorted({n for c in CATEGORIES for n in categories[c] if n in shared})
    atlas = np.zeros((len(names), len(packages), SIDE, SIDE, 4), np.uint8)
    for i, name in enumerate(names):
        for s, (_, icons, _) in enumerate(packages):
            atlas[i, s] = draw(icons, name)
        if i % 100 == 0:
            print(f"{i}/{len(names)}", file=sys.stderr)
    np.savez(BUILD / "atlas.npz", atlas=atlas, names=np.array(names))
    print(f"{len(names)} subjects in {len(packages)} styles")


if __name__ == "__main__":
    main()
