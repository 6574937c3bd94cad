"""One peer, one work, one process: builds, warms up, runs, and prints one JSON object.

    python bench/peer.py torch sd15-unet --precision bf16 --runs 5 --threads 2
    python bench/peer.py openvino sd15-vae --precision f32
    python bench/peer.py torch conv3x3:320x64x64

`cargo xtask bench --peers` calls it in turn with `likeness bench`, which takes the same names.
"""

import argparse
import json
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "target/bench-models"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer", choices=["torch", "openvino", "convert"])
    parser.add_argument("work")
    parser.add_argument("--precision", choices=["f32", "bf16"], default="bf16")
    parser.add_argument("--size", type=int, default=512, help="pixels of a side of the picture")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--models", type=Path, default=FOLDER, help="where OpenVINO's form of the networks is kept")
    parser.add_argument("--layout", choices=["rows", "channels-last"], help="PyTorch's; without it the faster")
    given = parser.parse_args()
    # Read when a library loads, so set before any is imported.
    os.environ["OMP_NUM_THREADS"] = str(given.threads)
    warnings.filterwarnings("ignore")
    if given.peer == "convert":
        return convert(given)
    building = time.perf_counter()
    run, about = {"torch": with_torch, "openvino": with_openvino}[given.peer](given)
    built, first = time.perf_counter(), run_seconds(run)
    busy = time.process_time()
    # Short works are run more often, so that a run that was disturbed does not count.
    runs = max(given.runs, min(200, int(1 / max(first, 1e-4))))
    seconds = sorted(run_seconds(run) for _ in range(runs))
    middle = (seconds[(runs - 1) // 2] + seconds[runs // 2]) / 2
    print(json.dumps({
        "peer": given.peer,
        "work": given.work,
        "precision": given.precision,
        "threads": given.threads,
        "runs": runs,
        "seconds": middle,
        "spread": (seconds[-1] - seconds[0]) / middle,
        "processor_seconds": (time.process_time() - busy) / runs,
        "first_seconds": first,
        "build_seconds": built - building,
        "peak_memory": peak_memory(),
        **about,
    }))  # fmt: skip


def run_seconds(run):
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def with_torch(given):
    import diffusers
    import torch
    from works import CHANNELS_LAST, work

    torch.set_num_threads(given.threads)
    torch.set_default_dtype({"f32": torch.float32, "bf16": torch.bfloat16}[given.precision])
    module, inputs = work(given.work, given.size)
    last = given.layout == "channels-last"
    if given.layout is None:
        last = (given.work, given.precision) in CHANNELS_LAST
    if last:
        module = module.to(memory_format=torch.channels_last)
        inputs = [x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x for x in inputs]

    @torch.inference_mode()
    def run():
        return module(*inputs)

    return run, {
        "version": f"PyTorch {torch.__version__}, diffusers {diffusers.__version__}",
        "instruction_set": torch.backends.cpu.get_cpu_capability(),
        "layout": "channels last" if last else "rows",
    }


def with_openvino(given):
    import numpy as np
    import openvino as ov

    path = converted(given)
    if not path.exists():
        # In a process of its own, whose memory does not count here.
        subprocess.run([sys.executable, "-B", __file__, "convert", *sys.argv[2:]], check=True, stdout=sys.stderr)
    core = ov.Core()
    model = core.compile_model(str(path), "CPU", {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": given.precision,
        "INFERENCE_NUM_THREADS": given.threads,
        "NUM_STREAMS": 1,
    })  # fmt: skip
    draw = np.random.default_rng(2)
    # The one input of a single number is the timestep.
    draw_one = lambda shape: draw.standard_normal(shape, np.float32) if len(shape) > 1 else np.array([500.0], np.float32)
    inputs = [ov.Tensor(draw_one(list(port.shape))) for port in model.inputs]
    request = model.create_infer_request()
    capabilities = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return lambda: request.infer(inputs), {
        "version": f"OpenVINO {ov.__version__.split('-')[0]}",
        "instruction_set": " ".join(capabilities),
    }


def converted(given):
    import openvino as ov

    return given.models / f"{given.work}-{given.size}-{ov.__version__.split('-')[0]}.xml"


def convert(given):
    """OpenVINO's form of a network, with weights in f32: its own precision is chosen when it is compiled."""
    import openvino as ov
    import torch
    from works import work

    print(f"converting {given.work} for OpenVINO…", file=sys.stderr)
    module, inputs = work(given.work, given.size)
    with torch.inference_mode():
        model = ov.convert_model(module, example_input=inputs, input=[tuple(x.shape) for x in inputs])
    given.models.mkdir(parents=True, exist_ok=True)
    ov.save_model(model, converted(given), compress_to_fp16=False)


def peak_memory():
    """Most bytes that this process held; none where the system does not tell."""
    try:
        import resource
    except ImportError:
        return None
    # In kilobytes, and on macOS in bytes.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


main()
