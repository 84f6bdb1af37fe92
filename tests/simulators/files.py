"""Files as a server, with ETags: a chain's schedule in every format the hub reads."""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC
from zoneinfo import ZoneInfo

from flask import Response, request

from tests.simulators.faults import Faults
from tests.simulators.house import House
from tests.simulators.serving import application

TYPES = {
    "/season.ndjson": "application/x-ndjson",
    "/season.csv": "text/csv",
    "/showtimes.json": "application/json",
    "/events.jsonld": "application/ld+json",
    "/google/descriptor.json": "application/json",
    "/google/events.json": "application/json",
}


@dataclass
class Files:
    """The simulator; ``app()`` serves it. What is set in ``bodies`` is served instead."""

    house: House
    faults: Faults = field(default_factory=Faults)
    bodies: dict = field(default_factory=dict)
    version: int = 1
    fetched: list = field(default_factory=list)

    base = ""

    def app(self):
        app = application(self.faults, self.answer, tuple(TYPES))
        app.after_request(self._tagged)
        return app

    def _tagged(self, response: Response):
        if request.path in TYPES and response.status_code == 200:
            tag = hashlib.blake2b(response.get_data(), digest_size=8).hexdigest()
            response.set_etag(tag)
            response.make_conditional(request)
        self.fetched.append((request.path, response.status_code))
        return response

    def answer(self, path, _body):
        return "GET", lambda: (self.body(path), TYPES[path])

    def body(self, path):
        if path in self.bodies:
            return self.bodies[path]
        return getattr(
            self, "_" + path.strip("/").replace("/", "_").replace(".", "_")
        )()

    def _sessions(self):
        shrunken = self.faults.happens("shrunken", "GET")
        for cinema in self.house.cinemas.values():
            found = list(cinema.sessions.values())
            for session in found[: len(found) // 4] if shrunken else found:
                at = session.starts.replace(tzinfo=ZoneInfo(cinema.zone))
                yield cinema, session, at

    def _season_ndjson(self):
        rows, version = [], self.version
        for cinema in self.house.cinemas.values():
            rows.append(
                {
                    "type": "venue",
                    "ref": cinema.id,
                    "version": version,
                    "name": {"de": cinema.name},
                    "zone": cinema.zone,
                    "country": "AT",
                    "city": cinema.city,
                }
            )
            rows += [
                {
                    "type": "auditorium",
                    "ref": f"{cinema.id}/{screen.no}",
                    "version": version,
                    "venue": cinema.id,
                    "name": {"de": screen.name},
                    "areas": [
                        {
                            "ref": "GA",
                            "name": {"de": "Saal"},
                            "capacity": len(screen.seats),
                        }
                    ],
                }
                for screen in cinema.screens.values()
            ]
            rows += [
                {
                    "type": "production",
                    "ref": f.id,
                    "version": version,
                    "genre": "film",
                    "title": {"de": f.title},
                }
                for f in cinema.films.values()
            ]
        for cinema, session, at in self._sessions():
            room = cinema.screens[session.screen]
            rows.append(
                {
                    "type": "performance",
                    "ref": f"{cinema.id}-{session.id}",
                    "version": version,
                    "production": session.film,
                    "auditorium": f"{cinema.id}/{session.screen}",
                    "starts_at": at.isoformat(),
                    "areas": [{"area": "GA", "capacity": len(room.seats)}],
                    "offers": [
                        {
                            "area": "GA",
                            "price_type": "adult",
                            "currency": "EUR",
                            "face_minor": 1100,
                        }
                    ],
                }
            )
        return "".join(json.dumps(row) + "\n" for row in rows).encode()

    def _season_csv(self):
        head = "ref,version,production,auditorium,starts_at,area,capacity,price_type,currency,face_minor"
        rows = [
            f"{c.id}-{s.id},{self.version},{s.film},{c.id}/{s.screen},{at.isoformat()},GA,60,adult,EUR,1100"
            for c, s, at in self._sessions()
        ]
        return "\n".join([head, *rows, ""]).encode()

    def _showtimes_json(self):
        cinema = next(iter(self.house.cinemas.values()))
        classes = [
            {"class_id": area, "display_name": area.title()}
            for area in ("STAL", "BALC")
        ]
        sessions = [
            {
                "session_id": f"{cinema.id}-{s.id}",
                "film_id": s.film,
                "auditorium_id": f"S{s.screen}",
                "start_time_local": at.isoformat(),
                "start_time_utc": at.astimezone(UTC).isoformat(),
                "pricing": [
                    {
                        "category": "Adult",
                        "class_id": c["class_id"],
                        "price": 11.0,
                        "currency": "EUR",
                    }
                    for c in classes
                ],
                "availability_by_class": [
                    {"class_id": "STAL", "seats_total": 40, "seats_available": 12},
                    {"class_id": "BALC", "seats_total": 20, "seats_available": 3},
                ],
            }
            for _, s, at in self._sessions()
        ]
        return json.dumps(
            {
                "spec": "cinemashowtimes-json/1.0",
                "generated_at": "2026-11-29T10:00:00Z",
                "cinema": {
                    "cinema_id": cinema.id,
                    "name": cinema.name,
                    "timezone": cinema.zone,
                },
                "films": [
                    {"film_id": f.id, "title": f.title, "runtime_minutes": f.minutes}
                    for f in cinema.films.values()
                ],
                "auditoria": [
                    {
                        "auditorium_id": f"S{n}",
                        "name": r.name,
                        "seat_count": len(r.seats),
                        "seat_classes": classes,
                    }
                    for n, r in cinema.screens.items()
                ],
                "sessions": sessions,
            }
        ).encode()

    def _events_jsonld(self):
        return json.dumps(
            {
                "@context": "https://schema.org",
                "@graph": [
                    {
                        "@type": "ScreeningEvent",
                        "@id": f"https://example.org/{c.id}/{s.id}",
                        "name": c.films[s.film].title,
                        "startDate": at.isoformat(),
                        "location": {
                            "@type": "Place",
                            "name": c.name,
                            "address": {
                                "addressLocality": c.city,
                                "addressCountry": "AT",
                            },
                        },
                        "maximumAttendeeCapacity": 60,
                        "offers": [
                            {
                                "@type": "Offer",
                                "name": "Adult",
                                "price": "11.00",
                                "priceCurrency": "EUR",
                            }
                        ],
                        "eventStatus": "https://schema.org/EventScheduled",
                    }
                    for c, s, at in self._sessions()
                ],
            }
        ).encode()

    def _google_descriptor_json(self):
        said = {
            "generation_timestamp": 1_764_410_400,
            "name": "event.feeddata.v1",
            "data_file": ["events.json"],
        }
        return json.dumps(said).encode()

    def _google_events_json(self):
        return json.dumps(
            {
                "data": [
                    {
                        "id": f"{c.id}-{s.id}",
                        "title": c.films[s.film].title,
                        "time_info": {"start_seconds": int(at.timestamp())},
                        "venue": {"id": c.id, "name": c.name},
                        "tickets": [
                            {
                                "title": "Adult",
                                "price": {"currency_code": "EUR", "units": 11},
                            }
                        ],
                    }
                    for c, s, at in self._sessions()
                ],
            }
        ).encode()
