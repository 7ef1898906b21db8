"""Writes the inputs of the peer benchmarks: few-shot tasks with features, or a clustering problem.

    python make_features.py episodes --out DIR     # features.npz, episodes.json
    python make_features.py clusters --out DIR     # clusters.npz, centroids.npz

Tasks come from one generator (the method's `builtin:synthetic` has the same law, not the same numbers):
class means N(0, (spread²/D) I), one direction a class N(0, I/D) along which a sample slides by N(0,1),
and noise N(0, (noise²/D) I). Rows are raw: normalise with --normalization l2n.
"""

import argparse
import json
import os

import numpy as np


def make_task(rng, ways, shots, query_counts, dim, spread=1.2, noise=2.5):
    """Support rows, support classes, query rows, query classes (classes 0..ways-1, sorted)."""
    means = rng.normal(size=(ways, dim)) * spread / np.sqrt(dim)
    directions = rng.normal(size=(ways, dim)) / np.sqrt(dim)

    def draw(classes):
        t = rng.normal(size=(len(classes), 1))
        return means[classes] + t * directions[classes] + rng.normal(size=(len(classes), dim)) * noise / np.sqrt(dim)

    ys = np.repeat(np.arange(ways), shots)
    yq = np.repeat(np.arange(ways), query_counts)
    return draw(ys), ys, draw(yq), yq


def make_episodes(seed, tasks, ways=5, shots=1, query_counts=None, dim=128, spread=1.2, noise=2.5):
    """Features (float32), labels and episode records of independent tasks; class labels are unique over all tasks."""
    rng = np.random.default_rng(seed)
    query_counts = [15] * ways if query_counts is None else query_counts
    rows, labels, records, first = [], [], [], 0
    for task in range(tasks):
        support, ys, query, yq = make_task(rng, ways, shots, query_counts, dim, spread, noise)
        order = rng.permutation(len(yq))  # classes in blocks would hide errors that depend on the order
        query, yq = query[order], yq[order]
        rows += [support, query]
        ys, yq = ys + ways * task, yq + ways * task
        labels += [ys, yq]
        middle, end = first + len(ys), first + len(ys) + len(yq)
        records.append(
            {
                "support": list(range(first, middle)),
                "support_labels": ys.tolist(),
                "query": list(range(middle, end)),
                "query_labels": yq.tolist(),
            }
        )
        first = end
    return np.concatenate(rows).astype(np.float32), np.concatenate(labels).astype(np.int64), records


def make_clusters(seed, rows, dim, clusters):
    """Overlapping Gaussian clusters (float32), their labels, and starting centroids: distinct rows drawn at random."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(clusters, dim))
    labels = rng.integers(clusters, size=rows)
    features = (centres[labels] + 1.5 * rng.normal(size=(rows, dim))).astype(np.float32)
    return features, labels, features[rng.choice(rows, size=clusters, replace=False)]


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description="Inputs of the peer benchmarks.")
    kinds = parser.add_subparsers(dest="kind", required=True)
    few = kinds.add_parser("episodes", help="features.npz and episodes.json")
    few.add_argument("--tasks", type=int, default=1000)
    few.add_argument("--ways", type=int, default=5)
    few.add_argument("--shots", type=int, default=1)
    few.add_argument("--queries", type=int, default=15, help="per class")
    few.add_argument("--query-counts", help="instead of --queries, one number a class: 55,5,5,5,5")
    few.add_argument("--dim", type=int, default=128)
    few.add_argument("--spread", type=float, default=1.2)
    few.add_argument("--noise", type=float, default=2.5)
    many = kinds.add_parser("clusters", help="clusters.npz and centroids.npz")
    many.add_argument("--rows", type=int, default=100_000)
    many.add_argument("--dim", type=int, default=64)
    many.add_argument("--clusters", type=int, default=50)
    for kind in (few, many):
        kind.add_argument("--out", required=True, help="folder, made if missing")
        kind.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    os.makedirs(given.out, exist_ok=True)

    if given.kind == "episodes":
        counts = [given.queries] * given.ways
        if given.query_counts:
            counts = [int(count) for count in given.query_counts.split(",")]
        if len(counts) != given.ways:
            parser.error(f"--query-counts needs {given.ways} numbers")
        features, labels, records = make_episodes(
            given.seed, given.tasks, given.ways, given.shots, counts, given.dim, given.spread, given.noise
        )
        np.savez(os.path.join(given.out, "features.npz"), features=features, labels=labels)
        with open(os.path.join(given.out, "episodes.json"), "w", encoding="utf-8") as file:
            json.dump(records, file)
        print(f"{len(records)} tasks, features {features.shape[0]} x {features.shape[1]} in {given.out}")
    else:
        features, labels, centroids = make_clusters(given.seed, given.rows, given.dim, given.clusters)
        np.savez(os.path.join(given.out, "clusters.npz"), features=features, labels=labels)
        np.savez(os.path.join(given.out, "centroids.npz"), centroids=centroids)
        print(f"features {features.shape[0]} x {features.shape[1]}, {len(centroids)} centroids in {given.out}")


if __name__ == "__main__":
    main()
