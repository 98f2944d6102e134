package main

import "context"

// A registration begins with the address only (see mailLink). The password is chosen on the page behind the
// mailed link. So nobody can register somebody else's address with their own password before the owner does,
// and there are no rows for addresses that do not exist.

// register adds the user whose address the link has proved.
func (a *app) register(ctx context.Context, email, hash string) (*User, error) {
	u, err := a.users.add(ctx, email, hash) // its error may be errTaken: another link was used first
	if err == nil && email == a.local.Account(a.admin) {
		err = a.makeAdmin(ctx)
	}
	return u, err
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
