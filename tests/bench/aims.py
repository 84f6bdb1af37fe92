"""What was aimed at, by what is measured: the number, and whether less is better."""

import re

AIMS = {
    "holds, one hot area": 0.30,
    "hold + confirm pairs": 0.12,
    "availability reads": 0.5,
    "pages of 100 performances": 0.1,
    "confirms with postings, credit, totals; 16 callers": 0.15,
    "confirms with postings, credit, totals; 64 callers": 0.15,
    "16 agents inside guarantees against one": 1.0,
    "holds with 100000 sold in the area against none": 0.85,
    "committer, 128 callers on one area: times one transaction a hold": 5,
    "100 holds a transaction: times one transaction a hold": 15,
    "feed of 20000 performances against a bare COPY of its rows": 0.2,
    "the same delivery again, unchanged: times faster": 3,
    "changes read by one caller": 20_000,  # a second
    "webhooks delivered by two workers": 1_000,  # a second
    "schedule of 200 cinemas x 1000": 0.7,
    "nothing new at ": 0.7,
    "sales by ": 0.83,  # a dialect costs at most 20 % more
}
AT_MOST = {
    "page of 100 performances, one caller": 20,  # ms
    "sharing 100000 performances of 500 seats among 200 agents": 60,  # s
    "best available of 60000 seats": 5,  # ms
    "PDF ticket in Latin": 15,  # ms
    "PDF ticket in Chinese": 60,  # ms
    "peak memory of reading a schedule": 300,  # MiB
    "p99 of holds beside 10 suppliers that hang": 1.2,
    "closing a month of 10000000 lines": 90,  # s
    "preview of a statement": 50,  # ms
    "totals by DuckDB against the bare query": 3,
    "a statement of 100000 lines as XLSX": 8,  # s
    "peak memory of closing": 1_500,  # MiB
}


def aim_of(label, found):
    """Return how an aim is told, and that it was missed if it was."""
    measured = re.match(r"[\d.]+", found)
    for name, aim in {**AIMS, **AT_MOST}.items():
        if measured is not None and label.startswith(name):
            number = float(measured[0])
            is_met = number <= aim if name in AT_MOST else number >= aim
            word = "at most" if name in AT_MOST else "at least"
            return f"{word} {aim}" + ("" if is_met else ": **missed**")
    return ""
