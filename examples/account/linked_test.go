//go:build integration

package main_test

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/oidc"
)

// identities returns oidc.SQLTable with the table of its own Schema.
func identities(t testing.TB, db *sql.DB, mysql bool) *oidc.SQLTable {
	t.Helper()
	table, err := oidc.NewSQLTable(oidc.SQLConfig{DB: db, MySQL: mysql})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time it is there
		if _, err := db.ExecContext(t.Context(), table.Schema()); err != nil {
			t.Fatal(err)
		}
	}
	return table
}

// TestTheSQLTableOfIdentitiesInEachDatabase: an account at a provider belongs to one user, whatever happens at
// the same time, and accounts whose names look alike are not the same.
func TestTheSQLTableOfIdentitiesInEachDatabase(t *testing.T) {
	for _, row := range databases(t) {
		t.Run(row.name, func(t *testing.T) {
			table, ctx := identities(t, row.db, row.mysql), t.Context()
			find := oidc.SQLValidate(table, func(_ context.Context, owner string) (string, error) {
				if owner == "gone" {
					return "", serializer.ErrUserGone
				}
				return "user " + owner, nil
			})
			refused := func(when string, id oidc.Identity) {
				t.Helper()
				if user, err := find(ctx, id); !errors.Is(err, strategy.ErrUnauthenticated) {
					t.Errorf("%s: got %q, %v, want a refusal", when, user, err)
				}
			}
			id := oidc.Identity{Issuer: "https://op.example", Subject: "Kim", Name: "Kim 🙂"}
			refused("not linked", id)
			for range 2 { // a form that is sent twice
				if err := table.Link(ctx, "1", id); err != nil {
					t.Fatal(err)
				}
			}
			if user, err := find(ctx, id); err != nil || user != "user 1" {
				t.Errorf("linked: got %q, %v, want user 1", user, err)
			}
			for _, other := range []oidc.Identity{
				{Issuer: id.Issuer, Subject: "kim"}, {Issuer: id.Issuer, Subject: "Kim "}, {Issuer: id.Issuer + "/", Subject: "Kim"},
			} {
				refused("an account that looks alike", other)
			}
			if err := table.Link(ctx, "2", id); !errors.Is(err, oidc.ErrLinked) {
				t.Errorf("another user's: got %v, want ErrLinked", err)
			}
			id.Name, id.Username = "", "k\x00im\xff"
			second := oidc.Identity{Issuer: "https://other.example", Subject: "Kim", Email: "kim@test.example"}
			if err := errors.Join(table.Link(ctx, "1", id), table.Link(ctx, "1", second)); err != nil {
				t.Error(err)
			}
			list, err := table.List(ctx, "1")
			if err != nil || len(list) != 2 || list[0].Name != "kim\uFFFD" || list[1].Name != "kim@test.example" || list[0].Created.IsZero() {
				t.Errorf("got %+v, %v, want both accounts with their newest names", list, err)
			}
			for _, x := range []struct {
				owner string
				want  bool
			}{{"2", false}, {"1", true}, {"1", false}} {
				if was, err := table.Unlink(ctx, x.owner, id.Issuer, id.Subject); err != nil || was != x.want {
					t.Errorf("Unlink by %s: got %t, %v, want %t", x.owner, was, err, x.want)
				}
			}
			refused("not linked any more", id)
			if err := table.Link(ctx, "gone", id); err != nil {
				t.Error(err)
			}
			refused("of a user who is gone", id)

			var links sync.WaitGroup
			var linked atomic.Int32
			third := oidc.Identity{Issuer: id.Issuer, Subject: "3"}
			for _, owner := range []string{"1", "2", "3", "4"} {
				links.Go(func() {
					switch err := table.Link(ctx, owner, third); {
					case err == nil:
						linked.Add(1)
					case !errors.Is(err, oidc.ErrLinked):
						t.Error(err)
					}
				})
			}
			if links.Wait(); linked.Load() != 1 {
				t.Errorf("four users at once: it was linked to %d, want 1", linked.Load())
			}
		})
	}
}

// TestAnAccountWhoseInsertLosesItsAnswerIsLinked, in each database with a server.
func TestAnAccountWhoseInsertLosesItsAnswerIsLinked(t *testing.T) {
	for _, row := range proxiedDatabases(t) {
		table := identities(t, row.db, row.mysql)
		row.loseAnswer()
		id := oidc.Identity{Issuer: "https://op.example", Subject: "1", Name: "Kim"}
		err := table.Link(t.Context(), "1", id)
		row.proxy.Faults(nil)
		if err != nil {
			t.Errorf("%s: got %v, want the account linked", row.name, err)
		}
		if list, err := table.List(t.Context(), "1"); err != nil || len(list) != 1 {
			t.Errorf("%s: got %d accounts, %v, want 1", row.name, len(list), err)
		}
	}
}

// TestAnAccountThatNobodyHasIsANewUsers: one user for one account, also if two log-ins come first at once.
func TestAnAccountThatNobodyHasIsANewUsers(t *testing.T) {
	for _, row := range databases(t) {
		t.Run(row.name, func(t *testing.T) {
			table, ctx := identities(t, row.db, row.mysql), t.Context()
			var made atomic.Int32
			var fails error
			meanwhile := func() {}
			self := func(owner string) string { return owner }
			byID := func(_ context.Context, owner string) (string, error) {
				if owner == "gone" {
					return "", serializer.ErrUserGone
				}
				return owner, nil
			}
			find := oidc.SQLFindOrCreate(table, self, byID, func(_ context.Context, id oidc.Identity) (string, error) {
				made.Add(1)
				meanwhile()
				return "user of " + id.Subject, fails
			})
			id := oidc.Identity{Issuer: "https://op.example", Subject: "1"}
			for range 2 {
				if user, err := find(ctx, id); err != nil || user != "user of 1" || made.Load() != 1 {
					t.Errorf("got %q, %v, and %d users, want one", user, err, made.Load())
				}
			}
			if err := table.Link(ctx, "gone", oidc.Identity{Issuer: id.Issuer, Subject: "2"}); err != nil {
				t.Fatal(err)
			}
			id.Subject = "2"
			if user, err := find(ctx, id); !errors.Is(err, strategy.ErrUnauthenticated) || made.Load() != 1 {
				t.Errorf("of a user who is gone: got %q, %v, and %d users, want a refusal", user, err, made.Load())
			}
			id.Subject = "3"
			for _, fails = range []error{strategy.ErrUnauthenticated, context.DeadlineExceeded} {
				if user, err := find(ctx, id); !errors.Is(err, fails) {
					t.Errorf("create fails: got %q, %v, want %v", user, err, fails)
				}
			}
			fails = nil
			id.Subject = "4"
			leaves, leave := context.WithCancel(ctx)
			meanwhile = leave // the user is there by then, and would be refused at each later log-in
			if user, err := find(leaves, id); err != nil || user != "user of 4" {
				t.Errorf("the browser leaves: got %q, %v, want the account linked", user, err)
			}
			// Another log-in links it while create waits, or is refused, as for the same address.
			for _, fails = range []error{nil, strategy.ErrUnauthenticated} {
				id.Subject += "+"
				meanwhile = func() {
					if err := table.Link(ctx, "the first", id); err != nil {
						t.Error(err)
					}
				}
				if user, err := find(ctx, id); err != nil || user != "the first" {
					t.Errorf("linked meanwhile, create returns %v: got %q, %v, want the first one's user", fails, user, err)
				}
			}
		})
	}
}
