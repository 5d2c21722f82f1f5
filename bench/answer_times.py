"""Times from the end of the caller's speech to the first sample of the answer, by what was asked.

Reads what `gudok call --spoken` prints (several calls one after another) on standard input. The kind of a question is
told by the words of the robot's last question.
"""

import re
import sys

KINDS = [
    ("what can I do for you", "помочь"),
    ("a name", "зовут"),
    ("date and time", "день и время|какое время|когда"),
    ("one of the offered times", "выбираете|подходит"),
    ("a doctor", "к любому"),
    ("yes or no", r"верно\?|записать\?|перенести\?|отменить\?|отменяем|соединить\?"),
]
TURN = re.compile(r"ответ через (\d+) мс после конца речи: пауза (\d+), распознавание (\d+), остальное (\d+)")


def main():
    asked, turns = "", []
    for line in re.sub(r"\x1b\[[0-9;]*m", "", sys.stdin.read()).splitlines():
        robot = re.match(r"\s+[\d:.]+ робот\s+(.*)", line)
        if robot:
            asked = robot[1]
        times = TURN.search(line)
        if times:
            kind = next((kind for kind, words in KINDS if re.search(words, asked.lower())), "other")
            turns.append((kind, *map(int, times.groups())))
    print(f"{'question':26} {'turns':>5} {'p50 ms':>7} {'p95 ms':>7}   p50 of: {'pause':>5} {'hearing':>7} {'the rest':>8}")
    for kind in [*(kind for kind, _ in KINDS), "other", "all"]:
        rows = [row[1:] for row in turns if kind in (row[0], "all")]
        if rows:
            whole, pause, hearing, rest = (sorted(column) for column in zip(*rows))
            print(
                f"{kind:26} {len(rows):5} {at(whole, 0.5):7} {at(whole, 0.95):7}           "
                f"{at(pause, 0.5):5} {at(hearing, 0.5):7} {at(rest, 0.5):8}"
            )


def at(values, share):
    """The smallest value that at least `share` of them do not exceed (nearest rank)."""
    return values[max(0, -(-int(len(values) * share * 1000) // 1000) - 1)]


main()
