package main

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/password"
	"github.com/seed-6f34412b/passport/strategy/throttle"
)

// User is a row of the users table, which both programs read.
type User struct {
	ID                int
	Name, Email, Hash string
}

//go:embed users.json
var usersJSON []byte

type table []*User

func (t table) byEmail(_ context.Context, email string) (*User, string, error) {
	for _, u := range t {
		if u.Email == email {
			return u, u.Hash, nil
		}
	}
	return nil, "", strategy.ErrUnauthenticated
}

func (t table) byID(_ context.Context, id int) (*User, error) {
	for _, u := range t {
		if u.ID == id {
			return u, nil
		}
	}
	return nil, serializer.ErrUserGone
}

// visits is the counter that Express keeps in req.session.visits.
const visits session.Key[int] = "visits"

// newApp returns the routes of express/app.mjs, on the same sessions.
func newApp(records *store.RedisStores, secret string) (http.Handler, error) {
	var users table
	if err := json.Unmarshal(usersJSON, &users); err != nil {
		return nil, err
	}
	sessions, err := session.New(session.Config{Store: records.Sessions, Codec: session.Express(secret), InsecureHTTP: true}) // http on loopback
	if err != nil {
		return nil, err
	}
	passwords, err := password.New(password.LookupFunc[*User](users.byEmail), password.Config{})
	if err != nil {
		return nil, err
	}
	device := sha256.Sum256([]byte("known browsers, signed with " + secret)) // the secret itself signs sessions
	local, err := throttle.New(throttle.Config{Counter: records.Counter, Secrets: []string{string(device[:])}, InsecureHTTP: true}, passwords)
	if err != nil {
		return nil, err
	}
	auth, err := guard.New(guard.Config{Sessions: sessions}, serializer.ByID(func(u *User) int { return u.ID }, users.byID), local)
	if err != nil {
		return nil, err
	}

	say := func(f func(*User, *session.Session) (string, error)) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			u, _ := auth.User(r.Context())
			s, err := session.FromContext(r.Context())
			text := ""
			if err == nil {
				text, err = f(u, s)
			}
			if err != nil {
				auth.Error(w, r, err)
				return
			}
			fmt.Fprintln(w, "Go: "+text)
		})
	}
	mux := http.NewServeMux()
	mux.Handle("POST /auth/login", auth.Authenticate("local")(auth.LogIn(say(func(u *User, _ *session.Session) (string, error) {
		return "hello " + u.Name, nil
	}))))
	mux.Handle("POST /auth/logout", auth.LogOut(say(func(*User, *session.Session) (string, error) {
		return "you are logged out", nil
	})))
	mux.Handle("GET /whoami", auth.RequireAuth(say(func(u *User, s *session.Session) (string, error) {
		n := 0
		err := visits.Update(s, func(before int) (int, error) { n = before + 1; return n, nil })
		return fmt.Sprintf("you are %s, visit %d", u.Name, n), err
	})))
	return mux, nil
}
