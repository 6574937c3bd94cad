"""Sharp originals and what becomes of them: the pairs that `upscaler.py` learns from.

An original is a part of a scene that was composed of sprites drawn at three times the atlas's size, on nothing or on a
background, premultiplied RGBA in 0..1. What goes in is the same part, smaller, with the faults that pictures
have: blur, noise, the blocks of a JPEG, a detour over another size, and the rounding of any 8-bit file.
"""

import io
import random

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

import atlas
import backgrounds
import vocabulary as words
from form import BUILD

SIDE = 384  # of sprites and scenes
GROUND = 448  # of backgrounds, so that scenes see different parts of them
SPRITES = 900
BANK = BUILD / "sharp.npz"
PATCH = 32  # pixels along the side of what goes in
CROP = 4 * PATCH
CROPS = 6  # of one scene
KEPT = 1500  # crops that wait in line
FRESH = 1 / 3  # how often a scene is drawn for a batch
# Finishes whose marks are as fine as a pixel of the original: what goes in would not show them.
FINISHES = [i for i, name in enumerate(words.FINISHES) if name != "pixel art"]


def draw(pairs):
    """Sprites [pairs, 1, SIDE, SIDE, 4] of (name, style) pairs, premultiplied uint8."""
    packages = [atlas.fetch(package)[0] for package, _ in atlas.PACKAGES]
    return np.stack([atlas.draw(atlas.svg_of(packages[style], name), SIDE) for name, style in pairs])[:, None]


def names():
    """(names to learn from, names that are held out)."""
    every = atlas.names()
    held = set(words.HELD_OUT)
    return [n for n in every if n not in held], [n for n in every if n in held]


def bank():
    """The sprites to learn from, drawn once."""
    if not BANK.exists():
        r = random.Random(3)
        seen = names()[0]
        pairs = [(name, style) for name in seen for style in range(len(atlas.PACKAGES))]
        np.savez(BANK, sprites=draw(r.sample(pairs, SPRITES)))
    with np.load(BANK) as stored:
        return stored["sprites"]


def stage(sprites):
    """A stage of large sprites before large backgrounds."""
    from scenes import Stage

    backgrounds.SIDE = GROUND
    return Stage(sprites, unit=1)


def scene(r, sprites):
    """One to three figures as large as they were drawn or half, so that nothing is enlarged."""
    from scenes import COLOUR_NAMES, SCENE_NAMES, TINT_NAMES, Figure, Scene

    several = r.random() < 0.35
    figures = []
    for _ in range(r.choice([2, 3]) if several else 1):
        scale = r.uniform(0.34, 0.5) if several else r.uniform(0.7, 1.0)
        tint = r.randrange(len(TINT_NAMES)) if r.random() < 0.12 else None
        turn = r.uniform(-25, 25) if r.random() < 0.4 else 0.0
        figures.append(Figure(r.randrange(sprites), r.uniform(0.3, 0.7), r.uniform(0.3, 0.7), scale, turn, tint))
    kind = r.choices([None, "scene", "plain", "gradient"], [0.55, 0.25, 0.1, 0.1])[0]
    background = kind and (kind, r.randrange(len(SCENE_NAMES if kind == "scene" else COLOUR_NAMES)))
    finish = r.choice(FINISHES) if r.random() < 0.2 else None
    return Scene(figures, background, r.randrange(backgrounds.VARIANTS), (r.random(), r.random()), finish=finish)


class Originals:
    """`next(count)` gives crops [count, 4, CROP, CROP], each some batches apart in other positions and turns."""

    def __init__(self, seed):
        sprites = bank()
        self.sprites, self.stage, self.r, self.kept = len(sprites), stage(sprites), random.Random(seed), []

    def next(self, count):
        while len(self.kept) < 12 * count or self.r.random() < FRESH:
            self.kept.extend(self.cut(self.stage.compose([scene(self.r, self.sprites)], SIDE, SIDE)[0]))
        self.kept = self.kept[-KEPT:]
        chosen = torch.stack([self.turned(self.r.choice(self.kept)) for _ in range(count)])
        return chosen.float() / 255

    def cut(self, picture):
        """Parts in which there is something to see, rounded to bytes as files are."""
        out = []
        for _ in range(3 * CROPS):
            y, x = (self.r.randrange(s - CROP + 1) for s in picture.shape[1:])
            crop = picture[:, y : y + CROP, x : x + CROP]
            if len(out) < CROPS and (crop.std((1, 2)).amax() > 0.08 or self.r.random() < 0.05):
                # A block of pixels as one: what somebody drew so must stay so.
                if self.r.random() < 0.04:
                    crop = F.interpolate(F.avg_pool2d(crop[None], 16), scale_factor=16)[0]
                out.append((crop.clamp(0, 1) * 255).round().byte())
        return out

    def turned(self, crop):
        if self.r.random() < 0.5:
            crop = crop.flip(2)
        return crop.rot90(self.r.randrange(4), (1, 2))


