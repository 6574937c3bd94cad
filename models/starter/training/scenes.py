"""Composes pictures from a description of what is in them, many at a time, on whatever device holds the atlas.

A `Scene` is plain data for one picture; `Stage.compose` turns a list of scenes of one size into premultiplied
RGBA in 0..1, [B, 4, H, W]. What training, references, edits and the evaluation show all comes from here.
"""

from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F

import backgrounds
import vocabulary as words
from form import UNIT

SCENE_NAMES = list(words.SCENES)
COLOUR_NAMES = list(words.COLOURS)
TINT_NAMES = list(words.TINTS)
FINISH_NAMES = list(words.FINISHES)


@dataclass
class Figure:
    """One subject in a picture. Lengths are shares of the shorter side, places shares of width and height."""

    sprite: int  # name index * 4 + style; after all of these, product * views + view
    x: float = 0.5
    y: float = 0.53
    scale: float = 0.68
    turn: float = 0.0  # degrees
    tint: int | None = None
    flip: bool = False  # left for right
    lean: float = 0.0  # to the right at the top, as a share of the height
    squeeze: float = 1.0  # of the width


@dataclass
class Scene:
    figures: list = field(default_factory=list)
    background: tuple | None = None  # None is transparent, ("scene" | "plain" | "gradient", index)
    variant: int = 0
    crop: tuple = (0.5, 0.5)
    mirrored: bool = False  # the background, left for right
    shade: float = 0.0
    finish: int | None = None


def blur(x, radius):
    """Three box filters: near enough to a Gaussian, and cheap."""
    for _ in range(3):
        x = F.avg_pool2d(F.pad(x, (radius,) * 4, mode="replicate"), 2 * radius + 1, 1)
    return x


def grow(alpha, radius):
    return F.max_pool2d(alpha, 2 * radius + 1, 1, radius)


def luminance(rgb):
    return (rgb * rgb.new_tensor([0.299, 0.587, 0.114])[None, :, None, None]).sum(1, keepdim=True)


def over(top, below):
    return top + below * (1 - top[:, 3:])


def tinted(layer, colours):
    """Recolours a premultiplied layer, keeping its light and dark: an overlay of the tint on its luminance."""
    alpha = layer[:, 3:]
    rgb = layer[:, :3] / alpha.clamp(min=1e-3)
    grey = (luminance(rgb) * 0.8 + 0.15).clamp(0, 1)
    c = colours[:, :, None, None]
    mixed = torch.where(grey < 0.5, 2 * grey * c, c + (1 - c) * (2 * grey - 1))
    return torch.cat(((0.88 * mixed + 0.12 * rgb).clamp(0, 1) * alpha, alpha), 1)


def edges(rgb, unit=1):
    grey = luminance(rgb)
    kernel = grey.new_tensor([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])[None, None] / 4
    padded = F.pad(grey, (unit,) * 4, mode="replicate")
    slope = lambda kernel: F.conv2d(padded, kernel, dilation=unit) ** 2
    return (slope(kernel) + slope(kernel.transpose(2, 3)) + 1e-8).sqrt()


# Finishes take the subjects' layer and the background (both premultiplied RGBA) and give the picture. The last
# argument is the size of their finest marks in pixels: one for pictures of 128.


def _flattened(rgb, unit, levels=4):
    return (blur(rgb, unit) * levels).round() / levels


def paper_cut(subject, ground, unit):
    alpha = subject[:, 3:]
    body = torch.cat((_flattened(subject[:, :3], unit) * (alpha > 0.5), (alpha > 0.5).float()), 1)
    rim = grow(alpha, 2 * unit).clamp(0, 1)
    white = torch.cat((rim.expand(-1, 3, -1, -1) * 0.97, rim), 1)
    shadow = blur(torch.roll(rim, (4 * unit, 4 * unit), (2, 3)), 2 * unit) * 0.45
    dark = torch.cat((torch.zeros_like(shadow).expand(-1, 3, -1, -1), shadow), 1)
    below = torch.cat((_flattened(ground[:, :3], unit, 5), ground[:, 3:]), 1)
    return over(over(body, white), over(dark, below))


def pixel_art(subject, ground, unit):
    block = 4 * unit
    small = F.avg_pool2d(over(subject, ground), block)
    solid = F.avg_pool2d(ground[:, 3:], block) > 0.5
    alpha = torch.where(solid, torch.ones_like(small[:, 3:]), (small[:, 3:] > 0.5).float())
    rgb = (small[:, :3] / small[:, 3:].clamp(min=1e-3) * 6).round() / 6
    return F.interpolate(torch.cat((rgb.clamp(0, 1) * alpha, alpha), 1), scale_factor=block, mode="nearest")


