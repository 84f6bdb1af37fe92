"""An agent that speaks OCTO."""

from datetime import date, datetime, time, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

from tests.hubs import TODAY, ZONE

ALL = "octo/pricing, octo/content, octo/cart"
DAYS = 60


def day(ahead=0):
    """Return a day on the clocks of the venue, as it is written."""
    at = TODAY + timedelta(days=ahead)
    return at.astimezone(ZoneInfo(ZONE)).date().isoformat()


def closing(ahead):
    """Return when the venue closes on a day, at six by its own clocks."""
    at = datetime.combine(date.fromisoformat(day(ahead)), time(18), ZoneInfo(ZONE))
    return at.isoformat()


class Reseller:
    """Asks over HTTP; what is not answered as it should be fails the test."""

    def __init__(self, hub, who="ann", capabilities=ALL):
        self.hub, self.who = hub, who
        self.headers = {"Octo-Capabilities": capabilities}

    def call(self, method, path, body=None, expect=200, **headers):
        answer = self.hub.call(
            *(self.who, method, f"/octo{path}", body), headers=self.headers | headers
        )
        assert answer.status_code == expect, answer.get_data(as_text=True)
        return answer.get_json()

    def product(self, kind="START_TIME"):
        found = self.call("GET", "/products")
        return next(one for one in found if one["availabilityType"] == kind)

    def days(self, option="floor", kind="START_TIME"):
        return {
            "productId": self.product(kind)["id"],
            "optionId": option,
            "localDateStart": day(),
            "localDateEnd": day(DAYS),
        }

    def availability(self, option="floor", kind="START_TIME", **more):
        return self.call("POST", "/availability", self.days(option, kind) | more)

    def wanted(self, option="floor", units=("adult", "adult"), n=0, **more):
        return {
            "uuid": str(uuid4()),
            "productId": self.product()["id"],
            "optionId": option,
            "availabilityId": self.availability(option)[n]["id"],
            "unitItems": [{"unitId": unit} for unit in units],
            **more,
        }

    def wanted_of(self, product_id, option, availability_id, unit="adult"):
        """Return what is wanted of an availability: two of a unit."""
        return {
            "uuid": str(uuid4()),
            "productId": product_id,
            "optionId": option,
            "availabilityId": availability_id,
            "unitItems": [{"unitId": unit}, {"unitId": unit}],
        }

    def reserve(self, **more):
        return self.call("POST", "/bookings", self.wanted(**more))

    def confirm(self, booking, expect=200, **more):
        path = f"/bookings/{booking['uuid']}/confirm"
        contact = {"fullName": "Ada", "emailAddress": None}
        return self.call("POST", path, {"contact": contact, **more}, expect)

    def change(self, booking, expect=200, **more):
        return self.call("PATCH", f"/bookings/{booking['uuid']}", more, expect)

    def extend(self, booking, expect=200):
        path = f"/bookings/{booking['uuid']}/extend"
        return self.call("POST", path, {"expirationMinutes": 30}, expect)

    def cancel(self, booking, expect=200, **more):
        path = f"/bookings/{booking['uuid']}/cancel"
        return self.call("POST", path, more, expect)

    def show(self, booking):
        return self.call("GET", f"/bookings/{booking['uuid']}")

    def vacancies(self, option="floor", n=0):
        self.hub.app.extensions["availability_cache"]._entries.clear()
        return self.availability(option)[n]["vacancies"]
