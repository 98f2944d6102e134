package apikey_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/internal/credtest"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/apikey"
	"github.com/seed-6f34412b/passport/strategy/strategytest"
)

func TestAPIKeyKeepsTheContract(t *testing.T) {
	for _, place := range [][2]string{{"X-API-Key", ""}, {"Authorization", "Bearer "}} {
		strategytest.RunStrategy(t, func(t *testing.T) strategytest.StrategyCase[*robot] {
			db := newTable()
			keys := mustKeys(t, db)
			good, _ := issue(t, keys, apikey.Request{Owner: "marvin"})
			revoked, key := issue(t, keys, apikey.Request{Owner: "marvin"})
			if _, err := keys.Revoke(t.Context(), "marvin", key.ID); err != nil {
				t.Fatal(err)
			}
			send := func(key string) func() *http.Request {
				return func() *http.Request { return with(place[0], place[1]+key) }
			}
			return strategytest.StrategyCase[*robot]{
				Strategy: mustStrategy(t, db, apikey.Config{Used: db.used}),
				Good:     send(good), Wrong: send(revoked), Absent: func() *http.Request { return with() },
				Outage: func() *http.Request {
					db.mu.Lock()
					defer db.mu.Unlock()
					db.down = credtest.ErrDown
					return send(good)()
				},
				Secrets: []string{good, revoked, good[len("shop_")+13:]},
			}
		})
	}
}

func TestWhatCountsAsOneKey(t *testing.T) {
	db := newTable()
	good, _ := issue(t, mustKeys(t, db), apikey.Request{Owner: "marvin"})
	other, _ := issue(t, mustKeys(t, db), apikey.Request{Owner: "marvin"})
	usual := mustStrategy(t, db, apikey.Config{})
	named := mustStrategy(t, db, apikey.Config{Headers: []string{"x-shop-key", "X-Old-Key"}, Scheme: "Shop"})
	only := mustStrategy(t, db, apikey.Config{Headers: []string{}})
	for _, row := range []struct {
		name   string
		s      *apikey.Strategy[*robot]
		fields []string
		want   int
	}{
		{"in X-API-Key", usual, []string{"X-API-Key", good}, 200},
		{"in Authorization", usual, []string{"Authorization", "Bearer " + good}, 200},
		{"the scheme in another case, two spaces", usual, []string{"Authorization", "bEARER  " + good}, 200},
		{"nowhere", usual, nil, 401},
		{"an empty header", usual, []string{"X-API-Key", ""}, 401},
		{"in the header of another application", usual, []string{"X-Shop-Key", good}, 401},
		{"in a header of one's own", named, []string{"X-Shop-Key", good}, 200},
		{"in the other header of one's own", named, []string{"X-Old-Key", good}, 200},
		{"in X-API-Key, which is not configured", named, []string{"X-API-Key", good}, 401},
		{"under a scheme of one's own", named, []string{"Authorization", "Shop " + good}, 200},
		{"under Bearer, which is not configured", named, []string{"Authorization", "Bearer " + good}, 401},
		{"in no header at all", only, []string{"X-API-Key", good}, 401},
		{"in Authorization only", only, []string{"Authorization", "Bearer " + good}, 200},
		{"without the scheme", usual, []string{"Authorization", good}, 401},
		{"twice the same", usual, []string{"X-API-Key", good, "X-API-Key", good}, 400},
		{"two keys", usual, []string{"X-API-Key", good, "X-API-Key", other}, 400},
		{"in both places", usual, []string{"X-API-Key", good, "Authorization", "Bearer " + good}, 400},
		{"a list of keys", usual, []string{"X-API-Key", good + ", " + other}, 401},
		{"beside a token of somebody else", usual, []string{"X-API-Key", good, "Authorization", "Bearer eyJhbGciOiJub25lIn0.e30."}, 200},
		{"only a token of somebody else", usual, []string{"Authorization", "Bearer eyJhbGciOiJub25lIn0.e30."}, 401},
		{"Basic credentials", usual, []string{"Authorization", "Basic " + good}, 401},
		{"a space before it", usual, []string{"X-API-Key", " " + good}, 401},
		{"a space behind it", usual, []string{"X-API-Key", good + " "}, 401},
		{"in quotation marks", usual, []string{"X-API-Key", `"` + good + `"`}, 401},
		{"without its last character", usual, []string{"X-API-Key", good[:len(good)-1]}, 401},
		{"with one character more", usual, []string{"X-API-Key", good + "A"}, 401},
		{"in upper case", usual, []string{"X-API-Key", strings.ToUpper(good)}, 401},
		{"of another application", usual, []string{"X-API-Key", "mall" + good[4:]}, 401},
		{"ten thousand characters", usual, []string{"X-API-Key", "shop_" + strings.Repeat("A", 10_000)}, 401},
	} {
		user, err := row.s.Authenticate(nil, with(row.fields...))
		if got := credtest.StatusOf(err); got != row.want || (user != nil) != (row.want == 200) {
			t.Errorf("%s: got %v, %v, want status %d", row.name, user, err, row.want)
		}
	}
}

