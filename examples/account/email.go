package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"net/http"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/onetime"
)

// A change of the address is confirmed by mails to the old and the new one. So a stolen session is not enough
// to take the account over, and a mistyped address does not lose it.

func (a *app) changeEmail(w http.ResponseWriter, r *http.Request) error {
	f, u := formOf(r), a.current(r)
	email := a.address(f)
	if email == u.Email {
		f.refuse("email", "This is your address already.")
	}
	if err := a.mayMail(r, f, email); err != nil || len(f.Errors) > 0 {
		return a.show(w, r, err, "email", f, nil)
	}
	_, _, err := a.users.byEmail(r.Context(), email)
	taken := err == nil // the answer and the mail to the old address do not tell that
	if err != nil && !errors.Is(err, strategy.ErrUnauthenticated) {
		return err
	}
	var id string // a second request for the same address keeps the id, so that the first links stay valid
	err = a.users.db.GetContext(r.Context(), &id, `INSERT INTO email_changes
		(user_id, id, email, old_ok, new_ok) VALUES ($1, $2, $3, 0, 0)
		ON CONFLICT (user_id) DO UPDATE SET email = $3, old_ok = 0, new_ok = 0,
		id = CASE WHEN email_changes.email = $3 THEN email_changes.id ELSE $2 END
		RETURNING id`, u.ID, rand.Text(), email)
	if err != nil {
		return err
	}
	for side, to := range map[string]string{"old": u.Email, "new": email} {
		t := ticket{User: u.ID, Email: email, Stamp: u.Stamp, Of: id, Side: side}
		token, err := onetime.IssueValue(r.Context(), a.changes, t)
		if err != nil {
			return err
		}
		if taken && side == "new" {
			side = "taken"
		}
		a.send(to, "email-"+side, a.at("/email/confirm", "token", token, "email", email))
	}
	return done(w, r, nil, "/account", "We have sent a mail to each address. Open the links in both.")
}

// confirmEmail records that one side has confirmed, and changes the address when both have.
func (a *app) confirmEmail(w http.ResponseWriter, r *http.Request) error {
	text := "Confirmed. Now open the link in the mail to the other address."
	err := use(r, a.changes, formOf(r), func(ctx context.Context, t ticket) error {
		u, err := a.users.ofTicket(ctx, t)
		if err != nil {
			return err
		}
		column := map[string]string{"old": "old_ok", "new": "new_ok"}[t.Side]
		var both int
		err = a.users.db.GetContext(ctx, &both, `UPDATE email_changes SET `+column+` = 1
			WHERE user_id = $1 AND id = $2 RETURNING old_ok * new_ok`, u.ID, t.Of)
		if errors.Is(err, sql.ErrNoRows) { // there is a newer change
			return strategy.ErrUnauthenticated
		}
		if err != nil || both == 0 {
			return err
		}
		text = "Your address is " + t.Email + " from now on."
		return a.users.setEmail(ctx, u, t.Email)
	})
	if err != nil {
		return a.deadLink(w, r, err)
	}
	return done(w, r, nil, "/", text)
}

// setEmail changes the address, and forgets the change that was under way.
func (t users) setEmail(ctx context.Context, u *User, email string) error {
	n, err := t.exec(ctx, `UPDATE users SET email = $1 WHERE id = $2
		AND NOT EXISTS (SELECT 1 FROM users WHERE email = $1 AND id <> $2)`, email, u.ID)
	if err == nil && n == 0 {
		return errTaken // somebody has registered it in the meantime
	}
	if err == nil {
		_, err = t.exec(ctx, `DELETE FROM email_changes WHERE user_id = $1`, u.ID)
	}
	return err
}
