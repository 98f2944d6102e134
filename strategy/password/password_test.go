package password_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/seed-6f34412b/passport/internal/credtest"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/password"
	"github.com/seed-6f34412b/passport/strategy/password/limit"
)

// account is a row of the users table.
type account struct {
	email, hash string
	locked      bool
}

// table is a users table in memory.
type table struct {
	mu   sync.Mutex
	rows map[string]account
	down error // the error of every call
}

var errNoSuchUser = fmt.Errorf("table: no such user: %w", strategy.ErrUnauthenticated)

func (t *table) Lookup(_ context.Context, email string) (*account, string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	row, ok := t.rows[email]
	switch {
	case t.down != nil:
		return nil, "", t.down
	case !ok:
		return nil, "", errNoSuchUser
	case row.locked:
		return &row, row.hash, &strategy.Failure{Status: 403, Challenge: "Locked", Reason: "locked"}
	}
	return &row, row.hash, nil
}

// upgrading is a table whose hashes can be replaced.
type upgrading struct {
	table
	fail error
}

func (t *upgrading) Rehash(_ context.Context, user *account, old, hash string) (*account, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	row := t.rows[user.email]
	if t.fail != nil || row.hash != old {
		return nil, errors.Join(t.fail, errors.New("table: nothing stored"))
	}
	row.hash = hash
	t.rows[user.email] = row
	return &row, nil
}

