package journey

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/compositions/model"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
)

// action is a kind of step.
type action struct {
	name   string
	weight int                                                  // how often it is drawn
	do     func(w *world, ctx context.Context, s Step) *request // nil if it sends no request
	tell   func(w *world, s Step, r *request)                   // updates the model
}

func actionOf(name string) *action {
	for i := range actions {
		if actions[i].name == name {
			return &actions[i]
		}
	}
	return nil
}

var actions []action

func init() { //nolint:gochecknoinits // an initializer would be a cycle: the functions use the table
	actions = []action{
		{"log in", 10, func(w *world, ctx context.Context, s Step) *request {
			return w.send(ctx, s, "login", "email", s.email(), "password", "right", "remember", s.box())
		}, func(w *world, s Step, r *request) { w.model.LogIn(&r.Visit, "local", s.who(), true, w.remembers(s)) }},
		{"log in wrong", 1, func(w *world, ctx context.Context, s Step) *request {
			return w.send(ctx, s, "login", "email", s.email(), "password", "wrong")
		}, func(w *world, s Step, r *request) { w.model.LogIn(&r.Visit, "local", s.who(), false, false) }},
		{"log in by provider", 4, func(w *world, ctx context.Context, s Step) *request {
			return w.send(ctx, s, "provider", "user", fmt.Sprint(s.who()), "code", "right", "label", fmt.Sprint(s.N%2), "remember", s.box())
		}, func(w *world, s Step, r *request) {
			w.model.LogIn(&r.Visit, "provider", s.who(), true, w.remembers(s), s.label())
		}},
		{"step up", 4, func(w *world, ctx context.Context, s Step) *request {
			return w.send(ctx, s, "totp", "user", fmt.Sprint(s.who()), "code", "right")
		}, func(w *world, s Step, r *request) { w.model.StepUp(&r.Visit, "totp", s.who(), true) }},
		{"step up wrong", 1, func(w *world, ctx context.Context, s Step) *request {
			return w.send(ctx, s, "totp", "user", fmt.Sprint(s.who()), "code", "wrong")
		}, func(w *world, s Step, r *request) { w.model.StepUp(&r.Visit, "totp", s.who(), false) }},
		{"page", 6, func(w *world, ctx context.Context, s Step) *request { return w.send(ctx, s, "me") },
			func(w *world, _ Step, r *request) {
				page := model.Me
				if w.shared.Factor == 2 {
					page = model.Proved
				}
				w.model.Page(&r.Visit, page)
			}},
		{"open a page", 3, func(w *world, ctx context.Context, s Step) *request { return w.openPage(ctx, s) },
			func(w *world, s Step, r *request) { w.tellOpened(s, r) }},
		{"proved page", 2, func(w *world, ctx context.Context, s Step) *request { return w.send(ctx, s, "proved") },
			func(w *world, _ Step, r *request) { w.model.Page(&r.Visit, model.Proved) }},
		{"fresh page", 2, func(w *world, ctx context.Context, s Step) *request { return w.send(ctx, s, "fresh") },
			func(w *world, _ Step, r *request) { w.model.Page(&r.Visit, model.Fresh) }},
		{"admin page", 3, func(w *world, ctx context.Context, s Step) *request { return w.send(ctx, s, "admin") },
			func(w *world, _ Step, r *request) { w.model.Page(&r.Visit, model.Admin) }},
		{"set", 4, func(w *world, ctx context.Context, s Step) *request {
			return w.send(ctx, s, "set", "name", key(s), "value", fmt.Sprint(s.U))
		}, func(w *world, s Step, r *request) { w.model.Write(&r.Visit, key(s), to(fmt.Sprint(s.U))) }},
		{"set from another site", 2, func(w *world, ctx context.Context, s Step) *request {
			return w.send(ctx, s, "set", "name", key(s), "value", fmt.Sprint(s.U))
		}, func(w *world, s Step, r *request) { w.model.Write(&r.Visit, key(s), to(fmt.Sprint(s.U))) }},
		{"get", 2, func(w *world, ctx context.Context, s Step) *request {
			return w.send(ctx, s, "get", "name", key(s))
		}, func(w *world, s Step, r *request) { w.compareValue(r, key(s)) }},
		{"renew", 3, func(w *world, ctx context.Context, s Step) *request { return w.send(ctx, s, "renew") },
			func(w *world, _ Step, r *request) { w.model.Renew(&r.Visit) }},
		{"regenerate", 1, func(w *world, ctx context.Context, s Step) *request {
			return w.send(ctx, s, "regenerate", "name", key(s), "value", "new")
		}, func(w *world, s Step, r *request) { w.model.Regenerate(&r.Visit, key(s), "new") }},
		{"change the password", 3, func(w *world, ctx context.Context, s Step) *request {
			return w.send(ctx, s, "password", "fresh", fmt.Sprint(s.N%2))
		}, func(w *world, s Step, r *request) { w.model.ChangePassword(&r.Reply, s.N%2 == 1) }},
		{"change the role", 2, func(w *world, _ context.Context, s Step) *request {
			w.table(s).change(s.who(), func(u *user) { u.Role = s.role() })
			return nil
		}, func(w *world, s Step, _ *request) {
			g, _ := w.guard(s)
			w.model.Roles[model.Account{Guard: g, User: s.who()}] = s.role()
		}},
		{"log out", 6, func(w *world, ctx context.Context, s Step) *request { return w.send(ctx, s, "logout") },
			func(w *world, _ Step, r *request) { w.model.LogOut(&r.Visit) }},
		{"destroy", 1, func(w *world, ctx context.Context, s Step) *request { return w.send(ctx, s, "destroy") },
			func(w *world, _ Step, r *request) { w.model.Destroy(&r.Visit) }},
		{"log out everywhere", 3, func(w *world, ctx context.Context, s Step) *request {
			_, auth := w.guard(s)
			_, err := auth.LogOutEverywhere(ctx, w.table(s).row(s.who()))
			return called(err)
		}, func(w *world, s Step, _ *request) {
			g, _ := w.guard(s)
			w.model.LogOutEverywhere(g, s.who())
		}},
		{"end a device", 3, func(w *world, ctx context.Context, s Step) *request {
			_, auth := w.guard(s)
			u := w.table(s).row(s.who())
			list, err := auth.Sessions(ctx, u)
			if err != nil || len(list) == 0 {
				return called(err)
			}
			d := list[s.N%len(list)]
			id := w.refs[d.Ref]
			found, err := auth.EndSession(ctx, u, d.Ref)
			r := called(err)
			if r.ID = id; found {
				r.text = "found"
			}
			return r
		}, func(w *world, s Step, r *request) {
			g, _ := w.guard(s)
			w.model.EndSession(g, r.ID)
		}},
		{"end a device of one's own", 3, func(w *world, ctx context.Context, s Step) *request {
			id, ref := w.seen(s)
			r := w.send(ctx, s, "end", "ref", ref)
			r.text = id
			return r
		}, func(w *world, _ Step, r *request) { w.model.EndOwn(&r.Visit, r.text) }},
		{"start a wrong program", 1, func(w *world, _ context.Context, s Step) *request {
			if err := w.wrong(s); err == nil {
				w.broken([]string{"config: two guards with one key are started", "config: a lost stamp is accepted"}[s.N%2], "%d", s.N)
			}
			return nil
		}, nil},
		{"log-out by the provider", 3, func(w *world, ctx context.Context, s Step) *request {
			_, auth := w.guard(s)
			_, err := auth.EndLinked(ctx, s.label())
			return called(err)
		}, func(w *world, s Step, _ *request) {
			g, _ := w.guard(s)
			w.model.EndLinked(g, s.label())
		}},
		{"log in at Express", 4, func(w *world, _ context.Context, s Step) *request { return w.express(s, w.nodeLogIn) },
			func(w *world, s Step, r *request) {
				if r.IDs != nil {
					w.model.NodeLogIn(&r.Visit, s.who(), w.shared.Node > 1, w.shared.nodeKeeps(), r.text == "noted")
				}
			}},
		{"log out at Express", 2, func(w *world, _ context.Context, s Step) *request { return w.express(s, w.nodeLogOut) },
			func(w *world, _ Step, r *request) {
				if r.IDs != nil {
					w.model.NodeLogOut(&r.Visit, w.shared.Node > 1, w.shared.nodeKeeps())
				}
			}},
		{"set at Express", 2, func(w *world, _ context.Context, s Step) *request { return w.express(s, w.nodeSet) },
			func(w *world, s Step, r *request) {
				if r.IDs != nil {
					w.model.NodeSet(&r.Visit, key(s), fmt.Sprint(s.U))
				}
			}},
		{"begin at Express", 3, func(w *world, _ context.Context, s Step) *request { return w.express(s, w.nodeBegin) },
			func(w *world, _ Step, r *request) {
				if r.IDs != nil {
					w.model.NodeBegins(r.IDs[0])
				}
			}},
		{"end at Express", 3, func(w *world, _ context.Context, s Step) *request { return w.express(s, w.nodeEnd) },
			func(w *world, s Step, r *request) {
				if r.IDs != nil {
					w.model.NodeEnds(&r.Visit, key(s), fmt.Sprint(s.U))
				}
			}},
		{"reopen", 4, func(w *world, _ context.Context, s Step) *request {
			w.browser(s).reopen()
			return nil
		}, nil},
		{"clock", 5, func(w *world, _ context.Context, s Step) *request {
			w.stores.readAll() // a replica does not lag for minutes
			long := lengths[s.N%len(lengths)]
			if len(w.streams) > 0 && w.storeIsDown() && long > idle { // looked for each second: an outage has an end
				time.Sleep(idle)
				w.back()
				w.deaf, long = false, long-idle
			}
			time.Sleep(long)
			return nil
		}, nil},
	}
	actions = slices.Concat(actions, visits, passkeys, streams, bounds, outages, failovers, lags)
}

