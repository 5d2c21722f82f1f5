"""The peers of the call classifier, on the same calls and folds: TF-IDF over words and characters with a linear SVM, and
fastText. Peers read the words of the call; the clinic's lists, which decide between some labels, mean nothing to them.

usage: classifier.py CORPUS FOLDS      FOLDS has a line "id<TAB>fold" per call (see the example corpus_folds)
"""

import json
import re
import sys
import tempfile
import time
from pathlib import Path

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import accuracy_score, f1_score
from sklearn.pipeline import make_pipeline, make_union
from sklearn.svm import LinearSVC

try:
    import fasttext
except ImportError:
    fasttext = None


def calls(corpus):
    for path in sorted(Path(corpus).rglob("*.jsonl")):
        if path.name.startswith("clinics"):
            continue
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.strip():
                call = json.loads(line)
                said = call.get("text") or " ".join(turn["text"] for turn in call.get("turns", []))
                yield call["id"], said, call["label"]


class Svm:
    name = "scikit-learn, TF-IDF (words 1-2, characters 2-5) + LinearSVC"

    def fit(self, texts, labels):
        """The usual recipe; characters inside words, since Russian inflects."""
        words = TfidfVectorizer(analyzer="word", ngram_range=(1, 2), sublinear_tf=True)
        characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
        self.model = make_pipeline(make_union(words, characters), LinearSVC(C=1.0, class_weight="balanced"))
        self.model.fit(texts, labels)
        return self

    def predict(self, texts):
        return self.model.predict(texts)


class FastText:
    name = "fastText (words 1-2, characters 2-5, 100 dimensions, 25 epochs)"

    @staticmethod
    def plain(text):
        return " ".join(re.findall(r"\w+", text.lower().replace("ё", "е")))

    def fit(self, texts, labels):
        with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
            for text, label in zip(texts, labels):
                file.write(f"__label__{label} {self.plain(text)}\n")
            file.flush()
            # One thread: with more of them fastText gives another model each time.
            self.model = fasttext.train_supervised(
                file.name, lr=0.5, epoch=25, wordNgrams=2, minn=2, maxn=5, dim=100, bucket=200000, thread=1, verbose=0
            )
        return self

    def predict(self, texts):
        # The binding itself: the Python wrapper around it asks numpy for what numpy 2 refuses.
        best = (self.model.f.predict(self.plain(text) + "\n", 1, 0.0, "strict") for text in texts)
        return [found[0][1].removeprefix("__label__") if found else "" for found in best]


def measure(peer, ids, texts, labels, fold_of):
    guessed = [""] * len(ids)
    started = time.process_time()
    for fold in sorted(set(fold_of.values())):
        test = [n for n, call in enumerate(ids) if fold_of[call] == fold]
        train = [n for n, call in enumerate(ids) if fold_of[call] != fold]
        model = peer().fit([texts[n] for n in train], [labels[n] for n in train])
        for n, label in zip(test, model.predict([texts[n] for n in test])):
            guessed[n] = label
    spent = time.process_time() - started
    print(
        f"{peer.name}: {len(ids)} calls, accuracy {accuracy_score(labels, guessed):.3f}, "
        f"macro-F1 {f1_score(labels, guessed, average='macro'):.3f} ({spent:.0f} CPU s for the folds)",
        flush=True,
    )
    some = texts[:: max(1, len(texts) // 300)]
    started = time.process_time()
    for text in some:
        model.predict([text])
    one = (time.process_time() - started) / len(some)
    started = time.process_time()
    model.predict(texts)
    batch = (time.process_time() - started) / len(texts)
    print(f"    a call: {one * 1e6:.0f} us one by one, {batch * 1e6:.0f} us in a batch: {1 / batch:.0f} a second", flush=True)


def main():
    corpus, folds = sys.argv[1:]
    fold_of = dict(line.split("\t") for line in Path(folds).read_text(encoding="utf-8").splitlines())
    ids, texts, labels = zip(*calls(corpus))
    assert len(ids) == len(fold_of), f"{len(ids)} calls, {len(fold_of)} folds"
    for peer in (FastText, Svm):
        if peer is FastText and fasttext is None:
            print("fastText is not installed: skipped")
            continue
        measure(peer, ids, texts, labels, fold_of)


main()
