package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/serializer"
)

func (a *app) adminPage(w http.ResponseWriter, r *http.Request) error {
	list, err := a.users.list(r.Context())
	seen, err2 := a.users.audited(r.Context(), "")
	data := map[string]any{"Users": list, "Audit": seen}
	return a.showOr(w, r, errors.Join(err, err2), "admin", form{}, data)
}

// act makes an administrator act as a user. access.go says which pages that opens.
func (a *app) act(w http.ResponseWriter, r *http.Request) error {
	admin, _ := a.auth.User(r.Context())
	u, err := a.users.byID(r.Context(), formOf(r).Get("id"))
	if errors.Is(err, serializer.ErrUserGone) || err == nil && u.Admin() {
		err = guard.ErrForbidden // nor as another administrator
	}
	if err != nil {
		return err
	}
	id, err := a.actsFor(r)
	if err == nil && id != u.ID { // else this is the second of two clicks
		if err = a.users.audit(r.Context(), admin, u.ID, "began to act as them"); err == nil {
			err = actsAs.SetContext(r.Context(), u.ID)
		}
	}
	return onTo(w, r, err, "/account")
}

func (a *app) stopActing(w http.ResponseWriter, r *http.Request) error {
	admin, _ := a.auth.User(r.Context())
	id, err := a.actsFor(r)
	if err == nil && id != "" {
		err = a.users.audit(r.Context(), admin, id, "stopped")
	}
	if err == nil {
		_, _, err = actsAs.PopContext(r.Context())
	}
	return onTo(w, r, err, "/admin")
}

// audit records what an administrator did to a user's account, in a table and in the log.
func (t users) audit(ctx context.Context, admin *User, user, what string) error {
	slog.InfoContext(ctx, "audit", "admin", admin.ID, "user", user, "what", what)
	_, err := t.exec(ctx, `INSERT INTO audit (at, admin_id, user_id, what) VALUES ($1, $2, $3, $4)`,
		now(), admin.ID, user, what)
	return err
}

// Audited is a line of the audit table.
type Audited struct {
	At                int64
	Admin, User, What string
}

// audited returns what administrators did to a user's account, or to any if user is "", the latest first.
func (t users) audited(ctx context.Context, user string) ([]Audited, error) {
	return all(ctx, t, func(row scanner) (x Audited, err error) {
		err = row.Scan(&x.At, &x.Admin, &x.User, &x.What)
		return x, err
	}, `SELECT audit.at, COALESCE(a.email, 'somebody'), COALESCE(u.email, 'somebody'), audit.what FROM audit
		LEFT JOIN users a ON a.id = admin_id LEFT JOIN users u ON u.id = user_id
		WHERE $1 = '' OR user_id = $1 ORDER BY audit.at DESC LIMIT 50`, user)
}
