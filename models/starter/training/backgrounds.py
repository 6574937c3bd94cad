"""The described backgrounds, drawn once as a bank of variants: uint8 [scene, variant, 3, SIDE, SIDE].

Each scene is a small drawing program over a seeded generator. The horizon stands near the middle of the
square, so that a crop of any shape still shows what the words say. A variant differs in hue, in the places
of things and in nothing that the caption names.
"""

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from form import GROUND
from vocabulary import SCENES

SIDE = GROUND
VARIANTS = 8
_UP = 2  # drawn larger and reduced, for smooth edges


def _gradient(top, bottom):
    height = SIDE * _UP
    t = np.linspace(0, 1, height)[:, None, None]
    rows = np.array(top) * (1 - t) + np.array(bottom) * t
    return np.broadcast_to(rows, (height, SIDE * _UP, 3)) * 255


class Canvas:
    def __init__(self, rng, top, bottom):
        self.rng, self.side = rng, SIDE * _UP
        shift = rng.normal(0, 0.015, 3)
        self.image = Image.fromarray(np.clip(_gradient(np.add(top, shift), np.add(bottom, shift)), 0, 255).astype(np.uint8))
        self.pen = ImageDraw.Draw(self.image)

    def colour(self, c, jitter=0.02):
        return tuple(int(np.clip(v + self.rng.normal(0, jitter), 0, 1) * 255) for v in c)

    def ground(self, at, c, wave=0.0, lower=1.0):
        """A band from height `at` down to `lower`, its upper edge a slow wave."""
        phase, s = self.rng.uniform(0, 6.28), self.side
        edge = [(x, s * (at + wave * math.sin(phase + 5 * x / s))) for x in range(0, s + 8, 8)]
        self.pen.polygon([*edge, (s, s * lower), (0, s * lower)], fill=self.colour(c))

    def disc(self, x, y, r, c):
        s = self.side
        self.pen.ellipse([s * (x - r), s * (y - r), s * (x + r), s * (y + r)], fill=self.colour(c))

    def pine(self, x, y, h, c, snow=False):
        s = self.side
        for i in range(3):
            w, top = h * (0.22 + 0.09 * i), y - h * (1 - 0.28 * i)
            low = top + h * 0.44
            self.pen.polygon([(s * x, s * top), (s * (x - w), s * low), (s * (x + w), s * low)], fill=self.colour(c, 0.01))
            if snow:
                self.pen.polygon([(s * x, s * top), (s * (x - w * 0.5), s * (top + h * 0.2)), (s * (x + w * 0.5), s * (top + h * 0.2))], fill=(240, 245, 250))

    def flakes(self, count):
        for _ in range(count):
            self.disc(self.rng.uniform(0, 1), self.rng.uniform(0, 1), self.rng.uniform(0.006, 0.011), (0.98, 0.98, 1))


def beach(rng, sand=(0.95, 0.85, 0.62), sky=((0.50, 0.78, 0.96), (0.78, 0.92, 0.99))):
    c = Canvas(rng, *sky)
    c.ground(0.42, (0.14, 0.55, 0.78))
    c.ground(0.60, (0.45, 0.80, 0.88), 0.012)
    c.ground(0.63, sand, 0.012)
    return c


def snowy_beach(rng):
    c = beach(rng, (0.95, 0.96, 0.99), ((0.66, 0.76, 0.86), (0.84, 0.89, 0.94)))
    c.flakes(34)
    return c


def _trees(c, snow):
    leaf = (0.20, 0.42, 0.36) if snow else (0.10, 0.42, 0.22)
    for row, y in ((0, 0.60), (1, 0.68)):
        for i in range(9):
            shade = tuple(v * (1.25 - 0.25 * row) for v in leaf)
            c.pine(i / 8 + rng_shift(c.rng), y + c.rng.uniform(-0.01, 0.01), 0.40 + 0.06 * row, shade, snow)


def rng_shift(rng):
    return rng.uniform(-0.025, 0.025)


