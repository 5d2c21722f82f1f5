"""The peer of the ears: faster-whisper, int8, one thread, with the same weights, on the same sound.

usage: whisper.py WEIGHTS WAVS TRANSCRIPTS      TRANSCRIPTS has a line "name: text" for each WAVS/name.wav
"""

import statistics
import sys
import time
import wave
from pathlib import Path

import numpy
from faster_whisper import WhisperModel
from scipy.signal import resample_poly


def sound(path):
    """8 kHz mono, 16 bits, as 16 kHz floats: decoded here, so that no time of ours is in the figures."""
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2), path
        samples = numpy.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    return resample_poly(samples.astype(numpy.float32) / 32768, 2, 1).astype(numpy.float32)


def plain(text):
    """Lower case, letters and figures alone: what the example wer does."""
    letters = (c if c.isalnum() else " " for c in text.lower().replace("ё", "е"))
    return " ".join("".join(letters).split())


def distance(wanted, got):
    row = list(range(len(got) + 1))
    for i, w in enumerate(wanted, 1):
        diagonal, row[0] = row[0], i
        for j, g in enumerate(got, 1):
            diagonal, row[j] = row[j], min(diagonal + (w != g), row[j] + 1, row[j - 1] + 1)
    return row[-1]


def main():
    weights, wavs, transcripts = sys.argv[1:]
    prompts = []
    for line in Path(transcripts).read_text(encoding="utf-8").splitlines():
        name, _, text = line.partition(": ")
        path = Path(wavs) / f"{name}.wav"
        if path.exists():
            prompts.append((plain(text), sound(path)))
    model = WhisperModel(weights, device="cpu", compute_type="int8", cpu_threads=1, num_workers=1)
    hear(model, prompts[0][1], 1)  # memory is touched once, outside the figures
    for beam in (1, 5):
        measure(model, prompts, beam)


def hear(model, samples, beam):
    segments, _ = model.transcribe(
        samples, language="ru", beam_size=beam, without_timestamps=True, condition_on_previous_text=False
    )
    return plain(" ".join(segment.text for segment in segments))


def measure(model, prompts, beam):
    words, characters, turns = [0, 0], [0, 0], []
    cpu = time.process_time()
    for wanted, samples in prompts:
        started = time.perf_counter()
        got = hear(model, samples, beam)
        took = time.perf_counter() - started
        for rate, a, b in ((words, wanted.split(" "), got.split(" ")), (characters, wanted, got)):
            rate[0] += distance(a, b)
            rate[1] += len(a)
        if 1.5 <= len(samples) / 16000 < 2.5:
            turns.append(took * 1000)
    cpu = time.process_time() - cpu
    seconds = sum(len(samples) for _, samples in prompts) / 16000
    print(
        f"faster-whisper base int8, window 30 s, {'greedy' if beam == 1 else f'beam {beam}'}: {len(prompts)} recordings, "
        f"{seconds:.0f} s: WER {100 * words[0] / words[1]:.1f} %, CER {100 * characters[0] / characters[1]:.1f} %, "
        f"{cpu:.1f} CPU s; median of {len(turns)} turns of about 2 s: {statistics.median(turns):.0f} ms"
    )


main()
