//go:build integration

package sqltest_test

import (
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/sqltest"
	"github.com/seed-6f34412b/passport/store/sqlstore"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/totp"
)

// authenticators returns the table in an empty database, and what makes codes.
func authenticators(t testing.TB, db *sql.DB, mysql bool) (*totp.SQLTable, *totp.Codes) {
	t.Helper()
	used, err := sqlstore.New(t.Context(), sqltest.SQLiteMemory(t), sqlstore.Config{Dialect: sqlstore.SQLite, Migrate: true})
	must(t, err)
	codes, err := totp.NewCodes(totp.CodesConfig{Cells: used.Cells, Issuer: "Shop"})
	must(t, err)
	vault, err := totp.NewVault(strings.Repeat("s", 32))
	must(t, err)
	table, err := totp.NewSQLTable(totp.SQLConfig{DB: db, Codes: codes, Vault: vault, MySQL: mysql})
	must(t, err)
	for range 2 { // the second time it is there
		exec(t, db, table.Schema())
	}
	return table, codes
}

// TestAuthenticatorsInEachDatabase: begun, confirmed, replaced and removed, by the statements of
// totp.SQLTable.
func TestAuthenticatorsInEachDatabase(t *testing.T) {
	servers := start(t)
	for _, p := range servers.places() {
		t.Run(p.name, func(t *testing.T) {
			together(t)
			db, ctx := p.open(t), t.Context()
			table, codes := authenticators(t, db, p.cfg.Dialect == sqlstore.MySQL)
			key := func(owner string) []byte {
				user := func(*http.Request) (string, error) { return owner, nil }
				e, err := totp.SQLEnrolled(table, func(u string) string { return u }, user)(new(http.Request).WithContext(ctx))
				if err != nil || e.User != owner || e.Account != owner {
					t.Fatalf("SQLEnrolled: got %+v, %v", e, err)
				}
				return e.Key
			}
			if _, err := table.Begun(ctx, "joe"); !errors.Is(err, totp.ErrNotBegun) {
				t.Errorf("nothing is begun: got %v, want ErrNotBegun", err)
			}
			must(t, table.Begin(ctx, "joe"))
			if was, err := table.Remove(ctx, "joe"); err != nil || was {
				t.Errorf("Remove before an app is confirmed: got %t, %v, want false", was, err)
			}
			if _, err := table.Begun(ctx, "joe"); !errors.Is(err, totp.ErrNotBegun) {
				t.Errorf("removed before it was confirmed: got %v, want ErrNotBegun", err)
			}
			must(t, table.Begin(ctx, "joe"))
			former, err := table.Begun(ctx, "joe")
			must(t, err)
			must(t, table.Begin(ctx, "joe")) // in another window
			begun, err := table.Begun(ctx, "joe")
			must(t, err)
			if slices.Equal(former, begun) || key("joe") != nil {
				t.Error("begun twice: got the former key, or one that no code has confirmed")
			}
			for _, wrong := range []string{codes.Code(former, time.Now()), ""} {
				if err := table.Confirm(ctx, "joe", wrong); !errors.Is(err, strategy.ErrUnauthenticated) {
					t.Errorf("a wrong code: got %v, want a refusal", err)
				}
			}
			must(t, table.Confirm(ctx, "joe", codes.Code(begun, time.Now())))
			if !slices.Equal(key("joe"), begun) || key("Joe") != nil || key("joe ") != nil {
				t.Error("confirmed: got another key, or a key of another owner")
			}
			if err := table.Confirm(ctx, "joe", codes.Code(begun, time.Now())); !errors.Is(err, totp.ErrNotBegun) {
				t.Errorf("the second of two clicks: got %v, want ErrNotBegun", err)
			}
			since, left, err := table.State(ctx, "joe")
			if age := time.Since(since); err != nil || left != 0 || age < -time.Second || age > time.Minute {
				t.Errorf("got an app of %v, %d codes, %v", since, left, err)
			}

			must(t, table.Begin(ctx, "joe"))
			if !slices.Equal(key("joe"), begun) {
				t.Error("another app is begun: the former one does not count any more")
			}
			for _, want := range []bool{true, false} {
				if was, err := table.Remove(ctx, "joe"); err != nil || was != want {
					t.Errorf("Remove: got %t, %v, want %t", was, err, want)
				}
			}
			if _, err := table.Begun(ctx, "joe"); !errors.Is(err, totp.ErrNotBegun) || key("joe") != nil {
				t.Errorf("removed: got %v and an app or none, want ErrNotBegun and none", err)
			}
			if since, _, err := table.State(ctx, "joe"); err != nil || !since.IsZero() {
				t.Errorf("removed: got an app of %v, %v", since, err)
			}
			exec(t, db, "UPDATE authenticators SET app = 'of another table'") // and app_since stays 0
			if since, _, err := table.State(ctx, "joe"); err != nil || since.IsZero() {
				t.Errorf("an app of an unknown time: got %v, %v, want one that is not zero", since, err)
			}
		})
	}
}