def forest(rng):
    c = Canvas(rng, (0.60, 0.84, 0.80), (0.80, 0.93, 0.82))
    _trees(c, False)
    c.ground(0.66, (0.36, 0.58, 0.25), 0.01)
    return c


def snowy_forest(rng):
    c = Canvas(rng, (0.68, 0.78, 0.88), (0.86, 0.91, 0.96))
    _trees(c, True)
    c.ground(0.66, (0.94, 0.96, 0.99), 0.01)
    c.flakes(24)
    return c


def snow(rng):
    c = Canvas(rng, (0.62, 0.75, 0.90), (0.83, 0.90, 0.97))
    c.ground(0.52, (0.86, 0.91, 0.97), 0.04)
    c.ground(0.64, (0.95, 0.97, 1.0), 0.03)
    c.flakes(40)
    return c


def desert(rng):
    c = Canvas(rng, (0.98, 0.80, 0.52), (0.99, 0.90, 0.70))
    c.disc(0.78, 0.24, 0.08, (1.0, 0.95, 0.75))
    c.ground(0.50, (0.90, 0.66, 0.36), 0.05)
    c.ground(0.62, (0.84, 0.56, 0.28), 0.04)
    return c


def meadow(rng):
    c = Canvas(rng, (0.45, 0.74, 0.96), (0.80, 0.92, 1.0))
    c.ground(0.52, (0.52, 0.78, 0.34), 0.03)
    c.ground(0.64, (0.40, 0.70, 0.27), 0.02)
    for _ in range(18):
        x, y = rng.uniform(0, 1), rng.uniform(0.70, 0.98)
        c.disc(x, y, 0.011, [(1, 1, 1), (1, 0.85, 0.2), (0.95, 0.4, 0.5)][rng.integers(3)])
    return c


def mountains(rng):
    c = Canvas(rng, (0.55, 0.76, 0.94), (0.88, 0.94, 0.98))
    s = c.side
    for x, h, w in ((0.18, 0.42, 0.30), (0.55, 0.52, 0.36), (0.90, 0.40, 0.30)):
        x += rng_shift(rng)
        c.pen.polygon([(s * x, s * (0.66 - h)), (s * (x - w), s * 0.68), (s * (x + w), s * 0.68)], fill=c.colour((0.45, 0.50, 0.62)))
        c.pen.polygon([(s * x, s * (0.66 - h)), (s * (x - w * 0.3), s * (0.66 - h * 0.7)), (s * (x + w * 0.3), s * (0.66 - h * 0.7))], fill=(245, 248, 252))
    c.ground(0.64, (0.42, 0.58, 0.40), 0.02)
    return c


def city_at_night(rng):
    c = Canvas(rng, (0.05, 0.07, 0.18), (0.16, 0.17, 0.36))
    s = c.side
    for i in range(8):
        x, w, h = i / 8 + rng_shift(rng) / 3, 0.105, (0.30, 0.46, 0.36, 0.54, 0.32, 0.48, 0.40, 0.34)[i]
        c.pen.rectangle([s * x, s * (0.72 - h), s * (x + w), s * 0.74], fill=c.colour((0.11, 0.12, 0.22)))
        for wy in np.arange(0.72 - h + 0.03, 0.68, 0.05):
            for wx in (0.02, 0.062):
                if rng.random() < 0.6:
                    c.pen.rectangle([s * (x + wx), s * wy, s * (x + wx + 0.022), s * (wy + 0.022)], fill=(250, 215, 110))
    c.ground(0.72, (0.14, 0.14, 0.18))
    return c


def sunset(rng):
    c = Canvas(rng, (0.46, 0.24, 0.55), (1.0, 0.66, 0.36))
    c.disc(0.5 + rng_shift(rng), 0.52, 0.15, (1.0, 0.86, 0.50))
    c.ground(0.56, (0.42, 0.26, 0.50))
    for i in range(5):
        y, w = 0.60 + 0.07 * i, 0.20 - 0.025 * i
        c.pen.rectangle([c.side * (0.5 - w), c.side * y, c.side * (0.5 + w), c.side * (y + 0.012)], fill=(250, 170, 100))
    return c


