package guard

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/seed-6f34412b/passport/internal/rawjson"
	"github.com/seed-6f34412b/passport/internal/reqstate"
	"github.com/seed-6f34412b/passport/strategy"
)

// state says how this guard found the user of a request. A request has one for each guard. It changes only
// from nobody to another state, and from proved to loggedIn.
type state uint8

const (
	nobody   state = iota // no user was found, or none was looked for yet
	restored              // the session had the user's log-in when the request arrived
	recalled              // the cookie of Config.RememberMe logged the user in during this request
	proved                // a strategy found the user by credentials; the session has no log-in of this
	loggedIn              // LogIn, LogInUser or StepUp stored the user in the session during this request
)

// byCredentials reports whether the user was found in this request by more than the
// browser's cookies.
func (s state) byCredentials() bool { return s == proved || s == loggedIn }

// inSession reports whether the session has the user's log-in, with its time and factors.
func (s state) inSession() bool { return s == restored || s == recalled || s == loggedIn }

// evidence is what a guard knows about the user of a request besides the user: how they were found, and
// what they proved in this request. It is immutable.
type evidence struct {
	state    state
	strategy string        // the name of the strategy that succeeded
	info     strategy.Info // what it reported
	at       time.Time     // when the user proved who they are, with state proved or loggedIn
	factors  []factor      // what was proved in this request
	series   string        // the series of Config.RememberMe, in state recalled
	missing  string        // a factor that the user has and did not prove: the log-in is pending
}

// Values that are the same for every request are shared, so that a read allocates nothing.
var (
	isNobody    = &evidence{state: nobody}
	isAnonymous = &evidence{state: nobody, strategy: strategy.NameAnonymous} // a strategy returned ErrAnonymous
	isRestored  = &evidence{state: restored, strategy: strategy.NameSession}
	isRecalled  = &evidence{state: recalled, strategy: strategy.NameRemember}
)

// inState returns a copy of e in the state s.
func (e *evidence) inState(s state) *evidence {
	c := *e
	c.state = s
	return &c
}

type factor struct {
	name string
	at   time.Time
}

// withFactors returns old, the JSON object of a slot's factors, with factors added.
func withFactors(old json.RawMessage, factors []factor) json.RawMessage {
	var obj rawjson.Object
	if len(old) > 0 {
		if err := obj.Parse(old); err != nil {
			obj = rawjson.Object{}
		}
	}
	for _, f := range factors {
		obj.Set(f.name, strconv.AppendInt(nil, f.at.UnixMilli(), 10))
	}
	if obj.Len() == 0 {
		return nil
	}
	return obj.AppendTo(nil)
}

// requestUser returns this guard's user of the request, as far as it is known yet, and the evidence, which
// is never nil.
func (g *Guard[U]) requestUser(st *reqstate.State) (user U, e *evidence, ok bool) {
	u, _ := st.User(g)
	user, ok = u.Value.(U)
	switch e, known := u.More.(*evidence); {
	case known:
		return user, e, ok
	case ok:
		return user, ofTest(u.More), true
	}
	return user, isNobody, false
}

// ofTest returns the evidence for a user set by guardtest. With WithUser it is that of a user in the
// session.
func ofTest(more any) *evidence {
	proof, ok := more.(reqstate.Proof)
	if !ok {
		return isRestored
	}
	e := &evidence{state: proved, strategy: "guardtest", at: proof.At}
	for _, name := range proof.Factors {
		e.factors = append(e.factors, factor{name, proof.At})
	}
	return e
}

// evidence is requestUser without the user.
func (g *Guard[U]) evidence(st *reqstate.State) *evidence {
	_, e, _ := g.requestUser(st)
	return e
}

// clearUser removes the request's user.
func (g *Guard[U]) clearUser(st *reqstate.State) { st.SetUser(g, nil, nil) }

// anyUser is requestUser for a context, without the evidence. It also returns a pending user.
func (g *Guard[U]) anyUser(ctx context.Context) (user U, ok bool) {
	if st := reqstate.Of(ctx, reqstate.Anyone); st != nil {
		user, _, ok = g.requestUser(st)
	}
	return user, ok
}

// User returns the user of the request in which ctx was made: Passport's req.user,
// typed. ok is false when no middleware of this guard found one, and while a factor of
// Config.Factors is missing: behind [Guard.RequireAuth] it is true, and behind
// [Guard.Authenticate] without Config.Factors. It reads nothing from the store, and is
// safe for concurrent use once the handler runs.
func (g *Guard[U]) User(ctx context.Context) (user U, ok bool) {
	st := reqstate.Of(ctx, reqstate.Anyone)
	if st == nil {
		return user, false
	}
	found, e, ok := g.requestUser(st)
	if !ok || e.missing != "" {
		return user, false
	}
	return found, true
}

// Info returns what is known of the log-in besides the user: Passport's req.authInfo.
// Behind Authenticate that is what the strategy reported, with Factors and At filled
// in. If the user is in the session, even if this request logged them in, At (zero after a
// log-in by Node) and Factors, oldest first, come from the session: the next request finds
// the same.
// After session.Session.Regenerate, Destroy or Reload, which take a log-in out of the session,
// the request keeps its user, with a zero At, and the next one finds nobody.
// ok is false if [Guard.User] finds nobody.
func (g *Guard[U]) Info(ctx context.Context) (info strategy.Info, ok bool) {
	st := reqstate.Of(ctx, reqstate.Anyone)
	if st == nil {
		return info, false
	}
	e := g.evidence(st)
	if e.state == nobody || e.missing != "" {
		return info, false
	}
	info = e.info
	factors := e.factors
	if e.state.inSession() {
		if own := reqstate.Of(ctx, g.owner); own != nil && own.Slots != nil {
			slot, err := own.Slots.Slot(ctx, g.cfg.SessionKey)
			if err != nil {
				return info, false
			}
			info.At, factors = slot.At, factorsOf(slot)
		}
	} else {
		info.At = e.at
	}
	info.Factors = nil
	for _, f := range factors {
		info.Factors = append(info.Factors, f.name)
	}
	return info, true
}

// factorsOf returns the factors in a slot, oldest first.
func factorsOf(slot reqstate.Slot) []factor {
	var list []factor
	var obj rawjson.Object
	if all := slot.AllFactors(); len(all) == 0 || obj.Parse(all) != nil {
		return nil
	}
	for _, name := range obj.Names() {
		if ms, ok := rawjson.Int(obj.Get(name)); ok {
			list = append(list, factor{name, time.UnixMilli(ms)})
		}
	}
	slices.SortStableFunc(list, func(a, b factor) int { return a.at.Compare(b.at) })
	return list
}
