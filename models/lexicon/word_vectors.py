"""Word vectors for `word_vectors.bin`: those of navec (news, 250,000 words, 300 numbers), the main directions only.

usage: word_vectors.py FOLDER        needs PyPI natasha (its data has the vectors; MIT), navec, wordfreq, numpy

Writes FOLDER/words.txt (word, share of all words) and FOLDER/vectors.f32; then, by stems, into the repository:

    cargo run --release -p understanding --example word_vectors -- FOLDER/words.txt FOLDER/vectors.f32 40000

Words of our own corpus and lists count as common enough to be kept.
"""

import importlib.util
import re
import sys
from pathlib import Path

import numpy as np
import wordfreq
from navec import Navec

SIZE = 64
# Directions that nearly all words share tell nothing (Mu, Viswanath 2018).
COMMON = 1
OURS = 2e-6


def own_words(models):
    files = [*models.glob("corpus/**/*.jsonl"), *models.glob("lexicon/*.toml"), *models.glob("lexicon/*.txt")]
    files.append(models.parent / "host/understanding/data/faq_topics.txt")
    for file in files:
        yield from re.findall("[а-я]+", file.read_text(encoding="utf-8").lower().replace("ё", "е"))


def main(out):
    # Found, not imported: only its data is wanted.
    data = Path(importlib.util.find_spec("natasha").origin).parent / "data/emb"
    navec = Navec.load(next(data.glob("navec*.tar")))
    spelt = {}
    for word, at in navec.vocab.word_ids.items():
        spelt.setdefault(word.replace("ё", "е"), at)
    share = {}
    for word, frequency in wordfreq.get_frequency_dict("ru", wordlist="large").items():
        word = word.replace("ё", "е")
        if word in spelt and re.fullmatch("[а-я]+", word):
            share[word] = share.get(word, 0.0) + frequency
    ours = set(own_words(Path(__file__).parent.parent))
    for word in ours:
        if word in spelt:
            share[word] = max(share.get(word, 0.0), OURS)
    words = sorted(share, key=lambda w: (-share[w], w))
    vectors = np.stack([navec.pq[spelt[word]] for word in words]).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    weights = np.array([1e-3 / (1e-3 + share[word]) * (3 if word in ours else 1) for word in words])[:, None]
    vectors -= (weights * vectors).sum(0) / weights.sum()
    _, directions = np.linalg.eigh((weights * vectors).T @ vectors)
    kept = directions[:, ::-1][:, COMMON : COMMON + SIZE]
    np.ascontiguousarray(vectors @ kept, dtype="<f4").tofile(out / "vectors.f32")
    lines = (f"{word}\t{share[word]:.3e}\n" for word in words)
    (out / "words.txt").write_text("".join(lines), encoding="utf-8")
    print(len(words), "words, of them ours", sum(w in share for w in ours), "of", len(ours))


main(Path(sys.argv[1]))
