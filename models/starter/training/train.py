"""Trains text encoder and denoiser together, from noise to pictures.

    python train.py --minutes 60 --processes 2

Flow matching: x = (1 - sigma) picture + sigma noise; the network predicts the picture.
Resumes from build/state.pt if it is there; saves every three minutes, aside and renamed.
The learning rate falls linearly over the second half of the minutes given, so a run is meant to end when it says.
"""

import argparse
import os
import time
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

import tokenizer as tok
from atlas import BUILD
from batches import USUAL, Batches
from network import DenoiserConfig, Starter, TextConfig
from optimiser import Optimiser
from scenes import Stage
from tasks import Tasks

STATE = BUILD / "state.pt"
AVERAGE_EVERY = 4
EMA = 0.98  # the rate falls to nothing at the end of a run, which does most of the averaging


def noise_levels(count, generator):
    """sigma = 1 - sigmoid(N(-1, 1)), a tenth uniform: most of the work is at the noisy end."""
    t = torch.sigmoid(torch.randn(count, generator=generator) - 1.0)
    uniform = torch.rand(count, generator=generator)
    return 1 - torch.where(torch.rand(count, generator=generator) < 0.1, uniform, t)


def corrupted(target, sigma, generator):
    noise = torch.randn(target.shape, generator=generator)
    s = sigma[:, None, None]
    return (1 - s) * target + s * noise


def loss_of(prediction, target, sigma, weight):
    """Per sample: the loss, and the plain error of the picture. The velocity's own weight would be 1 / sigma²; the
    square is left out, since what a picture shows is decided at the noisy end and four steps end at 1/4."""
    error = ((prediction.float() - target).pow(2).mean(2) * weight).mean(1)
    return error / sigma.clamp(min=0.1), error


@torch.no_grad()
def average(parameters, world):
    """Processes walk on their own and meet in the middle every few steps: on a CPU, where a step is a second, many small
    steps teach more than few large ones, and exchanging gradients at each would cost as much as computing them."""
    parameters = list(parameters)
    flat = torch.cat([p.flatten() for p in parameters])
    dist.all_reduce(flat)
    for p, f in zip(parameters, flat.div_(world).split([p.numel() for p in parameters])):
        p.copy_(f.view_as(p))


def save(path, **state):
    aside = path.with_suffix(".tmp")
    torch.save(state, aside)
    os.replace(aside, path)


def build_model():
    return Starter(DenoiserConfig(), TextConfig(vocab_size=tok.load().get_vocab_size(), num_layers=2))


def run(rank, options):
    torch.set_num_threads(options.threads)
    world = options.processes
    if world > 1:
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="29517")
        dist.init_process_group("gloo", rank=rank, world_size=world)
    torch.manual_seed(0)
    model = build_model()
    averaged = {n: p.detach().clone() for n, p in model.named_parameters()}
    optimiser, step, samples = Optimiser(model), 0, 0
    if STATE.exists():
        state = torch.load(STATE, map_location="cpu")
        model.load_state_dict(state["model"])
        averaged, step, samples = state["averaged"], state["step"], state["samples"]
        if "optimiser" in state:
            optimiser.restore(state["optimiser"])
    data = np.load(BUILD / "atlas.npz")
    batches = Batches(Stage(data["atlas"]), Tasks(list(data["names"]), two=0.30, style_said=0.85), tok.load(), options.batch, step, rank)
    generator = torch.Generator().manual_seed(1000 * step + rank)
    network = torch.compile(model) if options.compile else model
    rotations = {}
    start = saved = last = time.time()
    seen, losses, drawing, micro = 0, {}, 0.0, 0
    first = step
    while True:
        elapsed = (time.time() - start) / 60 / options.minutes
        rate = options.rate * min(1.0, (step - first + 1) / (20 if first else 150), max(0.0, (1 - elapsed) / (1 - options.hold)))
        t = time.time()
        batch = batches.next()
        drawing += time.time() - t
        key = (batch.ids.shape[1], batch.grid, len(batch.reference_grids))
        if key not in rotations:
            rotations[key] = model.denoiser.rotations(batch.ids.shape[1], batch.grid, batch.reference_grids)
        sigma = noise_levels(len(batch.ids), generator)
        x = corrupted(batch.target, sigma, generator)
        with torch.autocast("cpu", torch.bfloat16):
            prediction = (network if batch.kind in USUAL else model)(x, sigma, batch.ids, rotations[key], batch.references)
        loss, error = loss_of(prediction, batch.target, sigma, batch.weight)
        (loss.mean() / options.accumulate).backward()
        micro += 1
        seen, samples = seen + len(batch.ids) * world, samples + len(batch.ids) * world
        # For each kind of batch, the picture's error by noise level: low, middle, high.
        for lo, hi in ((0, 0.4), (0.4, 0.75), (0.75, 1.01)):
            some = (sigma >= lo) & (sigma < hi)
            if some.any():
                losses.setdefault((batch.kind, hi), []).append(error[some].mean().item())
        if micro % options.accumulate:
            continue
        for p in model.parameters():
            p.grad = torch.zeros_like(p) if p.grad is None else p.grad
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step(rate)
        model.zero_grad(set_to_none=True)
        if world > 1 and (step + 1) % AVERAGE_EVERY == 0:
            average(model.parameters(), world)
        with torch.no_grad():
            weight = min(EMA, (step + 1) / (step + 20))
            torch._foreach_lerp_(list(averaged.values()), [p.detach() for p in model.parameters()], 1 - weight)
        step += 1
        now = time.time()
        if rank == 0 and now - last > 60:
            kinds = sorted({k for k, _ in losses})
            report = "  ".join(f"{k} " + "/".join(f"{np.mean(losses.get((k, h), [0])):.4f}" for h in (0.4, 0.75, 1.01)) for k in kinds)
            print(f"step {step} samples {samples} {seen / (now - last):.0f}/s drawing {drawing / (now - last):.0%} rate {rate:.1e}  {report}", flush=True)
            seen, losses, drawing, last = 0, {}, 0.0, now
        stop = torch.tensor([float(elapsed >= 1 or (BUILD / "stop").exists())])
        if world > 1 and step % 10 == 0:
            dist.all_reduce(stop)
        done = stop.item() > 0 and (world == 1 or step % 10 == 0)
        if rank == 0 and (done or now - saved > 180):
            save(STATE, model=model.state_dict(), averaged=averaged, optimiser=optimiser.state(), step=step, samples=samples)
            saved = now
        if done:
            break


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--minutes", type=float, default=60)
    p.add_argument("--processes", type=int, default=2)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--batch", type=int, default=64, help="per process; reference batches take a share of it")
    p.add_argument("--accumulate", type=int, default=1, help="batches to a step of the optimiser")
    p.add_argument("--rate", type=float, default=2e-3)
    p.add_argument("--hold", type=float, default=0.5, help="share of the time before the rate begins to fall")
    p.add_argument("--compile", action=argparse.BooleanOptionalAction, default=True)
    options = p.parse_args()
    (BUILD / "stop").unlink(missing_ok=True)
    if options.processes == 1:
        run(0, options)
    else:
        mp.spawn(run, (options,), nprocs=options.processes)


if __name__ == "__main__":
    main()
