"""The peer of the ears: faster-whisper, int8, one thread, with the same weights, on the same sound.

usage: whisper.py WEIGHTS WAVS TRANSCRIPTS greedy|beam [vad]

TRANSCRIPTS has a line "name: text" for each WAVS/name.wav. Prints a line for each: name, milliseconds of audio, CPU and
wall, and the text as it was heard; `wer score` reads it, and ours, in the same way. `vad` leaves out silence first, as its
documentation recommends for recordings.
"""

import os
import sys
import time
import wave
from pathlib import Path

# Before the libraries look for it: one thread for all of their work.
os.environ["OMP_NUM_THREADS"] = "1"

import numpy
from faster_whisper import WhisperModel
from scipy.signal import resample_poly


def sound(path):
    """8 kHz mono, 16 bits, as 16 kHz floats: decoded here, so that no time of ours is in the figures."""
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2), path
        samples = numpy.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    return resample_poly(samples.astype(numpy.float32) / 32768, 2, 1).astype(numpy.float32)


def hear(model, samples, beam, vad):
    segments, _ = model.transcribe(
        samples,
        language="ru",
        beam_size=beam,
        without_timestamps=not vad,
        condition_on_previous_text=False,
        vad_filter=vad,
    )
    return " ".join(segment.text.strip() for segment in segments)


def main():
    weights, wavs, transcripts, decoding, *options = sys.argv[1:]
    beam, vad = {"greedy": 1, "beam": 5}[decoding], "vad" in options
    model = WhisperModel(weights, device="cpu", compute_type="int8", cpu_threads=1, num_workers=1)
    warm = False
    for line in Path(transcripts).read_text(encoding="utf-8").splitlines():
        name, _, text = line.partition(": ")
        path = Path(wavs) / f"{name}.wav"
        if not text or not path.exists():
            continue
        samples = sound(path)
        if not warm:
            # Memory is touched once, outside the figures.
            hear(model, samples, 1, vad)
            warm = True
        cpu, wall = time.process_time(), time.perf_counter()
        text = hear(model, samples, beam, vad)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        text = text.replace("\t", " ").replace("\n", " ")
        print(name, len(samples) // 16, round(1000 * cpu), round(1000 * wall), text, sep="\t", flush=True)


main()
