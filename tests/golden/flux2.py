"""Numbers for the FLUX.2 engine, from diffusers and an independent text encoder.

    python tests/golden/flux2.py                           # tiny random model: tests/golden/tiny/
    python tests/golden/flux2.py --starter models/starter  # shipped weights: tests/golden/starter.safetensors

The tiny model has every size other than the defaults, random norms, and comes in three layouts:
a diffusers folder (f16), the original authors' single file (f32, prefixed), and GGUF Q8_0.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from diffusers import Flux2Transformer2DModel
from safetensors.torch import load_file, save_file

import reference
from reference import noise_tokens, picture_tokens

HERE = Path(__file__).parent
PROMPT, NEGATIVE = "A red Fox on a snowy beach, paper cut", "blurry"


def picture(rows, columns, patch, seed):
    """A smooth RGBA picture with soft edges: what a reference could look like."""
    y, x = np.mgrid[0 : rows * patch, 0 : columns * patch].astype(np.float64)
    y, x = y / (rows * patch), x / (columns * patch)
    waves = [np.sin(2 * np.pi * (x * (seed + 1 + i) + y * (2 + i) + 0.3 * seed)) for i in range(3)]
    alpha = np.clip(3 - 6 * np.hypot(x - 0.5, y - 0.5), 0, 1)
    return (np.stack([*((np.array(waves) + 1) / 2), alpha], -1) * 255).round().astype(np.uint8)


def numbers(model, encode, manifest, grid, reference_grids, every):
    """All numbers of one model. `every`: also the inputs that a test could draw itself."""
    patch = manifest["image"]["patch_size"]
    channels = manifest["image"]["channels"] * patch**2
    out = {"text": encode(PROMPT), "text_empty": encode("")}
    # The noise that `--noise-source torch --seed 7` draws.
    noise = torch.randn((1, channels, *grid), generator=torch.Generator().manual_seed(7))
    x = noise_tokens(noise)
    pictures = [picture(*g, patch, i) for i, g in enumerate(reference_grids)]
    references = [(picture_tokens(p, patch), g) for p, g in zip(pictures, reference_grids)]
    out |= {f"reference_{i}": torch.from_numpy(p) for i, p in enumerate(pictures)}
    text = out["text"]
    out["plain"], _ = model(x, grid, 0.75, text)
    out["referenced"], cache = model(x, grid, 0.75, text, references)
    out["picture"] = model.sample(x, grid, 4, text)
    out["picture_referenced"] = model.sample(x, grid, 4, text, references)
    if every:
        out["noise"] = noise
        out["cached_keys"] = reference.cached_keys(cache)
        out["cached"], _ = model(x, grid, 0.25, text, cache=cache)
        out["text_negative"] = encode(NEGATIVE)
        out["picture_guided"] = model.sample(
            x, grid, 4, text, references, guidance=2.5, negative=out["text_negative"]
        )
        out["picture_heun"] = model.sample(x, grid, 3, text, heun=True)
    return {name: tensor.contiguous() for name, tensor in out.items()}


def save(path, out, grid, reference_grids):
    about = {"prompt": PROMPT, "negative": NEGATIVE, "seed": "7", "grid": json.dumps(grid),
             "reference_grids": json.dumps(reference_grids)}
    save_file(out, path, metadata=about)
    print(path, path.stat().st_size)


def tiny():
    model_config = dict(
        patch_size=1,
        in_channels=64,
        out_channels=None,
        num_layers=2,
        num_single_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        timestep_guidance_channels=32,
        mlp_ratio=3.0,
        axes_dims_rope=[4, 4, 4, 4],
        rope_theta=2000,
        eps=1e-6,
        guidance_embeds=False,
    )
    text_config = dict(
        model_type="likeness_text",
        vocab_size=300,
        hidden_size=32,
        num_layers=2,
        num_heads=2,
        intermediate_size=48,
        max_positions=16,
        norm_eps=1e-6,
    )
    manifest = {
        "schema": 1,
        "name": "tiny",
        "version": "0.0.0",
        "family": "flux2",
        "licence": "Apache-2.0",
        "prediction_type": "sample",
        "image": {"channels": 4, "patch_size": 4, "alpha": "premultiplied"},
        "text": {"max_tokens": 16, "pad_multiple": 4, "pad_token_id": 0},
        "defaults": {"width": 24, "height": 16, "steps": 4, "guidance": 1.0, "sampler": "flow_euler", "schedule": "default"},
        "limits": {"min_side": 8, "max_side": 64, "multiple": 4, "max_references": 2},
        "vocabulary": {"subjects": ["fox"], "styles": [], "finishes": [], "backgrounds": [], "tints": []},
    }
    grid, reference_grids = (4, 6), [(3, 4), (4, 2)]
    state = reference.randomise(Flux2Transformer2DModel(**model_config).state_dict(), seed=1)
    text_state = reference.random_text_encoder(text_config, seed=2)
    tokenizer = reference.train_tokenizer([PROMPT, NEGATIVE, "a fox, a red fox, paper cut beach"], 300)
    for layout in ("diffusers", "single", "gguf"):
        folder = HERE / "tiny" / layout
        meant = reference.write_folder(
            folder, manifest, model_config, state, text_config, text_state, tokenizer, layout
        )
        if layout == "single":
            continue  # the same weights as the folder, so the same numbers
        model = Flux2Transformer2DModel(**model_config)
        model.load_state_dict(meant)
        encode = lambda prompt: reference.text_encoder(
            text_state, text_config, reference.token_ids(tokenizer, prompt, manifest)
        )
        out = numbers(reference.Reference(model), encode, manifest, grid, reference_grids, layout == "diffusers")
        save(HERE / f"tiny/{layout}.safetensors", out, grid, reference_grids)


def starter(folder):
    manifest, model, encode = reference.read_folder(folder)
    multiple = manifest["limits"]["multiple"]
    grid = (manifest["defaults"]["height"] // multiple, manifest["defaults"]["width"] // multiple)
    reference_grids = [grid, (grid[0] - 2, grid[1])]
    out = numbers(model, encode, manifest, grid, reference_grids, every=False)
    check_trainer(folder, manifest, out, grid, reference_grids)
    save(HERE / "starter.safetensors", out, grid, reference_grids)


@torch.no_grad()
def check_trainer(folder, manifest, out, grid, reference_grids):
    """The network that was trained is the network that diffusers runs: the same numbers to 1e-4."""
    from network import Denoiser, DenoiserConfig  # models/starter/training

    config = json.loads((folder / "transformer/config.json").read_text())
    model = Denoiser(DenoiserConfig(**{k: config[k] for k in DenoiserConfig.__dataclass_fields__}))
    state = load_file(folder / "transformer/diffusion_pytorch_model.safetensors")
    model.load_state_dict({name: tensor.float() for name, tensor in state.items()})
    patch, text = manifest["image"]["patch_size"], out["text"][None]
    noise = torch.randn((1, model.config.out_channels, *grid), generator=torch.Generator().manual_seed(7))
    x = noise_tokens(noise)[None]
    pictures = [out[f"reference_{i}"].numpy() for i in range(len(reference_grids))]
    references = torch.cat([picture_tokens(p, patch) for p in pictures])[None]
    sigma = torch.tensor([0.75])
    for name, seen, grids in (("plain", None, []), ("referenced", references, reference_grids)):
        own = model(x, sigma, text, model.rotations(text.shape[1], grid, grids), seen)[0]
        difference = (own - out[name]).abs().max().item()
        print(f"trainer's network against diffusers, {name}: {difference:.1e}")
        assert difference < 1e-4, name


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--starter", type=Path)
args = parser.parse_args()
torch.set_num_threads(1)
starter(args.starter) if args.starter else tiny()
