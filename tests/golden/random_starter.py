"""Writes a model with random weights in the exact layout and size of the starter, for trying out the
program before anything is trained:

    python tests/golden/random_starter.py FOLDER [--width 256] [--patch 16]
"""

import argparse
from pathlib import Path

import torch
from diffusers import Flux2Transformer2DModel

import reference

WORDS = "a red fox on a snowy beach, paper cut. two blue cats in space, pencil. a green mug, transparent"

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("folder", type=Path)
parser.add_argument("--width", type=int, default=256)
parser.add_argument("--patch", type=int, default=16)
args = parser.parse_args()
torch.set_num_threads(1)

model_config = dict(
    patch_size=1,
    in_channels=4 * args.patch**2,
    out_channels=None,
    num_layers=2,
    num_single_layers=6,
    attention_head_dim=64,
    num_attention_heads=args.width // 64,
    joint_attention_dim=256,
    timestep_guidance_channels=256,
    mlp_ratio=3.0,
    axes_dims_rope=[16, 16, 16, 16],
    rope_theta=2000,
    eps=1e-6,
    guidance_embeds=False,
)
text_config = dict(
    model_type="likeness_text",
    vocab_size=2048,
    hidden_size=256,
    num_layers=2,
    num_heads=4,
    intermediate_size=512,
    max_positions=32,
    norm_eps=1e-6,
)
manifest = {
    "schema": 1,
    "name": "random-starter",
    "version": "0.0.0",
    "family": "flux2",
    "licence": "Apache-2.0",
    "prediction_type": "sample",
    "image": {"channels": 4, "patch_size": args.patch, "alpha": "premultiplied"},
    "text": {"max_tokens": 32, "pad_multiple": 8, "pad_token_id": 0},
    "defaults": {"width": 128, "height": 128, "steps": 4, "guidance": 1.0, "sampler": "flow_euler", "schedule": "default"},
    "limits": {"min_side": 64, "max_side": 256, "multiple": 16, "max_references": 3},
    "vocabulary": {"subjects": [], "styles": [], "finishes": [], "backgrounds": [], "tints": []},
}
state = reference.randomise(Flux2Transformer2DModel(**model_config).state_dict(), seed=1)
text_state = reference.random_text_encoder(text_config, seed=2)
tokenizer = reference.train_tokenizer([WORDS], 400)
reference.write_folder(args.folder, manifest, model_config, state, text_config, text_state, tokenizer)
print(args.folder)
