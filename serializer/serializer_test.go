package serializer_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/seed-6f34412b/passport/serializer"
)

type user struct {
	id   int
	name string
	hash string
}

var errOutage = errors.New("connection refused")

// table is a users table that counts its calls.
type table struct {
	mu    sync.Mutex
	asked int
	users map[int]*user
	err   error
}

func newTable() *table {
	return &table{users: map[int]*user{0: {id: 0, name: "Zoe"}, 1: {id: 1, name: "Joe"}, 2: {id: 2, name: "Jen"}}}
}

func (t *table) find(_ context.Context, id int) (*user, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.asked++
	if t.err != nil {
		return nil, t.err
	}
	u, ok := t.users[id]
	if !ok {
		return nil, serializer.ErrUserGone
	}
	return u, nil
}

func byID(t *table) *serializer.IDSerializer[*user, int] {
	return serializer.ByID(func(u *user) int { return u.id }, t.find)
}

// echo returns a serializer of whole values, to show their JSON.
func echo[T any]() *serializer.IDSerializer[T, T] {
	return serializer.ByID(func(v T) T { return v }, func(_ context.Context, v T) (T, error) { return v, nil })
}

func serialize[T any](v T) (string, error) {
	raw, err := echo[T]().Serialize(context.Background(), v)
	return string(raw), err
}

func deserialize[T any](raw string) (any, error) {
	return echo[T]().Deserialize(context.Background(), json.RawMessage(raw))
}

type role struct {
	ID   int    `json:"id"`
	Role string `json:"role"`
}

type named int64

func TestIDsAreWrittenAsJSONStringifyWritesThem(t *testing.T) {
	for _, row := range []struct {
		name  string
		write func() (string, error)
		want  string
	}{
		{"a number stays a number", func() (string, error) { return serialize(1) }, `1`},
		{"zero is somebody", func() (string, error) { return serialize(0) }, `0`},
		{"a string stays a string", func() (string, error) { return serialize("1") }, `"1"`},
		{"a named integer is a number", func() (string, error) { return serialize(named(7)) }, `7`},
		{"the author's newer form is an object", func() (string, error) { return serialize(role{1, "admin"}) }, `{"id":1,"role":"admin"}`},
		{"angle brackets and ampersands stand for themselves", func() (string, error) { return serialize("<a&b>") }, `"<a&b>"`},
		{"line separators stand for themselves", func() (string, error) { return serialize("a\u2028b") }, "\"a\u2028b\""},
		{"the largest integer keeps its digits", func() (string, error) { return serialize(int64(9223372036854775807)) }, `9223372036854775807`},
	} {
		if got, err := row.write(); err != nil || got != row.want {
			t.Errorf("%s: got %s, %v, want %s", row.name, got, err, row.want)
		}
	}
}

func TestAnIDThatMeansNobodyIsNotWritten(t *testing.T) {
	var none *user
	for _, row := range []struct {
		name  string
		write func() (string, error)
	}{
		{"an empty string", func() (string, error) { return serialize("") }},
		{"false", func() (string, error) { return serialize(false) }},
		{"raw null", func() (string, error) { return serialize(json.RawMessage("null")) }},
		{"a nil map", func() (string, error) { return serialize(map[string]int(nil)) }},
		{"a nil interface", func() (string, error) { return serialize[any](nil) }},
		{"a value that is no JSON", func() (string, error) { return serialize[any](make(chan int)) }},
		{"a nil user", func() (string, error) {
			raw, err := byID(newTable()).Serialize(context.Background(), none)
			return string(raw), err
		}},
	} {
		if got, err := row.write(); err == nil || got != "" {
			t.Errorf("%s: got %q, %v, want an error", row.name, got, err)
		}
	}
}

func TestAnIDOfAnotherTypeIsAnErrorAndNeverAMissingUser(t *testing.T) {
	for _, row := range []struct {
		name string
		read func() (any, error)
		want any // nil: ErrIDType
	}{
		{"a number is an int", func() (any, error) { return deserialize[int]("42") }, 42},
		{"a negative number is an int64", func() (any, error) { return deserialize[int64]("-42") }, int64(-42)},
		{"a number is a named integer", func() (any, error) { return deserialize[named]("42") }, named(42)},
		{"a string is a string", func() (any, error) { return deserialize[string](`"a1"`) }, "a1"},
		{"a string with escapes is decoded", func() (any, error) { return deserialize[string](`"a\u00e9\n"`) }, "aé\n"},
		{"an object is a struct", func() (any, error) { return deserialize[role](`{"id":1,"role":"admin"}`) }, role{1, "admin"}},
		{"a string is no int", func() (any, error) { return deserialize[int](`"42"`) }, nil},
		{"a string is no int64", func() (any, error) { return deserialize[int64](`"42"`) }, nil},
		{"a number is no string", func() (any, error) { return deserialize[string](`42`) }, nil},
		{"a fraction is no int", func() (any, error) { return deserialize[int](`1.5`) }, nil},
		{"a number over 64 bits is no int64", func() (any, error) { return deserialize[int64](`9223372036854775808`) }, nil},
		{"a number over 32 bits is no int32", func() (any, error) { return deserialize[int32](`4294967297`) }, nil},
		{"an object is no int", func() (any, error) { return deserialize[int](`{"id":1}`) }, nil},
		{"true is no int", func() (any, error) { return deserialize[int](`true`) }, nil},
		{"null is no int, not user 0", func() (any, error) { return deserialize[int](` null `) }, nil},
		{"null is no struct", func() (any, error) { return deserialize[role](`null`) }, nil},
		{"nothing is no int", func() (any, error) { return deserialize[int](``) }, nil},
		{"a plus sign is no JSON", func() (any, error) { return deserialize[int](`+1`) }, nil},
	} {
		got, err := row.read()
		switch {
		case row.want != nil && (err != nil || got != row.want):
			t.Errorf("%s: got %v, %v, want %v", row.name, got, err, row.want)
		case row.want == nil && !errors.Is(err, serializer.ErrIDType):
			t.Errorf("%s: got %v, %v, want ErrIDType", row.name, got, err)
		case errors.Is(err, serializer.ErrUserGone):
			t.Errorf("%s: got ErrUserGone, which would log the user out", row.name)
		}
	}
}

