package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy/apikey"
)

// showKeys lists the keys. The text of a new one is shown once.
func (a *app) showKeys(w http.ResponseWriter, r *http.Request, f form) error {
	list, err := a.keys.List(r.Context(), a.current(r).ID)
	if err != nil {
		return err
	}
	made, err := session.FlashesContext(r.Context(), "key")
	return a.show(w, r, err, "keys", f, map[string]any{"Keys": list, "New": made})
}

func (a *app) newKey(w http.ResponseWriter, r *http.Request) error {
	f, u := formOf(r), a.current(r)
	wants := apikey.Request{Owner: u.ID, Name: f.Get("name"), TTL: 90 * 24 * time.Hour}
	text, err := "", apikey.ErrName
	if wants.Name != "" {
		text, _, err = a.keys.Issue(r.Context(), wants)
	}
	if errors.Is(err, apikey.ErrName) {
		f.refuse("name", "Say in at most 255 letters what the key is for.")
		return a.showKeys(w, r, f)
	}
	if errors.Is(err, apikey.ErrNameTaken) {
		return done(w, r, nil, "/account/keys", "There is one key of this name now.")
	}
	if err == nil {
		a.send(u.Email, "key", "")
		err = session.FlashContext(r.Context(), "key", text)
	}
	return done(w, r, err, "/account/keys", "")
}

func (a *app) revokeKey(w http.ResponseWriter, r *http.Request) error {
	_, err := a.keys.Revoke(r.Context(), a.current(r).ID, formOf(r).Get("id"))
	return done(w, r, err, "/account/keys", "The key is revoked.")
}

// me is the only page for programs, which log in with a key.
func (a *app) me(w http.ResponseWriter, r *http.Request) error {
	u := a.current(r)
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(map[string]string{"email": u.Email, "name": u.Name})
}
