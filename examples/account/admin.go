package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/seed-6f34412b/passport/serializer"
)

func (a *app) adminPage(w http.ResponseWriter, r *http.Request) error {
	list, err := a.users.list(r.Context())
	log, err2 := a.users.auditLog(r.Context(), "")
	return a.show(w, r, errors.Join(err, err2), "admin", form{}, map[string]any{"Users": list, "Audit": log})
}

// act makes an administrator act as a user. access.go says which pages that opens.
func (a *app) act(w http.ResponseWriter, r *http.Request) error {
	u, err := a.users.byID(r.Context(), formOf(r).Get("id"))
	if err == nil || errors.Is(err, serializer.ErrUserGone) { // nobody may act as the nil user
		err = a.acting.Begin(r, u)
	}
	return done(w, r, err, "/account", "")
}

func (a *app) stopActing(w http.ResponseWriter, r *http.Request) error {
	return done(w, r, a.acting.Stop(r), "/admin", "")
}

// audit records what an administrator did to a user's account, in a table and in the log.
func (t users) audit(ctx context.Context, admin, u *User, what string) error {
	slog.InfoContext(ctx, "audit", "admin", admin.ID, "user", u.ID, "what", what)
	_, err := t.exec(ctx, `INSERT INTO audit (at, admin_id, user_id, what) VALUES ($1, $2, $3, $4)`,
		now(), admin.ID, u.ID, what)
	return err
}

// AuditEntry is a row of the audit table, with addresses in place of ids.
type AuditEntry struct {
	At                int64
	Admin, User, What string
}

// auditLog returns what administrators did to a user's account, or to any if user is "", the latest first.
func (t users) auditLog(ctx context.Context, user string) (list []AuditEntry, err error) {
	err = t.db.SelectContext(ctx, &list, `SELECT audit.at, audit.what,
		COALESCE(a.email, 'somebody') AS admin, COALESCE(u.email, 'somebody') AS "user"
		FROM audit LEFT JOIN users a ON a.id = admin_id LEFT JOIN users u ON u.id = user_id
		WHERE $1 = '' OR user_id = $1 ORDER BY audit.at DESC LIMIT 50`, user)
	return list, err
}