func TestAnIDOfAnotherTypeDoesNotReachTheUsersTable(t *testing.T) {
	users := newTable()
	if _, err := byID(users).Deserialize(context.Background(), json.RawMessage(`"1"`)); !errors.Is(err, serializer.ErrIDType) {
		t.Errorf("got %v, want ErrIDType", err)
	}
	if users.asked != 0 {
		t.Errorf("the users table was called %d times, want 0", users.asked)
	}
}

func TestDeserializePassesOnWhatFindSays(t *testing.T) {
	users := newTable()
	s := byID(users)
	ctx := context.Background()
	if u, err := s.Deserialize(ctx, json.RawMessage("2")); err != nil || u.name != "Jen" {
		t.Errorf("id 2: got %v, %v, want Jen", u, err)
	}
	if _, err := s.Deserialize(ctx, json.RawMessage("3")); !errors.Is(err, serializer.ErrUserGone) {
		t.Errorf("id 3: got %v, want ErrUserGone", err)
	}
	users.err = errOutage
	_, err := s.Deserialize(ctx, json.RawMessage("2"))
	if !errors.Is(err, errOutage) || errors.Is(err, serializer.ErrUserGone) {
		t.Errorf("table down: got %v, want the outage and not ErrUserGone", err)
	}
	if want := "serializer: find user: connection refused"; err == nil || err.Error() != want {
		t.Errorf("table down: got %q, want %q", err, want)
	}
}

// TestDecodingAnIDCostsNothing, because it runs at every request.
func TestDecodingAnIDCostsNothing(t *testing.T) {
	users := newTable()
	s := byID(users)
	ctx := context.Background()
	id := json.RawMessage("2")
	if n := testing.AllocsPerRun(100, func() { _, _ = s.Deserialize(ctx, id) }); n > 1 {
		t.Errorf("Deserialize of an int allocates %v times, want at most 1", n)
	}
}

func TestStampFollowsTheValueAndTheUser(t *testing.T) {
	users := newTable()
	s := serializer.WithStamp(byID(users), func(u *user) string { return u.hash })
	joe := &user{id: 1, hash: "$2b$12$first"}
	changed := &user{id: 1, hash: "$2b$12$other"}
	one, two := json.RawMessage("1"), json.RawMessage("2")

	stamp := s.Stamp(joe, one)
	if got := s.Stamp(&user{id: 1, hash: "$2b$12$first"}, one); got != stamp {
		t.Errorf("equal values: got %q, want %q", got, stamp)
	}
	if s.Stamp(changed, one) == stamp {
		t.Errorf("another value gave the same stamp %q", stamp)
	}
	if s.Stamp(joe, two) == stamp {
		t.Errorf("another id gave the same stamp %q", stamp)
	}
	if len(stamp) != 22 || strings.Contains(stamp, "first") {
		t.Errorf("got stamp %q, want 22 characters that do not show the value", stamp)
	}
	// printf 1 | openssl dgst -sha256 -hmac '$2b$12$first' -binary | head -c 16 | basenc --base64url
	if want := "RFRzUPUkJnF70LWYYoW-Ww"; stamp != want {
		t.Errorf("got stamp %q, want %q, as openssl makes it", stamp, want)
	}
}

func TestStampedIsTheSerializerItWraps(t *testing.T) {
	s := serializer.WithStamp(byID(newTable()), func(u *user) string { return u.hash })
	raw, err := s.Serialize(context.Background(), &user{id: 2})
	if err != nil || string(raw) != "2" {
		t.Errorf("Serialize: got %s, %v, want 2", raw, err)
	}
	if u, err := s.Deserialize(context.Background(), raw); err != nil || u.name != "Jen" {
		t.Errorf("Deserialize: got %v, %v, want Jen", u, err)
	}
}

// skipping is a link that passes everybody to the next one, or fails with its own error.
type skipping struct{ err error }

