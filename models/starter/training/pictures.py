"""What the autoencoder learns from: pictures as the starter is taught them, at every shape, sprites beside one another,
products and clip art, near enough that their details fill a crop. Nothing of what is held out."""

import random

import torch

import atlas
import clipart
import products
from form import SHAPES, SIDE
from scenes import TINT_NAMES, Figure, Scene, Stage
from tasks import Tasks

AT_ONCE = 6  # pictures of one shape that are drawn together
SQUARE = 0.5  # of them


class Pictures:
    """`some()` draws a few of one shape, [AT_ONCE, 4, H, W] in 0..1 premultiplied."""

    def __init__(self, seed, clips=0.3):
        sprites, names = atlas.load()
        drawings, called = clipart.load()
        turning = products.load() if products.DRAWN.exists() else sprites[:0]
        self.stage, self.tasks, self.r = Stage(sprites, drawings[:, None], turning), Tasks(names), random.Random(seed)
        clips_from, products_from = self.stage.firsts[1:3]
        self.drawings = [clips_from + i for i, name in enumerate(called) if not clipart.held_out(name)]
        views, kept = turning.shape[1], products.EACH - products.HIDDEN
        turned = [i for i in range(len(turning)) if i % products.EACH < kept]
        self.turned = [products_from + i * views + view for i in turned for view in range(views)]
        self.clips = clips

    def scene(self):
        r, u = self.r, self.r.random()
        if u < self.clips:
            return self.drawing()
        if u < self.clips + 0.08 and self.turned:
            return self.beside(self.turned)
        if u < self.clips + 0.25:
            return self.beside([self.tasks.sprite(n, style) for n in r.sample(self.tasks.shown, 8) for style in range(4)])
        if u < self.clips + 0.45:
            task = self.tasks.reference(r)
            return r.choice([task.target, *task.references])
        return self.tasks.picture(r).target

    def drawing(self):
        """Of clip art: what is looked at closely, and as large as a subject is."""
        r = self.r
        tint = r.randrange(len(TINT_NAMES)) if r.random() < 0.1 else None
        figure = Figure(r.choice(self.drawings), r.uniform(0.3, 0.7), r.uniform(0.3, 0.7), r.uniform(0.7, 1.8), r.gauss(0, 8), tint)
        background = None if r.random() < 0.5 else self.tasks.background(r)[0]
        return Scene([figure], **self.tasks.view(r, background))

    def beside(self, sprites):
        """Several of any size, over one another too."""
        r = self.r
        figures = [Figure(r.choice(sprites), r.random(), r.random(), r.uniform(0.25, 1.0), r.gauss(0, 15), None, r.random() < 0.5) for _ in range(r.choice((1, 2, 4)))]
        background = None if r.random() < 0.3 else self.tasks.background(r)[0]
        return Scene(figures, **self.tasks.view(r, background))

    @torch.no_grad()
    def some(self):
        size = SHAPES[0] if self.r.random() < SQUARE else self.r.choice(SHAPES[1:])
        return self.stage.compose([self.scene() for _ in range(AT_ONCE)], *size)


class Crops:
    """`next(count, side)` gives squares [count, 4, side, side] in -1..1 from a pool of pictures that is renewed slowly."""

    def __init__(self, pictures, pool=384, renew=0.25):
        """renew: how many new pictures for one crop."""
        self.pictures, self.size, self.renew, self.owed = pictures, pool, renew, 0.0
        self.r, self.pool = pictures.r, []

    def fill(self, wanted):
        while len(self.pool) < wanted:
            self.pool.extend((self.pictures.some() * 255).round().byte())

    def next(self, count, side):
        self.fill(min(self.size, max(96, len(self.pool) + AT_ONCE)))
        self.owed += self.renew * count
        while len(self.pool) >= self.size and self.owed >= AT_ONCE:
            self.owed -= AT_ONCE
            for new in (self.pictures.some() * 255).round().byte():
                self.pool[self.r.randrange(len(self.pool))] = new
        return torch.stack([self.crop(self.r.choice(self.pool), side) for _ in range(count)]).float() / 127.5 - 1

    def crop(self, picture, side, tries=3):
        """A crop in which there is something, if that is soon found."""
        for _ in range(tries):
            top, left = (self.r.randrange(0, v - side + 1) for v in picture.shape[1:])
            crop = picture[:, top : top + side, left : left + side]
            if crop.amin((1, 2)).ne(crop.amax((1, 2))).any():
                break
        return crop.flip(2) if self.r.random() < 0.5 else crop


@torch.no_grad()
def held_out(count=64):
    """Renders of sprites that nothing is trained on, in new scenes: [count, 4, SIDE, SIDE] in 0..1, the same every time,
    and how much a subject covers each pixel, [count, 1, SIDE, SIDE]."""
    sprites, names = atlas.load()
    stage, tasks, r = Stage(sprites), Tasks(names), random.Random(20_011)
    scenes = [tasks.reference(r, tasks.hidden[i % len(tasks.hidden)]).target for i in range(count)]
    parts = [stage.compose(scenes[i : i + 16], SIDE, SIDE, with_masks=True) for i in range(0, count, 16)]
    return torch.cat([p for p, _ in parts]), torch.cat([m.amax(1, keepdim=True) for _, m in parts])
