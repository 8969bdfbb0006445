"""The baseline: TF-IDF and a linear SVM on the same reports and folds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

FOLDS = 5
SEEDS = range(5)


def folds_of(labels: Sequence[str], seed: int) -> Iterator[tuple[list[int], list[int]]]:
    """Yield the training and the test numbers of each fold, stratified by label."""
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    for training, tested in folds.split([0] * len(labels), labels):
        yield training.tolist(), tested.tolist()


def svm_macro_f1(texts: Sequence[str], labels: Sequence[str], seed: int) -> float:
    """Return the macro F1 of the baseline over the tested reports of all folds of a seed."""
    predicted = [""] * len(labels)
    for training, tested in folds_of(labels, seed):
        model = make_pipeline(TfidfVectorizer(min_df=2), LinearSVC(class_weight="balanced"))
        model.fit([texts[one] for one in training], [labels[one] for one in training])
        for one, label in zip(tested, model.predict([texts[one] for one in tested]), strict=True):
            predicted[one] = label
    return float(f1_score(labels, predicted, average="macro"))
