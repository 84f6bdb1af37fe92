"""Reading each kind of supplier against bare fetching and parsing of the same replies.

Bare is zeep alone where it is SOAP, requests alone where it is not; what is text in a
reply is parsed by lxml or json, and a signature is verified.

In CPU time of the process that reads: the simulator is a process of its own, and what
it takes is nobody's merit. What is written is the same for all, and is in ``asking``.
``python -m tests.bench.kinds KIND URL SAID`` measures one; it prints JSON.
"""

import json
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager

import requests
from lxml import etree
from signxml.verifier import XMLVerifier
from zeep import Client

from connectors.ports import Read
from connectors.services.reading import KnownRooms
from connectors.suppliers.kinds import KINDS
from connectors.suppliers.otsapi.signing import EXPECTED
from connectors.suppliers.soap import Soap, Waits, Wire
from tests.bench.harness import say, spread
from tests.servers import free_port
from tests.simulators.kinds import SELLERS

CINEMAS, SESSIONS, PAIRS, DAYS = 4, 1_000, 9, 60


class Recorder(Wire):
    """A wire that remembers what was asked by it."""

    asked = None

    def fetch(self, method, url, **more):
        if self.asked is not None:
            self.asked.append((method, url, more))
        return super().fetch(method, url, **more)


def parsed(body, kind, certificate):
    """Parse a reply to its bottom: what is text in it may be XML or JSON again.

    Where replies are signed, its signature is looked at by the library as well.
    """
    if "json" in kind:
        return json.loads(body)
    return parsed_text(max(etree.fromstring(body).itertext(), key=len), certificate)


def parsed_text(text, certificate):
    if certificate is not None:
        return XMLVerifier().verify(text, x509_cert=certificate, expect_config=EXPECTED)
    if text.lstrip().startswith("<"):
        return etree.fromstring(text.encode())
    return json.loads(text) if text.lstrip().startswith("{") else text


class Heard:
    """What services were asked by SOAP, while it is noted."""

    asked = None

    @classmethod
    def noting(cls, real):
        def call(soap, operation, *said, **named):
            if cls.asked is not None:
                cls.asked.append((soap, operation, said, named))
            return real(soap, operation, *said, **named)

        return call


def bare(asked, certificate):
    """Ask the same again and parse what comes; return the CPU time it took."""
    line, began = requests.Session(), time.process_time()
    for method, url, more in asked:
        reply = line.request(method, url, **more)
        parsed(reply.content, reply.headers["Content-Type"], certificate)
    return time.process_time() - began


def bare_zeep(asked, certificate):
    """Do the same by zeep, as it comes."""
    services = {}
    for soap, *_ in asked:
        if id(soap) not in services:
            client = Client(soap.client.wsdl.location)
            options = soap._service._binding_options
            binding = next(iter(client.wsdl.bindings))
            services[id(soap)] = client.create_service(binding, options["address"])
    began = time.process_time()
    for soap, operation, said, named in asked:
        reply = getattr(services[id(soap)], operation)(*said, **named)
        parsed_text(max(texts(reply), key=len, default=""), certificate)
    return time.process_time() - began


def texts(reply):
    """Yield the texts in what zeep has read."""
    if isinstance(reply, str):
        yield reply
    elif isinstance(reply, etree._Element):
        yield from reply.itertext()
    elif isinstance(reply, list):
        for one in reply:
            yield from texts(one)
    elif hasattr(reply, "__values__"):
        for one in reply.__values__.values():
            yield from texts(one)


def measure(kind, url, said):
    """Read a supplier at first and again; return ratios, and how much there was."""
    wire = Recorder(Waits(1, 60))
    port = KINDS[kind](url, said["settings"], said["credentials"], wire)
    told = {}

    def room(ref, performance, venue):
        if ref not in told:
            made = port.auditorium(venue, ref, performance)
            told[ref] = {a.ref: a.capacity or seats_of(a) for a in made.areas}
        return told[ref]

    def read(known):
        found = {}
        for venue in port.venues():
            rooms = KnownRooms(told.get, None)
            rooms.areas = lambda ref, p, venue=venue: room(ref, p, venue)
            last = Read(digest=known.get(venue.ref))
            found[venue.ref] = port.schedule(venue, rooms, last)
        return found

    first = read({})
    count = sum(one.count for one in first.values())
    known = {ref: one.digest for ref, one in first.items()}
    same, new = [], []
    for _ in range(PAIRS):
        wire.asked, Heard.asked = [], []
        began = time.process_time()
        again = read(known)
        took = time.process_time() - began
        assert all(one.is_unchanged for one in again.values())
        asked, wire.asked = wire.asked, None
        heard, Heard.asked = Heard.asked, None
        certificate = said["credentials"].get("certificate")
        alone = bare_zeep(heard, certificate) if heard else bare(asked, certificate)
        same.append(alone / took)
        began = time.process_time()
        read({})
        new.append(alone / (time.process_time() - began))
    by = "zeep and parsing" if heard else "HTTP and parsing"
    return {"same": same, "new": new, "count": count, "calls": len(asked), "bare": by}


def seats_of(area):
    return sum(len(row.seats) for row in area.rows)


@contextmanager
def served(kind):
    """Serve a simulator from a process; yield how it is set up."""
    command = [sys.executable, "-m", "tests.simulators", kind, str(free_port())]
    child = subprocess.Popen(
        [*command, str(CINEMAS), str(SESSIONS)], stdout=subprocess.PIPE, text=True
    )
    try:
        told = ""
        for line in child.stdout:
            told += line
            if line.rstrip() == "}":
                break
        said = json.loads(told)["POST /v1/partners/{supplier_id}/sources"]
        ahead = {"days_ahead": DAYS, "days": DAYS, "calls_per_minute": 0}
        names = KINDS[kind].settings_type.__struct_fields__
        said["settings"] |= {k: v for k, v in ahead.items() if k in names}
        yield said
    finally:
        child.terminate()
        child.wait()


def reading_kinds(rows):
    """The ratios of every kind that sells."""
    for kind in SELLERS:
        with served(kind) as said:
            command = [sys.executable, "-m", "tests.bench.kinds", kind, said["url"]]
            asked = [*command, json.dumps(said)]
            done = subprocess.run(asked, check=True, capture_output=True, text=True)
        found = json.loads(done.stdout)
        what = f"{found['count']} performances in {found['calls']} calls"
        for name, label in (("same", "nothing new"), ("new", "all of it new")):
            ratios = found[name]
            median = f"{statistics.median(ratios):.3f}"
            told = f"{label} at {kind}, {what}: of bare {found['bare']} (CPU)"
            rows.append([told, median, spread(ratios), "", ""])
            say(f"{told}: {median}")


if __name__ == "__main__":
    Soap.call = Heard.noting(Soap.call)
    name, address, given = sys.argv[1:]
    print(json.dumps(measure(name, address, json.loads(given))))  # noqa: T201
