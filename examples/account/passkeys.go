package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/seed-6f34412b/passport/strategy/passkey"
)

// security lists the second factors.
func (a *app) security(w http.ResponseWriter, r *http.Request) error {
	list, err := passkeyTable{a}.List(r.Context(), a.current(r))
	return a.showOr(w, r, err, "security", form{}, list)
}

func (a *app) renamePasskey(w http.ResponseWriter, r *http.Request) error {
	f := formOf(r)
	name := []rune(f.Get("name"))
	_, err := a.users.exec(r.Context(), `UPDATE passkeys SET name = $1 WHERE id = $2 AND user_id = $3`,
		string(name[:min(len(name), 80)]), f.Get("id"), a.current(r).ID)
	return done(w, r, err, "/account/security", "The name is saved.")
}

// removePasskey removes a passkey, and ends log-ins with a passkey elsewhere.
func (a *app) removePasskey(w http.ResponseWriter, r *http.Request) error {
	u, was := a.current(r), false
	without, _ := withoutPasskey(r.Context(), u)
	id, err := base64.RawURLEncoding.DecodeString(formOf(r).Get("id"))
	if err == nil {
		was, err = passkeyTable{a}.Remove(r.Context(), u, id, !without)
	}
	if errors.Is(err, passkey.ErrLast) {
		return done(w, r, nil, "/account/security", onlyWay)
	}
	text := "The passkey is removed. Remove it from your device too."
	return a.removed(w, r, was, err, removal{"passkey", "factor", "/account/security", text})
}

// passkeyAccount returns the data of a user that authenticators get.
func passkeyAccount(_ context.Context, u *User) (passkey.Account, error) {
	return passkey.Account{Handle: u.Handle, Name: u.Email, DisplayName: u.Name}, nil
}

// withoutPasskey reports whether a user can log in without a passkey.
func withoutPasskey(_ context.Context, u *User) (bool, error) {
	return u.Hash != "" || u.Linked > 0, nil
}

// passkeyTable is the table of passkeys. It implements [passkey.Credentials].
type passkeyTable struct{ *app }

func id64(id []byte) string { return base64.RawURLEncoding.EncodeToString(id) }

type passkeyRow struct {
	passkey.Credential
	user string
}

// passkeyUse is what changes when a passkey is used, besides the count.
type passkeyUse struct {
	BackedUp bool      `json:"backedUp"`
	LastUsed time.Time `json:"lastUsed"`
}

// text returns v as JSON.
func text(v any) string {
	b, _ := json.Marshal(v) // it cannot fail: the fields are plain
	return string(b)
}

//nolint:gosec // no secret
const selectPasskey = `SELECT user_id, name, sign_count, used, credential FROM passkeys WHERE `

func scanPasskey(row scanner) (p passkeyRow, err error) {
	var name, used, credential string
	var count uint32
	if err = row.Scan(&p.user, &name, &count, &used, &credential); err == nil {
		err = errors.Join(json.Unmarshal([]byte(credential), &p.Credential),
			json.Unmarshal([]byte(used), &p.Credential))
	}
	p.Name, p.SignCount = name, count
	return p, err
}

func (t passkeyTable) Find(ctx context.Context, id []byte) (passkey.Credential, *User, error) {
	p, err := one(ctx, t.users, scanPasskey, passkey.ErrUnknown, selectPasskey+`id = $1`, id64(id))
	if err != nil {
		return passkey.Credential{}, nil, err
	}
	u, err := t.users.byID(ctx, p.user)
	return p.Credential, u, err
}

func (t passkeyTable) List(ctx context.Context, u *User) (list []passkey.Credential, err error) {
	rows, err := all(ctx, t.users, scanPasskey, selectPasskey+`user_id = $1 ORDER BY created, id`, u.ID)
	for _, p := range rows {
		list = append(list, p.Credential)
	}
	return list, err
}

func (t passkeyTable) Add(ctx context.Context, u *User, c passkey.Credential) error {
	n, err := t.users.exec(ctx, `INSERT INTO passkeys
		(id, user_id, name, sign_count, used, credential, created)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`, id64(c.ID), u.ID, c.Name, c.SignCount,
		text(passkeyUse{c.BackedUp, c.LastUsed}), text(c), c.Created.UnixMilli())
	if err == nil && n == 0 {
		err = passkey.ErrExists
	}
	if err == nil {
		t.send(u.Email, "factor", "")
	}
	return err
}

func (t passkeyTable) Update(ctx context.Context, c passkey.Credential, signCount uint32) (bool, error) {
	n, err := t.users.exec(ctx, `UPDATE passkeys SET sign_count = $1, used = $2 WHERE id = $3
		AND sign_count = $4`, c.SignCount, text(passkeyUse{c.BackedUp, c.LastUsed}), id64(c.ID), signCount)
	return n > 0, err
}

func (t passkeyTable) Remove(ctx context.Context, u *User, id []byte, keepLast bool) (was bool, err error) {
	err = t.users.inTx(ctx, func(exec execer) error {
		_, err := exec(`UPDATE users SET id = id WHERE id = $1`, u.ID) // locks the user's row
		if err != nil {
			return err
		}
		others, err := exec(`UPDATE passkeys SET name = name WHERE user_id = $1 AND id <> $2`, u.ID, id64(id))
		if err != nil {
			return err
		}
		n, err := exec(`DELETE FROM passkeys WHERE id = $1 AND user_id = $2`, id64(id), u.ID)
		if was = n > 0; was && keepLast && others == 0 {
			return passkey.ErrLast // rolls the DELETE back
		}
		return err
	})
	return was && err == nil, err
}
