"""Golden messages and signatures: what is sent, byte for byte; against the full WSDL too.

``HUB_GOLDEN=write`` writes the messages anew, to be read before they are committed.
"""

import os
import subprocess
from pathlib import Path

import pytest
from lxml import etree
from zeep import Client

from connectors.ports import LineWanted, OrderWanted, SeatWanted, TicketSold
from connectors.suppliers.cmts.signing import signature
from connectors.suppliers.kinds import KINDS
from connectors.suppliers.soap import STRICT, Waits, Wire
from tests.simulators.kinds import credentials, settings, simulator
from tests.simulators.serving import serving

GOLDEN = Path(__file__).parent / "golden"
DATA = Path(os.environ.get("HUB_REFERENCE_DATA", "../shared/data"))
FULL = {
    "vista": DATA / "wsdl" / "vista_ticketingservice" / "TicketingService1.wsdl",
    "cmts": DATA / "wsdl" / "cmts_ticketapi" / "ticketapi.wsdl",
}
SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}Body"


def order(kind):
    if kind == "vista":
        seats = (SeatWanted("STAL/2-0-4", "A", "5"), SeatWanted("STAL/2-0-5", "A", "6"))
        line = LineWanted(1, "STAL", "adult", "0001", 2, 1100, "EUR", seats)
    else:
        seats = (SeatWanted("010004", "A", "5"), SeatWanted("010005", "A", "6"))
        line = LineWanted(1, "STAL", "adult", "", 2, 1100, "EUR", seats)
    return OrderWanted("0123456789abcdef" * 2, "0001/1", (line,), 900)


def messages(kind):
    """Do all that sells at a simulator; return what was sent, by operation."""
    there, sent = simulator(kind), {}
    answer = there.answer

    def noted(path, body):
        name, work = answer(path, body)
        tree = etree.fromstring(body)
        etree.indent(tree)
        sent.setdefault(name, etree.tostring(tree, pretty_print=True).decode())
        return name, work

    there.answer = noted
    with serving(there.app()) as url:
        wire = Wire(Waits(1, 10))
        port = KINDS[kind](
            url + there.base, settings(kind), credentials(kind, there), wire
        )
        wanted = order(kind)
        port.availability(wanted.performance)
        locked = port.lock(wanted)
        wanted = OrderWanted(
            "0123456789abcdef" * 2, "0001/1", wanted.lines, 900, locked.theirs
        )
        if port.capabilities.extend:
            port.extend(wanted)
        port.sell(wanted)
        port.ask(wanted)
        if port.capabilities.cancel:
            port.cancel(wanted, [TicketSold("a"), TicketSold("b")])
        other = OrderWanted("f" * 32, "0001/2", order(kind).lines, 900)
        locked = port.lock(other)
        port.release(OrderWanted("f" * 32, "0001/2", other.lines, 900, locked.theirs))
        wire.close()
    return sent


@pytest.mark.parametrize("kind", ["vista", "cmts"])
def test_messages_are_what_they_were(kind):
    for name, said in sorted(messages(kind).items()):
        path = GOLDEN / kind / f"{name}.xml"
        if os.environ.get("HUB_GOLDEN") == "write":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(said)
        assert said == path.read_text(), f"{kind} {name}"


@pytest.mark.parametrize("kind", ["vista", "cmts"])
def test_messages_are_good_by_the_suppliers_full_wsdl(kind, tmp_path):
    if not FULL[kind].exists():
        pytest.skip("the reference data is not there")
    client = Client(str(FULL[kind]), settings=STRICT)
    binding = next(iter(client.wsdl.bindings.values()))
    schemas = [etree.XMLSchema(tree) for tree in _schemas(FULL[kind], tmp_path)]
    names = [path.stem for path in sorted((GOLDEN / kind).glob("*.xml"))]
    assert len(names) >= 6
    for name in names:
        assert name in binding._operations, name
        body = etree.parse(GOLDEN / kind / f"{name}.xml").find(f".//{SOAP}")[0]
        good = [schema for schema in schemas if schema.validate(_alone(body))]
        assert good, f"{name}: {[str(s.error_log.last_error) for s in schemas]}"
        if name != "GetToken":
            wrong = _alone(body)
            etree.SubElement(wrong, "nothing")
            assert not any(schema.validate(wrong) for schema in schemas)


def _alone(element):
    return etree.fromstring(etree.tostring(element))


def _schemas(path, folder):
    """The schemas of a WSDL: one document that imports the rest of them as files."""
    found = etree.parse(path).findall(".//{http://www.w3.org/2001/XMLSchema}schema")
    names = {}
    for no, schema in enumerate(found):
        names[schema.get("targetNamespace")] = folder / f"{no}.xsd"
    for schema in found:
        for imported in schema.findall("{http://www.w3.org/2001/XMLSchema}import"):
            imported.set("schemaLocation", str(names[imported.get("namespace")]))
        names[schema.get("targetNamespace")].write_bytes(etree.tostring(schema))
    return [etree.parse(names[found[0].get("targetNamespace")])]


# What is hashed is written out, and openssl hashes it: nothing of ours has a part in it.
# printf %s hub01secret | openssl md5; of its hex digits the ninth to the twenty-fourth.
VECTORS = [
    ("HUB01", [], "secret", "hub01secret"),
    ("HUB01", ["0001", "T1", "token-1"], "secret", "hub010001t1token-1secret"),
    ("HUB01", ["45.00", "false"], "k#y", "hub0145.00falsek%23y"),
    ("HUB01", ["影院 A"], "k", "hub01%e5%bd%b1%e9%99%a2+ak"),
]


@pytest.mark.parametrize(("code", "said", "secret", "text"), VECTORS)
def test_signatures_by_an_outsider(code, said, secret, text):
    tool = ["openssl", "md5"]
    try:
        found = subprocess.run(
            tool, input=text.encode(), capture_output=True, check=True
        )
    except FileNotFoundError:
        pytest.skip("openssl is not there")
    digest = found.stdout.decode().split()[-1]
    assert signature(code, said, secret) == digest[8:24]


def test_golden_signatures():
    golden = (GOLDEN / "signatures.txt").read_text().splitlines()
    assert len(golden) == len(VECTORS)
    for line, (code, said, secret, _) in zip(golden, VECTORS, strict=True):
        assert signature(code, said, secret) == line
