"""Few-shot classification by prototypes and a nearest-neighbour Laplacian: a plain NumPy/SciPy version.

The yardstick for `lowshot run prototype-laplacian`: one episode after another, written from the formulas
of arXiv 2106.09516 (SLK), 2006.15486 (LaplacianShot) and 1810.13044 (SLK clustering).

Notation: N points (support rows first, then queries), D dimensions, K classes, `ns` support rows.
x N×D, m K×D prototypes, a N×K unary costs, w N×N sparse graph, z N×K soft assignments, l N labels in 0..K-1.

    python prototype_laplacian.py --features F.npz --episodes E.json --mode slk-means --lambda 0.7 \
        --normalization l2n --out predictions.json
"""

import argparse
import json
import os
import statistics
import sys
import time
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sparse
from threadpoolctl import threadpool_info, threadpool_limits

MODES = ("nearest-prototype", "k-means", "k-modes", "slk-means", "slk-ms", "slk-bo", "laplacian-shot")
KERNEL_MODES = ("k-modes", "slk-ms", "slk-bo")


@dataclass(frozen=True)
class Options:
    """What one run does; `None` stands for the mode's own default (see `with_mode_defaults`)."""

    mode: str = "slk-means"
    lam: float = 0.7  # weight of the Laplacian; not used by nearest-prototype, k-means, k-modes
    knn: int = 3  # neighbours counting the point itself: 3 means 2 out-edges a row
    normalization: str = "cl2n"
    query_shift: bool = True
    rectify: bool = False  # only laplacian-shot and nearest-prototype look at it
    graph: str = "directed"
    clamp_support: bool = False
    sigma_norm: str = "official"
    max_inner: int | None = None
    tol_inner: float | None = None
    max_outer: int = 100
    tol_outer: float = 1e-4

    def with_mode_defaults(self):
        """Fills the inner limits (20 updates, 1e-6 for laplacian-shot; 600, 1e-7 otherwise) and lambda 0 where unused."""
        fast = self.mode == "laplacian-shot"
        return replace(
            self,
            lam=0.0 if self.mode in ("nearest-prototype", "k-means", "k-modes") else self.lam,
            max_inner=(20 if fast else 600) if self.max_inner is None else self.max_inner,
            tol_inner=(1e-6 if fast else 1e-7) if self.tol_inner is None else self.tol_inner,
        )


# ---------------------------------------------------------------- building blocks


def normalize(x, kind, base_mean=None):
    """Rows as they are (`un`), divided by their L2 norm (`l2n`), or centred on the base classes first (`cl2n`)."""
    if kind == "un":
        return x
    if kind == "cl2n":
        x = x - base_mean
    return x / np.sqrt((x * x).sum(axis=1, keepdims=True) + 1e-14)  # a zero row stays zero


def shift_queries(support, query):
    """Moves the queries by mean(support) - mean(query); the rows are not normalised again."""
    return query + (support.mean(axis=0) - query.mean(axis=0))


def squared_distances(x, y):
    """‖x_p - y_c‖², clamped at 0 because the expansion can go slightly negative."""
    d = (x * x).sum(axis=1)[:, None] + (y * y).sum(axis=1)[None, :] - 2.0 * (x @ y.T)
    return np.maximum(d, 0.0)


def knn_graph(x, knn, kind="directed"):
    """Binary graph with knn - 1 out-edges a row, no self loops, ties to the lower index; and the distances used.

    `symmetric` is (W + Wᵀ)/2, which leaves the energy of every assignment as it is.
    """
    n = len(x)
    d = squared_distances(x, x)
    ranked = d.copy()
    np.fill_diagonal(ranked, np.inf)  # explicitly: among duplicates "the first" need not be the point itself
    neighbours = np.argsort(ranked, axis=1, kind="stable")[:, : knn - 1]
    indptr = np.arange(n + 1) * (knn - 1)
    w = sparse.csr_array((np.ones(neighbours.size, x.dtype), neighbours.ravel(), indptr), shape=(n, n))
    if kind == "symmetric":
        w = sparse.csr_array((w + w.T) / 2)
    return w, d


def bandwidth_squared(w, d, norm="official"):
    """σ² = Σ w d² / (5N) as published, or divided by the number of edges."""
    edges = w.tocoo()
    divisor = 5.0 * w.shape[0] if norm == "official" else float(w.sum())
    return max(float((edges.data * d[edges.row, edges.col]).sum()) / divisor, 1e-20)