// TestASVS_6_3_8_APIKeysAreRefusedAlike: a response does not show whether an id exists, and a text that
// cannot be our key is not looked up.
func TestASVS_6_3_8_APIKeysAreRefusedAlike(t *testing.T) {
	db := newTable()
	keys := mustKeys(t, db)
	s := mustStrategy(t, db, apikey.Config{})
	unknown, key := issue(t, keys, apikey.Request{Owner: "marvin"})
	db.edit(key.ID, func(k *apikey.Key) { k.Hash = strings.Repeat("0", 64) })
	_, want := s.Authenticate(nil, with("X-API-Key", unknown))

	gone, key := issue(t, keys, apikey.Request{Owner: "marvin"})
	if _, err := keys.Revoke(t.Context(), "marvin", key.ID); err != nil {
		t.Fatal(err)
	}
	old, _ := issue(t, keys, apikey.Request{Owner: "marvin", TTL: time.Nanosecond})
	damaged, key := issue(t, keys, apikey.Request{Owner: "marvin"})
	db.edit(key.ID, func(k *apikey.Key) { k.Hash = "" })
	for name, text := range map[string]string{"an unknown id": gone, "an expired key": old, "a damaged hash": damaged} {
		asked := db.asked
		_, err := s.Authenticate(nil, with("X-API-Key", text))
		if !reflect.DeepEqual(err, want) || db.asked != asked+1 {
			t.Errorf("%s: got %v after %d look-ups, want %v after one, as for a wrong secret", name, err, db.asked-asked, want)
		}
	}
	refused, err := apikey.New(apikey.Config{Prefix: "shop"}, func(context.Context, string) (apikey.Key, *robot, error) {
		return apikey.Key{}, nil, &strategy.Failure{Status: 403, Reason: "disabled"}
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := refused.Authenticate(nil, with("X-API-Key", gone)); !reflect.DeepEqual(err, want) {
		t.Errorf("a disabled owner: got %v, want %v", err, want)
	}
	asked := db.asked
	if _, err := s.Authenticate(nil, with("X-API-Key", gone[:len(gone)-1]+"!")); credtest.StatusOf(err) != 401 || db.asked != asked {
		t.Errorf("a typing mistake: got %v after %d look-ups, want 401 after none", err, db.asked-asked)
	}
}

func TestRefusalsCarryAChallenge(t *testing.T) {
	db := newTable()
	bearer, own := mustStrategy(t, db, apikey.Config{}), mustStrategy(t, db, apikey.Config{Scheme: "Shop", Realm: "the shop"})
	for _, row := range []struct {
		s    *apikey.Strategy[*robot]
		key  string
		want string
	}{
		{bearer, "", `Bearer realm="shop"`},
		{bearer, "guess", `Bearer realm="shop", error="invalid_token"`},
		{own, "", `Shop realm="the shop"`},
		{own, "guess", `Shop realm="the shop"`},
	} {
		_, err := row.s.Authenticate(nil, with("X-API-Key", row.key))
		if f, ok := errors.AsType[*strategy.Failure](err); !ok || f.Challenge != row.want {
			t.Errorf("%q: got %v, want the challenge %s", row.key, err, row.want)
		}
	}
}

// TestAKeyIsExpired after its time, by the server's clock.
func TestAKeyIsExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newTable()
		s := mustStrategy(t, db, apikey.Config{})
		text, _ := issue(t, mustKeys(t, db), apikey.Request{Owner: "marvin", TTL: time.Hour})
		for _, row := range []struct{ pass, want int }{{0, 200}, {3599, 200}, {1, 401}} {
			time.Sleep(time.Duration(row.pass) * time.Second)
			if _, err := s.Authenticate(nil, with("X-API-Key", text)); credtest.StatusOf(err) != row.want {
				t.Errorf("%d s later: got %v, want status %d", row.pass, err, row.want)
			}
		}
	})
}

// TestAUseIsStoredOnceAMinute, whether requests come one after another or at once.
func TestAUseIsStoredOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newTable()
		s := mustStrategy(t, db, apikey.Config{Used: db.used})
		text, key := issue(t, mustKeys(t, db), apikey.Request{Owner: "marvin"})
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if _, err := s.Authenticate(nil, with("X-API-Key", text)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if db.writes != 1 {
			t.Errorf("50 at once: %d writes, want 1", db.writes)
		}
		for range 600 { // ten minutes
			time.Sleep(time.Second)
			if _, err := s.Authenticate(nil, with("X-API-Key", text)); err != nil {
				t.Fatal(err)
			}
		}
		if got := time.Since(db.keys[key.ID].Used); db.writes != 11 || got >= time.Minute {
			t.Errorf("600 in ten minutes: %d writes, the last %v ago, want 11, less than a minute ago", db.writes, got)
		}
	})
}

func TestAUseThatCannotBeStoredRefusesNobody(t *testing.T) {
	db := newTable()
	var log bytes.Buffer
	text, _ := issue(t, mustKeys(t, db), apikey.Request{Owner: "marvin"})
	s := mustStrategy(t, db, apikey.Config{
		Used:   func(context.Context, string, time.Time) error { return credtest.ErrDown },
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	for range 3 {
		if _, err := s.Authenticate(nil, with("X-API-Key", text)); err != nil {
			t.Error(err)
		}
	}
	if got := strings.Count(log.String(), "was not stored"); got != 1 || strings.Contains(log.String(), text[20:]) {
		t.Errorf("%d lines, want 1 without the key:\n%s", got, log.String())
	}
}

// TestTheMemoryOfUsesIsBounded, with more keys in a minute than are remembered.
func TestTheMemoryOfUsesIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newTable()
		keys := mustKeys(t, db)
		s := mustStrategy(t, db, apikey.Config{Used: db.used})
		for range 10_100 {
			text, _ := issue(t, keys, apikey.Request{Owner: "marvin"})
			if _, err := s.Authenticate(nil, with("X-API-Key", text)); err != nil {
				t.Fatal(err)
			}
		}
		if db.writes != 10_100 || apikey.Remembered(s) > 10_000 {
			t.Errorf("%d writes and %d keys remembered, want 10100 and at most 10000", db.writes, apikey.Remembered(s))
		}
	})
}
