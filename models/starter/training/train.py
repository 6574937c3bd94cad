"""Trains text encoder and denoiser together, from noise to latents.

    python train.py --minutes 60 --processes 2

Flow matching: x = (1 - sigma) latents + sigma noise; the network predicts the latents. Begins with begin.pt (`begin.py`),
resumes from state.pt if it is there; `loop.py` says how it goes on and ends.
"""

import argparse
import math

import torch

import atlas
import loop
import products
import tokenizer as tok
from batches import Batches, Planner
from form import BUILD, CHANNELS, TOKENS
from latents import Latents
from network import PLACES, DenoiserConfig, Starter, TextConfig
from optimiser import Optimiser
from own import Redrawn
from scenes import Stage
from tasks import Tasks

STATE, BEGIN = BUILD / "state.pt", BUILD / "begin.pt"
# Of tasks: more than usual of what is hard, which is to tell two subjects apart.
EDITS = {"background": 3, "recolour": 5, "finish": 2, "remove": 5, "add": 5, "style": 2, "nothing": 2.4}
SHARES = dict(two=0.34, several=0.06, style_said=0.92, products=0.12, edits=EDITS)
BANDS = ((0, 0.4), (0.4, 0.75), (0.75, 1.01))  # of noise, for the log
SHIFT = 2.0  # of noise levels towards noise: a picture has 8,192 numbers here
FRONT = 32  # channels that carry structure (`train_autoencoder.front`) count again
LEANING = 3_000  # steps in which places fade out
OWN, OWN_FROM = 0.3, 800  # share of edits whose sources the model draws itself, and the step from which on it can


def noise_levels(count, generator):
    """sigma = 1 - sigmoid(N(0, 1)), a tenth uniform, all of them moved towards noise."""
    draw = dict(generator=generator, device=generator.device)
    normal = 1 - torch.sigmoid(torch.randn(count, **draw))
    sigma = torch.where(torch.rand(count, **draw) < 0.1, torch.rand(count, **draw), normal)
    return SHIFT * sigma / (1 + (SHIFT - 1) * sigma)


def corrupted(target, sigma, generator):
    noise = torch.randn(target.shape, generator=generator, device=generator.device)
    s = sigma[:, None, None]
    return (1 - s) * target + s * noise


def loss_of(prediction, target, sigma, weight):
    """Per sample: the loss, and the plain error of the latents. The velocity's own weight would be 1 / sigma²; the
    square is left out, since what a picture shows is decided at the noisy end and four steps end at 1/4."""
    off = (prediction.float() - target).pow(2)
    error = (off.mean(2) * weight).mean(1)
    structure = (off[..., :FRONT].mean(2) * weight).mean(1)
    return (error + 0.5 * structure) / sigma.clamp(min=0.1), error


def build_model(leaning=True):
    """With places beside latents while they fade out, and without, as it ships."""
    text = TextConfig(vocab_size=tok.load().get_vocab_size(), max_positions=TOKENS)
    return Starter(DenoiserConfig(in_channels=CHANNELS + PLACES * leaning), text)


def leaning(step):
    return 0.5 + 0.5 * math.cos(math.pi * min(1.0, step / LEANING))


def load(path=STATE, weights="averaged"):
    """The weights of a training state, or of a distilled one (`distil.Distilled`)."""
    state = torch.load(path, map_location="cpu", mmap=True)
    model = build_model()
    model.load_state_dict({n.removeprefix("student."): t for n, t in state[weights].items() if not n.startswith(("heads.", "leaning"))})
    told = state["model"].get("leaning")
    model.denoiser.leaning = leaning(state["step"]) if told is None else told.item()
    return model.eval()


def optimiser(model):
    """Muon for the matrices inside the blocks."""
    return Optimiser(model, lambda name, p: p.ndim == 2 and any(part in name for part in ("transformer_blocks", "layers.")))


def drawn_batches(options, seed, rank, **shares):
    """Batches of this process, on its device. Products are among them once they are drawn."""
    sprites, names = atlas.load()
    shares["products"] = shares["products"] if products.DRAWN.exists() else 0.0
    planner = Planner(Tasks(names, **shares), tok.load(), options.batch, seed, rank)
    stage = Stage(sprites, *([products.load()] if shares["products"] else []), device=options.device)
    return Batches(stage, planner, Latents(device=options.device), workers=options.workers)


class Rotations:
    """The rotary tables of a shape of batch: made once."""

    def __init__(self, denoiser):
        self.denoiser, self.made = denoiser, {}

    def of(self, batch, length=None):
        key = (length or batch.ids.shape[1], batch.grid, tuple(batch.reference_grids))
        if key not in self.made:
            self.made[key] = self.denoiser.rotations(*key)
        return self.made[key]


def begin(rank, step, options):
    model = build_model()
    model.load_state_dict(torch.load(BEGIN, mmap=True)["model"])
    model = model.to(options.device)
    batches = drawn_batches(options, step, rank, **SHARES)
    generator = torch.Generator(options.device).manual_seed(1000 * step + rank)
    rotations, at = Rotations(model.denoiser), [step]
    batches.redrawn = Redrawn(model, batches.codec, generator)

    def work():
        model.denoiser.leaning, at[0] = leaning(at[0]), at[0] + 1
        batches.own = OWN if at[0] > OWN_FROM else 0.0
        batch = batches.next()
        sigma = noise_levels(len(batch.ids), generator)
        x = corrupted(batch.target, sigma, generator)
        with torch.autocast(options.device, torch.bfloat16):
            prediction = model(x, sigma, batch.ids, rotations.of(batch), batch.references)
        loss, error = loss_of(prediction, batch.target, sigma, batch.weight)
        # For each kind of batch, the latents' error by noise level.
        within = {f"{batch.kind} <{hi:.2g}": (sigma >= lo) & (sigma < hi) for lo, hi in BANDS}
        told = {name: ((error.detach() * some).sum(), some.sum()) for name, some in within.items()}
        return loop.Work(loss.mean(), len(batch.ids), told)

    # The rate falls to nothing at the end of a run, which does most of the averaging.
    return loop.Job(model, optimiser(model), work, decay=0.98)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    loop.arguments(p, minutes=60, rate=1.2e-3, hold=0.5, batch=24)
    p.add_argument("--workers", type=int, default=0, help="processes that think of tasks, beside those that train")
    loop.run(STATE, begin, p.parse_args())


if __name__ == "__main__":
    main()