// TestARemovalLeavesNoApp: a code that confirms an app at the same time does not keep it.
func TestARemovalLeavesNoApp(t *testing.T) {
	servers := start(t)
	for _, p := range servers.places() {
		t.Run(p.name, func(t *testing.T) {
			together(t)
			db, ctx := p.open(t), t.Context()
			table, codes := authenticators(t, db, p.cfg.Dialect == sqlstore.MySQL)
			for i := range 20 {
				owner := fmt.Sprint(i)
				must(t, table.Begin(ctx, owner))
				key, err := table.Begun(ctx, owner)
				must(t, err)
				var calls sync.WaitGroup
				calls.Go(func() {
					err := table.Confirm(ctx, owner, codes.Code(key, time.Now()))
					if err != nil && !errors.Is(err, strategy.ErrUnauthenticated) && !errors.Is(err, totp.ErrNotBegun) {
						t.Errorf("Confirm: got %v", err)
					}
				})
				calls.Go(func() {
					if _, err := table.Remove(ctx, owner); err != nil {
						t.Errorf("Remove: got %v", err)
					}
				})
				calls.Wait()
				_, begun := table.Begun(ctx, owner)
				if since, _, err := table.State(ctx, owner); err != nil || !since.IsZero() || !errors.Is(begun, totp.ErrNotBegun) {
					t.Fatalf("got an app of %v, %v, and one that waits: %v; want neither", since, err, begun)
				}
			}
		})
	}
}

// TestASQLTablesRecoveryCodesAreGoodOnce, also when they come at the same time, and until others replace them.
func TestASQLTablesRecoveryCodesAreGoodOnce(t *testing.T) {
	servers := start(t)
	for _, p := range servers.places() {
		t.Run(p.name, func(t *testing.T) {
			together(t)
			db, ctx := p.open(t), t.Context()
			table, _ := authenticators(t, db, p.cfg.Dialect == sqlstore.MySQL)
			left := func() int {
				_, n, err := table.State(ctx, "joe")
				must(t, err)
				return n
			}
			former, formerHashes := totp.NewRecoveryCodes(30)
			for range 2 { // a form that is sent twice
				must(t, table.ReplaceRecoveryCodes(ctx, "joe", former))
			}
			if got := left(); got != 30 {
				t.Errorf("got %d codes, want 30", got)
			}
			var used atomic.Int32
			var calls sync.WaitGroup
			for i := range 12 { // three times each of four
				calls.Go(func() {
					there, err := table.UseRecoveryCode(ctx, "joe", formerHashes[i%4])
					if err != nil {
						t.Error(err)
					}
					if there {
						used.Add(1)
					}
				})
			}
			calls.Wait()
			if got := left(); used.Load() != 4 || got != 26 {
				t.Errorf("three attempts with each of four codes: got %d that succeeded and %d left, want 4 and 26", used.Load(), got)
			}
			if there, err := table.UseRecoveryCode(ctx, "jen", formerHashes[5]); there || err != nil {
				t.Errorf("another owner's code: got %t, %v", there, err)
			}

			// Of two replacements at once, one wins: an owner's former codes do not stay beside the new ones.
			var sets [4][]string
			for i := range sets {
				codes, hashes := totp.NewRecoveryCodes(10)
				sets[i] = hashes
				calls.Go(func() {
					if err := table.ReplaceRecoveryCodes(ctx, "joe", codes); err != nil {
						t.Error(err)
					}
				})
			}
			calls.Wait()
			if got := left(); got != 10 {
				t.Errorf("four replacements at once: got %d codes, want 10", got)
			}
			whole := 0
			for _, hashes := range append(sets[:], formerHashes[5:]) {
				there, err := table.UseRecoveryCode(ctx, "joe", hashes[0])
				must(t, err)
				if there {
					whole++
				}
			}
			if whole != 1 {
				t.Errorf("four replacements at once: codes of %d sets count, want 1", whole)
			}

			// The first statement of several users at once.
			codes, _ := totp.NewRecoveryCodes(2)
			for range 4 {
				calls.Go(func() {
					if err := errors.Join(table.Begin(ctx, "new"), table.ReplaceRecoveryCodes(ctx, "new", codes)); err != nil {
						t.Error(err)
					}
				})
			}
			calls.Wait()
			if _, n, err := table.State(ctx, "new"); err != nil || n != 2 {
				t.Errorf("an owner's first: got %d codes, %v, want 2", n, err)
			}
		})
	}
}
