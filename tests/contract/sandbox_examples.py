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
    later = (TODAY + timedelta(days=35)).isoformat()
    ask(WHO, "PUT", "/v1/sandbox/clock", {"now": later})
    period = {"period": TODAY.strftime("%Y-%m")}
    ask(WHO, "POST", "/v1/sandbox/closing", period)
    ask(WHO, "GET", "/v1/sandbox/checklist")
    ask("operator", "GET", path)
