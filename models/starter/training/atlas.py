"""Sprites: every subject in four art styles, drawn once, kept as one array.

    python atlas.py            downloads the four icon packages with npm, writes build/atlas.npz
    python atlas.py pack       build/atlas.packed.npz: the same in at most 16 MB, for a machine that can fetch nothing

The packages are build-time data. They are not shipped; the model card lists their licences.
"""

import io
import json
import subprocess
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from form import BUILD, DRAWN, FORM

SIDE = FORM.sprite
PACKED_BYTES = 16_000_000
QUALITY = 88  # of WebP: 40 dB from what was drawn, at 224 pixels

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
    folder = DRAWN / "packages"
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


def path():
    """Where the sprites are: as they were drawn or, on a machine that they were carried to, packed."""
    whole, packed = BUILD / "atlas.npz", BUILD / "atlas.packed.npz"
    return packed if packed.exists() and not whole.exists() else whole


def names():
    with np.load(path()) as stored:
        return [str(name) for name in stored["names"]]


def load():
    """(sprites [names, styles, SIDE, SIDE, 4], names)"""
    with np.load(path()) as stored:
        if "atlas" in stored:
            return stored["atlas"], names()
        files = np.split(stored["files"], np.cumsum(stored["lengths"])[:-1])
    with ThreadPoolExecutor() as pool:
        sprites = np.stack(list(pool.map(unpacked, files)))
    return sprites.reshape(-1, len(PACKAGES), *sprites.shape[1:]), names()


def packed(sprite):
    """uint8 [SIDE, SIDE, 4], premultiplied, as the bytes of a WebP."""
    from PIL import Image

    alpha = sprite[..., 3:].astype(np.float32) / 255
    straight = np.where(alpha > 0, sprite[..., :3] / np.maximum(alpha, 1e-3), 0).clip(0, 255).round().astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(np.concatenate((straight, sprite[..., 3:]), 2)).save(file, "WEBP", quality=QUALITY, method=6, alpha_quality=90)
    return np.frombuffer(file.getvalue(), np.uint8)


def unpacked(file):
    from PIL import Image

    sprite = np.asarray(Image.open(io.BytesIO(file.tobytes())).convert("RGBA"), np.float32)
    return np.concatenate((sprite[..., :3] * sprite[..., 3:] / 255, sprite[..., 3:]), 2).round().astype(np.uint8)


def pack():
    sprites, known = load()
    with ThreadPoolExecutor() as pool:
        files = list(pool.map(packed, sprites.reshape(-1, *sprites.shape[2:])))
    out = BUILD / "atlas.packed.npz"
    np.savez(out, files=np.concatenate(files), lengths=np.array([len(f) for f in files]), names=np.array(known))
    size = out.stat().st_size
    print(f"{len(files)} sprites, {size} bytes")
    if size > PACKED_BYTES:
        sys.exit(f"more than {PACKED_BYTES}: lower QUALITY")


def main():
    if sys.argv[1:] == ["pack"]:
        return pack()
    packages = [(style, *fetch(package)) for package, style in PACKAGES]
    shared = set.intersection(*(set(icons["icons"]) for _, icons, _ in packages))
    categories = packages[0][2]["categories"]
    every = sorted({n for c in CATEGORIES for n in categories[c] if n in shared})
    atlas = np.zeros((len(every), len(packages), SIDE, SIDE, 4), np.uint8)
    for i, name in enumerate(every):
        for s, (_, icons, _) in enumerate(packages):
            atlas[i, s] = draw(icons, name)
        if i % 100 == 0:
            print(f"{i}/{len(every)}", file=sys.stderr)
    BUILD.mkdir(parents=True, exist_ok=True)
    np.savez(BUILD / "atlas.npz", atlas=atlas, names=np.array(every))
    print(f"{len(every)} subjects in {len(packages)} styles")


if __name__ == "__main__":
    main()
