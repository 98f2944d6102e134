package journey

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/compositions/model"
	"github.com/seed-6f34412b/passport/internal/compositions/outside"
	"github.com/seed-6f34412b/passport/session"
)

// values are the names of all values that a session may hold.
var values = []string{"a", "b", "returnTo"}

// short shortens an id for messages.
func short(id string) string { return id[:min(len(id), 6)] }

// ask compares what the program says of every id that was ever issued, and the lists of all users, with the
// model.
func (w *world) ask() {
	defer w.stores.ask()()
	ctx := context.Background()
	found := map[string]outside.Opened{}
	for _, id := range w.ids {
		found[id] = w.open(ctx, id)
	}
	w.model.Expire(time.Now(), func(id string) bool { return found[id].Lives })
	for _, id := range w.ids {
		got := found[id]
		w.model.Settled(id, got)
		w.compare(id, got)
	}
	for g, auth := range w.probe.guards {
		for _, user := range slices.Sorted(maps.Keys(w.shared.tables[g].rows)) {
			list, err := auth.Sessions(ctx, w.shared.tables[g].row(user))
			if err != nil {
				w.broken("answer: Sessions fails", "%v", err)
			}
			var got []outside.Device
			for _, d := range list {
				got = append(got, outside.Device{ID: w.refs[d.Ref], LoggedIn: d.LoggedIn, Factors: factorsIn(d.Factors), Pending: d.Pending})
			}
			w.model.Listed(g, user, got)
			w.compareLists(g, user, got)
		}
	}
}

// open returns what the program says of an id, without a request or a refresh.
func (w *world) open(ctx context.Context, id string) outside.Opened {
	o := outside.Opened{Values: map[string]string{}, Users: make([]int, len(w.probe.guards)), Pending: make([]bool, len(w.probe.guards))}
	s, err := w.probe.managers[0].Open(ctx, id)
	switch {
	case err == nil:
	case errors.Is(err, session.ErrNotFound):
		return o
	default:
		w.broken("answer: Open fails", "%v", err)
		return o
	}
	w.refs[s.Ref()] = id
	o.Lives = true
	for g, auth := range w.probe.guards {
		u, err := auth.UserOf(ctx, s)
		if insufficient, ok := errors.AsType[*guard.Insufficient](err); ok {
			o.Pending[g] = insufficient.Factor != ""
		}
		if err == nil {
			o.Users[g] = u.ID
		}
	}
	for _, k := range values {
		if v, ok, err := session.Key[string](k).Get(s); ok && err == nil {
			o.Values[k] = v
		}
	}
	return o
}

// compare compares what the program says of an id with the model.
func (w *world) compare(id string, got outside.Opened) {
	want := outside.Opened{Users: make([]int, len(got.Users)), Pending: make([]bool, len(got.Users))}
	if s := w.model.Live[id]; s != nil {
		want.Lives, want.Values = true, s.Values
		for g, l := range s.LogIns {
			if want.Pending[g] = w.model.Good(l) && w.model.Pending(l); w.model.Good(l) && !w.model.Pending(l) {
				want.Users[g] = l.User
			}
		}
	}
	id = short(id)
	for g, u := range got.Users {
		if u != want.Users[g] {
			kind := "user: a log-in is missing or another's"
			switch {
			case !want.Lives:
				kind = "session: a log-in that ended lives"
			case want.Users[g] == 0:
				kind = "user: a log-in that must not be"
			case !got.Lives:
				continue
			}
			w.broken(kind, "guard %d of %s: got user %d, want %d", g, id, u, want.Users[g])
		}
	}
	switch {
	case got.Lives && !want.Lives:
		if !slices.ContainsFunc(got.Users, func(u int) bool { return u > 0 }) {
			w.broken("session: one that ended lives", "%s", id)
		}
		return
	case !got.Lives && want.Lives:
		w.broken("session: one that lives is gone", "%s of users %v, pending %v", id, want.Users, want.Pending)
	}
	if !got.Lives {
		return
	}
	w.model.Want(slices.Equal(got.Pending, want.Pending), "user: pending is wrong", "at the guards of %s: got %v, want %v", id, got.Pending, want.Pending)
	for _, k := range values {
		w.model.Want(got.Values[k] == want.Values[k], "value: a session holds another value", "%s of %s: got %q, want %q", k, id, got.Values[k], want.Values[k])
	}
}

