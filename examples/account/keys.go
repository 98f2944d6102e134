package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/apikey"
)

// shownKey is the text of a new key, until the next page has shown it.
const shownKey session.Key[string] = "newKey"

func (a *app) keysPage(w http.ResponseWriter, r *http.Request) error {
	text, _, err := shownKey.PopContext(r.Context())
	if err != nil {
		return err
	}
	return a.showKeys(w, r, form{}, text)
}

func (a *app) showKeys(w http.ResponseWriter, r *http.Request, f form, text string) error {
	list, err := a.keys.List(r.Context(), a.current(r).ID)
	if err != nil {
		return err
	}
	return a.show(w, r, "keys", f, map[string]any{"Keys": list, "New": text})
}

func (a *app) newKey(w http.ResponseWriter, r *http.Request) error {
	f := formOf(r)
	if name := f.Get("name"); name == "" || utf8.RuneCountInString(name) > 80 {
		f.refuse("name", "Say in at most 80 letters what the key is for.")
		return a.showKeys(w, r, f, "")
	}
	u := a.current(r)
	wants := apikey.Request{Owner: u.ID, Name: f.Get("name"), TTL: 90 * 24 * time.Hour}
	text, _, err := a.keys.Issue(r.Context(), wants)
	if errors.Is(err, errTaken) {
		return done(w, r, nil, "/account/keys", "There is one key of this name now.")
	}
	if err != nil {
		return err
	}
	a.send(u.Email, "key", "")
	return onTo(w, r, shownKey.SetContext(r.Context(), text), "/account/keys")
}

func (a *app) revokeKey(w http.ResponseWriter, r *http.Request) error {
	err := a.keys.Revoke(r.Context(), a.current(r).ID, formOf(r).Get("id"))
	if errors.Is(err, apikey.ErrNoKey) { // the first of two clicks has revoked it
		err = nil
	}
	return done(w, r, err, "/account/keys", "The key is revoked.")
}

// me is the only page for programs, which log in with a key.
func (a *app) me(w http.ResponseWriter, r *http.Request) error {
	u := a.current(r)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	return json.NewEncoder(w).Encode(map[string]string{"email": u.Email, "name": u.Name})
}

// keyTable is the table of keys. It implements [apikey.Table].
type keyTable struct{ users }

func (t keyTable) Insert(ctx context.Context, k apikey.Key) error {
	n, err := t.exec(ctx, `INSERT INTO api_keys (id, user_id, hash, name, created, expires, used)
		VALUES ($1, $2, $3, $4, $5, $6, 0) ON CONFLICT DO NOTHING`,
		k.ID, k.Owner, k.Hash, k.Name, k.Created.Unix(), k.Expires.Unix())
	if err == nil && n == 0 {
		err = errTaken
	}
	return err
}

const selectKey = `SELECT id, user_id, hash, name, created, expires, used FROM api_keys WHERE `

func scanKey(row scanner) (k apikey.Key, err error) {
	var created, expires, used int64
	err = row.Scan(&k.ID, &k.Owner, &k.Hash, &k.Name, &created, &expires, &used)
	if k.Created, k.Expires = time.Unix(created, 0), time.Unix(expires, 0); used > 0 {
		k.Used = time.Unix(used, 0)
	}
	return k, err
}

func (t keyTable) ByOwner(ctx context.Context, owner string) ([]apikey.Key, error) {
	return all(ctx, t.users, scanKey, selectKey+`user_id = $1`, owner)
}

func (t keyTable) Delete(ctx context.Context, owner, id string) (bool, error) {
	n, err := t.exec(ctx, `DELETE FROM api_keys WHERE id = $1 AND user_id = $2`, id, owner)
	return n > 0, err
}

// find is the strategy's look-up.
func (t keyTable) find(ctx context.Context, id string) (apikey.Key, *User, error) {
	k, err := one(ctx, t.users, scanKey, strategy.ErrUnauthenticated, selectKey+`id = $1`, id)
	if err != nil {
		return k, nil, err
	}
	u, err := t.byID(ctx, k.Owner)
	return k, u, err
}

// used is called by the strategy when a key was used.
func (t keyTable) used(ctx context.Context, id string, at time.Time) error {
	_, err := t.exec(ctx, `UPDATE api_keys SET used = $1 WHERE id = $2`, at.Unix(), id)
	return err
}
