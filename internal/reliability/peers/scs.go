package main

import (
	"net/http"

	"github.com/alexedwards/scs/goredisstore"
	"github.com/alexedwards/scs/v2"
	"github.com/redis/go-redis/v9"
)

const userKey = "user"

// scsApp follows scs's documentation: RenewToken at log-in, Destroy at log-out.
type scsApp struct{ *scs.SessionManager }

func withSCS(redisAddr string) (http.Handler, error) {
	m := scs.New()
	m.Store = goredisstore.New(redis.NewClient(&redis.Options{Addr: redisAddr}))
	return m.LoadAndSave(routes(scsApp{m})), nil
}

func (a scsApp) user(r *http.Request) (string, bool) {
	user := a.GetString(r.Context(), userKey)
	return user, user != ""
}

func (a scsApp) logIn(_ http.ResponseWriter, r *http.Request, user string) error {
	ctx := r.Context()
	if err := a.Clear(ctx); err != nil {
		return err
	}
	if err := a.RenewToken(ctx); err != nil {
		return err
	}
	a.Put(ctx, userKey, user)
	return nil
}

func (a scsApp) logOut(_ http.ResponseWriter, r *http.Request) error { return a.Destroy(r.Context()) }

func (a scsApp) change(_ http.ResponseWriter, r *http.Request, key string, edit func(string) string, work func()) error {
	a.Put(r.Context(), key, edit(a.GetString(r.Context(), key)))
	work()
	return nil
}

func (a scsApp) renew(_ http.ResponseWriter, r *http.Request, work func()) error {
	err := a.RenewToken(r.Context())
	work()
	return err
}

func (a scsApp) data(r *http.Request) map[string]string {
	values := map[string]string{}
	for _, key := range a.Keys(r.Context()) {
		values[key] = a.GetString(r.Context(), key)
	}
	return values
}
