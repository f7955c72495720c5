#!/usr/bin/env python3
"""What TF-IDF and logistic regression make of labelled texts: the yardstick for train_bert --objective classify-text.

    .venv-reference/bin/python -m pip install scikit-learn
    .venv-reference/bin/python tests/benchmarks/text_classes.py data/shakespeare-genres/train.tsv data/shakespeare-genres/test.tsv
"""
import collections
import pathlib
import sys

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.pipeline import make_pipeline


def read(file: str) -> tuple:
    """Labels and texts."""
    rows = [line.split("\t", 1) for line in pathlib.Path(file).read_text(encoding="utf-8").splitlines()]
    return [label for label, _ in rows], [text for _, text in rows]


def main() -> None:
    if len(sys.argv) != 3:
        raise SystemExit("text_classes: give a file to train on and one to test with")
    (train_labels, train_texts), (labels, texts) = read(sys.argv[1]), read(sys.argv[2])
    print(f"most frequent class: {collections.Counter(labels).most_common(1)[0][1] / len(labels):.4f}")
    for name, features in (("words", dict(sublinear_tf=True, min_df=2)),
                           ("words and pairs of words", dict(sublinear_tf=True, min_df=2, ngram_range=(1, 2)))):
        for strength in (1, 10):
            model = make_pipeline(TfidfVectorizer(**features), LogisticRegression(C=strength, max_iter=1000))
            predicted = model.fit(train_texts, train_labels).predict(texts)
            print(f"{name}, C = {strength}: accuracy {accuracy_score(labels, predicted):.4f}, "
                  f"macro-F1 {f1_score(labels, predicted, average='macro'):.4f}", flush=True)


if __name__ == "__main__":
    main()
