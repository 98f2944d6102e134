//go:build integration

package sqltest_test

import (
	"context"
	"database/sql"
	"encoding/base32"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
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

// begunKey returns the key that waits for its first code, which the QR code and the text have both.
func begunKey(ctx context.Context, table *totp.SQLTable, owner string) ([]byte, error) {
	address, text, err := table.Begun(ctx, owner, "joe@shop.example")
	if err != nil {
		return nil, err
	}
	if want := "otpauth://totp/Shop:joe@shop.example?secret=" + text + "&"; !strings.HasPrefix(address, want) {
		return nil, fmt.Errorf("got the address %s, want %s before the rest", address, want)
	}
	return base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(text)
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
			if _, err := begunKey(ctx, table, "joe"); !errors.Is(err, totp.ErrNotBegun) {
				t.Errorf("nothing is begun: got %v, want ErrNotBegun", err)
			}
			must(t, table.Begin(ctx, "joe"))
			if was, err := table.Remove(ctx, "joe"); err != nil || was {
				t.Errorf("Remove before an app is confirmed: got %t, %v, want false", was, err)
			}
			if _, err := begunKey(ctx, table, "joe"); !errors.Is(err, totp.ErrNotBegun) {
				t.Errorf("removed before it was confirmed: got %v, want ErrNotBegun", err)
			}
			must(t, table.Begin(ctx, "joe"))
			former, err := begunKey(ctx, table, "joe")
			must(t, err)
			must(t, table.Begin(ctx, "joe")) // in another window
			begun, err := begunKey(ctx, table, "joe")
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
			if _, err := begunKey(ctx, table, "joe"); !errors.Is(err, totp.ErrNotBegun) || key("joe") != nil {
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
				key, err := begunKey(ctx, table, owner)
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
				_, begun := begunKey(ctx, table, owner)
				if since, _, err := table.State(ctx, owner); err != nil || !since.IsZero() || !errors.Is(begun, totp.ErrNotBegun) {
					t.Fatalf("got an app of %v, %v, and one that waits: %v; want neither", since, err, begun)
				}
			}
		})
	}
}

// TestATableWithoutNewCodesStillLogsUsersIn, and an earlier version adds its rows to a table that has them: while
// processes of both run, and before the column is added.
func TestATableWithoutNewCodesStillLogsUsersIn(t *testing.T) {
	servers := start(t)
	for _, p := range servers.places() {
		t.Run(p.name, func(t *testing.T) {
			db, ctx := p.open(t), t.Context()
			table, codes := authenticators(t, db, p.cfg.Dialect == sqlstore.MySQL)
			exec(t, db, `INSERT INTO authenticators (owner, app, app_since, new_app, recovery_codes, codes_left)
				VALUES ('jen', '', 0, '', '', 0)`)
			if shown, err := table.BegunRecoveryCodes(ctx, "jen"); err != nil || shown != nil {
				t.Errorf("of an earlier version's row: got %d codes, %v, want none", len(shown), err)
			}
			hash, _ := totp.HashRecoveryCode("a1b2-c3d4-e5f6-g7h8-j9k0-m1n2")
			exec(t, db, `ALTER TABLE authenticators DROP COLUMN new_codes`)
			exec(t, db, `UPDATE authenticators SET recovery_codes = '`+hash+`', codes_left = 1`)
			must(t, table.Begin(ctx, "jen"))
			key, err := begunKey(ctx, table, "jen")
			must(t, err)
			must(t, table.Confirm(ctx, "jen", codes.Code(key, time.Now())))
			if there, err := table.UseRecoveryCode(ctx, "jen", hash); err != nil || !there {
				t.Errorf("a recovery code: got %t, %v", there, err)
			}
		})
	}
}

