"""What training begins with: the blocks of version 0.8.0, which drew pixels, with ends fitted to latents.

    python begin.py                              begin.pt, from the weights that ship, latents.pt and tokenizer.json
    python begin.py --state OLD --latents OLD    from a state of other latents: when the encoder was trained on after all

Token (i, j) covers the same part of a picture of 256 as patch (i, j) did of one of 128. The new embedding takes latents
to what the old one made of the same pictures, by least squares; the new output takes from what the old one predicted.
Words keep what the old tokenizer's pieces meant.
"""

import argparse
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
from train import BEGIN, build_model, load

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


def of_pixels():
    """The model that ships, its tokenizer, and what it saw of pictures of 256."""
    return shipped.model(), shipped.tokenizer(), lambda pictures: shipped.Patches().tokens(F.avg_pool2d(pictures, 2))


def of_latents(state, latents):
    return load(state), tok.load(), Latents(latents).tokens


@torch.no_grad()
def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--state")
    p.add_argument("--latents")
    o = p.parse_args()
    torch.set_num_threads(1)
    before, tokenizer, tokens = of_latents(o.state, o.latents) if o.state else of_pixels()
    sprites, names = atlas.load()
    stage, tasks, r = Stage(sprites), Tasks(names), random.Random(5)
    scenes = [tasks.picture(r).target for _ in range(PICTURES)]
    pictures = torch.cat([stage.compose(scenes[i : i + 16], SIDE, SIDE) for i in range(0, PICTURES, 16)])
    z, known = Latents().tokens(pictures), tokens(pictures)
    where = places(SIDE // SPAN, SIDE // SPAN).expand(len(z), -1, -1)
    model = build_model()
    weights, old = model.state_dict(), before.state_dict()
    weights.update({n: t for n, t in old.items() if weights[n].shape == t.shape})
    rows = lambda *parts: torch.cat(parts, -1).flatten(0, 1)
    embedding, explained = fitted(rows(z, where), rows(known, before.denoiser.leaning * where) @ old["denoiser.x_embedder.weight"].T, 1e-2)
    weights["denoiser.x_embedder.weight"] = embedding
    output, also = fitted(rows(known), rows(z), 1e-3)
    weights["denoiser.proj_out.weight"] = output @ old["denoiser.proj_out.weight"]
    name = "text_encoder.embed_tokens.weight"
    weights[name] = words(old[name], tokenizer, tok.load())
    save(BEGIN, model=weights)
    print(f"explained: embedding {explained:.3f}, output {also:.3f}; {len(weights[name])} tokens, {len(old[name])} before")


if __name__ == "__main__":
    main()
