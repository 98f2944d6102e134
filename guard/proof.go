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

// proof is how a guard came to know the user of a request.
type proof struct {
	how       how
	strategy  string        // the name of the one that succeeded
	info      strategy.Info // what it reported
	factors   []factor      // what was proved in this request
	crossSite bool          // the strategy may be asked by other sites
	recalled  bool          // a cookie of Config.RememberMe found the user
	saved     bool          // LogIn or LogInUser took the user into the session
}

type how uint8

const (
	bySession     how = iota // the session remembered the user
	byCredentials            // a strategy found the user in this request
	byApplication            // LogInUser
)

type factor struct {
	name string
	at   time.Time
}

// at returns when the user proved who they are: what the strategy reported, unless
// that lies in the future, or else now.
func (p *proof) at(now time.Time) time.Time {
	if at := p.info.At; !at.IsZero() && !at.After(now) {
		return at
	}
	return now
}

// proved completes p after the named strategy succeeded.
func (p *proof) proved(name string, now time.Time) {
	p.how, p.strategy = byCredentials, name
	names := p.info.Factors
	if len(names) == 0 {
		names = []string{name}
	}
	for _, f := range names {
		p.factors = append(p.factors, factor{f, p.at(now)})
	}
}

// withFactors returns old, the JSON object of a slot's factors, with those of p in it.
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

// proofOf returns how this guard's user of the request was found, or nil when none was.
func (g *Guard[U]) proofOf(st *reqstate.State) *proof {
	u, ok := st.User(g)
	if !ok || u.Value == nil {
		return nil
	}
	if p, ok := u.More.(*proof); ok {
		return p
	}
	return g.remembered // guardtest.WithUser
}

// userIn returns this guard's user of the request, as far as it is known yet.
func (g *Guard[U]) userIn(st *reqstate.State) (U, bool) {
	u, _ := st.User(g)
	user, ok := u.Value.(U)
	return user, ok
}

// User returns the user of the request in which ctx was made: Passport's req.user,
// typed. ok is false when no middleware of this guard found one: behind
// [Guard.RequireAuth] and [Guard.Authenticate] it is true. It asks nobody and is
// safe for concurrent use once the handler runs.
func (g *Guard[U]) User(ctx context.Context) (user U, ok bool) {
	if st := reqstate.From(ctx); st != nil {
		return g.userIn(st)
	}
	return user, false
}

// Info returns what is known of the log-in beside the user: Passport's req.authInfo.
// Behind Authenticate that is what the strategy reported, with Factors and At filled
// in. Of a user found in the session, it is At (zero after a log-in by Node) and
// Factors, oldest first. ok is false where [Guard.User] finds nobody.
func (g *Guard[U]) Info(ctx context.Context) (info strategy.Info, ok bool) {
	st := reqstate.From(ctx)
	if st == nil {
		return info, false
	}
	p := g.proofOf(st)
	if p == nil {
		return info, false
	}
	info = p.info
	factors := p.factors
	if p.how == bySession {
		if own := reqstate.Of(ctx, g.owner); own != nil && own.Slots != nil {
			slot, err := own.Slots.Slot(ctx, g.cfg.SessionKey)
			if err != nil {
				return info, false
			}
			info.At, factors = slot.At, factorsOf(slot)
		}
	} else {
		info.At = p.at(time.Now())
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
	if len(slot.Factors) == 0 || obj.Parse(slot.Factors) != nil {
		return nil
	}
	for _, name := range obj.Names() {
		if at, ok := slot.Factor(name); ok {
			list = append(list, factor{name, at})
		}
	}
	slices.SortStableFunc(list, func(a, b factor) int { return a.at.Compare(b.at) })
	return list
}
