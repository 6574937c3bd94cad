"""What training begins with: the blocks of version 0.8.0, which drew pixels, with ends fitted to latents.

    python begin.py        begin.pt, from the weights that ship, latents.pt and tokenizer.json

Token (i, j) covers the same part of a picture of 256 as patch (i, j) did of one of 128. The new embedding takes latents
to what the old one made of the same pictures at half the size, by least squares; the new output takes from what the old
one predicted of these pixels. Words keep what the old tokenizer's pieces meant.
"""

import random

import torch
import torch.nn.functional as F

import atlas
import shipped
import tokenizer as tok
from form import SIDE, SPAN
from latents import Latents
from loop import save
from network import places
from scenes import Stage
from tasks import Tasks
from train import BEGIN, build_model

PICTURES = 256


def fitted(given, wanted, ridge):
    """The matrix [out, in] that takes rows of `given` nearest to rows of `wanted`, and the share of their spread that it
    explains."""
    square = given.T @ given
    square += ridge * square.diagonal().mean() * torch.eye(len(square))
    matrix = torch.linalg.solve(square, given.T @ wanted).T
    return matrix, 1 - (given @ matrix.T - wanted).pow(2).sum() / (wanted - wanted.mean(0)).pow(2).sum()


def words(before, old, new):
    """Embeddings [new tokens, width]: of a token that the old tokenizer has its own, of another the mean of its pieces'."""
    known, out = old.get_vocab(), torch.zeros(new.get_vocab_size(), before.shape[1])
    for token, i in new.get_vocab().items():
        ids = [known[token]] if token in known else old.encode(new.decode([i]).strip()).ids
        out[i] = before[ids].mean(0) if ids else before.mean(0)
    return out


@torch.no_grad()
def main():
    torch.set_num_threads(1)
    sprites, names = atlas.load()
    stage, tasks, r = Stage(sprites), Tasks(names), random.Random(5)
    scenes = [tasks.picture(r).target for _ in range(PICTURES)]
    pictures = torch.cat([stage.compose(scenes[i : i + 16], SIDE, SIDE) for i in range(0, PICTURES, 16)])
    z, pixels = Latents().tokens(pictures), shipped.Patches().tokens(F.avg_pool2d(pictures, 2))
    where = places(SIDE // SPAN, SIDE // SPAN).expand(len(z), -1, -1)
    model, before = build_model(), shipped.model()
    weights, old = model.state_dict(), before.state_dict()
    weights.update({n: t for n, t in old.items() if weights[n].shape == t.shape})
    rows = lambda *parts: torch.cat(parts, -1).flatten(0, 1)
    embedding, explained = fitted(rows(z, where), rows(pixels, where) @ old["denoiser.x_embedder.weight"].T, 1e-2)
    weights["denoiser.x_embedder.weight"] = embedding
    output, also = fitted(rows(pixels), rows(z), 1e-3)
    weights["denoiser.proj_out.weight"] = output @ old["denoiser.proj_out.weight"]
    name = "text_encoder.embed_tokens.weight"
    weights[name] = words(old[name], shipped.tokenizer(), tok.load())
    save(BEGIN, model=weights)
    print(f"explained: embedding {explained:.3f}, output {also:.3f}; {len(weights[name])} tokens, {len(old[name])} before")


if __name__ == "__main__":
    main()
