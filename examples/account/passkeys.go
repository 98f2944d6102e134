package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/strategy/passkey"
)

// security lists the second factors.
func (a *app) security(w http.ResponseWriter, r *http.Request) error {
	list, err := passkeyTable{a}.List(r.Context(), a.current(r))
	if err != nil {
		return err
	}
	return a.show(w, r, "security", form{}, list)
}

func (a *app) renamePasskey(w http.ResponseWriter, r *http.Request) error {
	f := formOf(r)
	name := []rune(strings.ToValidUTF8(f.Get("name"), ""))
	_, err := a.users.exec(r.Context(), `UPDATE passkeys SET name = $1 WHERE id = $2 AND user_id = $3`, string(name[:min(len(name), 80)]), f.Get("id"), a.current(r).ID)
	return a.done(w, r, err, "/account/security", "The name is saved.")
}

func (a *app) removePasskey(w http.ResponseWriter, r *http.Request) error {
	u, text := a.current(r), "The passkey is removed. Remove it from your device too."
	without, _ := withoutPasskey(r.Context(), u)
	id, err := base64.RawURLEncoding.DecodeString(formOf(r).Get("id"))
	was := false
	if err == nil {
		was, err = passkeyTable{a}.Remove(r.Context(), u, id, !without)
	}
	if was {
		a.send(u.Email, "factor", "")
	}
	switch {
	case errors.Is(err, passkey.ErrLast):
		text, err = "This is your only way to log in. Choose a password before.", nil
	case err == nil:
		_, err = a.auth.EndFactor(r.Context(), u, "passkey")
	}
	return a.done(w, r, err, "/account/security", text)
}

// passkeyAccount is what authenticators are told of a user.
func passkeyAccount(_ context.Context, u *User) (passkey.Account, error) {
	return passkey.Account{Handle: u.Handle, Name: u.Email, DisplayName: u.Name}, nil
}

// withoutPasskey reports whether a user can log in without any.
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

func scanPasskey(row scanner) (p passkeyRow, err error) {
	var text, name string
	var count uint32
	var backedUp, used int64
	if err = row.Scan(&p.user, &name, &count, &backedUp, &used, &text); err == nil {
		err = json.Unmarshal([]byte(text), &p.Credential)
	}
	p.Name, p.SignCount, p.BackedUp, p.LastUsed = name, count, backedUp == 1, time.Time{}
	if used != 0 {
		p.LastUsed = time.UnixMilli(used).UTC()
	}
	return p, err
}

const selectPasskey = `SELECT user_id, name, sign_count, backed_up, last_used, credential FROM passkeys WHERE ` //nolint:gosec // no secret

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

// used returns what changes when a passkey is used, as it is stored.
func used(c passkey.Credential) (backedUp, last int64) {
	if c.BackedUp {
		backedUp = 1
	}
	if !c.LastUsed.IsZero() {
		last = c.LastUsed.UnixMilli()
	}
	return backedUp, last
}

func (t passkeyTable) Add(ctx context.Context, u *User, c passkey.Credential) error {
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	backedUp, last := used(c)
	n, err := t.users.exec(ctx, `INSERT INTO passkeys (id, user_id, name, sign_count, backed_up, last_used, credential, created)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`, id64(c.ID), u.ID, c.Name, c.SignCount, backedUp, last, string(text), c.Created.UnixMilli())
	if err == nil && n == 0 {
		err = passkey.ErrExists
	}
	if err == nil {
		t.send(u.Email, "factor", "")
	}
	return err
}

func (t passkeyTable) Update(ctx context.Context, c passkey.Credential, signCount uint32) (bool, error) {
	backedUp, last := used(c)
	n, err := t.users.exec(ctx, `UPDATE passkeys SET sign_count = $1, backed_up = $2, last_used = $3 WHERE id = $4 AND sign_count = $5`,
		c.SignCount, backedUp, last, id64(c.ID), signCount)
	return n > 0, err
}

func (t passkeyTable) Remove(ctx context.Context, u *User, id []byte, keepLast bool) (was bool, err error) {
	err = t.users.inTx(ctx, func(exec func(string, ...any) (int64, error)) error {
		if _, err := exec(`UPDATE users SET id = id WHERE id = $1`, u.ID); err != nil { // one after the other
			return err
		}
		n, err := exec(`DELETE FROM passkeys WHERE id = $1 AND user_id = $2 AND ($3 = 0 OR EXISTS (SELECT 1 FROM passkeys p WHERE p.user_id = $2 AND p.id <> $1))`,
			id64(id), u.ID, map[bool]int{true: 1}[keepLast])
		was = n > 0
		if err == nil && n == 0 && keepLast {
			if n, err = exec(`UPDATE passkeys SET name = name WHERE id = $1 AND user_id = $2`, id64(id), u.ID); n > 0 {
				err = passkey.ErrLast
			}
		}
		return err
	})
	return was && err == nil, err
}
