"""Lowshot beside its peers on the same inputs, in one run; medians and ratios as JSON.

    python bench.py --lowshot PATH --out bench.json [--dist DIR] [--only NAME]

Times are of the solver alone on both sides: each program measures itself and leaves file reading out. Both sides are
repeated in turn, so that a change of the machine's load meets both.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPEAT = 5


def run_json(line, **more):
    done = subprocess.run([str(w) for w in line], check=True, stdout=subprocess.PIPE, text=True, **more)
    return json.loads(done.stdout.strip().splitlines()[-1])


def lowshot(program, folder, settings, inputs, one_core=False):
    """Runs Lowshot and gives its report."""
    out = folder / "run"
    shutil.rmtree(out, ignore_errors=True)
    line = [program, "run", "prototype-laplacian", "--json", "--out", out]
    for name, value in settings.items():
        line += ["--set", f"{name}={value}"]
    for name, value in inputs.items():
        line += ["--input", f"{name}={value}"]
    # Bound to one core, a program sees one core.
    pin = (lambda: os.sched_setaffinity(0, {0})) if one_core else None
    done = subprocess.run([str(w) for w in line], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True, preexec_fn=pin)
    return json.loads(done.stdout)


def metric(report, name):
    return report["metrics"][name]["value"]


def episodes(program, folder):
    """Few-shot tasks per second against the NumPy loop, on the same tasks."""
    data = folder / "episodes"
    subprocess.run([sys.executable, HERE / "make_features.py", "episodes", "--out", data, "--tasks", "1000"],
                   check=True, stdout=subprocess.DEVNULL)
    inputs = {"features": data / "features.npz", "episodes": data / "episodes.json"}
    rows = []
    for mode in ["slk-means", "k-means", "slk-ms", "laplacian-shot"]:
        settings = {"mode": mode, "normalization": "l2n", "compare": "none"}
        line = [sys.executable, HERE / "prototype_laplacian.py", "--features", inputs["features"], "--episodes",
                inputs["episodes"], "--mode", mode, "--normalization", "l2n", "--limit", "300", "--out",
                folder / "numpy.json"]
        ours, theirs = [], []
        for _ in range(REPEAT):
            ours.append(metric(lowshot(program, folder, settings, inputs), "episodes_per_second"))
            theirs.append(run_json(line)["episodes_per_second"])
        rows.append({"what": f"5-way 1-shot, D = 128, 80 points, {mode}", "unit": "tasks/s",
                     "lowshot": statistics.median(ours), "peer": statistics.median(theirs), "peer_name": "NumPy loop",
                     "ratio": statistics.median(ours) / statistics.median(theirs)})
    return rows


def clusters(program, folder):
    """k-means iterations against scikit-learn, on the same rows."""
    data = folder / "clusters"
    subprocess.run([sys.executable, HERE / "make_features.py", "clusters", "--out", data], check=True,
                   stdout=subprocess.DEVNULL)
    settings = {"task": "cluster", "mode": "k-means", "clusters": 50, "normalization": "un", "max_outer": 20,
                "tol_outer": 0}
    line = [sys.executable, HERE / "kmeans.py", "--features", data / "clusters.npz", "--centroids",
            data / "centroids.npz", "--max-iter", "20", "--repeat", "1"]
    ours, theirs = [], []
    for _ in range(REPEAT):
        report = lowshot(program, folder, settings, {"features": data / "clusters.npz"})
        ours.append(metric(report, "iteration_seconds"))
        theirs.append(run_json(line)["seconds_per_iteration"])
    return [{"what": "k-means, 100,000 x 64, K = 50, one iteration", "unit": "s", "lowshot": statistics.median(ours),
             "peer": statistics.median(theirs), "peer_name": "scikit-learn KMeans (lloyd)",
             "ratio": statistics.median(theirs) / statistics.median(ours)}]


def wasm(program, folder, dist):
    """The WebAssembly CPU engine in Chromium against one native thread, on the same generated tasks."""
    config = {"compare": "none", "normalization": "l2n", "episodes": 2000}
    native = [metric(lowshot(program, folder, config, {}, one_core=True), "episodes_per_second") for _ in range(REPEAT)]
    line = ["node", HERE.parent / "browser" / "measure.mjs", dist, json.dumps(config), str(REPEAT)]
    browser = run_json(line)["episodes_per_second"]
    return [{"what": "the same tasks in the WebAssembly CPU engine", "unit": "tasks/s",
             "lowshot": statistics.median(browser), "peer": statistics.median(native),
             "peer_name": "native, one thread", "ratio": statistics.median(browser) / statistics.median(native)}]


def machine():
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        models = [l.split(":", 1)[1].strip() for l in info.read_text().splitlines() if l.startswith("model name")]
        name = models[0] if models else name
    return {"processor": name, "cores": os.cpu_count(), "system": platform.platform(), "python": sys.version.split()[0]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lowshot", required=True, help="the native binary, release build")
    parser.add_argument("--out", required=True)
    parser.add_argument("--dist", help="the built site, for the WebAssembly engine")
    parser.add_argument("--only", help="only suites whose name contains this")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        suites = {
            "episodes": lambda: episodes(options.lowshot, folder),
            "clusters": lambda: clusters(options.lowshot, folder),
            "wasm": lambda: wasm(options.lowshot, folder, options.dist),
        }
        for name, suite in suites.items():
            if options.only and options.only not in name:
                continue
            if name == "wasm" and not (options.dist and (Path(options.dist) / "engine/cpu").exists()):
                print("not measured: wasm (build the site with `cargo xtask web` first)")
                continue
            for row in suite():
                rows.append(row)
                print(f"{row['what']}: Lowshot {row['lowshot']:.4g}, {row['peer_name']} {row['peer']:.4g} "
                      f"{row['unit']}; ratio {row['ratio']:.2f}", flush=True)
    Path(options.out).write_text(json.dumps({"machine": machine(), "rows": rows}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
