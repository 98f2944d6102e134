package journey_test

import (
	"testing"

	"github.com/seed-6f34412b/passport/internal/compositions/journey"
)

type (
	steps    = []journey.Step
	switches = journey.Switches
)

// late are journeys that random search finds late: some find a missing fix of TestEachMendIsMissed and have
// its name, the others broke once.
var late = map[string]journey.Journey{
	"C5: labels outlive the log-in that brought them": {Seed: 20261572, Steps: steps{{Do: "log in by provider", B: 1, N: 6}, {Do: "log in", B: 1}, {Do: "log-out by the provider", N: 2}}},
	"S24: what Node copied counts": {Seed: 20261227, Switches: switches{Guards: 1, Node: 3},
		Steps: steps{{Do: "log in by passkey", G: 1}, {Do: "log in at Express"}, {Do: "admin page"}}},
	"S31: the log-out of one guard ends the other's log-in": {Seed: 20261596, Switches: switches{Guards: 1, Node: 1}, Steps: steps{{Do: "log in at Express"}, {Do: "log in", G: 1}, {Do: "log out", Old: true}}},
	"G5: a provider's log-out forgets no browser": {Seed: 20261935, Switches: switches{Remember: 1},
		Steps: steps{{Do: "log in by provider", B: 1, N: 6, Remember: true}, {Do: "log-out by the provider", N: 2}, {Do: "page", B: 1}}},
	"G16: labels outlive a log-out": {Seed: 20261572, Steps: steps{{Do: "log in by provider", B: 1, N: 6}, {Do: "log in", B: 1}, {Do: "log-out by the provider", N: 2}}},
	"G18: each session of a browser counts": {Seed: 20262046, Switches: switches{Remember: 1, Max: 1, Deploy: 3},
		Steps: steps{{Do: "log in by provider", B: 1, P: 1, Remember: true}, {Do: "change the password", B: 1}, {Do: "follow a link", B: 1, P: 1}}},
	"G19: the end of an older session ends the caller's own": {Seed: 20280243, Switches: switches{Remember: 1}, Steps: steps{{Do: "log in", Remember: true}, {Do: "reopen"}, {Do: "end a device of one's own"}}},
	"the cookie is not sent again when the session is refreshed": {Seed: 20261420, Switches: switches{Cookie: 2},
		Steps: steps{{Do: "log in"}, {Do: "clock", N: 3}, {Do: "admin page"}}},
	"a pending recall expires the cookie": {Seed: 20261432, Switches: switches{Remember: 1, Factor: 1},
		Steps: steps{{Do: "log in", B: 2, Remember: true}, {Do: "clock", N: 11}, {Do: "page of an upstream", B: 2}}},
	"a recalled session that is as old as another guard's ends": {Seed: 20261474, Switches: switches{Guards: 1, Remember: 1},
		Steps: steps{{Do: "log in", Late: true}, {Do: "log in", G: 1, N: 13, Remember: true}, {Do: "end a device of one's own", G: 1}}},
	"what a log-in ends is counted": {Seed: 20328163, Switches: switches{Guards: 1, Max: 2, SameSite: 2, Node: 1},
		Steps: steps{{Do: "log in at Express"}, {Do: "set from another site"}, {Do: "log in", B: 1, G: 1}, {Do: "log in by provider", B: 1}, {Do: "log in by provider", B: 1, Old: true}}},
	"a link from another site ends a session": {Seed: 20263197, Switches: switches{Remember: 1, SameSite: 1},
		Steps: steps{{Do: "log in", Remember: true, Late: true}, {Do: "log out"}, {Do: "follow a link"}}},
	"a step up does not list what Node made": {Seed: 20261785, Switches: switches{Ids: 1, Node: 1},
		Steps: steps{{Do: "log in at Express", B: 1, U: 3}, {Do: "step up by passkey", B: 1, U: 3}}},
	"streams: the text of the user's id decides": {Seed: 1, Switches: switches{Ids: 1, Streams: 1},
		Steps: steps{{Do: "log in"}, {Do: "open a stream"}, {Do: "change the role", N: 1}, {Do: "change the password"}}},
	"remembered where the user's id is written otherwise": {Seed: 20264223, Switches: switches{Remember: 1, Ids: 3},
		Steps: steps{{Do: "log in", B: 1, P: 1, Remember: true}, {Do: "clock", N: 10}, {Do: "change the password", B: 1}, {Do: "open a page", B: 1, Old: true}}},
	"a log-out that a lagging replica tells of another's": {Seed: 20262411, Switches: switches{Guards: 1, Lag: 1},
		Steps: steps{{Do: "log in"}, {Do: "log in", G: 1}, {Do: "the reads fall behind"}, {Do: "log out", Old: true}, {Do: "log out", G: 1}}},
	"Express copies a log-in that a lagging replica does not know": {Seed: 20264443, Switches: switches{Guards: 1, Lag: 1, Node: 3},
		Steps: steps{{Do: "register", G: 1}, {Do: "the reads fall behind"}, {Do: "log in at Express"}, {Do: "fresh page"}}},
	"a session that a lagging replica does not know beside one that it knows": {Seed: 20272126, Switches: switches{Deploy: 1, Lag: 1, Node: 1},
		Steps: steps{{Do: "log in at Express"}, {Do: "the reads fall behind"}, {Do: "set", P: 1, Old: true}, {Do: "admin page", P: 1}}},
	"a stream whose session is regenerated":                         {Seed: 20263868, Switches: switches{Streams: 1}, Steps: steps{{Do: "log in"}, {Do: "open a stream"}, {Do: "regenerate"}}},
	"a store that hangs while a challenge is used up":               {Switches: switches{Outage: 1}, Steps: steps{{Do: "the store hangs"}, {Do: "log in by passkey"}}},
	"a store that hangs while a guess is counted":                   {Switches: switches{Outage: 1, Throttle: 1}, Steps: steps{{Do: "the store hangs"}, {Do: "log in"}}},
	"a store that hangs while all browsers of a user are forgotten": {Switches: switches{Outage: 1, Remember: 1}, Steps: steps{{Do: "the store hangs"}, {Do: "log out everywhere"}}},
	"a log-in with what Express wrote late, beside the note": {Seed: 20266759, Switches: switches{Guards: 1, Node: 1},
		Steps: steps{{Do: "register", G: 1}, {Do: "begin at Express"}, {Do: "log in", Lost: true}, {Do: "end at Express"}, {Do: "log in"}}},
	"another user's log-in with it": {Seed: 1296, Switches: switches{Guards: 1, Node: 1},
		Steps: steps{{Do: "log in", G: 1}, {Do: "log in"}, {Do: "begin at Express"}, {Do: "register", Late: true}, {Do: "end at Express", Late: true}, {Do: "log in", U: 2}}},
	"a log-out with it": {Seed: 2991, Switches: switches{Guards: 1, Node: 1},
		Steps: steps{{Do: "log in", G: 1}, {Do: "begin at Express"}, {Do: "log in"}, {Do: "end at Express"}, {Do: "log out", Old: true}}},
	"a log-out of nobody with it": {Seed: 20283783, Switches: switches{Guards: 1, Node: 1},
		Steps: steps{{Do: "log in"}, {Do: "begin at Express"}, {Do: "log out", G: 1, Lost: true}, {Do: "end at Express"}, {Do: "log out", G: 1}}},
	"a log-out of one of two with it": {Seed: 1, Switches: switches{Guards: 1, Node: 1},
		Steps: steps{{Do: "log in", G: 1}, {Do: "log in"}, {Do: "begin at Express"}, {Do: "renew"}, {Do: "end at Express"}, {Do: "log out", Old: true}}},
	"a log-out of the other with it": {Seed: 1, Switches: switches{Guards: 1, Node: 1},
		Steps: steps{{Do: "log in", G: 1}, {Do: "log in"}, {Do: "begin at Express"}, {Do: "renew"}, {Do: "end at Express"}, {Do: "log out", G: 1, Old: true}}},
	"a log-in at Express after its late write": {Seed: 1388, Switches: switches{Node: 1},
		Steps: steps{{Do: "register"}, {Do: "begin at Express"}, {Do: "log in at Express"}, {Do: "set"}, {Do: "end at Express"}, {Do: "log in at Express"}}},
	"a stream whose session is not the one in use": {Seed: 20276056, Switches: switches{Remember: 1, Deploy: 1, Streams: 1},
		Steps: steps{{Do: "flash"}, {Do: "log in", P: 1, Remember: true, Old: true}, {Do: "open a stream", P: 1}, {Do: "reopen"}, {Do: "log out", Old: true}}},
	"a stream whose session is replaced on the way to a page": {Seed: 20276242, Switches: switches{Streams: 1},
		Steps: steps{{Do: "log in"}, {Do: "open a stream"}, {Do: "open a page", N: 1, Old: true}}},
	"a stream whose log-in another process takes out of the session": {Seed: 20262411, Switches: switches{Guards: 1, Streams: 1},
		Steps: steps{{Do: "log in"}, {Do: "log in", G: 1}, {Do: "open a stream"}, {Do: "log out", P: 1, Old: true}}},
	"Express writes back what was found by a name after it had gone": {Seed: 20262641, Switches: switches{Remember: 1, Notes: 1, Node: 2},
		Steps: steps{{Do: "log in", Remember: true}, {Do: "begin at Express"}, {Do: "log in at Express"}, {Do: "log out"}, {Do: "end at Express"}}},
	"Express writes late what Go had not written when it read it": {Seed: 20265867, Switches: switches{Factor: 1, Node: 1},
		Steps: steps{{Do: "log in at Express"}, {Do: "begin at Express"}, {Do: "set"}, {Do: "end at Express"}, {Do: "clock", N: 10}, {Do: "clock", N: 3}}},
	"messages that a lagging replica has shown": {Seed: 20267357, Switches: switches{Guards: 1, Remember: 1, Lag: 1},
		Steps: steps{{Do: "log in", Remember: true}, {Do: "flash"}, {Do: "the reads fall behind"}, {Do: "set"}, {Do: "read flash", G: 1}, {Do: "read flash"}}},
	"what Express writes late outlives the note of its end": {Seed: 20265867, Switches: switches{Notes: 1, Node: 1},
		Steps: steps{{Do: "log in at Express"}, {Do: "begin at Express"}, {Do: "destroy"}, {Do: "end at Express"}, {Do: "clock", N: 10}, {Do: "clock", N: 3}}},
	"a stream whose session another process has moved, without notices": {Seed: 20265195, Switches: switches{Cookie: 2, Store: 1, Node: 1, Streams: 1, Bound: 1},
		Steps: steps{{Do: "log in at Express"}, {Do: "open a stream"}, {Do: "bind the session", P: 1}, {Do: "log in"}}},
	"the same with a renewal": {Switches: switches{Store: 1, Streams: 1}, Steps: steps{{Do: "log in"}, {Do: "open a stream"}, {Do: "renew", P: 1}, {Do: "log out"}}},
	"a late write of Express's beside another browser": {Seed: 20264826, Switches: switches{Guards: 1, Deploy: 1, Node: 1},
		Steps: steps{{Do: "log in at Express", B: 1}, {Do: "begin at Express", B: 1}, {Do: "log in", B: 1, G: 1}, {Do: "end at Express"}, {Do: "step up by passkey", B: 1, Old: true}, {Do: "step up", P: 1}}},
	"a stream beside which Express logs the same user in": {Seed: 77007285, Switches: switches{Ids: 1, Node: 1, Streams: 1},
		Steps: steps{{Do: "log in", U: 3}, {Do: "open a stream"}, {Do: "log in at Express", U: 3}}},
	"Express wrote late what a remembered log-in is to end": {Seed: 77019261, Switches: switches{Guards: 1, Remember: 1, Node: 1},
		Steps: steps{{Do: "log in", Remember: true}, {Do: "begin at Express"}, {Do: "log in by passkey", G: 1}, {Do: "end at Express"}, {Do: "reopen"}, {Do: "admin page"}}},
	"Express wrote late what Go had listed meanwhile": {Seed: 77028684, Switches: switches{Node: 1},
		Steps: steps{{Do: "log in at Express", U: 3}, {Do: "begin at Express"}, {Do: "get"}, {Do: "end at Express"}, {Do: "log out everywhere", U: 3}}},
	"a stream whose session is not in use ends with another user's series": {Seed: 2008963, Switches: switches{Remember: 1, Deploy: 1, Node: 1, Streams: 1},
		Steps: steps{{Do: "log in by provider", U: 2, P: 1, Remember: true}, {Do: "open a stream"}, {Do: "log in at Express"}, {Do: "change the password"}}},
	"a token that was used up while no replica confirmed it": {Seed: 2004610, Switches: switches{Remember: 1, Outage: 3},
		Steps: steps{{Do: "log in", Remember: true}, {Do: "set", Old: true}, {Do: "the replica falls behind"}, {Do: "end a device of one's own"}, {Do: "end a device of one's own"}}},
	"a stream whose session is presented beside the one in use": {Seed: 6005771, Switches: switches{Deploy: 1, Streams: 1},
		Steps: steps{{Do: "log in", P: 1}, {Do: "log in by provider", Old: true}, {Do: "open a stream", P: 1}, {Do: "log in"}}},
	"Express wrote late what Go had listed under another user": {Seed: 6007515, Switches: switches{Node: 1},
		Steps: steps{{Do: "log in", B: 2}, {Do: "log in at Express", B: 2, U: 2}, {Do: "begin at Express", B: 2}, {Do: "flash", B: 2}, {Do: "end at Express"}}},
	"a log-out that does not find what no answer contained": {Seed: 4009556, Switches: switches{Outage: 3},
		Steps: steps{{Do: "the store dies", N: 6}, {Do: "log in by passkey", B: 1}, {Do: "log in by provider", B: 1, N: 10}, {Do: "the replica falls behind"}, {Do: "the store is back"}, {Do: "log-out by the provider", N: 2}}},
}

// TestLateJourneys checks that what broke once still works.
func TestLateJourneys(t *testing.T) {
	for name, j := range late {
		t.Run(name, func(t *testing.T) { journey.Try(t, j) })
	}
}
