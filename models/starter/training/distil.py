"""Distils guided sampling in many steps into four steps without guidance.

    python distil.py --minutes 20 --guidance 2.0

The student stands at sigma in {1, 3/4, 1/2, 1/4} and learns the one prediction whose single Euler step lands where
the teacher's guided steps land (progressive distillation, arXiv 2202.00512, with guidance folded in as in
arXiv 2210.03142). Starts from the averaged weights of build/state.pt, writes build/student.pt; resumes from it.
"""

import argparse
import os
import time

import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

import tokenizer as tok
from atlas import BUILD
from batches import USUAL, Batches
from optimiser import Optimiser
from sample import euler_step, guided, load
from scenes import Stage
from tasks import Tasks
from train import STATE, corrupted, save

STUDENT = BUILD / "student.pt"
SIGMAS = [1.0, 0.75, 0.5, 0.25, 0.0]
EMA = 0.99


def target_of(predict, x, now, then, substeps):
    """The prediction at `now` whose one step to `then` equals the teacher's `substeps` steps."""
    levels = [now + (then - now) * i / substeps for i in range(substeps)]
    landed = x
    for a, b in zip(levels, [*levels[1:], then]):
        landed = euler_step(predict, landed, a, b)
    return x - (x - landed) * now / (now - then)


def run(rank, o):
    torch.set_num_threads(o.threads)
    world = o.processes
    if world > 1:
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="29518")
        dist.init_process_group("gloo", rank=rank, world_size=world)
    torch.manual_seed(0)
    teacher = load(STATE).requires_grad_(False)
    student, step, samples = load(STATE), 0, 0
    averaged = {n: p.detach().clone() for n, p in student.named_parameters()}
    if STUDENT.exists():
        state = torch.load(STUDENT, map_location="cpu")
        student.load_state_dict(state["model"])
        averaged, step, samples = state["averaged"], state["step"], state["samples"]
    student.train()
    optimiser = Optimiser(student)
    data = np.load(BUILD / "atlas.npz")
    batches = Batches(Stage(data["atlas"]), Tasks(list(data["names"])), tok.load(), o.batch, 10**6 + step, rank)
    generator = torch.Generator().manual_seed(10**7 + 1000 * step + rank)
    network = torch.compile(student) if o.compile else student
    rotations = {}
    start = saved = last = time.time()
    first, seen, losses = step, 0, {}
    while True:
        elapsed = (time.time() - start) / 60 / o.minutes
        rate = o.rate * min(1.0, (step - first + 1) / 30, max(0.0, 1 - elapsed) / 0.7)
        batch = batches.next()
        length = batch.ids.shape[1]
        key = (length, batch.grid, len(batch.reference_grids))
        if key not in rotations:
            rotations[key] = [student.denoiser.rotations(n, batch.grid, batch.reference_grids) for n in (length, tok.PAD_MULTIPLE)]
        index = int(torch.randint(0, 4, (1,), generator=torch.Generator().manual_seed(step)))
        now, then = SIGMAS[index], SIGMAS[index + 1]
        sigma = torch.full((len(batch.ids),), now)
        x = corrupted(batch.target, sigma, generator)
        with torch.autocast("cpu", torch.bfloat16):
            with torch.no_grad():
                text = teacher.text_encoder(batch.ids)
                empty = teacher.text_encoder(torch.full((len(batch.ids), tok.PAD_MULTIPLE), tok.PAD))
                predict = guided(teacher, text, empty, rotations[key], batch.references, o.guidance)
                target = target_of(predict, x, now, then, o.substeps).clamp(-1.3, 1.3)
            prediction = (network if batch.kind in USUAL else student)(x, sigma, batch.ids, rotations[key][0], batch.references)
        error = ((prediction.float() - target).pow(2).mean(2) * batch.weight).mean()
        (error / now).backward()
        gradients = [p.grad if p.grad is not None else torch.zeros_like(p) for p in student.parameters()]
        if world > 1:
            flat = torch.cat([g.flatten() for g in gradients]).bfloat16()
            dist.all_reduce(flat)
            for g, f in zip(gradients, (flat.float() / world).split([g.numel() for g in gradients])):
                g.copy_(f.view_as(g))
        for p, g in zip(student.parameters(), gradients):
            p.grad = g
        torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimiser.step(rate)
        student.zero_grad(set_to_none=True)
        with torch.no_grad():
            weight = min(EMA, (step + 1) / (step + 10))
            torch._foreach_lerp_(list(averaged.values()), [p.detach() for p in student.parameters()], 1 - weight)
        step, samples, seen = step + 1, samples + len(batch.ids) * world, seen + len(batch.ids) * world
        losses.setdefault(now, []).append(error.item())
        t = time.time()
        if rank == 0 and t - last > 60:
            print(f"step {step} samples {samples} {seen / (t - last):.0f}/s rate {rate:.1e} " + "  ".join(f"sigma {s}: {np.mean(v):.5f}" for s, v in sorted(losses.items())), flush=True)
            seen, losses, last = 0, {}, t
        stop = torch.tensor([float(elapsed >= 1 or (BUILD / "stop").exists())])
        if world > 1 and step % 5 == 0:
            dist.all_reduce(stop)
        done = stop.item() > 0 and (world == 1 or step % 5 == 0)
        if rank == 0 and (done or t - saved > 120):
            save(STUDENT, model=student.state_dict(), averaged=averaged, step=step, samples=samples)
            saved = t
        if done:
            break


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--minutes", type=float, default=20)
    p.add_argument("--processes", type=int, default=2)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--batch", type=int, default=64)
    p.add_argument("--rate", type=float, default=3e-4)
    p.add_argument("--guidance", type=float, default=2.0)
    p.add_argument("--substeps", type=int, default=3)
    p.add_argument("--compile", action=argparse.BooleanOptionalAction, default=True)
    o = p.parse_args()
    (BUILD / "stop").unlink(missing_ok=True)
    run(0, o) if o.processes == 1 else mp.spawn(run, (o,), nprocs=o.processes)


if __name__ == "__main__":
    main()
