"""stable-diffusion.cpp, in one process: makes a picture of 512 x 512 from an SD1.5-shaped checkpoint with random
weights, and prints one JSON object with what its log says and the most memory that it held.

    python bench/sdcpp.py PATH_OF_sd-cli sd15 --precision f16 --threads 2

Its program takes whole checkpoints only. Other works end with a message: FLUX.2 klein would need its text encoder
of four thousand million weights beside the blocks that are measured.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

STEPS = 2


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("work")
    parser.add_argument("--precision", default="f16")
    parser.add_argument("--runs", type=int, default=1, help="pictures; the last is what counts")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--models", type=Path, default=Path(__file__).parents[1] / "target/bench-models")
    given = parser.parse_args()
    if given.work != "sd15":
        sys.exit(f"stable-diffusion.cpp is not run on {given.work}: see bench/sdcpp.py")
    folder = given.models / "sd15-f16"
    if not (folder / "model_index.json").exists():
        # In a process of its own, whose memory does not count here.
        code = f"import sdcpp, pathlib; sdcpp.write_checkpoint(pathlib.Path({str(folder)!r}))"
        subprocess.run([sys.executable, "-B", "-c", code], check=True, cwd=Path(__file__).parent, stdout=sys.stderr)
    command = [given.program, "-m", folder, "-p", "a red fox", "-W", "512", "-H", "512", "--steps", str(STEPS)]
    command += ["--cfg-scale", "1", "--seed", "7", "-t", str(given.threads), "--type", given.precision]
    command += ["-o", given.models / "sdcpp.png"]
    started = time.perf_counter()
    for _ in range(given.runs):
        printed, peak = watched(command)
    whole = (time.perf_counter() - started) / given.runs
    step, decode = said(printed, "sampling completed") / STEPS, said(printed, "decode_first_stage completed")
    print(json.dumps({
        "peer": "stable-diffusion.cpp",
        "work": given.work,
        "precision": given.precision,
        "threads": given.threads,
        "seconds": whole,
        "step_seconds": step,
        "decode_seconds": decode,
        "peak_memory": peak,
        "version": f"stable-diffusion.cpp (a step {step:.2f} s, a decode {decode:.2f} s)",
    }))  # fmt: skip


def said(log, what):
    """The seconds behind `what` in the log."""
    found = re.search(re.escape(what) + r", taking ([0-9.]+)s", log)
    if not found:
        sys.exit(f"its log does not say '{what}': {log[-500:]}")
    return float(found[1])


def write_checkpoint(folder):
    """A folder as diffusers writes it: UNet, autoencoder and text encoder, in f16."""
    import torch
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from safetensors.torch import save_file

    import works

    print("making an SD1.5-shaped checkpoint for stable-diffusion.cpp…", file=sys.stderr)
    torch.set_default_dtype(torch.float16)

    def save(name, file, tensors):
        (folder / name).mkdir(parents=True, exist_ok=True)
        save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, folder / name / file)

    unet = works.invented(UNet2DConditionModel, **works.SD15_UNET)
    save("unet", "diffusion_pytorch_model.safetensors", unet.state_dict())
    vae = works.invented(AutoencoderKL, **works.SD15_VAE)
    save("vae", "diffusion_pytorch_model.safetensors", vae.state_dict())
    save("text_encoder", "model.safetensors", text_encoder(works.noise))
    # Last: where it is, all is.
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "StableDiffusionPipeline"}))


def text_encoder(noise):
    """CLIP ViT-L/14's text half: twelve layers of 768 numbers, under the names it is published with."""
    width, inner, shapes = 768, 3072, {}
    shapes["embeddings.token_embedding.weight"] = (49408, width)
    shapes["embeddings.position_embedding.weight"] = (77, width)
    for i in range(12):
        layer = f"encoder.layers.{i}."
        matrices = {f"self_attn.{part}_proj": (width, width) for part in "qkv"}
        matrices |= {"self_attn.out_proj": (width, width), "mlp.fc1": (inner, width), "mlp.fc2": (width, inner)}
        for name, shape in matrices.items():
            shapes |= {layer + name + ".weight": shape, layer + name + ".bias": shape[:1]}
        for norm in ("layer_norm1", "layer_norm2"):
            shapes |= {layer + norm + ".weight": (width,), layer + norm + ".bias": (width,)}
    shapes |= {"final_layer_norm.weight": (width,), "final_layer_norm.bias": (width,)}
    return {f"text_model.{name}": noise(*shape) * width**-0.5 for name, shape in shapes.items()}


def watched(command):
    """What a program prints, and the most bytes that it held; none where the system does not tell."""
    program = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    printed, peak = program.stdout.read(), None
    if hasattr(os, "wait4"):
        # Of this one program, where the module `resource` would tell of all that were started.
        _, status, usage = os.wait4(program.pid, 0)
        program.returncode = os.waitstatus_to_exitcode(status)
        peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    if program.wait() != 0:
        sys.exit(f"{command[0]} failed: {printed[-500:]}")
    return printed, peak


if __name__ == "__main__":
    main()
