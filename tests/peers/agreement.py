"""The same tasks through Lowshot and through the NumPy version: do the labels agree?

    python agreement.py --lowshot PATH [--tasks 200]

Ends with 0 if at least 99.9 % of the labels agree in every setting, and the programs of the other methods (OTHERS)
end with 0 as well, else with 1.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent

# Mode and further settings, by the name Lowshot gives them.
SETTINGS = [
    {"mode": "nearest-prototype"},
    {"mode": "nearest-prototype", "rectify": True},
    {"mode": "k-means"},
    {"mode": "k-modes"},
    {"mode": "slk-means"},
    {"mode": "slk-means", "graph": "symmetric"},
    {"mode": "slk-means", "clamp_support": True},
    {"mode": "slk-means", "query_shift": False, "knn": 5},
    {"mode": "slk-ms"},
    {"mode": "slk-ms", "sigma_norm": "edges"},
    {"mode": "slk-bo"},
    {"mode": "laplacian-shot"},
    {"mode": "laplacian-shot", "rectify": True},
]
MIN_AGREEMENT = 0.999

# Each takes --lowshot PATH, runs the method itself, and compares.
OTHERS = [
    "add_one_in.py",
    "conformal_information_pursuit.py",
    "lasso_amtrl.py",
    "learn_to_active_learn.py",
    "lp_sensitivity.py",
    "tarot.py",
]


def text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def lowshot(program, data, setting, out):
    line = [program, "run", "prototype-laplacian", "--quiet", "--out", str(out)]
    line += ["--input", f"features={data / 'features.npz'}", "--input", f"episodes={data / 'episodes.json'}"]
    for name, value in {"normalization": "l2n", "compare": "none", **setting}.items():
        line += ["--set", f"{name}={text(value)}"]
    subprocess.run(line, check=True, stdout=subprocess.DEVNULL)
    return json.loads((out / "predictions.json").read_text())


def numpy(data, setting, out):
    line = [sys.executable, str(HERE / "prototype_laplacian.py"), "--normalization", "l2n", "--dtype", "float64"]
    line += ["--features", str(data / "features.npz"), "--episodes", str(data / "episodes.json"), "--out", str(out)]
    for name, value in setting.items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            line.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            line += [f"--{flag}", str(value)]
    subprocess.run(line, check=True, stdout=subprocess.DEVNULL)
    return json.loads(out.read_text())


def agreement(a, b):
    if len(a) != len(b):
        raise SystemExit(f"{len(a)} and {len(b)} tasks")
    pairs = [(p, q) for x, y in zip(a, b) for p, q in zip(x["predicted"], y["predicted"], strict=True)]
    return sum(p == q for p, q in pairs) / len(pairs)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lowshot", required=True, help="the native binary")
    parser.add_argument("--tasks", type=int, default=200)
    options = parser.parse_args()
    worst = 1.0
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        make = [sys.executable, str(HERE / "make_features.py"), "episodes", "--out", folder]
        subprocess.run([*make, "--tasks", str(options.tasks)], check=True, stdout=subprocess.DEVNULL)
        for place, setting in enumerate(SETTINGS):
            ours = lowshot(options.lowshot, data, setting, data / f"run-{place}")
            theirs = numpy(data, setting, data / f"numpy-{place}.json")
            share = agreement(ours, theirs)
            worst = min(worst, share)
            name = " ".join(f"{k}={text(v)}" for k, v in setting.items())
            print(f"{share:.5f} of {options.tasks * 75} labels agree: {name}", flush=True)
    if worst < MIN_AGREEMENT:
        print(f"too few: at least {MIN_AGREEMENT} must agree", file=sys.stderr)
        return 1
    lines = [[sys.executable, str(HERE / name), "--lowshot", options.lowshot] for name in OTHERS]
    return int(any([subprocess.run(line, check=False).returncode for line in lines]))


if __name__ == "__main__":
    sys.exit(main())
