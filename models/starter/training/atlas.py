"""Sprites: every subject in four art styles, drawn once, kept as one array that processes share.

    python atlas.py            downloads the four icon packages with npm, writes atlas.npy and names.json

The packages are build-time data. They are not shipped; the model card lists their licences.
"""

import io
import json
import subprocess
import sys
import tarfile

import numpy as np

from form import BUILD, SPRITE

# One art style each. Versions are pinned: the pictures are the training data.
PACKAGES = [
    ("@iconify-json/noto@1.2.9", "cartoon"),
    ("@iconify-json/fluent-emoji@1.2.7", "3d"),
    ("@iconify-json/fluent-emoji-flat@1.2.6", "flat"),
    ("@iconify-json/twemoji@1.2.5", "minimal"),
]
CATEGORIES = ("Activities", "Animals & Nature", "Food & Drink", "Objects", "Travel & Places", "Smileys & Emotion")


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


def svg_of(icons, name):
    icon = icons["icons"][name]
    width, height = icon.get("width", icons.get("width", 16)), icon.get("height", icons.get("height", 16))
    left, top = icon.get("left", 0), icon.get("top", 0)
    return f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="{left} {top} {width} {height}" width="{SPRITE}" height="{SPRITE}">{icon["body"]}</svg>'


def draw(svg, side=SPRITE):
    """A drawing as premultiplied RGBA, uint8 [side, side, 4], in the middle where it is not square."""
    from PIL import Image
    from resvg_py import svg_to_bytes

    picture = Image.open(io.BytesIO(bytes(svg_to_bytes(svg_string=svg, width=side)))).convert("RGBA")
    shrink = side / max(picture.size)
    if shrink < 1:
        picture = picture.resize([max(1, round(v * shrink)) for v in picture.size], Image.BOX)
    whole = Image.new("RGBA", (side, side))
    whole.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    out = np.asarray(whole, np.float32).copy()
    out[..., :3] *= out[..., 3:] / 255
    return out.round().astype(np.uint8)


def names():
    return json.loads((BUILD / "names.json").read_text())


def load():
    """(sprites [names, styles, SPRITE, SPRITE, 4], names)"""
    return np.load(BUILD / "atlas.npy", mmap_mode="r"), names()


def main():
    BUILD.mkdir(parents=True, exist_ok=True)
    packages = [fetch(package) for package, _ in PACKAGES]
    shared = set.intersection(*(set(icons["icons"]) for icons, _ in packages))
    categories = packages[0][1]["categories"]
    every = sorted({n for c in CATEGORIES for n in categories[c] if n in shared})
    atlas = np.lib.format.open_memmap(BUILD / "atlas.npy", "w+", np.uint8, (len(every), len(packages), SPRITE, SPRITE, 4))
    for i, name in enumerate(every):
        for s, (icons, _) in enumerate(packages):
            atlas[i, s] = draw(svg_of(icons, name))
        if i % 100 == 0:
            print(f"{i}/{len(every)}", file=sys.stderr)
    atlas.flush()
    (BUILD / "names.json").write_text(json.dumps(every, indent=0) + "\n")
    print(f"{len(every)} subjects in {len(packages)} styles")


if __name__ == "__main__":
    main()
