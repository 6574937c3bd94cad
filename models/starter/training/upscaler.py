"""The network that makes pictures two and four times as large: trained, shown, measured and exported here.

    python upscaler.py train --minutes 40    resumes from build/upscaler.pt; ends by itself, or saves and ends when told to
    python upscaler.py sheet samples.png     what goes in, what comes out, and the originals, for eyes
    python upscaler.py export                ../../upscaler: weights and manifest
    python upscaler.py evaluate              the table of the model card, from what was exported

Premultiplied RGBA in 0..1 goes in. Out comes what is to be added to a bicubic enlargement, so that a network
that knows nothing yet enlarges as programs do; `bicubic` below is its whole definition, and the engine's is the same.
"""

import argparse
import hashlib
import json
import math
import random
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from PIL import Image

import loop
from form import BUILD
from optimiser import Optimiser

STATE = BUILD / "upscaler.pt"
OUT = Path(__file__).parents[2] / "upscaler"
VERSION = "0.1.0"
CHANNELS, BLOCKS, SCALES = 64, 12, (2, 4)
ROUNDING = 0.01  # size of an error that hardly matters

# ------------------------------------------------------------------------------------------ network


def keys_weight(d):
    """How much a pixel at distance d counts in a bicubic enlargement: Keys' cubic with a = -1/2."""
    d = abs(d)
    if d < 1:
        return 1.5 * d**3 - 2.5 * d**2 + 1
    return -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2 if d < 2 else 0.0


def bicubic(x, by):
    """[B, C, H, W] to [B, C, by H, by W]. Pixel number i of the result has its middle at (i + 1/2) / by of the source,
    whose pixels have theirs at j + 1/2; it is the sum of the two pixels on either side in each direction by
    `keys_weight` of the distance. Beyond the border the last pixel goes on."""
    taps = [[keys_weight((p + 0.5) / by - 0.5 - d) for d in range(-2, 3)] for p in range(by)]
    taps = torch.tensor(taps, dtype=torch.float64).to(x)
    kernel = torch.einsum("ik,jl->ijkl", taps, taps).reshape(by * by, 1, 5, 5)
    b, c, h, w = x.shape
    padded = F.pad(x, (2,) * 4, mode="replicate").reshape(b * c, 1, h + 4, w + 4)
    return F.pixel_shuffle(F.conv2d(padded, kernel), by).reshape(b, c, by * h, by * w)


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return x + self.conv2(F.silu(self.conv1(x)))


class Upscaler(nn.Module):
    """One trunk, and a head for each scale. A result pixel depends on `reach` pixels in each direction."""

    def __init__(self, channels=CHANNELS, blocks=BLOCKS, scales=SCALES):
        super().__init__()
        self.conv_in = nn.Conv2d(4, channels, 3, padding=1)
        self.blocks = nn.ModuleList(Block(channels) for _ in range(blocks))
        self.conv_out = nn.Conv2d(channels, channels, 3, padding=1)
        self.heads = nn.ModuleDict({str(by): nn.Conv2d(channels, 4 * by * by, 3, padding=1) for by in scales})
        with torch.no_grad():  # at first a bicubic enlargement, through blocks that change little
            # What is even says nothing: a network that answers to differences alone does not have to unlearn colours.
            self.conv_in.weight.sub_(self.conv_in.weight.mean((2, 3), keepdim=True)).mul_(3)
            for name, p in self.named_parameters():
                if name.endswith("bias"):
                    p.zero_()
            for block in self.blocks:
                block.conv2.weight.mul_(0.3)
            for head in self.heads.values():
                head.weight.mul_(0.002)

    def residual(self, x, by):
        """[B, 4, H, W] to [B, 4 by², H, W]."""
        first = self.conv_in(x)
        h = first
        for block in self.blocks:
            h = block(h)
        return self.heads[str(by)](first + self.conv_out(h))

    def forward(self, x, by):
        """[B, 4, H, W] to [B, 4, by H, by W]."""
        return bicubic(x, by) + F.pixel_shuffle(self.residual(x, by).float(), by)


# ----------------------------------------------------------------------------------------- training


class Crops(torch.utils.data.IterableDataset):
    """(scale, what goes in, what should come out), without end."""

    def __init__(self, count, seed, rank):
        self.count, self.seed, self.rank = count, seed, rank

    def __iter__(self):
        from sharp import Originals

        worker = torch.utils.data.get_worker_info()
        seed = self.seed + 7919 * (self.rank * worker.num_workers + worker.id if worker else self.rank)
        originals, r = Originals(1 + seed), random.Random(seed)
        scales = random.Random(self.seed)  # the same in all processes, so that none waits for another's longer step
        while True:
            by = 4 if scales.random() < 0.6 else 2
            yield by, *batch(originals, r, self.count, by)


