"""Relevance, variance and allocations of `lowshot run lasso-amtrl`, held against SciPy and NumPy on the same heads.

    python lasso_amtrl.py --lowshot PATH

The true relevance is a linear program, that of least 2-norm a pseudo-inverse; V(n) is solved for as it stands. Samples of
the last round follow from the relevance that the run says it followed. Ends with 0 if all agree, else with 1.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from scipy.optimize import linprog

BUDGET = 4000
FLOOR = 5


def least_1_norm(w, target, weights):
    tasks = w.shape[1]
    found = linprog(np.r_[weights, weights], A_eq=np.hstack([w, -w]), b_eq=target)
    return found.x[:tasks] - found.x[tasks:]


def shares(p, budget, floor):
    """Water-filling: n in proportion to p, but nothing below the floor."""
    free = np.ones(len(p), bool)
    while True:
        n = np.where(free, (budget - floor * (~free).sum()) * p / p[free].sum(), floor)
        low = free & (n < floor)
        if not low.any():
            return n
        free &= ~low


def check(name, ours, theirs, tolerance):
    worst = np.abs(np.asarray(ours, float) - np.asarray(theirs, float)).max()
    print(f"  {name}: largest difference {worst:.1e}")
    return worst <= tolerance


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lowshot", required=True, help="the native binary")
    options = parser.parse_args()
    agree = []
    for heads in ("gaussian", "clustered"):
        with tempfile.TemporaryDirectory() as folder:
            line = [options.lowshot, "run", "lasso-amtrl", "--quiet", "--out", folder, "--force", "--seed", "6"]
            for setting in (f"heads={heads}", "trials=3", "points=1", f"budget={BUDGET}", f"floor={FLOOR}"):
                line += ["--set", setting]
            subprocess.run(line, check=True, stdout=subprocess.DEVNULL)
            trials = json.loads((Path(folder) / "selection.json").read_text())["trials"]
        for trial in trials:
            print(f"{heads}, trial {trial['trial']}")
            *sources, target = np.array(trial["true_heads"])
            w = np.array(sources).T
            found = trial["strategies"]
            one = least_1_norm(w, target, np.ones(w.shape[1]))
            two = np.linalg.pinv(w) @ target
            agree.append(check("relevance of least 1-norm", found["l1-known"]["relevance"], one, 1e-7))
            agree.append(check("relevance of least 2-norm", found["l2-known"]["relevance"], two, 1e-9))
            for name, strategy in found.items():
                n = np.array(strategy["samples"], float)
                v = target @ np.linalg.solve((w * n) @ w.T, target)
                agree.append(check(f"V(n) of {name}", strategy["variance"][-1] / v, 1.0, 1e-9))
                nu = np.abs(strategy["relevance"])
                if name != "uniform":
                    p, last = nu**2 if name.startswith("l2") else nu, strategy["rounds"][-1]
                    # Whole numbers are within one sample.
                    floor = FLOOR if name.endswith("known") else 0
                    agree.append(check(f"samples of {name}", last, shares(p, sum(last), floor), 1.0))
                agree.append(sum(strategy["samples"]) == BUDGET)
    return 0 if all(agree) else 1


if __name__ == "__main__":
    sys.exit(main())