// compareAnswer compares an answer with the model.
func (w *world) compareAnswer(r *request) {
	want, m := w.model.Answered(&r.Visit), w.model
	if r.What == "" { // a call, or a request to others
		return
	}
	what := cmp.Or(want.Refused, r.What)
	status := cmp.Or(want.Status, http.StatusOK)
	m.Want(r.Status == status, fmt.Sprintf("answer: %s is %d, want %d", what, r.Status, status), "by %s", r.What)
	m.Want(want.User == 0 || r.Status != status || r.user() == want.User, "user: another user's page", "got user %d, want %d", r.user(), want.User)
	m.Want(!want.Taken, "cookie: an id is given again", "%s", r.ID)
	w.compareCookie(want.Session, r.Sent, r.ID != "", r.Gone, what, "the session's cookie")
	w.compareCookie(want.Token, r.Token != "", r.Next != "", r.Forgot, what, "the cookie of RememberMe")
	m.Want(want.Next != "" || r.Next == "" || r.Next != r.Token, "token: the presented one is sent again", "by %s", what)
	m.Want(want.Next == "" || r.Next == want.Next, "token: tabs at once get different tokens", "got %s, want %s", r.Next, want.Next)
	if left := want.Keeps.Truncate(time.Second); want.Keeps > 0 {
		m.Want(r.Keeps == left, "cookie: the Max-Age of what remembers", "got %v, want %v", r.Keeps, left)
	}
	s := want.InUse
	if s == nil || r.Gone {
		return
	}
	if r.ID == "" {
		m.Want(r.Again || want.Again&model.Must == 0, "cookie: it is not sent again", "%s", s.ID)
		m.Want(!r.Again || want.Again&model.MaySet > 0, "cookie: it is sent again", "%s", s.ID)
	}
	if !s.Node && (r.ID != "" || r.Again) {
		var age time.Duration
		if r.Ages && !want.Until.IsZero() {
			age = want.Until.Sub(r.Now).Truncate(time.Second)
		}
		m.Want(r.Until.Equal(want.Until.Truncate(time.Second)), "cookie: its Expires", "got %v, want %v", r.Until, want.Until)
		m.Want(r.MaxAge == age, "cookie: its Max-Age", "got %v, want %v", r.MaxAge, age)
	}
}

// compareCookie compares what an answer does with a cookie with the model. sent is whether the request
// presented it.
func (w *world) compareCookie(f model.Fate, sent, set, expired bool, what, which string) {
	if f == model.Expired && !sent {
		f = 0
	}
	must := f&model.Must > 0
	w.model.Want(set || !must || f&model.MaySet == 0, "cookie: "+what+" does not set "+which, "expired: %v", expired)
	w.model.Want((!set || f&model.MaySet > 0) && (!expired || f&model.MayExpire > 0), "cookie: "+what+" touches "+which, "set: %v, expired: %v", set, expired)
	w.model.Want(expired || !must || f&model.MayExpire == 0, "cookie: "+what+" keeps "+which, "set: %v", set)
}

// compareValue compares a value that a request shows with the model.
func (w *world) compareValue(r *request, name string) {
	want := w.model.Read(&r.Visit, name)
	shows := r.Status != http.StatusOK || r.text == want || strings.Contains(want, model.Anything)
	w.model.Want(shows, "value: a request reads another value", "%s: got %q, want %q", name, r.text, want)
}

// compareLists compares what Guard.Sessions lists with the model: of each device, one of its sessions.
func (w *world) compareLists(g, user int, got []outside.Device) {
	want := w.model.Devices(g, user, func(*model.Session, *model.LogIn) bool { return true })
	w.model.Want(len(got) == len(want), "list: the number of a user's devices", "guard %d, user %d: got %d, want %d", g, user, len(got), len(want))
	may := slices.Concat(want...) // an id is in only one of them
	for _, d := range got {
		i := slices.IndexFunc(may, func(s *model.Session) bool { return s.ID == d.ID })
		if i < 0 {
			w.broken("list: a device that must not be", "guard %d, user %d: %s", g, user, short(d.ID))
			continue
		}
		l := may[i].LogIns[g]
		at, pending := l.At.Truncate(time.Millisecond), w.model.Pending(l)
		w.model.Want(d.LoggedIn.Equal(at), "list: when a device logged in", "got %v, want %v", d.LoggedIn, at)
		w.model.Want(slices.Equal(d.Factors, l.Factors) && d.Pending == pending, "list: a device's factors", "got %+v, want %v, pending %v", d, l.Factors, pending)
	}
}

// outcomeOf returns the outcome of an event.
func outcomeOf(name string) string {
	switch name {
	case "authn_login_success", "session_created", "session_renewed", "session_expired":
		return string(guard.OutcomeSuccess)
	}
	return string(guard.OutcomeFailure)
}

// covers reports whether the event e is what the model requires.
func covers(want outside.Expected, e model.Event) bool {
	return e.Guard == want.Guard && e.Name == want.Name && e.Outcome == outcomeOf(want.Name) && e.Strategy == want.Strategy && e.Account == want.Account &&
		(want.Reason == model.Anything || slices.Contains(strings.Split(want.Reason, "|"), e.Reason)) &&
		(want.Anyone || e.User == want.User) && (want.Session == model.Anything || e.Session == want.Session) && (want.Uncounted || e.Count == want.Count)
}

// compareEvents requires the events of a step, each once, and no others.
func (w *world) compareEvents(got []model.Event) {
	want := w.model.Expected()
	if w.model.Muted(got) {
		return
	}
	var extra []model.Event
	for _, e := range got {
		if i := slices.IndexFunc(want, func(o outside.Expected) bool { return covers(o, e) }); i >= 0 {
			want = slices.Delete(want, i, i+1)
		} else {
			extra = append(extra, e)
		}
	}
	for _, e := range want {
		w.model.Want(e.Unsure, fmt.Sprintf("event: %s of the reason %q is missing", e.Name, e.Reason), "got %+v, want %+v", got, e)
	}
	for _, e := range extra {
		w.broken(fmt.Sprintf("event: %s of the reason %q is sent", e.Name, e.Reason), "got %+v, want %+v", e, want)
	}
}
