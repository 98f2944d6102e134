package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/seed-6f34412b/passport/session"
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
	return a.show(w, r, nil, "keys", f, map[string]any{"Keys": list, "New": text})
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
	if errors.Is(err, apikey.ErrNameTaken) {
		return done(w, r, nil, "/account/keys", "There is one key of this name now.")
	}
	if err != nil {
		return err
	}
	a.send(u.Email, "key", "")
	return done(w, r, shownKey.SetContext(r.Context(), text), "/account/keys", "")
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