def pencil(subject, ground, unit):
    whole = over(subject, ground)
    paper = whole[:, :3] + (1 - whole[:, 3:])
    line = (edges(paper, unit) * 3.2).clamp(0, 1)
    grey = (0.95 - 0.85 * line) * (0.72 + 0.28 * luminance(paper)).clamp(0, 1)
    alpha = whole[:, 3:]
    return torch.cat((grey.expand(-1, 3, -1, -1) * alpha, alpha), 1)


def neon(subject, ground, unit):
    whole = over(subject, ground)
    line = (edges(subject[:, :3] + 0.35 * (1 - subject[:, 3:]), unit) * 2.6).clamp(0, 1)
    rgb = subject[:, :3] / subject[:, 3:].clamp(min=1e-2)
    bright = (blur(rgb * subject[:, 3:], 2 * unit) / blur(subject[:, 3:], 2 * unit).clamp(min=0.05))
    bright = (bright / bright.amax(1, keepdim=True).clamp(min=0.2)).clamp(0, 1)
    glow = (line + 0.9 * blur(line, 3 * unit)).clamp(0, 1)
    light = bright * glow + 0.25 * line
    alpha = torch.maximum(ground[:, 3:], (grow(subject[:, 3:], 3 * unit)).clamp(0, 1))
    dark = 0.16 * whole[:, :3]
    return torch.cat(((dark + light).clamp(0, 1) * alpha, alpha), 1)


def watercolour(subject, ground, unit):
    whole = over(subject, ground)
    alpha = whole[:, 3:]
    soft = blur(whole, unit)
    rgb = soft[:, :3] / soft[:, 3:].clamp(min=1e-2)
    washed = 1 - (1 - rgb) * 0.70
    rim = (edges(rgb, unit) * 1.3).clamp(0, 0.30)
    return torch.cat(((washed - rim).clamp(0, 1) * alpha, alpha), 1)


def outline(subject, ground, unit):
    rim = grow(subject[:, 3:], 3 * unit).clamp(0, 1)
    ink = torch.cat((torch.zeros_like(rim).expand(-1, 3, -1, -1) + 0.06 * rim, rim), 1)
    return over(over(subject, ink), ground)


FINISHES = [globals()[name.replace(" ", "_")] for name in FINISH_NAMES]


