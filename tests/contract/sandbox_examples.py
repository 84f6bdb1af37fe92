"""A part of the story: an agent's sandbox, opened by an operator, used by the agent."""

from datetime import timedelta

from tests.hubs import TODAY

WHO = "ann, rehearsing"


def tell(story):
    ask, hub = story.ask, story.hub
    path = f"/v1/partners/{hub.ids['ann']}/sandbox"
    opened = ask("operator", "POST", path, expect=201)
    hub.keys[WHO] = opened["key"]
    hub.work()
    found = ask(WHO, "GET", "/v1/sandbox")
    [show, *_] = found["productions"][0]["performances"]
    event = {"kind": "postponed", "performance_id": show}
    ask(WHO, "POST", "/v1/sandbox/events", event, expect=202)
    asked = _request(hub)
    decision = f"/v1/sandbox/requests/{asked['id']}/decision"
    ask(WHO, "POST", decision, {"decision": "accept"})
    later = (TODAY + timedelta(days=35)).isoformat()
    ask(WHO, "PUT", "/v1/sandbox/clock", {"now": later})
    period = {"period": TODAY.strftime("%Y-%m")}
    ask(WHO, "POST", "/v1/sandbox/closing", period)
    ask(WHO, "GET", "/v1/sandbox/checklist")
    ask("operator", "GET", path)


def _request(hub):
    """Hold something of a production that is on request."""
    every = {one["ref"]: one for one in hub.get(WHO, "/v1/sandbox")["productions"]}
    [show] = every["on-request"]["performances"]
    return hub.hold(WHO, [(hub.offer_id(WHO, show), 2)], expect=202)