def underwater(rng):
    c = Canvas(rng, (0.20, 0.66, 0.86), (0.03, 0.26, 0.52))
    c.ground(0.84, (0.70, 0.66, 0.48), 0.015)
    s = c.side
    for i in range(6):
        x = i / 5 + rng_shift(rng)
        c.pen.line([(s * (x + 0.015 * math.sin(k)), s * (0.9 - 0.045 * k)) for k in range(5 + i % 3)], fill=c.colour((0.10, 0.52, 0.36)), width=int(s * 0.02))
    for _ in range(16):
        c.disc(rng.uniform(0, 1), rng.uniform(0.05, 0.8), rng.uniform(0.007, 0.016), (0.62, 0.88, 0.96))
    return c


def space(rng):
    c = Canvas(rng, (0.04, 0.03, 0.12), (0.10, 0.06, 0.24))
    for _ in range(46):
        c.disc(rng.uniform(0, 1), rng.uniform(0, 1), rng.uniform(0.004, 0.009), (0.95, 0.95, 1.0))
    c.disc(0.83 + rng_shift(rng), 0.20, 0.07, (0.60, 0.42, 0.72))
    return c


def table(rng):
    c = Canvas(rng, (0.93, 0.89, 0.83), (0.88, 0.83, 0.76))
    c.ground(0.58, (0.66, 0.44, 0.26))
    s = c.side
    for i in range(1, 5):
        y = 0.58 + 0.095 * i
        c.pen.line([(0, s * y), (s, s * y)], fill=c.colour((0.52, 0.33, 0.18)), width=int(s * 0.007))
    return c


def brick_wall(rng):
    c = Canvas(rng, (0.80, 0.76, 0.72), (0.80, 0.76, 0.72))
    s, h, w = c.side, 1 / 14, 1 / 6
    for row in range(14):
        for i in range(-1, 7):
            x, y = (i + 0.5 * (row % 2)) * w, row * h
            c.pen.rectangle([s * (x + 0.006), s * (y + 0.006), s * (x + w - 0.006), s * (y + h - 0.006)], fill=c.colour((0.68, 0.32, 0.24), 0.03))
    return c


_PALETTE = [((0.98, 0.80, 0.84), (0.93, 0.45, 0.55)), ((0.80, 0.92, 0.98), (0.30, 0.60, 0.85)), ((0.99, 0.93, 0.72), (0.95, 0.70, 0.25)), ((0.84, 0.95, 0.84), (0.38, 0.70, 0.45))]


def polka_dots(rng):
    base, dot = _PALETTE[rng.integers(4)]
    c = Canvas(rng, base, base)
    for row in range(9):
        for i in range(9):
            c.disc((i + 0.5 * (row % 2)) / 8, row / 8, 0.028, dot)
    return c


def stripes(rng):
    base, bar = _PALETTE[rng.integers(4)]
    c = Canvas(rng, base, base)
    s = c.side
    for i in range(-8, 10, 2):
        x = i / 8
        c.pen.polygon([(s * x, 0), (s * (x + 0.125), 0), (s * (x + 1.125), s), (s * (x + 1), s)], fill=c.colour(bar, 0.0))
    return c


def studio(rng):
    c = Canvas(rng, (0.80, 0.80, 0.81), (0.93, 0.93, 0.94))
    c.ground(0.62, (0.87, 0.87, 0.88))
    c.image = c.image.filter(ImageFilter.GaussianBlur(14))
    return c


def bank():
    """Every scene of the vocabulary, VARIANTS times."""
    out = np.zeros((len(SCENES), VARIANTS, 3, SIDE, SIDE), np.uint8)
    for i, name in enumerate(SCENES):
        draw = globals()[name.replace(" ", "_")]
        for v in range(VARIANTS):
            picture = draw(np.random.default_rng(1000 * i + v)).image.resize((SIDE, SIDE), Image.LANCZOS)
            out[i, v] = np.asarray(picture).transpose(2, 0, 1)
    return out