# ------------------------------------------------------------------------------------------ damage


def smaller(x, by, kind):
    """[1, 4, H, W] reduced to whole pixels, in one of the ways in which programs do."""
    size = (x.shape[2] // by, x.shape[3] // by)
    if kind == "area":
        return F.avg_pool2d(x, by)
    return F.interpolate(x, size, mode=kind, antialias=True, align_corners=False).clamp(0, 1)


def blurred(x, sigma):
    radius = max(1, int(3 * sigma + 0.5))
    at = torch.arange(-radius, radius + 1, dtype=torch.float32)
    line = torch.exp(-(at**2) / (2 * sigma**2))
    line = (line / line.sum()).expand(4, 1, 1, -1)
    x = F.conv2d(F.pad(x, (radius, radius, 0, 0), mode="replicate"), line, groups=4)
    return F.conv2d(F.pad(x, (0, 0, radius, radius), mode="replicate"), line.transpose(2, 3), groups=4)


def to_bytes(x):
    """Premultiplied [4, h, w] to straight uint8 [h, w, 4], as a file holds it."""
    alpha = x[3:].clamp(0, 1)
    colour = torch.where(alpha > 0, x[:3] / alpha.clamp(min=1e-6), torch.zeros_like(x[:3]))
    return (torch.cat((colour.clamp(0, 1), alpha)) * 255).round().byte().permute(1, 2, 0).numpy()


def from_bytes(rgba):
    """Straight uint8 [h, w, 4] to premultiplied [4, h, w]."""
    x = torch.from_numpy(np.ascontiguousarray(rgba)).permute(2, 0, 1).float() / 255
    return torch.cat((x[:3] * x[3:], x[3:]))


def jpeg(rgba, quality, offset):
    """The colours through a JPEG whose blocks begin `offset` pixels before the picture."""
    padded = np.pad(rgba[..., :3], ((offset[0], 0), (offset[1], 0), (0, 0)), mode="edge")
    file = io.BytesIO()
    Image.fromarray(padded).save(file, "JPEG", quality=quality)
    back = np.asarray(Image.open(file).convert("RGB"))[offset[0] :, offset[1] :]
    return np.concatenate((back, rgba[..., 3:]), 2)


def damaged(original, by, r, strength=None):
    """What is left of `original` [4, H, W] at a `by`-th of its size: [4, H / by, W / by]. `strength` None draws
    how much is damaged; 0 is reducing and rounding alone, 1 everything."""
    x, some = original[None], lambda share: r.random() < share if strength is None else strength > 0
    spoilt = r.random() < 0.6 if strength is None else strength > 0
    if spoilt and some(0.5):
        x = blurred(x, r.uniform(0.2, 0.45) * by)
    if spoilt and strength is None and r.random() < 0.2:
        # Somebody had it at another size before.
        between = int(x.shape[2] / by * r.uniform(0.6, 1.6))
        x = F.interpolate(F.interpolate(x, (between, between), mode="bilinear", antialias=True), original.shape[1:], mode="bicubic").clamp(0, 1)
    kind = "area" if strength is not None else r.choices(["area", "bicubic", "bilinear"], [0.4, 0.4, 0.2])[0]
    x = smaller(x, by, kind)[0]
    noise = lambda *shape: torch.from_numpy(np.random.default_rng(r.getrandbits(32)).standard_normal(shape, np.float32))
    if spoilt and some(0.6):
        level = r.uniform(0.004, 0.028)
        x = torch.cat((x[:3] + level * noise(*x[:3].shape) * x[3:], x[3:]))
    if spoilt and some(0.4):
        alpha = (x[3:] + r.uniform(0.004, 0.02) * noise(*x[3:].shape) * (x[3:] < 1)).clamp(0, 1)
        x = torch.cat((x[:3], alpha))
    x = torch.minimum(x.clamp(0, 1), x[3:].clamp(0, 1))
    rgba = to_bytes(x)
    opaque = bool((rgba[..., 3] == 255).all())
    if spoilt and opaque and some(0.6):
        rgba = jpeg(rgba, r.randrange(45, 93), (r.randrange(8), r.randrange(8)))
    return from_bytes(rgba)