func mustHash(t *testing.T, h password.Hasher, password string) string {
	t.Helper()
	hash, err := h.Hash(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

func mustCheck[U any](t *testing.T, accounts password.Accounts[U], cfg password.Config) *password.Check[U] {
	t.Helper()
	check, err := password.NewCheck(accounts, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return check
}

func TestASVS_6_3_8_EveryRefusalIsTheSameAnswerForTheSameWork(t *testing.T) {
	const right = "Correct horse battery"
	b := &password.Bcrypt{InsecureFast: true, Cost: 6, MaxCost: 7}
	current, old := mustHash(t, b, right), mustHash(t, &password.Bcrypt{InsecureFast: true, Cost: 4}, right)
	accounts := &table{rows: map[string]account{
		"joe@test.com": {hash: current}, "old@test.com": {hash: old}, "none@test.com": {},
		"locked@test.com": {hash: current, locked: true}, "lockedold@test.com": {hash: old, locked: true}, "lockednone@test.com": {locked: true},
		"damaged@test.com": {hash: current[:40]}, "costly@test.com": {hash: "$2a$30" + current[6:]}, "clear@test.com": {hash: right},
	}}
	var log bytes.Buffer
	check := mustCheck(t, accounts, password.Config{Hasher: b, Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	_, want := check.Validate(t.Context(), "nobody@test.com", right)
	if credtest.StatusOf(want) != 401 || challengeOf(want) != "" || errors.Is(want, errNoSuchUser) {
		t.Fatalf("an unknown user: %v, want a plain refusal", want)
	}
	for _, row := range []struct{ name, email, password string }{
		{"an unknown user", "nobody@test.com", right},
		{"a wrong password", "joe@test.com", right + "x"},
		{"a password that is too long", "joe@test.com", right + digits80},
		{"a password with a NUL", "joe@test.com", right + "\x00"},
		{"a wrong password and an old hash", "old@test.com", right + "x"},
		{"no password", "none@test.com", right},
		{"a locked user, right password", "locked@test.com", right},
		{"a locked user, wrong password", "locked@test.com", "x"},
		{"a locked user, right password and an old hash", "lockedold@test.com", right},
		{"a locked user without a password", "lockednone@test.com", right},
		{"a damaged hash", "damaged@test.com", right},
		{"a hash of a cost out of bounds", "costly@test.com", right},
		{"a password stored in the clear", "clear@test.com", right},
	} {
		before := b.Stats()
		user, err := check.Validate(t.Context(), row.email, row.password)
		if user != nil || err != want {
			t.Errorf("%s: got %v, %v, want exactly %v", row.name, user, err, want)
		}
		if done, work := b.Stats().Done-before.Done, b.Stats().Work-before.Work; done != 1 || work != 1<<6 {
			t.Errorf("%s: %d hashes of work %d in all, want 1 of 64", row.name, done, work)
		}
	}
	if got := strings.Count(log.String(), "level=WARN"); got != 3 {
		t.Errorf("%d warnings, want 3: one for each hash that is not readable\n%s", got, log.String())
	}
	for _, secret := range []string{"test.com", right, current[8:20], old[8:20]} {
		if strings.Contains(log.String(), secret) || strings.Contains(want.Error(), secret) {
			t.Errorf("%q is in the log or the error:\n%s%v", secret, log.String(), want)
		}
	}
	for _, email := range []string{"joe@test.com", "old@test.com"} {
		if user, err := check.Validate(t.Context(), email, right); err != nil || user == nil {
			t.Errorf("%s with the right password: %v", email, err)
		}
	}
}

func TestPasswordCheckKeepsAnOutageAnOutage(t *testing.T) {
	down := errors.New("connection refused")
	b := &password.Bcrypt{InsecureFast: true, Cost: 4}
	accounts := &table{down: down}
	check := mustCheck(t, accounts, password.Config{Hasher: b})
	if _, err := check.Validate(t.Context(), "a", "p"); !errors.Is(err, down) || errors.Is(err, strategy.ErrUnauthenticated) || b.Stats().Done != 0 {
		t.Errorf("Lookup fails: %v after %d hashes, want the outage after none", err, b.Stats().Done)
	}
	synctest.Test(t, func(t *testing.T) {
		busy := &limit.Limit{Workers: 1, Queue: -1}
		defer hold(busy)()
		check := mustCheck(t, &table{}, password.Config{Hasher: &password.Bcrypt{InsecureFast: true, Cost: 4, Limit: busy}})
		if _, err := check.Validate(t.Context(), "a", "p"); !errors.Is(err, strategy.ErrBusy) || errors.Is(err, strategy.ErrUnauthenticated) {
			t.Errorf("the queue is full: %v, want ErrBusy", err)
		}
	})
	hash := mustHash(t, b, "p")
	nobody := mustCheck(t, password.LookupFunc[*account](func(context.Context, string) (*account, string, error) { return nil, hash, nil }), password.Config{Hasher: b})
	if user, err := nobody.Validate(t.Context(), "a", "p"); user != nil || credtest.StatusOf(err) != 500 {
		t.Errorf("a nil user with the right password: %v, %v, want an error that is not a refusal", user, err)
	}
}

func TestPasswordCheckUpgradesTheHashAtLogIn(t *testing.T) {
	weak, strong := &password.Bcrypt{InsecureFast: true, Cost: 4}, &password.Bcrypt{InsecureFast: true, Cost: 5}
	old := mustHash(t, weak, "p")
	accounts := &upgrading{table: table{rows: map[string]account{"a": {email: "a", hash: old}}}}
	check := mustCheck(t, accounts, password.Config{Hasher: strong})
	if _, err := check.Validate(t.Context(), "a", "wrong"); err == nil || accounts.rows["a"].hash != old {
		t.Errorf("after a wrong password: %v, hash changed: %v", err, accounts.rows["a"].hash != old)
	}
	user, err := check.Validate(t.Context(), "a", "p")
	stored := accounts.rows["a"].hash
	if err != nil || !strings.HasPrefix(stored, "$2a$05$") || user.hash != stored {
		t.Errorf("got %v, the user has the stored hash: %v, which begins with %.7s, want $2a$05$", err, user != nil && user.hash == stored, stored)
	}
	before := strong.Stats().Done
	if _, err := check.Validate(t.Context(), "a", "p"); err != nil || accounts.rows["a"].hash != stored || strong.Stats().Done-before != 1 {
		t.Errorf("the next log-in: %v, hash changed: %v, %d hashes, want 1", err, accounts.rows["a"].hash != stored, strong.Stats().Done-before)
	}
}

func TestPasswordCheckLogsInWithoutAnUpgrade(t *testing.T) {
	weak := &password.Bcrypt{InsecureFast: true, Cost: 4}
	old := mustHash(t, weak, "p")
	rows := map[string]account{"a": {email: "a", hash: old}}
	truncatedRows := map[string]account{"a": {email: "a", hash: truncated[0].hash}}
	for _, row := range []struct {
		name     string
		accounts password.Accounts[*account]
		hasher   password.Hasher
		password string
		warnings int
	}{
		{"the table fails", &upgrading{table: table{rows: rows}, fail: errors.New("read-only")}, &password.Bcrypt{InsecureFast: true, Cost: 5}, "p", 1},
		{"the table cannot", &table{rows: rows}, &password.Bcrypt{InsecureFast: true, Cost: 5}, "p", 0},
		{"the password was truncated", &upgrading{table: table{rows: truncatedRows}}, &password.Bcrypt{InsecureFast: true, Cost: 5, AllowTruncated: true}, digits80, 1},
		{"the table returns nobody", nobodyAfterRehash{&table{rows: rows}}, &password.Bcrypt{InsecureFast: true, Cost: 5}, "p", 1},
		{"the hash is stronger than new ones", &upgrading{table: table{rows: map[string]account{"a": {email: "a", hash: mustHash(t, &password.Bcrypt{InsecureFast: true, Cost: 5}, "p")}}}}, weak, "p", 0},
	} {
		var log bytes.Buffer
		check := mustCheck(t, row.accounts, password.Config{Hasher: row.hasher, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		user, err := check.Validate(t.Context(), "a", row.password)
		if err != nil || user == nil {
			t.Errorf("%s: got %v, %v, want the user", row.name, user, err)
		}
		if got := strings.Count(log.String(), "level=WARN"); got != row.warnings || strings.Contains(log.String(), old[8:20]) {
			t.Errorf("%s: %d warnings, want %d and no hash:\n%s", row.name, got, row.warnings, log.String())
		}
	}
	if rows["a"].hash != old {
		t.Error("the hash was replaced")
	}
}

// nobodyAfterRehash is a table with a mistake.
type nobodyAfterRehash struct{ *table }

func (nobodyAfterRehash) Rehash(context.Context, *account, string, string) (*account, error) {
	return nil, nil
}

func TestNewPasswordIsALocalStrategy(t *testing.T) {
	b := &password.Bcrypt{InsecureFast: true, Cost: 4}
	s, err := password.New(&table{rows: map[string]account{"a": {hash: mustHash(t, b, "p")}}}, password.Config{Hasher: b})
	if err != nil {
		t.Fatal(err)
	}
	for body, want := range map[string]int{"email=a&password=p": 200, "email=a&password=q": 401, "email=b&password=p": 401, "email=a": 400} {
		if user, err := s.Authenticate(nil, credtest.Post("application/x-www-form-urlencoded", body)); credtest.StatusOf(err) != want || (user != nil) != (want == 200) {
			t.Errorf("%s: got %v, %v, want status %d", body, user, err, want)
		}
	}
	if s.Name() != "local" {
		t.Errorf("Name() = %q, want local", s.Name())
	}
	if _, err := password.New[*account](nil, password.Config{}); err == nil {
		t.Error("nil accounts are accepted")
	}
}

func TestNewPasswordCheckNamesEveryMistake(t *testing.T) {
	for _, row := range []struct {
		name   string
		hasher password.Hasher
		want   string
	}{
		{"a cost that is too high", &password.Bcrypt{Cost: 32}, "Cost"},
		{"no hasher in a list", password.Hashers{}, "hashers"},
		{"a nil hasher", (*password.Bcrypt)(nil), "Hasher"},
		{"a nil hasher in a list", password.Hashers{nil}, "Hasher"},
		{"a mistake in a list", password.Hashers{&password.Bcrypt{}, &password.Bcrypt{Cost: 1}}, "Cost"},
	} {
		_, err := password.NewCheck[*account](nil, password.Config{Hasher: row.hasher})
		if err == nil || !strings.Contains(err.Error(), row.want) || !strings.Contains(err.Error(), "accounts") {
			t.Errorf("%s: %v, want an error that names %s and accounts", row.name, err, row.want)
		}
	}
}
