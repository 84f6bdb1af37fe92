"""What can go wrong at a supplier, switched on by name, for some calls or for all.

``delay-before`` and ``delay-after`` the work is done, for so long or until calls are
let through; ``drop``: the line goes dead after it; ``html-500``, ``truncated``,
``gbk``: done, but the reply cannot be read; ``drip``: done, but the reply comes a byte
at a time. ``html-502``: an error page of something in front, and nothing was done.
The rest the house itself does: ``price-bump``, ``expired-lock``, ``half``,
``shrunken``, ``moved``, ``cancelled``, ``garbled`` (a row that cannot be read),
``clock``, ``signature``.
"""

import random
import threading
from collections import Counter
from contextlib import contextmanager

WIRE = (
    "delay-before",
    "delay-after",
    "drop",
    "drip",
    "html-500",
    "html-502",
    "truncated",
    "gbk",
)
HOUSE = (
    *("price-bump", "expired-lock", "half", "shrunken", "moved", "cancelled"),
    *("garbled", "clock", "signature"),
)
PAGE = (
    b"<html><head><title>Runtime Error</title></head><body>Server Error</body></html>"
)


class Faults:
    """The switches of one simulator; each thread sees the fault of its own call."""

    def __init__(self, seed=0, delay_s=1.0):
        self.delay_s = delay_s
        self._on = {}
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self.seen = []
        self.calls = Counter()
        self.let_through = threading.Event()
        self._idle = threading.Condition()
        self.under_way = 0

    def set(self, name, *, only=None, share=1.0, times=None):
        """Switch a fault on: for operations named *only*, in a share of the calls."""
        assert name in WIRE + HOUSE, name
        self._on[name] = {"only": only, "share": share, "left": times}

    def clear(self, name=None):
        if name is None:
            self._on.clear()
        else:
            self._on.pop(name, None)

    def happens(self, name, operation):
        """Say whether a fault strikes this call; counts it if it does."""
        with self._lock:
            found = self._on.get(name)
            if found is None or found["left"] == 0:
                return False
            if found["only"] is not None and operation not in found["only"]:
                return False
            if self._random.random() >= found["share"]:
                return False
            if found["left"] is not None:
                found["left"] -= 1
            self.seen.append((name, operation))
            return True

    def one_of(self, operation):
        """Return the fault of the wire that strikes this call, if one does."""
        with self._lock:
            self.calls[operation] += 1
        return next((name for name in WIRE if self.happens(name, operation)), None)

    def wait(self):
        self.let_through.wait(self.delay_s)

    def delay(self, fault, when):
        """Wait before or after the work, if that is what strikes the call."""
        if fault == f"delay-{when}":
            self.wait()

    @contextmanager
    def call(self):
        """Count a call as under way."""
        with self._idle:
            self.under_way += 1
        try:
            yield
        finally:
            with self._idle:
                self.under_way -= 1
                self._idle.notify_all()

    def let_all_through(self, within_s=30.0):
        """Have no call wait any longer; return when every one of them is done."""
        self.let_through.set()
        with self._idle:
            assert self._idle.wait_for(lambda: self.under_way == 0, within_s)


@contextmanager
def struck(faults, **switched):
    """Have some faults for a while: name -> what ``set`` takes."""
    for name, how in switched.items():
        faults.set(name.replace("_", "-"), **how)
    try:
        yield faults
    finally:
        faults.clear()


def damaged(fault, body, content_type):
    """Return (status, body, content type) as a fault of the wire leaves them."""
    if fault in {"html-500", "html-502"}:
        return int(fault[-3:]), PAGE, "text/html"
    if fault == "truncated":
        return 200, body[: len(body) * 2 // 3], content_type
    if fault == "gbk":
        text = body.decode().replace("Saal", "影厅").replace("Stadt", "城市")
        text = text.replace("Lichtspiele", "影院").replace(">OK<", ">OK<")
        return 200, text.encode("gb18030"), content_type
    return 200, body, content_type
