"""Training states that travel: the averaged weights in half the bytes, in pieces that any channel takes.

A folder holds `weights-0.safetensors` and so on, in bf16, and `progress.json`. The optimiser begins afresh where they
arrive: its state is thrice as large, and 20 steps make up for it.
"""

import json
import os

import torch

PIECE = 15_500_000  # bytes of a file, its header not counted
MOST = 5


def resumed(state, folder):
    """What `loop` saved at `state` or, where there is nothing, what lies in `folder`; None if neither is there."""
    if state.exists():
        return torch.load(state, map_location="cpu")
    return read(folder) if folder and (folder / "progress.json").exists() else None


def read(folder):
    from safetensors.torch import load_file

    progress = json.loads((folder / "progress.json").read_text())
    weights = {}
    for piece in range(progress["pieces"]):
        weights.update({n: t.float() for n, t in load_file(folder / f"weights-{piece}.safetensors").items()})
    return dict(model=weights, averaged=weights, step=progress["step"], samples=progress["samples"])


def write(folder, averaged, step, samples):
    from safetensors.torch import save_file

    pieces, size = [{}], 0
    for name, tensor in averaged.items():
        half = tensor.detach().cpu().bfloat16().contiguous()
        if size + half.nbytes > PIECE and pieces[-1]:
            pieces.append({})
            size = 0
        pieces[-1][name] = half
        size += half.nbytes
    if len(pieces) > MOST:
        raise SystemExit(f"{len(pieces)} pieces of weights, and at most {MOST} travel")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "progress.json").unlink(missing_ok=True)  # until all are there: pieces of two states never pass for one
    for number, piece in enumerate(pieces):
        save_file(piece, folder / f"weights-{number}.safetensors")
    aside = folder / "progress.tmp"
    aside.write_text(json.dumps(dict(pieces=len(pieces), step=step, samples=samples)) + "\n")
    os.replace(aside, folder / "progress.json")
