"""What Python's dateparser makes of the phrases our own reader is judged by: `dates.py FILE.jsonl...`.

A phrase is right when date, time_from and time_to are; dateparser knows points in time only, so a second row counts the
phrases that ask for no more than that (a day, an hour or both). It is given every advantage it has settings for: Russian
only, the moment of the call, the future preferred, and the better of `parse` (the whole phrase) and `search_dates`.
"""

import json
import sys
import time
import warnings
from collections import defaultdict
from datetime import datetime

from dateparser.date import DateDataParser
from dateparser.search import search_dates

warnings.filterwarnings("ignore")
MAIN = ("date", "time_from", "time_to")


def fields(moment, now, has_time):
    """A moment as the evaluation files write it; a time alone is said of no day."""
    clock = moment.strftime("%H:%M") if has_time else None
    day = moment.date().isoformat()
    if has_time and moment.date() == now.date():
        return [dict(date=d, time_from=clock, time_to=clock) for d in (day, None)]
    return [dict(date=day, time_from=clock, time_to=clock)]


def readings(text, now):
    """Everything dateparser may be taken to mean; an empty list when it finds no date."""
    settings = {"RELATIVE_BASE": now, "PREFER_DATES_FROM": "future", "RETURN_TIME_AS_PERIOD": True}
    whole = DateDataParser(languages=["ru"], settings=settings).get_date_data(text)
    if whole.date_obj:
        return fields(whole.date_obj.replace(tzinfo=None), now, whole.period == "time")
    found = search_dates(text, languages=["ru"], settings={**settings, "RETURN_TIME_AS_PERIOD": False}) or []
    out = []
    for _, moment in found:
        moment = moment.replace(tzinfo=None)
        out += fields(moment, now, moment.time() != now.time())
        out += fields(moment, now, False)
    return out


def main(files):
    rows = defaultdict(lambda: [0, 0])
    took, phrases = 0.0, 0
    for name in files:
        for line in open(name, encoding="utf-8"):
            case = json.loads(line)
            if "now" not in case or "status" in (case["expected"] or {}):
                continue
            expected = case["expected"] or {}
            now = datetime.fromisoformat(case["now"]).replace(tzinfo=None)
            started = time.perf_counter()
            got = readings(case["text"], now)
            took += time.perf_counter() - started
            phrases += 1
            if any(expected.get(key) for key in MAIN):
                wanted = {key: expected[key] for key in MAIN if key in expected}
                right = any(all(reading[key] == value for key, value in wanted.items()) for reading in got)
            else:
                right = not got
            point = expected.get("time_from") == expected.get("time_to")
            kinds = [case["kind"]] + ([case["kind"] + ", points in time only"] if point and case["kind"] != "null" else [])
            for kind in kinds:
                rows[kind][0] += right
                rows[kind][1] += 1
    for kind, (right, total) in sorted(rows.items()):
        print(f"dateparser {kind:<28} {right:>5} of {total:<5} {100 * right / total:>5.1f} %")
    print(f"dateparser {phrases / took:.0f} phrases a second")


if __name__ == "__main__":
    main(sys.argv[1:])
