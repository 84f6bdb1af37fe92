"""How the body of a delivery, whatever its size, becomes parts of whole lines."""

import csv
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any

from connectors.errors import (
    BrokenDeliveryError,
    DeliveryTooLargeError,
    UnsupportedFormatError,
)
from connectors.feed.records import encoder

BLOCK_BYTES = 256 * 1024
PART_LINES_MAX = 1_000
PART_BYTES_MAX = 512 * 1024
RECORDS_MAX = 2_000_000
GROUP_ROWS_MAX = 2_000
LINE_BYTES_MAX = 8 * 1024 * 1024
FORMATS = {
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
    "application/jsonl": "ndjson",
    "text/csv": "csv",
}
CSV_NEEDED = (
    *("ref", "version", "production", "auditorium", "starts_at", "area"),
    *("capacity", "price_type", "currency", "face_minor"),
)
CSV_PERFORMANCE = (
    *("ref", "version", "production", "auditorium", "starts_at", "ends_at"),
    *("business_on", "announce_at", "on_sale_at", "cut_off_at", "status"),
)
CSV_OFFER = (
    *("area", "price_type", "currency", "face_minor", "booking_fee_minor"),
    *("tax_bp", "tickets_min", "tickets_max"),
)
WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}")
CSV_NUMBERS = {
    "version",
    "capacity",
    "face_minor",
    "booking_fee_minor",
    "tax_bp",
    "tickets_min",
    "tickets_max",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One record as JSON, and the line of the delivery it came from."""

    no: int
    json: bytes


@dataclass(frozen=True, slots=True)
class Part:
    """Some whole lines, compressed."""

    body: bytes
    line_numbers: list[int]


def format_of(content_type: str) -> str:
    """Return the format of a content type; UnsupportedFormatError if it has none."""
    mime = content_type.partition(";")[0].strip().lower()
    if mime not in FORMATS:
        raise UnsupportedFormatError(got=mime or None, known=sorted(FORMATS))
    return FORMATS[mime]


def blocks(stream: IO[bytes], *, is_gzip: bool, bytes_max: int) -> Iterator[bytes]:
    """Yield the body unpacked, in blocks; never more than *bytes_max* bytes of it."""
    unpack = zlib.decompressobj(wbits=31) if is_gzip else None
    total = 0
    for raw in iter(lambda: stream.read(BLOCK_BYTES), b""):
        for block in _unpacked(unpack, raw) if unpack else [raw]:
            total += len(block)
            if total > bytes_max:
                raise DeliveryTooLargeError(bytes_max=bytes_max)
            yield block
    if unpack is not None and not unpack.eof:
        raise BrokenDeliveryError(reason="the gzip data ends early")


def _unpacked(unpack: Any, raw: bytes) -> Iterator[bytes]:
    if unpack.eof:
        raise BrokenDeliveryError(reason="there is more after the end of the gzip data")
    try:
        while raw and not unpack.eof:
            yield unpack.decompress(raw, BLOCK_BYTES)
            raw = unpack.unconsumed_tail
    except zlib.error:
        raise BrokenDeliveryError(reason="the gzip data is damaged") from None
    if unpack.unused_data:
        raise BrokenDeliveryError(reason="there is more after the end of the gzip data")


def lines(body: Iterable[bytes]) -> Iterator[Line]:
    """Yield the lines of NDJSON that are not blank."""
    rest, no = b"", 0
    for block in _without_mark(body):
        *whole, rest = (rest + block).split(b"\n")
        for line in whole:
            no += 1
            if line and not line.isspace():
                yield Line(no, line)
        if len(rest) > LINE_BYTES_MAX:
            raise DeliveryTooLargeError(line=no + 1, line_bytes_max=LINE_BYTES_MAX)
    if rest and not rest.isspace():
        yield Line(no + 1, rest)


def _without_mark(body: Iterable[bytes]) -> Iterator[bytes]:
    is_first = True
    for block in body:
        if is_first and block[:2] in {b"\xff\xfe", b"\xfe\xff"}:
            raise BrokenDeliveryError(reason="the text is UTF-16; send UTF-8")
        yield block.removeprefix(b"\xef\xbb\xbf") if is_first else block
        is_first = False


def csv_lines(body: Iterable[bytes]) -> Iterator[Line]:
    """Yield performances from CSV: adjacent rows of one ref are one performance."""
    text = (_decoded(line.no, line.json) for line in lines(body))
    reader = csv.DictReader(text, strict=True)
    group: list[dict[str, Any]] = []
    first = 0
    try:
        _check_header(reader.fieldnames or ())
        for row in reader:
            if len(group) >= GROUP_ROWS_MAX:
                raise DeliveryTooLargeError(line=first, rows_max=GROUP_ROWS_MAX)
            if group and row["ref"] != group[0]["ref"]:
                yield Line(first, _performance(group))
                group = []
            first = first if group else reader.line_num
            group.append(row)
    except csv.Error as error:
        reason = f"line {reader.line_num + 1} is not CSV: {error}"
        raise BrokenDeliveryError(reason=reason) from None
    if group:
        yield Line(first, _performance(group))


def _decoded(no: int, line: bytes) -> str:
    try:
        return line.decode() + "\n"
    except UnicodeDecodeError:
        raise BrokenDeliveryError(reason=f"line {no} is not UTF-8") from None


def _check_header(names: Iterable[str]) -> None:
    known = {*CSV_PERFORMANCE, *CSV_OFFER, "capacity"}
    given = list(names)
    missing = [name for name in CSV_NEEDED if name not in given]
    unknown = [name for name in given if name not in known]
    repeated = sorted({name for name in given if given.count(name) > 1})
    if missing or unknown or repeated:
        raise BrokenDeliveryError(
            reason="the first line must name the columns, each once",
            missing=missing,
            unknown=unknown,
            repeated=repeated,
        )


def _performance(rows: list[dict[str, Any]]) -> bytes:
    areas = {row["area"]: _typed("capacity", row["capacity"]) for row in rows}
    record: dict[str, Any] = {
        "type": "performance",
        **_said(rows[0], CSV_PERFORMANCE),
        "areas": [{"area": ref, "capacity": count} for ref, count in areas.items()],
        "offers": [_said(row, CSV_OFFER) for row in rows],
    }
    if any(None in row or None in row.values() for row in rows):
        record["row"] = "has another number of cells than the first line"
    return encoder.encode(record)


def _said(row: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: _typed(name, row[name]) for name in names if row.get(name)}


def _typed(name: str, said: str | None) -> object:
    is_number = name in CSV_NUMBERS and said and WHOLE_NUMBER.fullmatch(said)
    return int(said) if is_number and said else said


def parts(found: Iterable[Line]) -> Iterator[Part]:
    """Gather lines into parts small enough to be one transaction each."""
    gathered: list[bytes] = []
    numbers: list[int] = []
    size = 0
    for count, line in enumerate(found, start=1):
        if count > RECORDS_MAX:
            raise DeliveryTooLargeError(line=line.no, records_max=RECORDS_MAX)
        gathered.append(line.json)
        numbers.append(line.no)
        size += len(line.json)
        if len(gathered) >= PART_LINES_MAX or size >= PART_BYTES_MAX:
            yield Part(zlib.compress(b"\n".join(gathered), 1), numbers)
            gathered, numbers, size = [], [], 0
    if gathered:
        yield Part(zlib.compress(b"\n".join(gathered), 1), numbers)


def unpacked(body: bytes, line_numbers: list[int]) -> list[Line]:
    """Return the lines of a stored part."""
    found = zlib.decompress(body).split(b"\n")
    return [Line(no, text) for no, text in zip(line_numbers, found, strict=True)]