func (s skipping) Serialize(context.Context, *user) (json.RawMessage, error) { return nil, s.err }

func (s skipping) Deserialize(context.Context, json.RawMessage) (*user, error) { return nil, s.err }

func TestChainAsksUntilOneDecides(t *testing.T) {
	ctx := context.Background()
	users := newTable()
	byName := serializer.ByID(func(u *user) string { return u.name }, func(_ context.Context, name string) (*user, error) {
		for u := range maps.Values(users.users) {
			if u.name == name {
				return u, nil
			}
		}
		return nil, serializer.ErrUserGone
	})
	skip, down := skipping{serializer.ErrSkip}, skipping{errOutage}

	for _, row := range []struct {
		name  string
		chain *serializer.Chained[*user]
		id    string
		want  string // the user's name
		err   error
	}{
		{"the first decides", serializer.Chain[*user](byID(users), down), `1`, "Joe", nil},
		{"a skip goes on", serializer.Chain[*user](skip, skip, byID(users)), `1`, "Joe", nil},
		{"an id of another type goes on", serializer.Chain[*user](byID(users), byName), `"Jen"`, "Jen", nil},
		{"a missing user stops", serializer.Chain[*user](byID(users), down), `9`, "", serializer.ErrUserGone},
		{"an outage stops", serializer.Chain[*user](down, byID(users)), `1`, "", errOutage},
		{"no link for the type is that error", serializer.Chain[*user](byID(users), byName, skip), `{}`, "", serializer.ErrIDType},
	} {
		u, err := row.chain.Deserialize(ctx, json.RawMessage(row.id))
		if !errors.Is(err, row.err) || (err == nil && u.name != row.want) {
			t.Errorf("%s: got %v, %v, want %q, %v", row.name, u, err, row.want, row.err)
		}
	}

	all := serializer.Chain[*user](skip, skip)
	if _, err := all.Deserialize(ctx, json.RawMessage(`1`)); err == nil || errors.Is(err, serializer.ErrUserGone) || errors.Is(err, serializer.ErrSkip) {
		t.Errorf("all skip an id: got %v, want an error of the chain's own", err)
	}
	if _, err := all.Serialize(ctx, users.users[1]); err == nil || errors.Is(err, serializer.ErrSkip) {
		t.Errorf("all skip a user: got %v, want an error of the chain's own", err)
	}
	if raw, err := serializer.Chain[*user](skip, byName, byID(users)).Serialize(ctx, users.users[1]); err != nil || string(raw) != `"Joe"` {
		t.Errorf("the first that does not skip writes: got %s, %v, want %q", raw, err, "Joe")
	}
	if _, err := serializer.Chain[*user](down, byID(users)).Serialize(ctx, users.users[1]); !errors.Is(err, errOutage) {
		t.Errorf("an outage stops a log-in: got %v, want %v", err, errOutage)
	}
}

func TestMistakesAtSetUpPanicWithTheCure(t *testing.T) {
	var none *serializer.IDSerializer[*user, int]
	find := newTable().find
	for _, row := range []struct {
		name string
		make func()
		want string
	}{
		{"ByID without id", func() { serializer.ByID[*user, int](nil, find) }, "needs both functions"},
		{"ByID without find", func() { serializer.ByID[*user, int](func(u *user) int { return u.id }, nil) }, "needs both functions"},
		{"WithStamp without a serializer", func() { serializer.WithStamp[*user](none, func(*user) string { return "" }) }, "needs a serializer"},
		{"WithStamp without a value", func() { serializer.WithStamp[*user](byID(newTable()), nil) }, "needs a serializer and a function"},
		{"Chain of nothing", func() { serializer.Chain[*user]() }, "at least one"},
		{"Chain with a nil link", func() { serializer.Chain[*user](byID(newTable()), none) }, "nil serializer"},
	} {
		func() {
			defer func() {
				if got, _ := recover().(string); !strings.Contains(got, row.want) {
					t.Errorf("%s: panic %q, want one that contains %q", row.name, got, row.want)
				}
			}()
			row.make()
		}()
	}
}

// FuzzByIDRoundTrip: an id that was written is read back as the same id.
func FuzzByIDRoundTrip(f *testing.F) {
	for _, s := range []string{"1", "", "é", "<&>", "\u2028", "a\"b\\", "\x00"} {
		f.Add(s, int64(len(s)))
	}
	f.Fuzz(func(t *testing.T, s string, n int64) {
		if raw, err := serialize(n); err != nil {
			t.Errorf("%d: %v", n, err)
		} else if got, err := deserialize[int64](raw); err != nil || got != n {
			t.Errorf("got %v, %v, want %d", got, err, n)
		}
		s = strings.ToValidUTF8(s, "")
		if s == "" {
			return
		}
		if raw, err := serialize(s); err != nil {
			t.Errorf("%q: %v", s, err)
		} else if got, err := deserialize[string](raw); err != nil || got != s {
			t.Errorf("got %q, %v, want %q", got, err, s)
		}
	})
}
