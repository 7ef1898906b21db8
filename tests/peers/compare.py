"""Compares two predictions.json files of the same episodes.

Exit code 0 if they agree, 1 if not, 2 if they cannot be compared.

    python compare.py A.json B.json --min-agreement 0.999
"""

import argparse
import json
import sys


def compare(first, second):
    """Share of equal labels, largest difference of an episode's accuracy, and the episodes that differ."""
    if len(first) != len(second):
        raise ValueError(f"{len(first)} episodes against {len(second)}")
    equal, total, differing, largest = 0, 0, [], 0.0
    for number, (one, other) in enumerate(zip(first, second)):
        if len(one["predicted"]) != len(other["predicted"]):
            raise ValueError(f"episode {number}: {len(one['predicted'])} queries against {len(other['predicted'])}")
        same = sum(a == b for a, b in zip(one["predicted"], other["predicted"]))
        equal += same
        total += len(one["predicted"])
        if same < len(one["predicted"]):
            differing.append(number)
        if one.get("accuracy") is not None and other.get("accuracy") is not None:
            largest = max(largest, abs(one["accuracy"] - other["accuracy"]))
    if total == 0:
        raise ValueError("no predictions in them")
    return {
        "episodes": len(first),
        "labels": total,
        "agreement": equal / total,
        "max_accuracy_difference": largest,
        "differing_episodes": len(differing),
        "first_differing": differing[:10],
    }


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description="Agreement of two predictions.json files.")
    parser.add_argument("first")
    parser.add_argument("second")
    parser.add_argument("--min-agreement", type=float, default=0.999)
    given = parser.parse_args()
    try:
        contents = []
        for path in (given.first, given.second):
            with open(path, encoding="utf-8") as file:
                contents.append(json.load(file))
        result = compare(*contents)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        print(f"cannot compare {given.first} and {given.second}: {error!r}", file=sys.stderr)
        sys.exit(2)
    print(json.dumps(result))
    if result["agreement"] < given.min_agreement:
        print(f"agreement {result['agreement']:.6f} is below {given.min_agreement}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
