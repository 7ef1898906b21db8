"""Scores, probabilities and fits of `lowshot run lp-sensitivity`, held against NumPy and SciPy on the same rows.

    python lp_sensitivity.py --lowshot PATH

Leverage scores by QR; Lewis weights by the iteration of Cohen and Peng; sensitivities, and the fits, by SciPy's own
solvers: a linear program for p = 1, minimisers for smooth p. Ends with 0 if all agree, else with 1.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file
from scipy.optimize import linprog, minimize


def leverage(a):
    q, _ = np.linalg.qr(a)
    return (q**2).sum(1)


def lewis(a, p):
    w = np.full(len(a), a.shape[1] / len(a))
    theta = p / 2 if p < 4 else 1.0
    for _ in range(2000):
        tau = leverage(a * w[:, None] ** (0.5 - 1 / p))
        new = w * (tau / w) ** theta
        done = np.abs(np.log(new / w)).max() < 1e-11
        w = new
        if done:
            break
    return w


def sensitivity(q, i, p):
    """1 / min ‖Qx‖_p^p over q_iᵀx = 1, in an orthonormal basis Q."""
    n, d = q.shape
    if p == 1:
        cost = np.r_[np.zeros(d), np.ones(n)]
        upper = np.block([[q, -np.eye(n)], [-q, -np.eye(n)]])
        found = linprog(cost, upper, np.zeros(2 * n), np.r_[q[i], np.zeros(n)][None], [1.0], bounds=(None, None))
        return 1 / found.fun
    # x = x0 + N y with N orthogonal to q_i.
    basis = np.linalg.svd(q[i][None])[2][1:].T
    start = q[i] / (q[i] @ q[i])

    def loss(y):
        r = q @ (start + basis @ y)
        return (np.abs(r) ** p).sum(), basis.T @ (q.T @ (p * np.abs(r) ** (p - 1) * np.sign(r)))

    found = minimize(loss, np.zeros(d - 1), jac=True, method="BFGS", options={"gtol": 1e-10, "maxiter": 2000})
    return 1 / found.fun


def best_loss(a, b, weights, p):
    n, d = a.shape
    if p == 1:
        cost = np.r_[np.zeros(d), weights]
        upper = np.block([[a, -np.eye(n)], [-a, -np.eye(n)]])
        found = linprog(cost, upper, np.r_[b, -b], bounds=(None, None))
        return found.fun

    def loss(x):
        r = a @ x - b
        return (weights * np.abs(r) ** p).sum(), a.T @ (weights * p * np.abs(r) ** (p - 1) * np.sign(r))

    start = np.linalg.lstsq(a, b, rcond=None)[0]
    return minimize(loss, start, jac=True, method="BFGS", options={"gtol": 1e-9, "maxiter": 5000}).fun


def check(name, ours, theirs, tolerance):
    ours, theirs = np.atleast_1d(ours).astype(float), np.atleast_1d(theirs)
    worst = (np.abs(ours - theirs) / np.maximum(np.abs(theirs), 1e-30)).max()
    print(f"  {name}: largest relative difference {worst:.1e}")
    return worst <= tolerance


def compare(program, p, rows, folder):
    out = folder / f"p{p}"
    line = [program, "run", "lp-sensitivity", "--quiet", "--out", str(out), "--seed", "4"]
    for setting in (f"p={p}", f"rows={rows}", "trials=1", "compare=all"):
        line += ["--set", setting]
    subprocess.run(line, check=True, stdout=subprocess.DEVNULL)
    data = load_file(out / "features.safetensors")["features"].astype(float)
    scores = load_file(out / "scores.safetensors")
    selection = json.loads((out / "selection.json").read_text())
    print(f"p = {p}")
    q, _ = np.linalg.qr(data)
    sigma = np.array([sensitivity(q, i, p) for i in range(rows)])
    kept, prob = np.array(selection["rows"]), np.array(selection["probabilities"])
    rule = np.minimum(1, 1 / rows + scores["sensitivity"].astype(float) / selection["alpha"])
    a, b = data[:, :-1], data[:, -1]
    coefficients = np.array(selection["coefficients_kept_rows"])
    kept_loss = (np.abs(a[kept] @ coefficients - b[kept]) ** p / prob).sum()
    return all(
        [
            check("leverage scores", scores["leverage"], leverage(data), 1e-5),
            check("Lewis weights", scores["lewis"], lewis(data, p), 1e-5),
            check("sensitivities", scores["sensitivity"], sigma, 1e-4),
            check("probabilities of kept rows", prob, rule[kept], 1e-5),
            check("sum of probabilities", rule.sum(), selection["expected_rows"], 1e-5),
            check("loss on all rows", selection["loss_all_rows"], best_loss(a, b, np.ones(rows), p), 1e-5),
            check("loss on kept rows", kept_loss, best_loss(a[kept], b[kept], 1 / prob, p), 1e-4),
        ]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lowshot", required=True, help="the native binary")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        agree = [compare(options.lowshot, p, 120, Path(folder)) for p in (1, 1.5, 3, 4)]
    return 0 if all(agree) else 1


if __name__ == "__main__":
    sys.exit(main())
