"""The peer of the call classifier: TF-IDF over words and characters, and a linear SVM, on the same calls and folds.

usage: classifier.py CORPUS FOLDS      FOLDS has a line "id<TAB>fold" per call (see the example corpus_folds)
"""

import json
import sys
import time
from pathlib import Path

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import accuracy_score, f1_score
from sklearn.pipeline import make_pipeline, make_union
from sklearn.svm import LinearSVC


def calls(corpus):
    for path in sorted(Path(corpus).rglob("*.jsonl")):
        if path.name.startswith("clinics"):
            continue
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.strip():
                call = json.loads(line)
                said = call.get("text") or " ".join(turn["text"] for turn in call.get("turns", []))
                yield call["id"], said, call["label"]


def model():
    """The usual recipe; characters inside words, one to five, since Russian inflects."""
    words = TfidfVectorizer(analyzer="word", ngram_range=(1, 2), sublinear_tf=True)
    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
    return make_pipeline(make_union(words, characters), LinearSVC(C=1.0, class_weight="balanced"))


def main():
    corpus, folds = sys.argv[1:]
    fold_of = dict(line.split("\t") for line in Path(folds).read_text(encoding="utf-8").splitlines())
    ids, texts, labels = zip(*calls(corpus))
    assert len(ids) == len(fold_of), f"{len(ids)} calls, {len(fold_of)} folds"
    guessed = [""] * len(ids)
    started = time.process_time()
    for fold in sorted(set(fold_of.values())):
        test = [n for n, call in enumerate(ids) if fold_of[call] == fold]
        train = [n for n, call in enumerate(ids) if fold_of[call] != fold]
        svm = model().fit([texts[n] for n in train], [labels[n] for n in train])
        for n, label in zip(test, svm.predict([texts[n] for n in test])):
            guessed[n] = label
    print(
        f"scikit-learn, TF-IDF (words 1-2, characters 2-5) + LinearSVC: {len(ids)} calls, "
        f"accuracy {accuracy_score(labels, guessed):.3f}, macro-F1 {f1_score(labels, guessed, average='macro'):.3f} "
        f"({time.process_time() - started:.0f} CPU s for {len(set(fold_of.values()))} folds)"
    )
    svm = model().fit(texts, labels)
    one_by_one = texts[:: max(1, len(texts) // 300)]
    started = time.process_time()
    for text in one_by_one:
        svm.predict([text])
    one = (time.process_time() - started) / len(one_by_one)
    started = time.process_time()
    svm.predict(texts)
    batch = (time.process_time() - started) / len(texts)
    print(f"scikit-learn, a call: {one * 1e6:.0f} us one by one, {batch * 1e6:.0f} us in a batch: {1 / batch:.0f} a second")


main()
