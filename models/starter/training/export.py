"""Writes trained weights as model folders that the engine, diffusers and others read.

    python export.py                         build/student.pt to models/starter, the folder that ships (diffusers, f16)
    python export.py --layout gguf --out X   the same as GGUF Q8_0; `single` is the original authors' one file
    python export.py --back                  models/starter to build/state.pt and its tokenizer, to train on from what shipped
"""

import argparse
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file

import tokenizer as tok
import vocabulary as words
from form import BUILD, FORM
from distil import STUDENT
from language import language, sizes
from layouts import DENOISER, TEXT_ENCODER, TOKENIZER, write_folder
from loop import save
from network import PLACES
from sample import load
from train import STATE, build_model

STARTER = Path(__file__).parent.parent
VERSION = "0.8.0"


def manifest():
    return {
        "schema": 1,
        "name": "likeness-starter",
        "version": VERSION,
        "family": "flux2",
        "licence": "Apache-2.0",
        "prediction_type": "sample",
        "image": {"channels": 4, "patch_size": 16, "alpha": "premultiplied", "place_features": PLACES},
        "text": {"max_tokens": tok.MAX_TOKENS, "pad_multiple": tok.PAD_MULTIPLE, "pad_token_id": tok.PAD},
        "defaults": {"width": FORM.side, "height": FORM.side, "steps": 4, "guidance": 1.0, "sampler": "flow_euler", "schedule": "default"},
        "limits": {"min_side": FORM.limits[0], "max_side": FORM.limits[1], "multiple": 16, "max_references": 2},
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


def back(folder):
    """What `write_folder` wrote, as a training state and the tokenizer that its text encoder reads. The optimiser begins
    afresh; how many samples it took is in NOTES.md."""
    shutil.copy(folder / TOKENIZER, tok.PATH)
    model = build_model()
    for module, path in ((model.denoiser, DENOISER), (model.text_encoder, TEXT_ENCODER)):
        module.load_state_dict({n: t.float() for n, t in load_file(folder / path).items()})
    weights = model.state_dict()
    save(STATE, model=weights, averaged=weights, step=0, samples=0)


@torch.no_grad()
def mean(models):
    """One model whose weights are the mean of theirs: states of one training are near enough for it to be better than
    each of them (arXiv 2203.05482)."""
    first, *others = models
    for p, *same in zip(first.parameters(), *(other.parameters() for other in others)):
        p += sum(q - p for q in same) / len(models)
    return first


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--state", type=Path, nargs="+", default=[STUDENT], help="build/state.pt for weights that are not distilled; the mean of several")
    p.add_argument("--out", type=Path, default=STARTER)
    p.add_argument("--layout", choices=["diffusers", "single", "gguf"], default="diffusers")
    p.add_argument("--back", action="store_true")
    o = p.parse_args()
    if o.back:
        return back(o.out)
    model = mean([load(state) for state in o.state])
    tokenizer = tok.load()
    half = lambda module: {n: t.half().float() for n, t in module.state_dict().items()}
    write_folder(
        o.out,
        manifest(),
        model.denoiser.config.as_diffusers(),
        half(model.denoiser),
        model.text_encoder.config.as_json(),
        half(model.text_encoder),
        tokenizer,
        o.layout,
    )
    print(json.dumps({"out": str(o.out), "parameters": sum(p.numel() for p in model.parameters())}))


if __name__ == "__main__":
    main()