// to returns a change that sets that value.
func to(value string) func(string) string { return func(string) string { return value } }

// express sends a request to Express, if the journey has it.
func (w *world) express(s Step, do func(Step) *request) *request {
	if w.shared.Node == 0 {
		return called(nil)
	}
	return do(s)
}

// admin is the role that a route requires.
const admin = "admin"

// freshFor is how old a log-in may be for the route that requires a fresh one.
const freshFor = 20 * time.Minute

// called returns the result of a call that is not an HTTP request.
func called(err error) *request {
	r := new(request)
	r.Status = http.StatusOK
	if err != nil {
		r.Status, r.text = http.StatusServiceUnavailable, err.Error()
	}
	return r
}

func (r *request) user() int {
	text, _, _ := strings.Cut(r.text, " ")
	u, _ := strconv.Atoi(text)
	return u
}

func (s Step) email() string { return fmt.Sprint(s.who()) }
func (s Step) role() string  { return []string{admin, fmt.Sprint("role ", s.N)}[s.N%2] }
func (s Step) label() string { return fmt.Sprint("sid-", s.N%2) }

func (s Step) box() string {
	if s.Remember {
		return "1"
	}
	return ""
}

// seen returns an id that was issued, whether or not it is still valid, and its Ref.
func (w *world) seen(s Step) (id, ref string) {
	if len(w.ids) == 0 {
		return "", "none"
	}
	id = w.ids[len(w.ids)-1-s.N%len(w.ids)]
	for r, i := range w.refs {
		if i == id {
			return id, r
		}
	}
	return id, "none"
}

// wrong configures a program that New must refuse: two guards have one key, or the stamp is lost.
func (w *world) wrong(s Step) error {
	sessions, err := session.New(session.Config{Store: w.gate.Store(), Codec: session.SecureCookie(secret)})
	if err != nil {
		return err
	}
	table := w.shared.tables[0]
	byID := func() serializer.Serializer[*user] {
		return serializer.ByID(func(u *user) int { return u.ID }, table.byID)
	}
	if s.N%2 == 0 {
		_, err = guard.New(guard.Config{Sessions: sessions}, byID())
		if err == nil {
			_, err = guard.New(guard.Config{Sessions: sessions}, byID())
		}
		return err
	}
	stamped := serializer.WithStamp(byID(), func(u *user) string { return fmt.Sprint(u.Password) })
	_, err = guard.New(guard.Config{Sessions: sessions}, serializer.Serializer[*user](serializer.Chain[*user](stamped)))
	return err
}
