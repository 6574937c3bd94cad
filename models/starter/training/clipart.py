"""Drawings of Open Clip Art, so that the autoencoder also sees what no icon looks like: Debian's package, and of it those
that say themselves that they are in the public domain.

    python clipart.py          fetches the package with apt-get (no root needed), writes clipart.npy and clipart.json

One in fifty is kept from training (`held_out`).
"""

import json
import re
import subprocess
import zlib
from concurrent.futures import ProcessPoolExecutor

import numpy as np

import atlas
from form import BUILD, SPRITE

PACKAGE = "openclipart-svg"
FOLDER = BUILD / "clipart-package"
LICENCE = re.compile(r'<(?:cc:)?license[^>]*resource="([^"]+)"', re.IGNORECASE)
MOST = 150_000  # bytes of a file: drawing larger ones takes minutes
EMPTY, FULL = 0.02, 0.995  # shares of a square that a drawing covers


def fetched():
    root = FOLDER / "x/usr/share/openclipart/svg"
    if not root.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", PACKAGE], cwd=FOLDER, check=True)
        subprocess.run(["dpkg-deb", "-x", next(FOLDER.glob("*.deb")), FOLDER / "x"], check=True)
    return sorted(p for p in root.rglob("*.svg") if p.stat().st_size < MOST)


def drawn(path):
    """The drawing in the public domain, or None: of something else, or not to be drawn."""
    text = path.read_text(errors="replace")
    licences = LICENCE.findall(text)
    if not licences or not all("publicdomain" in licence.lower() for licence in licences):
        return None
    try:
        picture = atlas.draw(text)
    except Exception:  # whatever the renderer finds wrong with a stranger's file
        return None
    return picture if EMPTY < picture[..., 3].mean() / 255 < FULL else None


def held_out(name):
    return zlib.crc32(name.encode()) % 50 == 0


def load():
    """(drawings [N, SPRITE, SPRITE, 4], names)"""
    return np.load(BUILD / "clipart.npy", mmap_mode="r"), json.loads((BUILD / "clipart.json").read_text())


def main():
    paths, kept, pictures = fetched(), [], []
    with ProcessPoolExecutor(2) as pool:
        for path, picture in zip(paths, pool.map(drawn, paths, chunksize=16)):
            if picture is not None:
                kept.append(path.name)
                pictures.append(picture)
    np.save(BUILD / "clipart.npy", np.stack(pictures).reshape(-1, SPRITE, SPRITE, 4))
    (BUILD / "clipart.json").write_text(json.dumps(kept, indent=0) + "\n")
    print(f"{len(kept)} drawings of {len(paths)}, {sum(map(held_out, kept))} of them held out")


if __name__ == "__main__":
    main()
