"""What is magic in a sandbox: performances, areas and seats, buyers."""


def test_a_sandbox_has_a_season_that_sells(rehearsal):
    hold = rehearsal.hold(rehearsal.show("ordinary"))
    assert rehearsal.sell(hold)["state"] == "confirmed"
