"""C-IP written out in plain Python: does it ask the same questions as Lowshot?

    python conformal_information_pursuit.py --lowshot PATH

Plays every game of a run again, from the bundled zoo and the run's thresholds, with expectations over the posterior,
which need no random numbers. Ends with 0 if at least 99 % of the questions agree in every setting, else with 1.
"""

import argparse
import csv
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ZOO = HERE.parent.parent / "crates/data/bundled/zoo.csv"
ERROR, ALPHA, QUESTIONS = 0.1, 0.1, 10
SETTINGS = [
    (objective, temperature, empty)
    for objective in ("bound", "log-mean", "fano")
    for temperature in (1.0, 0.1)
    for empty in (False, True)
]
MIN_AGREEMENT = 0.99
# Scores nearer than this are equal, and the first question wins.
TIE = 1e-13


def table():
    """Names of the questions, answers of each row, and the class of each row."""
    header, *rows = csv.reader(ZOO.open())
    names, columns = [], []
    for at, name in enumerate(header[1:], 1):
        cells = [row[at] for row in rows]
        values = sorted(set(cells))
        if values == ["0", "1"]:
            names.append(name)
            columns.append([int(cell) for cell in cells])
        elif len(values) <= 10:
            names += [f"{name}: {value}" for value in values]
            columns += [[int(cell == value) for cell in cells] for value in values]
    answers = [tuple(column[row] for column in columns) for row in range(len(rows))]
    members = {}
    for row, cells in enumerate(rows):
        members.setdefault(cells[0], []).append(row)
    of, alike, classes = [0] * len(rows), {}, 0
    for group in members.values():
        one = len({answers[row] for row in group}) == 1
        if one and answers[group[0]] in alike:
            label = alike[answers[group[0]]]
        else:
            label, classes = classes, classes + 1
            if one:
                alike[answers[group[0]]] = label
        for row in group:
            of[row] = label
    return names, answers, of, classes


class Predictor:
    def __init__(self, answers, of, classes, temperature):
        self.temperature, self.classes = temperature, classes
        self.sizes = [of.count(label) for label in range(classes)]
        self.yes = []
        for label in range(classes):
            rows = [answers[row] for row in range(len(of)) if of[row] == label]
            shares = [sum(column) / len(rows) for column in zip(*rows)]
            self.yes.append([ERROR + (1 - 2 * ERROR) * share for share in shares])

    def __call__(self, history):
        def logit(label):
            return sum(math.log(self.yes[label][q] if a else 1 - self.yes[label][q]) for q, a in history)

        logits = [logit(label) / self.temperature for label in range(self.classes)]
        weights = [math.exp(z - max(logits)) for z in logits]
        return [weight / sum(weights) for weight in weights]


def coin(p):
    return -p * math.log2(p) - (1 - p) * math.log2(1 - p) if 0 < p < 1 else 0.0


def bits(count):
    return math.log2(count) if count > 1 else 0.0


def score(objective, judged, classes):
    inside = sum(w * bits(size) for w, size, held in judged if held)
    outside = sum(w * bits(classes - size) for w, size, held in judged if not held)
    held = sum(w for w, _, h in judged if h)
    missed = sum(w for w, _, h in judged if not h)
    if objective == "log-mean":
        return math.log2(max(sum(w * size for w, size, _ in judged), 1e-12))
    if objective == "fano":
        return coin(min(missed, 1.0)) + inside + outside
    lower = ALPHA - 1 / (len(judged) + 1)
    mean = (inside / held if held else 0.0, outside / missed if missed else 0.0)
    return coin(ALPHA) + (1 - lower) * mean[0] + ALPHA * mean[1]


def question(setting, predictor, answers, of, thresholds, history):
    objective, _, empty_is_all = setting
    now = predictor(history)
    weights = [now[label] / predictor.sizes[label] for label in of]
    total = sum(weights)
    tau = thresholds.get(str(len(history) + 1), {}).get(str(ALPHA))
    tau = -math.inf if tau is None else tau - min(abs(tau), 1.0) * 1e-9
    asked = {q for q, _ in history}
    best = None
    for q in range(len(answers[0])):
        if q in asked:
            continue
        left = [predictor(history + [(q, a)]) for a in (0, 1)]
        sets = [sum(p >= tau for p in row) for row in left]
        judged = []
        for row, weight in enumerate(weights):
            a = answers[row][q]
            everything = sets[a] == 0 and empty_is_all
            size = predictor.classes if everything else sets[a]
            judged.append((weight / total, size, everything or left[a][of[row]] >= tau))
        found = score(objective, judged, predictor.classes)
        if best is None or found < best[0] - TIE:
            best = (found, q)
    return best[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lowshot", required=True, help="the program")
    options = parser.parse_args()
    _, answers, of, classes = table()
    worst = 1.0
    for setting in SETTINGS:
        objective, temperature, empty = setting
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "run"
            line = [options.lowshot, "run", "conformal-information-pursuit", "--quiet", "--out", str(out)]
            config = {
                "objective": objective,
                "temperature": temperature,
                "empty_is_all": str(empty).lower(),
                "expectation": "posterior",
                "logit_noise": 0,
                "error": ERROR,
                "alpha": ALPHA,
                "questions": QUESTIONS,
                "trials": 1,
                "games": 4,
                "compare": "none",
            }
            for name, value in config.items():
                line += ["--set", f"{name}={value}"]
            subprocess.run(line, check=True, stdout=subprocess.DEVNULL)
            games = json.loads((out / "selection.json").read_text())[0]["games"]
            thresholds = json.loads((out / "thresholds.json").read_text())
        predictor = Predictor(answers, of, classes, temperature)
        same = all_ = 0
        for game in games:
            # Each question on its own, after what Lowshot asked before.
            history = []
            for q, a in zip(game["asked"], game["answers"]):
                assert answers[game["row"]][q] == a, "Lowshot answers by the table"
                same += question(setting, predictor, answers, of, thresholds, history) == q
                all_ += 1
                history.append((q, a))
        share = same / all_
        worst = min(worst, share)
        print(f"{objective}, temperature {temperature}, empty is all {empty}: {share:.4f} of {all_} questions agree")
    if worst < MIN_AGREEMENT:
        print(f"too few: at least {MIN_AGREEMENT} must agree", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
