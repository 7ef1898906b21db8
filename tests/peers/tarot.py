"""The same selections through Lowshot and through NumPy: whitening, layers, and the cut of the last layer.

    python tarot.py --lowshot PATH [--seeds 5]

The tie rule is `nearest-target`, which needs no transport solver. Ends with 0 if at least 98 % of the places hold the same
row, else with 1: Lowshot ranks similarities in single precision, and where two candidates are equal to seven digits, one of
them may enter a layer earlier and move those behind it.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

BUDGETS = (1, 7, 20, 55, 150)
MIN_AGREEMENT = 0.98
MODES = ("correct", "official-code", "none")


def directions(candidates, targets, mode, ridge=1e-5):
    """Rows of both after centring, whitening and division by their length."""
    z = np.concatenate([candidates, targets]).astype(np.float64)
    z -= z.mean(0)
    n, dims = z.shape
    if mode != "none":
        sigma = z.T @ z / n
        sigma += ridge * np.trace(sigma) / dims * np.eye(dims)
        inverse = np.linalg.inv(np.linalg.cholesky(sigma))
        z = z @ (inverse if mode == "official-code" else inverse.T)
    z /= np.maximum(np.linalg.norm(z, axis=1, keepdims=True), 1e-12)
    return z[: len(candidates)], z[len(candidates) :]


def layers(c, t, budget):
    """Candidates by layer, nearest first, until the budget is full."""
    similarity = c @ t.T
    order = np.argsort(-similarity, axis=0, kind="stable")
    chosen = []
    for place in order:
        new = {}
        for target, row in enumerate(place):
            if row not in chosen:
                new[row] = max(new.get(row, -2.0), similarity[row, target])
        for row in sorted(new, key=lambda row: (-new[row], row)):
            if len(chosen) < budget:
                chosen.append(int(row))
        if len(chosen) == budget:
            return chosen
    return chosen


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lowshot", required=True)
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    same = places = 0
    for seed in range(arguments.seeds):
        rng = np.random.default_rng(seed)
        mix = rng.normal(size=(12, 12)) * np.arange(1, 13)
        candidates = (rng.normal(size=(150, 12)) @ mix + 3).astype(np.float32)
        targets = (rng.normal(size=(20, 12)) @ mix + 3).astype(np.float32)
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            np.savez(folder / "candidates.npz", features=candidates)
            np.savez(folder / "targets.npz", features=targets)
            for mode in MODES:
                for budget in BUDGETS:
                    out = folder / f"{mode}-{budget}"
                    settings = {"budget": budget, "whiten": mode, "tie": "nearest-target", "trials": 1, "curve": 0}
                    settings |= {"compare": "none", "estimate": "false", "ridge_rule": "relative", "ridge": 1e-5}
                    line = [arguments.lowshot, "run", "tarot", "--quiet", "--out", str(out)]
                    line += ["--input", f"features={folder / 'candidates.npz'}"]
                    line += ["--input", f"targets={folder / 'targets.npz'}"]
                    line += [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
                    subprocess.run(line, check=True, stdout=subprocess.DEVNULL)
                    found = json.loads((out / "selection.json").read_text())[0]["selected"]
                    right = layers(*directions(candidates, targets, mode), budget)
                    same += sum(a == b for a, b in zip(found, right, strict=True))
                    places += budget
    print(f"{same} of {places} places hold the same row")
    return 0 if same >= MIN_AGREEMENT * places else 1


if __name__ == "__main__":
    sys.exit(main())
