package main

import (
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
		return a.showOr(w, r, err, "email", f, nil)
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
	t, err := redeem(r.Context(), a.changes, formOf(r)) // only the change that the page showed
	var u *User
	if err == nil {
		u, err = a.users.ofTicket(r.Context(), t)
	}
	if err != nil {
		return a.deadLink(w, r, err)
	}
	column := map[string]string{"old": "old_ok", "new": "new_ok"}[t.Side]
	var both int
	err = a.users.db.GetContext(r.Context(), &both, `UPDATE email_changes SET `+column+` = 1
		WHERE user_id = $1 AND id = $2 RETURNING old_ok * new_ok`, u.ID, t.Of)
	switch {
	case errors.Is(err, sql.ErrNoRows): // there is a newer change
		return a.deadLink(w, r, strategy.ErrUnauthenticated)
	case err != nil:
		return err
	case both == 0:
		return done(w, r, nil, "/", "Confirmed. Now open the link in the mail to the other address.")
	}
	n, err := a.users.exec(r.Context(), `UPDATE users SET email = $1 WHERE id = $2
		AND NOT EXISTS (SELECT 1 FROM users WHERE email = $1)`, t.Email, u.ID)
	if err == nil && n == 0 {
		return a.deadLink(w, r, strategy.ErrUnauthenticated) // somebody has registered it in the meantime
	}
	if err == nil {
		_, err = a.users.exec(r.Context(), `DELETE FROM email_changes WHERE user_id = $1`, u.ID)
	}
	return done(w, r, err, "/", "Your address is "+t.Email+" from now on.")
}
