"""Trains text encoder and denoiser together, from noise to pictures.

    python train.py --minutes 60 --processes 2
    LIKENESS_FORM=full python train.py --minutes 8 --device cuda --batch 512 --carry DIR

Flow matching: x = (1 - sigma) picture + sigma noise; the network predicts the picture.
Resumes from build/state.pt if it is there; `loop.py` says how it goes on and ends.
"""

import argparse

import torch

import atlas
import loop
import products
import tokenizer as tok
from batches import PATCH, USUAL, Batches, Planner
from form import BUILD, FORM
from network import DenoiserConfig, Starter, TextConfig
from optimiser import Optimiser
from scenes import Stage
from tasks import Tasks

STATE = BUILD / "state.pt"
# Of tasks: more than usual of what is hard, which is to tell two subjects apart.
EDITS = {"background": 3, "recolour": 5, "finish": 2, "remove": 5, "add": 4, "style": 2}
SHARES = dict(two=0.45, several=0.06, style_said=0.92, products=0.12, edits=EDITS)
BANDS = ((0, 0.4), (0.4, 0.75), (0.75, 1.01))  # of noise, for the log


def noise_levels(count, generator):
    """sigma = 1 - sigmoid(N(-1, 1)), a tenth uniform: most of the work is at the noisy end."""
    draw = dict(generator=generator, device=generator.device)
    t = torch.sigmoid(torch.randn(count, **draw) - 1.0)
    uniform = torch.rand(count, **draw)
    return 1 - torch.where(torch.rand(count, **draw) < 0.1, uniform, t)


def corrupted(target, sigma, generator):
    noise = torch.randn(target.shape, generator=generator, device=generator.device)
    s = sigma[:, None, None]
    return (1 - s) * target + s * noise


SEAM = 0.25  # what a jump of the error over an edge between patches counts beside the error itself


def seams(off, grid):
    """How much an error [B, N, 4 p p] jumps over the edges between patches, [B]: mean squares. Patches are drawn by one
    linear map each, so a plain error leaves an edge to be seen wherever two neighbours are wrong in different ways."""
    off = off.unflatten(2, (4, PATCH, PATCH)).unflatten(1, grid)  # [B, rows, columns, 4, p, p]
    beside = off[:, :, 1:, ..., 0] - off[:, :, :-1, ..., -1]
    below = off[:, 1:, :, :, 0] - off[:, :-1, :, :, -1]
    return 0.5 * (beside.pow(2).flatten(1).mean(1) + below.pow(2).flatten(1).mean(1))


def loss_of(prediction, target, sigma, weight, grid):
    """Per sample: the loss, and the plain error of the picture. The velocity's own weight would be 1 / sigma²; the
    square is left out, since what a picture shows is decided at the noisy end and four steps end at 1/4."""
    off = prediction.float() - target
    error = (off.pow(2).mean(2) * weight).mean(1)
    return (error + SEAM * seams(off, grid)) / sigma.clamp(min=0.1), error


def build_model():
    text = TextConfig(vocab_size=tok.load().get_vocab_size(), num_layers=FORM.text_layers, max_positions=FORM.tokens)
    return Starter(DenoiserConfig(num_attention_heads=FORM.heads), text)


def optimiser(model):
    """Muon for the matrices inside the blocks."""
    return Optimiser(model, lambda name, p: p.ndim == 2 and any(part in name for part in ("transformer_blocks", "layers.")))


def drawn_batches(options, seed, rank, **shares):
    """Batches of this process, on its device."""
    sprites, names = atlas.load()
    turning = products.load() if shares.get("products") else None
    planner = Planner(Tasks(names, **shares), tok.load(), options.batch, seed, rank)
    accelerated = options.device != "cpu"
    # Drawing costs a fifth of a training step on a processor, and next to nothing on an accelerator.
    return Batches(Stage(sprites, options.device, products=turning), planner, uses=1 if accelerated else 3, workers=options.workers)


class Rotations:
    """The rotary tables of a shape of batch: made once."""

    def __init__(self, denoiser):
        self.denoiser, self.made = denoiser, {}

    def of(self, batch, length=None):
        key = (length or batch.ids.shape[1], batch.grid, len(batch.reference_grids))
        if key not in self.made:
            self.made[key] = self.denoiser.rotations(key[0], batch.grid, batch.reference_grids)
        return self.made[key]


def begin(rank, step, options):
    model = build_model().to(options.device)
    batches = drawn_batches(options, step, rank, **SHARES)
    generator = torch.Generator(options.device).manual_seed(1000 * step + rank)
    network = torch.compile(model) if options.compile else model
    rotations, costs = Rotations(model.denoiser), {}

    def work():
        batch = batches.next()
        sigma = noise_levels(len(batch.ids), generator)
        x = corrupted(batch.target, sigma, generator)
        given = (batch.ids, rotations.of(batch))
        with torch.autocast(options.device, torch.bfloat16):
            if options.peak and batch.kind not in costs:
                two = lambda t: None if t is None else t[:2]
                pass_ = lambda: model(two(x), two(sigma), two(batch.ids), given[1], two(batch.references))
                costs[batch.kind] = loop.operations_of(pass_) / 2
            prediction = (network if batch.kind in USUAL else model)(x, sigma, *given, batch.references)
        loss, error = loss_of(prediction, batch.target, sigma, batch.weight, batch.grid)
        # For each kind of batch, the picture's error by noise level.
        within = {f"{batch.kind} <{hi:.2g}": (sigma >= lo) & (sigma < hi) for lo, hi in BANDS}
        told = {name: ((error.detach() * some).sum(), some.sum()) for name, some in within.items()}
        return loop.Work(loss.mean(), len(batch.ids), told, costs.get(batch.kind, 0.0) * len(batch.ids))

    # The rate falls to nothing at the end of a run, which does most of the averaging.
    return loop.Job(model, optimiser(model), work, decay=0.98)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    loop.arguments(p, minutes=60, rate=2e-3, hold=0.5, batch=64)
    p.add_argument("--workers", type=int, default=0, help="processes that think of tasks, beside those that train")
    p.add_argument("--compile", action=argparse.BooleanOptionalAction, default=True)
    loop.run(STATE, begin, p.parse_args())


if __name__ == "__main__":
    main()
