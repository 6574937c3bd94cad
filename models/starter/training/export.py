"""Writes trained weights as a model folder: denoiser, text encoder and tokenizer as diffusers and others lay them out, and
the autoencoder beside them.

    python export.py --out FOLDER                      student.pt; `--state` for another, or the mean of several
    python export.py --layout gguf --out FOLDER        the denoiser as GGUF Q8_0; `single`: the original authors' one file

Not what ships yet: the engine reads no autoencoder of ours so far, and the manifest says what it will have to read.
"""

import argparse
import json
from pathlib import Path

import torch

import latents
import tokenizer as tok
import vocabulary as words
from distil import STUDENT
from form import CHANNELS, SHAPES, SIDE, SPAN
from language import language, sizes
from layouts import write_folder
from train import build_model, load

VERSION = "0.9.0"


def manifest():
    return {
        "schema": 1,
        "name": "likeness-starter",
        "version": VERSION,
        "family": "flux2",
        "licence": "Apache-2.0",
        "prediction_type": "sample",
        "image": {"channels": 4, "alpha": "premultiplied", "autoencoder": "vae"},
        "text": {"max_tokens": tok.MAX_TOKENS, "pad_multiple": tok.PAD_MULTIPLE, "pad_token_id": tok.PAD},
        "defaults": {"width": SIDE, "height": SIDE, "steps": 4, "guidance": 1.0, "sampler": "flow_euler", "schedule": "default"},
        "limits": {"min_side": min(map(min, SHAPES)), "max_side": max(map(max, SHAPES)), "multiple": SPAN, "max_references": 2},
        "vocabulary": {
            "subjects": [words.phrases(s)[0] for s in words.SUBJECTS],
            "styles": [p[0] for p in words.STYLES.values()],
            "finishes": [p[0] for p in words.FINISHES.values()],
            "backgrounds": [p[0] for p in words.SCENES.values()] + [words.TRANSPARENT[0]],
            "tints": list(words.TINTS),
            "colours": list(words.COLOURS),
        },
        "sizes": sizes(),
        "language": language(),
    }


@torch.no_grad()
def mean(models):
    """One model whose weights are the mean of theirs: states of one training are near enough for it to be better than
    each of them (arXiv 2203.05482)."""
    first, *others = models
    for p, *same in zip(first.parameters(), *(other.parameters() for other in others)):
        p += sum(q - p for q in same) / len(models)
    return first


def without_places(model):
    """The same network, once places have faded out of it."""
    if model.denoiser.leaning > 0:
        raise SystemExit(f"it still leans on places by {model.denoiser.leaning:.2f}: train on")
    weights = model.state_dict()
    weights["denoiser.x_embedder.weight"] = weights["denoiser.x_embedder.weight"][:, :CHANNELS]
    out = build_model(leaning=False)
    out.load_state_dict(weights)
    return out.eval()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--state", type=Path, nargs="+", default=[STUDENT], help="the mean of several")
    p.add_argument("--out", type=Path, required=True)
    p.add_argument("--layout", choices=["diffusers", "single", "gguf"], default="diffusers")
    o = p.parse_args()
    model = without_places(mean([load(state) for state in o.state]))
    half = lambda module: {n: t.half().float() for n, t in module.state_dict().items()}
    config, text = model.denoiser.config.as_diffusers(), model.text_encoder.config.as_json()
    write_folder(o.out, manifest(), config, half(model.denoiser), text, half(model.text_encoder), tok.load(), o.layout)
    latents.export(o.out / "vae")
    print(json.dumps({"out": str(o.out), "parameters": sum(p.numel() for p in model.parameters())}))


if __name__ == "__main__":
    main()