// TestWhatWaitsEndsAfterAnHour: a user who logs in later finds neither the key nor the codes that somebody has
// begun before, nor those of an earlier version, which have no time.
func TestWhatWaitsEndsAfterAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, ctx := sqltest.SQLiteMemory(t), t.Context()
		table, codes := authenticators(t, db, false)
		// begun fails the test unless the key and the codes wait, or neither. It returns a code of each.
		begun := func(when string, want bool) (code, recovery string) {
			t.Helper()
			key, err := begunKey(ctx, table, "joe")
			if want != (err == nil) || !want && !errors.Is(err, totp.ErrNotBegun) {
				t.Fatalf("%s: got the app's error %v; waits: %t", when, err, want)
			}
			shown, err := table.BegunRecoveryCodes(ctx, "joe")
			if err != nil || want != (len(shown) == 10) || !want && shown != nil {
				t.Fatalf("%s: got %d recovery codes, %v; wait: %t", when, len(shown), err, want)
			}
			return codes.Code(key, time.Now()), append(shown, "")[0]
		}
		must(t, errors.Join(table.Begin(ctx, "joe"), table.BeginRecoveryCodes(ctx, "joe")))
		time.Sleep(time.Hour - time.Millisecond)
		code, recovery := begun("before the hour ends", true)
		time.Sleep(time.Millisecond)
		begun("after an hour", false)
		if err := table.Confirm(ctx, "joe", code); !errors.Is(err, totp.ErrNotBegun) {
			t.Errorf("the app's code after an hour: got %v, want ErrNotBegun", err)
		}
		if err := table.ConfirmRecoveryCodes(ctx, "joe", recovery); !errors.Is(err, strategy.ErrUnauthenticated) {
			t.Errorf("a recovery code after an hour: got %v, want a refusal", err)
		}

		// Whoever writes in the table alone cannot make the time longer.
		exec(t, db, fmt.Sprintf(`UPDATE authenticators SET new_app = '%d' || substr(new_app, instr(new_app, '.')),
			new_codes = '%[1]d' || substr(new_codes, instr(new_codes, '.'))`, time.Now().UnixMilli()))
		_, err := begunKey(ctx, table, "joe")
		if shown, err2 := table.BegunRecoveryCodes(ctx, "joe"); err == nil || errors.Is(err, totp.ErrNotBegun) ||
			err2 == nil || shown != nil {
			t.Errorf("with another time: got %v, %v and %d codes, want an outage of both", err, err2, len(shown))
		}

		must(t, errors.Join(table.Begin(ctx, "joe"), table.BeginRecoveryCodes(ctx, "joe")))
		time.Sleep(time.Hour - time.Millisecond)
		code, recovery = begun("begun anew", true)
		must(t, errors.Join(table.Confirm(ctx, "joe", code), table.ConfirmRecoveryCodes(ctx, "joe", recovery)))
		if since, left, err := table.State(ctx, "joe"); err != nil || since.IsZero() || left != 10 {
			t.Errorf("confirmed within the hour: got an app of %v, %d codes, %v", since, left, err)
		}

		vault, err := totp.NewVault(strings.Repeat("s", 32))
		must(t, err)
		exec(t, db, `UPDATE authenticators SET new_app = '`+vault.Seal("joe", codes.NewKey())+`',
			new_codes = '`+vault.Seal("\x00recovery codes\x00joe", []byte(recovery))+`'`)
		begun("of an earlier version", false)
	})
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
			// save makes codes and confirms them. It returns their hashes.
			save := func(owner string) (hashes []string) {
				must(t, table.BeginRecoveryCodes(ctx, owner))
				codes, err := table.BegunRecoveryCodes(ctx, owner)
				must(t, err)
				for _, code := range codes {
					hash, _ := totp.HashRecoveryCode(code)
					hashes = append(hashes, hash)
				}
				must(t, table.ConfirmRecoveryCodes(ctx, owner, codes[0]))
				return hashes
			}
			none, _ := totp.NewRecoveryCodes(1)
			// refused fails the test unless code is refused, when others wait or have been confirmed.
			refused := func(when, code string) {
				t.Helper()
				if err := table.ConfirmRecoveryCodes(ctx, "joe", code); !errors.Is(err, strategy.ErrUnauthenticated) {
					t.Errorf("%s: got %v, want a refusal", when, err)
				}
			}
			refused("nothing is begun", none[0])
			formerHashes := save("joe")
			refused("a code of another window, after others are confirmed", none[0])
			if shown, err := table.BegunRecoveryCodes(ctx, "joe"); err != nil || shown != nil || left() != 10 {
				t.Errorf("confirmed: got %d codes that wait, %v, and %d that count, want none and 10", len(shown), err, left())
			}
			must(t, table.BeginRecoveryCodes(ctx, "joe"))
			once, err := table.BegunRecoveryCodes(ctx, "joe")
			must(t, err)
			must(t, table.BeginRecoveryCodes(ctx, "joe")) // in another window
			again, err := table.BegunRecoveryCodes(ctx, "joe")
			must(t, err)
			for _, code := range []string{once[0], "", "123456"} {
				refused("a code of another window", code)
			}
			if slices.Equal(once, again) || len(again) != 10 {
				t.Errorf("begun twice: got the same codes, or %d of them", len(again))
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
			if got := left(); used.Load() != 4 || got != 6 {
				t.Errorf("three attempts with each of four codes: got %d that succeeded and %d left, want 4 and 6", used.Load(), got)
			}
			if there, err := table.UseRecoveryCode(ctx, "jen", formerHashes[5]); there || err != nil {
				t.Errorf("another owner's code: got %t, %v", there, err)
			}

			// Of clicks at once one replaces the former codes, all of them; the others say that nothing waits.
			var confirmed atomic.Int32
			for range 4 {
				calls.Go(func() {
					switch err := table.ConfirmRecoveryCodes(ctx, "joe", " "+strings.ToUpper(again[3])); {
					case err == nil:
						confirmed.Add(1)
					case !errors.Is(err, totp.ErrNotBegun):
						t.Error(err)
					}
				})
			}
			calls.Wait()
			if got := left(); got != 10 || confirmed.Load() != 1 {
				t.Errorf("four clicks: %d confirmed, and %d codes count, want 1 and 10", confirmed.Load(), got)
			}
			hash, _ := totp.HashRecoveryCode(again[0])
			for _, row := range []struct {
				hash string
				want bool
			}{{formerHashes[9], false}, {hash, true}} {
				if there, err := table.UseRecoveryCode(ctx, "joe", row.hash); err != nil || there != row.want {
					t.Errorf("after others are confirmed: got %t, %v, want %t", there, err, row.want)
				}
			}

			// The first statement of several users at once.
			for range 4 {
				calls.Go(func() {
					if err := errors.Join(table.Begin(ctx, "new"), table.BeginRecoveryCodes(ctx, "new")); err != nil {
						t.Error(err)
					}
				})
			}
			calls.Wait()
			_, err = begunKey(ctx, table, "new")
			if shown, err2 := table.BegunRecoveryCodes(ctx, "new"); errors.Join(err, err2) != nil || len(shown) != 10 {
				t.Errorf("an owner's first: got %d codes, %v, %v, want 10 and an app that waits", len(shown), err, err2)
			}
		})
	}
}