def softmax(s):
    """Row-wise, with the row maximum subtracted."""
    e = np.exp(s - s.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def one_hot(l, k, dtype=np.float64):
    """N×K indicator of the labels."""
    return np.eye(k, dtype=dtype)[l]


def bound_energy(z, a, wz, pair_weight):
    """Σ z log z + Σ z a - pair_weight Σ z (W z): pair_weight = λ is what is tested, λ/2 is the majorised R."""
    return float((z * np.log(np.maximum(z, 1e-20))).sum() + (z * a).sum() - pair_weight * (z * wz).sum())


def bound_updates(z, a, w, lam, max_inner, tol_inner, fixed=None):
    """Iterates z <- softmax(-a + λ W z); the first rows keep `fixed` (their one-hot labels) if it is given.

    Returns z and the number of updates. The energy is compared from the third update on.
    """
    previous = None
    wz = w @ z
    for inner in range(max_inner):
        z = softmax(lam * wz - a)
        if fixed is not None:
            z[: len(fixed)] = fixed
        wz = w @ z
        energy = bound_energy(z, a, wz, lam)
        if inner > 1 and abs(energy - previous) <= tol_inner * abs(previous):
            return z, inner + 1
        previous = energy
    return z, max_inner


def class_means(x, l, k):
    """Mean of every class's rows; no class may be empty."""
    return np.stack([x[l == c].mean(axis=0) for c in range(k)])


def mean_shift_weights(x, m, sigma2):
    """exp(-‖x_q - m‖²/2σ²) up to a common factor: the nearest row has weight 1, so that they cannot all vanish."""
    d = squared_distances(x, m[None, :])[:, 0]
    return np.exp((d.min() - d) / (2.0 * sigma2))


def mean_shift(x, m, sigma2, tolerance=1e-5, max_steps=1000):
    """The density mode of the rows that is reached from m."""
    for _ in range(max_steps):
        weights = mean_shift_weights(x, m, sigma2)
        moved = weights @ x / weights.sum()
        done = np.abs(moved - m).max() < tolerance * np.abs(m).max()
        m = moved
        if done:
            break
    return m


def densest_member(x, l, k, sigma2):
    """Per class the member with the largest kernel sum over the other members."""
    chosen = []
    for c in range(k):
        members = np.flatnonzero(l == c)
        kernel = np.exp(squared_distances(x[members], x[members]) / (-2.0 * sigma2))
        np.fill_diagonal(kernel, 0.0)
        chosen.append(members[kernel.sum(axis=1).argmax()])
    return x[chosen]


def rectified_prototypes(support, ys, query, k):
    """Prototypes of support and (shifted) queries together, weighted by how sure cosine similarity is of them.

    The weighted rows are divided by their number, not by the sum of weights; a class that nothing
    is predicted to be keeps its old prototype.
    """
    m = class_means(support, ys, k)
    x = np.concatenate([support, query])
    cosine = normalize(x, "l2n") @ normalize(m, "l2n").T
    predicted = cosine.argmax(axis=1)
    weights = softmax(10.0 * cosine)
    rectified = m.copy()
    for c in range(k):
        rows = predicted == c
        if rows.any():
            rectified[c] = (weights[rows, c][:, None] * x[rows]).mean(axis=0)
    return rectified


# ---------------------------------------------------------------- the procedures


def solve_clusters(x, ys, k, options):
    """Alternates prototypes and assignments for k-means, k-modes, slk-means, slk-ms and slk-bo.

    Returns all labels, Z, the prototypes and the number of bound updates (of outer iterations if λ = 0).
    """
    ns, lam, kernel = len(ys), options.lam, options.mode in KERNEL_MODES
    support = one_hot(ys, k, x.dtype)
    w, sigma2 = None, None
    if lam > 0.0 or kernel:
        w, d = knn_graph(x, options.knn, options.graph)
        if kernel:
            sigma2 = bandwidth_squared(w, d, options.sigma_norm)

    m = class_means(x[:ns], ys, k)
    l = squared_distances(x, m).argmin(axis=1)
    l[:ns] = ys
    z = one_hot(l, k, x.dtype)
    energy_before, updates = None, 0
    for outer in range(options.max_outer):
        before = (l, z, m)
        if options.mode == "slk-bo":  # the first prototypes need labels only, there is no Z yet
            m = densest_member(x, l, k, sigma2) if outer == 0 else x[z.argmax(axis=0)]
        elif kernel:
            m = np.stack([mean_shift(x[l == c], m[c], sigma2) for c in range(k)])
        else:
            m = class_means(x, l, k)
        a = squared_distances(x, m)
        if kernel:
            a = -np.exp(a / (-2.0 * sigma2))

        if lam > 0.0:
            z = softmax(-a)
            z[:ns] = support
            fixed = support if options.clamp_support else None
            z, steps = bound_updates(z, a, w, lam, options.max_inner, options.tol_inner, fixed)
            updates += steps
            l = z.argmax(axis=1)
        else:
            l = a.argmin(axis=1)
            if options.clamp_support:
                l[:ns] = ys
            z = one_hot(l, k, x.dtype)
            updates += 1
        if len(np.unique(l)) < k:
            l, z, m = before
            break

        energy = float((z * a).sum())
        if lam > 0.0:
            energy -= lam * float((z * (w @ z)).sum())
        if outer > 1 and abs(energy - energy_before) <= options.tol_outer * abs(energy_before):
            break
        energy_before = energy
    return l, z, m, updates


def fixed_prototypes(support, ys, query, k, options):
    """Support means, or rectified ones."""
    return rectified_prototypes(support, ys, query, k) if options.rectify else class_means(support, ys, k)


def solve_laplacian_shot(support, ys, query, k, options):
    """Fixed prototypes, graph on the queries only. Returns query labels, Z of the queries, prototypes, updates."""
    m = fixed_prototypes(support, ys, query, k, options)
    a = squared_distances(query, m)
    w, _ = knn_graph(query, options.knn, options.graph)
    z, updates = bound_updates(softmax(-a), a, w, options.lam, options.max_inner, options.tol_inner)
    return z.argmax(axis=1), z, m, updates


def solve_episode(support, ys, query, k, options, base_mean=None):
    """One task from raw rows: pre-processing, then the mode. Returns labels of the queries and the iterations."""
    support = normalize(support, options.normalization, base_mean)
    query = normalize(query, options.normalization, base_mean)
    # rectification is defined on shifted queries
    fixed = options.mode in ("laplacian-shot", "nearest-prototype")
    if options.query_shift or (fixed and options.rectify):
        query = shift_queries(support, query)
    if options.mode == "nearest-prototype":
        return squared_distances(query, fixed_prototypes(support, ys, query, k, options)).argmin(axis=1), 1
    if options.mode == "laplacian-shot":
        labels, _, _, updates = solve_laplacian_shot(support, ys, query, k, options)
        return labels, updates
    labels, _, _, updates = solve_clusters(np.concatenate([support, query]), ys, k, options)
    return labels[len(ys) :], updates


# ---------------------------------------------------------------- files


def read_features(path, dtype):
    """`features` N×D, `labels` N or None, `base_mean` D or None from .npz or .safetensors."""
    if path.endswith(".safetensors"):
        from safetensors.numpy import load_file

        arrays = load_file(path)
    else:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    if "features" not in arrays:
        sys.exit(f"{path}: no array named 'features', only {sorted(arrays)}")
    features = arrays["features"].astype(dtype)
    if features.ndim != 2 or not np.isfinite(features).all():
        sys.exit(f"{path}: 'features' must be N x D and finite, its shape is {features.shape}")
    base_mean = arrays.get("base_mean")
    return features, arrays.get("labels"), None if base_mean is None else base_mean.astype(dtype)


@dataclass(frozen=True)
class Episode:
    """Row indices of one task; `classes` are its sorted class labels and `ys` positions in them."""

    support: np.ndarray
    query: np.ndarray
    classes: np.ndarray
    ys: np.ndarray
    truth: np.ndarray | None


def read_episodes(path, labels, rows, knn):
    """The tasks of an episodes file, checked against the number of feature rows."""
    with open(path, encoding="utf-8") as file:
        records = json.load(file)
    episodes = []
    for number, record in enumerate(records):
        support = np.asarray(record["support"], dtype=np.int64)
        query = np.asarray(record["query"], dtype=np.int64)
        classes, ys = np.unique(np.asarray(record["support_labels"], dtype=np.int64), return_inverse=True)
        truth = record.get("query_labels")
        if truth is None and labels is not None:
            truth = labels[query]
        used = np.concatenate([support, query])
        if len(support) != len(ys) or (truth is not None and len(truth) != len(query)):
            sys.exit(f"{path}: episode {number}: as many labels as rows are needed")
        if len(query) < knn or used.min() < 0 or used.max() >= rows:
            sys.exit(f"{path}: episode {number}: needs at least {knn} queries and row numbers in 0..{rows - 1}")
        episodes.append(Episode(support, query, classes, ys, None if truth is None else np.asarray(truth)))
    return episodes


def run_episodes(features, episodes, options, base_mean=None):
    """All tasks in order: the list that predictions.json holds, and the seconds the solver took."""
    options = options.with_mode_defaults()
    start = time.perf_counter()
    solved = [
        solve_episode(features[e.support], e.ys, features[e.query], len(e.classes), options, base_mean)
        for e in episodes
    ]
    seconds = time.perf_counter() - start
    results = []
    for episode, (labels, iterations) in zip(episodes, solved):
        predicted = episode.classes[labels]
        accuracy = None if episode.truth is None else float((predicted == episode.truth).mean())
        results.append({"predicted": predicted.tolist(), "accuracy": accuracy, "iterations": int(iterations)})
    return results, seconds


def linear_algebra():
    """The BLAS and OpenMP libraries in this process with the kernel they chose for this CPU."""
    keep = ("internal_api", "version", "architecture", "threading_layer", "num_threads")
    return [{name: pool[name] for name in keep if name in pool} for pool in threadpool_info()]


def warn_about_forced_kernels():
    """A forced OpenBLAS kernel makes timings of this program unfair, so it is said aloud."""
    forced = [f"{name}={os.environ[name]}" for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE") if name in os.environ]
    if forced:
        print(f"warning: {' '.join(forced)} is set; unset it for timings", file=sys.stderr)


def parse_arguments(arguments=None):
    """The command line; options have the names of the configuration fields of `lowshot run prototype-laplacian`."""
    flag = argparse.BooleanOptionalAction
    parser = argparse.ArgumentParser(description="Few-shot episodes through the NumPy version of prototype-laplacian.")
    parser.add_argument("--features", required=True, help=".npz or .safetensors: features, labels, optional base_mean")
    parser.add_argument("--episodes", required=True, help="JSON list of support, support_labels, query, query_labels")
    parser.add_argument("--out", help="where to write predictions.json")
    parser.add_argument("--mode", choices=MODES, default="slk-means")
    parser.add_argument("--lambda", dest="lam", type=float, default=0.7)
    parser.add_argument("--knn", type=int, default=3, help="neighbours counting the point itself")
    parser.add_argument("--normalization", choices=("un", "l2n", "cl2n"), default="cl2n")
    parser.add_argument("--query-shift", action=flag, default=True)
    parser.add_argument("--rectify", action=flag, default=False, help="laplacian-shot, nearest-prototype")
    parser.add_argument("--graph", choices=("directed", "symmetric"), default="directed")
    parser.add_argument("--clamp-support", action=flag, default=False)
    parser.add_argument("--sigma-norm", choices=("official", "edges"), default="official")
    parser.add_argument("--max-inner", type=int)
    parser.add_argument("--tol-inner", type=float)
    parser.add_argument("--max-outer", type=int, default=100)
    parser.add_argument("--tol-outer", type=float, default=1e-4)
    parser.add_argument("--dtype", choices=("float64", "float32"), default="float64")
    parser.add_argument("--limit", type=int, help="only the first so many episodes")
    parser.add_argument("--repeat", type=int, default=1, help="timings are the median of so many runs")
    parser.add_argument("--threads", type=int, default=1, help="BLAS threads; 1 is fastest for such small matrices")
    given = parser.parse_args(arguments)
    if given.knn < 2 or given.repeat < 1 or given.lam < 0.0:
        parser.error("--knn must be at least 2, --repeat at least 1, --lambda at least 0")
    return given


def main():
    """Reads, runs, writes predictions.json, prints one JSON line."""
    given = parse_arguments()
    warn_about_forced_kernels()
    options = Options(**{name: getattr(given, name) for name in Options.__dataclass_fields__})
    features, labels, base_mean = read_features(given.features, given.dtype)
    if options.normalization == "cl2n" and base_mean is None:
        needed = f"cl2n needs 'base_mean' of length {features.shape[1]}"
        sys.exit(f"{given.features}: {needed}; add it or use --normalization l2n")
    episodes = read_episodes(given.episodes, labels, len(features), options.knn)[: given.limit]
    if not episodes:
        sys.exit(f"{given.episodes}: no episode in it")

    with threadpool_limits(limits=given.threads):
        pools = linear_algebra()
        runs = [run_episodes(features, episodes, options, base_mean) for _ in range(given.repeat)]
    results = runs[0][0]
    seconds = statistics.median(run[1] for run in runs)
    if given.out:
        with open(given.out + ".tmp", "w", encoding="utf-8") as file:
            json.dump(results, file)
        os.replace(given.out + ".tmp", given.out)

    known = np.array([r["accuracy"] for r in results if r["accuracy"] is not None])
    summary = {
        "mode": options.mode,
        "episodes": len(results),
        "accuracy": float(known.mean()) if len(known) else None,
        "accuracy_interval_95": float(1.96 * known.std() / np.sqrt(len(known))) if len(known) else None,
        "iterations_mean": float(np.mean([r["iterations"] for r in results])),
        "seconds": seconds,
        "episodes_per_second": len(results) / seconds,
        "repeat": given.repeat,
        "dtype": given.dtype,
        "python": sys.version.split()[0],
        "numpy": np.__version__,
        "linear_algebra": pools,
    }
    print(json.dumps(summary))


if __name__ == "__main__":
    main()
