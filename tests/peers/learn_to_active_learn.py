"""Exact values and losses of `lowshot run learn-to-active-learn`, held against SciPy and NumPy.

    python learn_to_active_learn.py --lowshot PATH

The best worst loss of each class as one linear program over the flow of a policy through the states of the game; the
losses of the network in `policy.json` by recursion over states. Ends with 0 if all agree, else with 1.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from itertools import combinations
from pathlib import Path

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import lil_matrix

QUERIES, BUDGET, SIGNALS = 3, 5, [0.9, 0.5, 0.25]
SETTINGS = {"queries": QUERIES, "budget": BUDGET, "steps": 100, "exact_steps": 3000, "hidden": 16, "compare": "none"}


def compositions(parts, total):
    for bars in combinations(range(total + parts - 1), parts - 1):
        ends = [-1, *bars, total + parts - 1]
        yield tuple(b - a - 1 for a, b in zip(ends, ends[1:]))


def after(state, query, answer):
    return tuple(n + (k == 2 * query + answer) for k, n in enumerate(state))


def likelihood(state, theta):
    chances = np.ravel(np.column_stack([(1 + theta) / 2, (1 - theta) / 2]))
    return np.prod(chances ** np.array(state))


def value(instances, hypotheses):
    """min over policies, max over instances of the error, by a linear program."""
    width, m = 2 * QUERIES, len(hypotheses)
    depths = [list(compositions(width, t)) for t in range(BUDGET + 1)]
    place = {s: i for i, s in enumerate(s for depth in depths for s in depth)}
    inner = sum(len(depth) for depth in depths[:-1])
    variables = inner * QUERIES + len(depths[-1]) * m + 1
    flow, worst = lil_matrix((len(place), variables)), lil_matrix((len(instances), variables))
    right = np.zeros(len(place))
    right[0] = 1.0
    best = [int(np.argmax(hypotheses @ theta)) for theta in instances]
    for s, i in place.items():
        if i < inner:
            for x in range(QUERIES):
                flow[i, i * QUERIES + x] = 1.0
                for y in range(2):
                    flow[place[after(s, x, y)], i * QUERIES + x] = -1.0
        else:
            for z in range(m):
                column = inner * QUERIES + (i - inner) * m + z
                flow[i, column] = 1.0
                for j, theta in enumerate(instances):
                    worst[j, column] = likelihood(s, theta) * (z != best[j])
    worst[:, variables - 1] = -1.0
    cost = np.zeros(variables)
    cost[-1] = 1.0
    bounds = [(0, None)] * (variables - 1) + [(None, None)]
    found = linprog(cost, worst.tocsr(), np.zeros(len(instances)), flow.tocsr(), right, bounds=bounds)
    return found.fun


def network(saved):
    d, h, w = QUERIES, saved["hidden"], np.array(saved["weights"], np.float64)
    sizes = [(3 * d + 1, h), (h, h), (h, d)]
    layers, at = [], 0
    for rows, columns in sizes:
        layers.append((w[at : at + rows * columns].reshape(rows, columns), w[at + rows * columns :][:columns]))
        at += rows * columns + columns

    def shares(state):
        plus, minus = np.array(state[::2], float), np.array(state[1::2], float)
        n, s = plus + minus, plus - minus
        x = np.ravel(np.column_stack([4 * n / BUDGET, 4 * s / BUDGET, s / np.maximum(n, 1)]))
        x = np.r_[x, n.sum() / BUDGET]
        for place, (a, b) in enumerate(layers):
            x = x @ a + b
            x = np.maximum(x, 0) if place < 2 else x
        x = np.exp(x - x.max())
        return x / x.sum()

    return shares


def losses(shares, instances, hypotheses):
    weights = {(0,) * (2 * QUERIES): 1.0}
    for _ in range(BUDGET):
        following = defaultdict(float)
        for state, weight in weights.items():
            for x, share in enumerate(shares(state)):
                for y in range(2):
                    following[after(state, x, y)] += weight * share
        weights = following
    found = np.zeros(len(instances))
    for state, weight in weights.items():
        fit = hypotheses @ (np.array(state[::2]) - np.array(state[1::2]))
        advice = (fit == fit.max()) / (fit == fit.max()).sum()
        for j, theta in enumerate(instances):
            best = int(np.argmax(hypotheses @ theta))
            found[j] += weight * likelihood(state, theta) * (1 - advice[best])
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lowshot", required=True, help="the native binary")
    options = parser.parse_args()
    hypotheses = np.array([[1.0 if i < j else -1.0 for i in range(QUERIES)] for j in range(QUERIES + 1)])
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        line = [options.lowshot, "run", "learn-to-active-learn", "--quiet", "--out", str(out)]
        for name, setting in SETTINGS.items():
            line += ["--set", f"{name}={setting}"]
        line += ["--set", "signals=" + ",".join(map(str, SIGNALS))]
        subprocess.run(line, check=True, stdout=subprocess.DEVNULL)
        metrics = json.loads((out / "report.json").read_text())["metrics"]
        for k, c in enumerate(SIGNALS):
            ours, theirs = metrics[f"value_{k + 1}"]["value"], value(c * hypotheses, hypotheses)
            bad += not -1e-7 < ours - theirs < 5e-4
            print(f"best worst error, c = {c}: {ours:.6f}, linear program {theirs:.6f}", flush=True)
        with (out / "losses.csv").open() as file:
            ours = np.array([float(row["loss"]) for row in csv.DictReader(file) if row["policy"] == "learned"])
        saved = json.loads((out / "policy.json").read_text())
        instances = np.concatenate([c * hypotheses for c in SIGNALS])
        off = np.abs(ours - losses(network(saved), instances, hypotheses)).max()
        bad += not off < 1e-6
        print(f"losses of the network: {len(ours)} instances, largest difference {off:.1e}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
