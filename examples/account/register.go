package main

import (
	"context"
	"net/http"
)

// A registration begins with the address only (see mailLink). The password is chosen on the page behind the
// mailed link. So nobody can register somebody else's address with their own password before the owner does,
// and there are no rows for addresses that do not exist.

// finish adds the user whose address the link has proved, and logs them in.
func (a *app) finish(w http.ResponseWriter, r *http.Request) error {
	f := formOf(r)
	chosen, err := a.newPassword(r.Context(), f, f.Get("email"))
	if err != nil || len(f.Errors) > 0 {
		return a.show(w, r, err, "choose", f, nil)
	}
	var u *User
	err = use(r, a.registrations, f, func(ctx context.Context, t ticket) error {
		hash, err := a.hasher.Hash(ctx, chosen) // not before: a stranger could have the site hash
		if err == nil {
			u, err = a.users.add(ctx, t.Email, hash)
		}
		return err // also errTaken: another link was used first
	})
	if err != nil {
		return a.deadLink(w, r, err)
	}
	if u.Email == a.local.Account(a.admin) {
		err = a.makeAdmin(r.Context())
	}
	if err == nil {
		err = a.auth.LogInUser(r, u)
	}
	return done(w, r, err, "/account", "Welcome. Your account is ready.")
}

// makeAdmin makes the owner of the address in -admin the only administrator.
func (a *app) makeAdmin(ctx context.Context) error {
	if a.admin == "" {
		return nil
	}
	_, err := a.users.exec(ctx, `UPDATE users SET role = CASE WHEN email = $1 THEN 'admin' ELSE 'user' END
		WHERE email = $1 OR role = 'admin'`, a.local.Account(a.admin))
	return err
}