def batch(originals, r, count, by):
    from sharp import CROP, PATCH, damaged

    wanted = originals.next(count)
    side = PATCH * by
    if side < CROP:
        if r.random() < 0.5:
            wanted = F.avg_pool2d(wanted, CROP // side)
        else:
            y, x = r.randrange(CROP - side + 1), r.randrange(CROP - side + 1)
            wanted = wanted[:, :, y : y + side, x : x + side]
    return torch.stack([damaged(one, by, r) for one in wanted]), wanted


def loss_of(found, wanted):
    """The error over black, over white and of alpha, and that of the steps between neighbours, which are what is seen.
    Below `ROUNDING` an error counts little: there, most pixels would speak of nothing but how a byte was rounded."""
    views = lambda x: torch.cat((x[:, :3], x[:, :3] - x[:, 3:], x[:, 3:]), 1)
    size = lambda error: ((error.square() + ROUNDING**2).sqrt() - ROUNDING).mean()
    error = views(found) - views(wanted)
    return size(error) + 0.25 * (size(error.diff(dim=2)) + size(error.diff(dim=3)))


def optimiser(model):
    """Muon for the trunk's convolutions. What the heads say is small, and so are their steps."""
    trunk = lambda name, p: p.ndim == 4 and name.startswith(("blocks.", "conv_out"))
    return Optimiser(model, trunk, lambda name: 0.06 if name.startswith("heads.") else 0.3, decay=0.0)


def begin(rank, step, options):
    model = Upscaler().to(options.device)
    crops = Crops(options.batch, step, rank)
    drawn = iter(torch.utils.data.DataLoader(crops, batch_size=None, num_workers=options.workers))

    def work():
        by, given, wanted = next(drawn)
        given, wanted = given.to(options.device), wanted.to(options.device)
        with torch.autocast(options.device, torch.bfloat16):
            residual = model.residual(given.to(memory_format=torch.channels_last), by)
        plain = bicubic(given, by)
        loss = loss_of(plain + F.pixel_shuffle(residual.float(), by), wanted)
        # Beside what a bicubic enlargement would have lost, since crops differ more than steps do.
        told = {f"x{by}": (loss.detach(), loss_of(plain, wanted))}
        return loop.Work(loss, len(given), told)

    return loop.Job(model, optimiser(model), work, decay=0.998, clip=0.5)


def train(options):
    from sharp import bank

    bank()  # before there are processes that would each draw it
    loop.run(STATE, begin, options)


def load_averaged():
    model, state = Upscaler(), torch.load(STATE, map_location="cpu")
    model.load_state_dict(state["averaged"])
    return model.eval()


# ------------------------------------------------------------------------------------------- export


def write_model(model, folder, name, version):
    """`model.safetensors` in half floats, and `upscaler.json`, which says what it is."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "model.safetensors"
    save_file({n: t.half().contiguous() for n, t in model.state_dict().items()}, path)
    manifest = {
        "schema": 1,
        "kind": "upscaler",
        "name": name,
        "version": version,
        "licence": "Apache-2.0",
        "scales": sorted(int(by) for by in model.heads),
        "channels": model.conv_in.out_channels,
        "blocks": len(model.blocks),
        "files": [{"path": path.name, "bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}],
    }
    (folder / "upscaler.json").write_text(json.dumps(manifest, indent=1) + "\n")


def read_model(folder):
    from safetensors.torch import load_file

    manifest = json.loads((folder / "upscaler.json").read_text())
    model = Upscaler(manifest["channels"], manifest["blocks"], manifest["scales"])
    model.load_state_dict({n: t.float() for n, t in load_file(folder / "model.safetensors").items()})
    return model.eval()


def export(_):
    model = load_averaged()
    write_model(model, OUT, "likeness-upscaler", VERSION)
    print(f"{sum(p.numel() for p in model.parameters())} parameters, {(OUT / 'model.safetensors').stat().st_size} bytes")


# ----------------------------------------------------------------------------------------- measured


def lanczos(x, by):
    """[4, H, W] enlarged by Pillow, each channel of premultiplied floats by itself."""
    size = (x.shape[2] * by, x.shape[1] * by)
    return torch.stack([torch.from_numpy(np.asarray(Image.fromarray(c.numpy()).resize(size, Image.LANCZOS))) for c in x])


def over(x, ground):
    return x[:3] + ground * (1 - x[3:])


def psnr(found, wanted):
    return -10 * math.log10(max((found - wanted).pow(2).mean().item(), 1e-10))


def slopes(x):
    """How steep colour over white and alpha are, at each pixel."""
    grey = torch.cat((over(x, 1.0).mean(0, keepdim=True), x[3:]))[:, None]
    kernel = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])[None, None] / 4
    padded = F.pad(grey, (1,) * 4, mode="replicate")
    return (F.conv2d(padded, kernel) ** 2 + F.conv2d(padded, kernel.transpose(2, 3)) ** 2).sqrt()


def sharpness(found, wanted):
    """How steep it is where the original has edges, as a share of the original's; None if it has none."""
    there = slopes(wanted)
    edges = there > 0.2
    return None if not edges.any() else (slopes(found)[edges].sum() / there[edges].sum()).item()


def held_out_scenes(count):
    """Originals [4, SIDE, SIDE] of subjects that training never sees: three of four on nothing, the others on grounds."""
    import sharp
    from scenes import SCENE_NAMES, Figure, Scene

    r = random.Random(11)
    pairs = [(name, r.randrange(4)) for name in r.sample(sharp.names()[1], count)]
    stage = sharp.stage(sharp.draw(pairs))
    out = []
    for i in range(count):
        ground = ("scene", i % len(SCENE_NAMES)) if i % 4 == 3 else None
        out.append(stage.compose([Scene([Figure(i, 0.5, 0.5, 0.94)], ground, i % 8)], sharp.SIDE, sharp.SIDE)[0])
    return out


@torch.no_grad()
def evaluate(options):
    """For each scale, and for pictures that are small alone or damaged too: means over the held-out pictures."""
    from sharp import damaged

    torch.set_num_threads(options.threads)
    model = read_model(OUT)
    ways = {
        "ours": lambda x, by: model(x[None], by)[0],
        "Lanczos": lanczos,
        "bicubic": lambda x, by: bicubic(x[None], by)[0],
    }
    originals = held_out_scenes(options.count)
    print("| | | PSNR over white, dB | over black | alpha of cut-outs | steepness of edges |\n|---|---|---|---|---|---|")
    for by in SCALES:
        for strength, words_ in ((0, "small"), (1, "small and damaged")):
            rows = {way: [] for way in ways}
            for i, wanted in enumerate(originals):
                given = damaged(wanted, by, random.Random(100 * by + i), strength)
                for way, enlarge in ways.items():
                    found = enlarge(given, by).clamp(0, 1)
                    alpha = psnr(found[3:], wanted[3:]) if i % 4 != 3 else None
                    rows[way].append((psnr(over(found, 1.0), over(wanted, 1.0)), psnr(found[:3], wanted[:3]), alpha, sharpness(found, wanted)))
            for way, seen in rows.items():
                a, b, c, d = (np.mean([v for v in column if v is not None]) for column in zip(*seen))
                print(f"| ×{by}, {words_} | {way} | {a:.2f} | {b:.2f} | {c:.2f} | {d:.0%} |", flush=True)


@torch.no_grad()
def sheet(options):
    """Rows of what goes in (pixels as blocks), Lanczos, ours, the original: held-out subjects, damaged, ×4."""
    from sharp import damaged
    from sheet import on_checkerboard

    torch.set_num_threads(options.threads)
    model = load_averaged()
    rows = []
    for i, whole in enumerate(held_out_scenes(options.count)):
        given = damaged(whole, 4, random.Random(400 + i), i % 2)
        blocks = F.interpolate(given[None], scale_factor=4)[0]
        cells = [blocks, lanczos(given, 4), model(given[None], 4)[0], whole]
        rows.append(np.concatenate([on_checkerboard(cell.clamp(0, 1).numpy(), 16) for cell in cells], 1))
    half = -(-len(rows) // 2)
    rows += [np.full_like(rows[0], 255)] * (2 * half - len(rows))
    Image.fromarray(np.concatenate([np.concatenate(rows[:half]), np.concatenate(rows[half:])], 1)).save(options.out)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("what", choices=["train", "sheet", "export", "evaluate"])
    p.add_argument("out", nargs="?", help="where the sheet goes")
    loop.arguments(p, minutes=40, rate=1.5e-3, hold=0.4, batch=8)
    p.add_argument("--workers", type=int, default=0, help="processes that draw and damage, beside those that train")
    p.add_argument("--threads", type=int, default=2, help="of all that is not training")
    p.add_argument("--count", type=int, default=40, help="pictures that are measured or shown")
    options = p.parse_args()
    globals()[options.what](options)


if __name__ == "__main__":
    main()
