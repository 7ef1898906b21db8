"""scikit-learn's Lloyd k-means from given centroids, timed: the yardstick of `task = cluster, mode = k-means`.

    python kmeans.py --features clusters.npz --centroids centroids.npz --max-iter 20 --repeat 5
"""

import argparse
import json
import statistics
import sys
import time
import warnings

import numpy as np
import sklearn
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from prototype_laplacian import linear_algebra, warn_about_forced_kernels


def main():
    """Times whole `fit` calls (reading excluded) and prints one JSON line."""
    parser = argparse.ArgumentParser(description="scikit-learn KMeans from given centroids.")
    parser.add_argument("--features", required=True, help="npz with features N x D")
    parser.add_argument("--centroids", required=True, help="npz with centroids K x D")
    parser.add_argument("--max-iter", type=int, default=20)
    parser.add_argument("--repeat", type=int, default=3, help="the median is reported")
    parser.add_argument("--threads", type=int, help="limit of BLAS and OpenMP threads")
    parser.add_argument("--labels", help="npz to write labels and centroids to")
    given = parser.parse_args()
    warn_about_forced_kernels()
    with np.load(given.features, allow_pickle=False) as archive:
        features = archive["features"]
    with np.load(given.centroids, allow_pickle=False) as archive:
        centroids = archive["centroids"]
    if features.ndim != 2 or centroids.ndim != 2 or features.shape[1] != centroids.shape[1]:
        sys.exit(f"features N x D and centroids K x D are needed, got {features.shape} and {centroids.shape}")

    seconds = []
    with threadpool_limits(limits=given.threads), warnings.catch_warnings():
        warnings.simplefilter("ignore", sklearn.exceptions.ConvergenceWarning)  # max_iter is meant to cut it short
        pools = linear_algebra()
        for _ in range(given.repeat):
            model = KMeans(
                n_clusters=len(centroids), init=centroids, n_init=1, algorithm="lloyd", max_iter=given.max_iter, tol=0
            )
            start = time.perf_counter()
            model.fit(features)
            seconds.append(time.perf_counter() - start)
    if given.labels:
        np.savez(given.labels, labels=model.labels_.astype(np.int64), centroids=model.cluster_centers_)
    median = statistics.median(seconds)
    summary = {
        "rows": features.shape[0],
        "dim": features.shape[1],
        "clusters": len(centroids),
        "dtype": str(features.dtype),
        "n_iter": int(model.n_iter_),
        "inertia": float(model.inertia_),
        "seconds": median,
        "seconds_per_iteration": median / model.n_iter_,
        "all_seconds": seconds,
        "scikit_learn": sklearn.__version__,
        "numpy": np.__version__,
        "linear_algebra": pools,
    }
    print(json.dumps(summary))


if __name__ == "__main__":
    main()
