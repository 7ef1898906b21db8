"""Every question of a run of add-one-in, judged again with NumPy: are scores, picks and measures the same?

    python add_one_in.py --lowshot PATH

Which rows are shown is Lowshot's own random choice and is checked by the rules of the loop; everything that follows
from it is computed anew. Ends with 0 if all agrees, else with an error that says where it does not.
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np

SETTINGS = [
    {"distance": "euclidean"},
    {"distance": "cosine"},
    {"distance": "euclidean", "lambda_d": 0, "initial": 1},
    {"distance": "cosine", "lambda_q": 0, "options": 30, "context": 3},
    {"distance": "euclidean", "judge": "facility", "reference": 400},
    {"distance": "cosine", "shards": 3, "initial": 4},
]
DEFAULTS = {"budget": 60, "context": 10, "options": 10, "initial": 10, "lambda_q": 1.0, "lambda_d": 1.0, "shards": 1}
ROWS, DIMS, TRIALS = 400, 6, 3


def distances(x, kind):
    if kind == "euclidean":
        return np.sqrt(((x[:, None] - x[None]) ** 2).sum(-1))
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    return 1 - unit @ unit.T


def scores(setting, d, quality, context, options):
    if setting.get("judge") == "facility":
        covered = d[:, context].min(1)
        new = np.maximum(0, covered[:, None] - d[:, options]).sum(0)
    else:
        new = d[np.ix_(options, context)].min(1)
    return setting["lambda_q"] * quality[options] + setting["lambda_d"] * new


def check(program, folder, setting, place):
    out = folder / f"run-{place}"
    line = [program, "run", "add-one-in", "--quiet", "--out", str(out), "--input", f"features={folder / 'pool.npz'}"]
    words = {"budget": 60, "trials": TRIALS, "quality": "last-column", "compare": "random", **setting}
    for name, value in words.items():
        line += ["--set", f"{name}={value}"]
    subprocess.run(line, check=True, stdout=subprocess.DEVNULL)
    setting = {**DEFAULTS, **setting}
    pool = np.load(folder / "pool.npz")["features"].astype("float64")
    x, quality = pool[:, :-1], pool[:, -1]
    d = distances(x, setting["distance"])
    selections = [s for s in json.loads((out / "selection.json").read_text()) if s["method"] == "add-one-in"]
    lines = [json.loads(line) for line in (out / "trace.jsonl").read_text().splitlines()]
    measures = []
    for selection in selections:
        asked = [line for line in lines if line["trial"] == selection["trial"]]
        first, rows = set(selection["initial"]), selection["rows"]
        chosen, at = [], 0
        for row in rows:
            if row in first:
                chosen.append(row)
                continue
            question, at = asked[at], at + 1
            context, options = question["context"], question["options"]
            assert set(context) <= set(chosen) and not set(options) & set(chosen), question
            assert len(set(context)) == len(context) <= setting["context"], question
            assert len(set(options)) == len(options) == setting["options"], question
            ours = scores(setting, d, quality, context, options)
            assert np.abs(ours - question["scores"]).max() < 1e-6, (ours, question)
            assert options[int(ours.argmax())] == row == question["row"], question
            chosen.append(row)
        assert at == len(asked) and chosen == rows and len(set(rows)) == setting["budget"]
        away = d[:, rows].min(1)
        away[rows] = 0
        measures.append([quality[rows].mean(), away.mean(), away.max()])
    metrics = json.loads((out / "report.json").read_text())["metrics"]
    found = [metrics[name]["value"] for name in ("quality", "mean_distance", "largest_distance")]
    assert np.abs(np.mean(measures, 0) - found).max() < 1e-4, (measures, found)
    print(f"{len(lines)} questions agree: " + " ".join(f"{k}={v}" for k, v in words.items()), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lowshot", required=True, help="the native binary")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rng = np.random.default_rng(1)
        centres = rng.normal(size=(5, DIMS))
        x = centres[rng.integers(0, 5, ROWS)] + 0.3 * rng.normal(size=(ROWS, DIMS))
        pool = np.concatenate([x, rng.uniform(size=(ROWS, 1))], axis=1).astype("float32")
        np.savez(folder / "pool.npz", features=pool)
        for place, setting in enumerate(SETTINGS):
            check(options.lowshot, folder, setting, place)


if __name__ == "__main__":
    main()