class Stage:
    """The atlas and the backgrounds on a device, and the drawing of scenes with them."""

    def __init__(self, *shelves, device="cpu", unit=UNIT, halved=False):
        """Each shelf: uint8 [things, ways of drawing each, side, side, 4], premultiplied: the atlas first, then products,
        clip art. unit: the size of a finish's finest marks, in pixels. halved: for pictures of half the size."""
        flat = [shelf.reshape(-1, *shelf.shape[2:]) for shelf in shelves]
        self.shelves, self.firsts = flat, np.cumsum([0, *map(len, flat)])
        bank = torch.from_numpy(backgrounds.bank())
        if halved:
            bank, unit = F.avg_pool2d(bank.flatten(0, 1).float(), 2).round().byte().unflatten(0, bank.shape[:2]), unit // 2
        self.bank = bank.to(device)
        self.tints = torch.tensor(list(words.TINTS.values()), device=device)
        self.colours = torch.tensor(list(words.COLOURS.values()), device=device)
        self.device, self.unit = device, unit

    def sprites(self, which):
        """[len(which), 4, side, side] in 0..1."""
        shelf = np.searchsorted(self.firsts, which, "right") - 1
        found = np.stack([self.shelves[k][i - self.firsts[k]] for k, i in zip(shelf, which)])
        return torch.from_numpy(found).to(self.device).permute(0, 3, 1, 2).float() / 255

    def drawn(self, figures, height, width):
        """Each figure alone on nothing, [figures, 4, H, W]."""
        short = min(height, width)
        theta = np.zeros((len(figures), 2, 3), np.float32)
        for i, f in enumerate(figures):
            c, s = np.cos(np.radians(f.turn)), np.sin(np.radians(f.turn))
            # From target coordinates (-1..1 over width and height) back to the sprite's: turned back, then set upright,
            # widened and flipped back.
            turned = np.array([[c, s], [-s, c]]) @ np.diag([width, height]) / (short * f.scale)
            across = (-1 if f.flip else 1) / f.squeeze
            back = np.array([[across, across * f.lean], [0, 1]]) @ turned
            theta[i, :, :2] = back
            theta[i, :, 2] = -back @ np.array([2 * f.x - 1, 2 * f.y - 1])
        sprites = self.sprites([f.sprite for f in figures])
        drawn = torch.empty(len(figures), 4, height, width, device=self.device)
        levels = np.array([np.log2(max(sprites.shape[-1] / (1.2 * short * f.scale), 1)) for f in figures]).astype(int)
        for level in np.unique(levels):  # reduced first by what is too fine for the picture
            rows = (levels == level).nonzero()[0]
            grid = F.affine_grid(torch.from_numpy(theta[rows]).to(self.device), (len(rows), 4, height, width), align_corners=False)
            drawn[rows] = F.grid_sample(F.avg_pool2d(sprites[rows], 2 ** int(level)), grid, padding_mode="zeros", align_corners=False)
        some = [i for i, f in enumerate(figures) if f.tint is not None]
        if some:
            drawn[some] = tinted(drawn[some], self.tints[[figures[i].tint for i in some]])
        return drawn

    def ground(self, scenes, height, width):
        out = torch.zeros(len(scenes), 4, height, width, device=self.device)
        tensor = lambda values: torch.tensor(values, device=self.device)
        drawn = [i for i, s in enumerate(scenes) if s.background and s.background[0] == "scene"]
        if drawn:
            room_y, room_x = self.bank.shape[-2] - height, self.bank.shape[-1] - width
            crops = [scenes[i].crop for i in drawn]
            # The horizon moves by a few pixels only; sideways the whole bank is used.
            top = tensor([round(room_y / 2 + (y - 0.5) * min(room_y, 10 * self.unit)) for _, y in crops])
            left = tensor([round(room_x * x) for x, _ in crops])
            rows = (top[:, None] + torch.arange(height, device=self.device))[:, None, :, None]
            columns = (left[:, None] + torch.arange(width, device=self.device))[:, None, None, :]
            other = tensor([scenes[i].mirrored for i in drawn])[:, None, None, None]
            columns = torch.where(other, self.bank.shape[-1] - 1 - columns, columns)
            which = tensor([(scenes[i].background[1], scenes[i].variant) for i in drawn])[:, :, None, None, None]
            channels = torch.arange(3, device=self.device)[None, :, None, None]
            out[drawn, :3] = self.bank[which[:, 0], which[:, 1], channels, rows, columns].float() / 255
        coloured = [i for i, s in enumerate(scenes) if s.background and s.background[0] != "scene"]
        if coloured:
            shade = tensor([scenes[i].shade for i in coloured])[:, None]
            colour = (self.colours[[scenes[i].background[1] for i in coloured]] + shade)[:, :, None, None]
            steep = tensor([0.28 * (scenes[i].background[0] == "gradient") for i in coloured])[:, None, None, None]
            ramp = steep * torch.linspace(1, -1, height, device=self.device)[:, None]
            out[coloured, :3] = (colour + ramp).clamp(0, 1).expand(-1, -1, -1, width)
        out[drawn + coloured, 3] = 1
        return out

    def shadows(self, figures, height, width):
        """What is left of the light under each figure: a soft dark ellipse, [figures, 1, H, W] in 0..1."""
        short = min(height, width)
        column = lambda values: torch.tensor(values, device=self.device)[:, None, None]
        size = column([f.scale * short for f in figures])
        cx, cy = column([f.x * width for f in figures]), column([f.y * height for f in figures]) + 0.46 * size
        ys = torch.linspace(0, 1, height, device=self.device)[None, :, None] * height
        xs = torch.linspace(0, 1, width, device=self.device)[None, None, :] * width
        # exp of a sum is the product of two short vectors' exps: no exp over the whole picture.
        down, across = torch.exp(-(((ys - cy) / (0.075 * size)) ** 2)), torch.exp(-(((xs - cx) / (0.40 * size)) ** 2))
        return (1 - 0.38 * down * across)[:, None]

    def compose(self, scenes, height, width, with_masks=False):
        """[B, 4, H, W] in 0..1, premultiplied; with masks also each figure's coverage [B, figures, H, W]."""
        ground = self.ground(scenes, height, width)
        subject = torch.zeros(len(scenes), 4, height, width, device=self.device)
        masks = torch.zeros(len(scenes), max((len(s.figures) for s in scenes), default=0), height, width, device=self.device) if with_masks else None
        for slot in range(max((len(s.figures) for s in scenes), default=0)):
            rows = [i for i, s in enumerate(scenes) if slot < len(s.figures)]
            layer = self.drawn([scenes[i].figures[slot] for i in rows], height, width)
            if with_masks:
                masks[rows, slot] = layer[:, 3]
            subject[rows] = over(layer, subject[rows]) if slot else layer
            standing = [i for i in rows if scenes[i].background is not None]
            if standing:
                ground[standing, :3] *= self.shadows([scenes[i].figures[slot] for i in standing], height, width)
        out = over(subject, ground)
        for index, finish in enumerate(FINISHES):
            rows = [i for i, s in enumerate(scenes) if s.finish == index]
            if rows:
                out[rows] = finish(subject[rows], ground[rows], self.unit).clamp(0, 1)
        return (out, masks) if with_masks else out
