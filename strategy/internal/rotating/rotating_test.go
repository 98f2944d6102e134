package rotating_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/internal/rotating"
)

const (
	grace = 30 * time.Second
	month = 30 * 24 * time.Hour
)

func newCells(t testing.TB) strategy.Cells {
	t.Helper()
	memory, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return memory.Cells
}

// oneByOne are cells that take one step at a time.
type oneByOne struct{ strategy.Cells }

// kinds are what newTokens is given to use such cells, or those that take several steps at once.
var kinds = map[string]func(*rotating.Config){
	"several steps at once": func(*rotating.Config) {},
	"one step at a time":    func(c *rotating.Config) { c.Cells = oneByOne{c.Cells} },
}

func newTokens(t testing.TB, edit ...func(*rotating.Config)) *rotating.Tokens {
	t.Helper()
	cfg := rotating.Config{Cells: newCells(t), Kind: "test", IdleTimeout: month, MaxAge: month, Grace: grace}
	for _, e := range edit {
		e(&cfg)
	}
	return rotating.New(cfg)
}

// holder is the owner of a token, or a thief with a copy.
type holder struct {
	t      testing.TB
	tokens *rotating.Tokens
	token  string
}

func begin(t testing.TB, tokens *rotating.Tokens) *holder {
	t.Helper()
	_, token, err := tokens.Begin(t.Context(), "joe", json.RawMessage(`"data"`))
	if err != nil {
		t.Fatal(err)
	}
	return &holder{t, tokens, token}
}

// use uses the token. The result is "in", "found" or "out"; with lost the response does not arrive.
func (h *holder) use(lost bool) string {
	h.t.Helper()
	s, next, err := h.tokens.Use(h.t.Context(), h.token)
	var reused *rotating.Reused
	switch {
	case errors.As(err, &reused):
		if reused.Series.Owner != "joe" || next != "" {
			h.t.Errorf("found: got %+v and a token %t, want joe's and none", reused.Series, next != "")
		}
		return "found"
	case errors.Is(err, rotating.ErrUnknown):
		return "out"
	case err != nil:
		h.t.Fatal(err)
	case s.Owner != "joe" || string(s.Data) != `"data"`:
		h.t.Errorf("got %+v, want joe's series", s)
	}
	if !lost {
		h.token = next
	}
	return "in"
}

// The cases in the package's documentation. O is a use by the owner, T one by a thief, o one by the owner
// whose response is lost, C is the copying of the owner's token, and - is a wait longer than the grace.
func TestHowSoonATheftIsFound(t *testing.T) {
	for _, row := range []struct{ name, story, want string }{
		{"the owner alone", "O O-O-O", "in, in, in, in"},
		{"an answer is lost, and asked for again at once", "o O O", "in, in, in"},
		{"and asked for again later", "o-O-O", "in, in, in"},
		{"every answer is lost, for hours", "o-o-o-o o-O-O", "in, in, in, in, in, in, in"},
		{"the thief is first, once", "C T-O-T", "in, in, found"},
		{"the thief is first, once, and the owner goes on", "C T-O-O-T", "in, in, in, found"},
		{"the owner is first, once", "C O-T-O", "in, in, found"},
		{"the owner is first, once, and the thief goes on", "C O-T-T-O", "in, in, in, found"},
		{"the thief is first, twice", "C T-T-O", "in, in, found"},
		{"the owner is first, twice", "C O-O-T", "in, in, found"},
		{"twice at once", "C O O T", "in, in, found"},
		{"both within the grace, then late", "C O T-O-T-O", "in, in, in, in, found"},
		{"both within the grace each time, which is not found", "C O T-O T-O T-O T", "in, in, in, in, in, in, in, in"},
		{"until one of them is first twice", "C O T-O T-O-O T", "in, in, in, in, in, in, found"},
		{"a copy beside a lost answer", "C o-T-O-T", "in, in, in, found"},
		{"an old copy", "C O-O-O-T", "in, in, in, found"},
		{"the copy of a replaced token whose successor is unused", "C O-T-T", "in, in, in"},
	} {
		for kind, cells := range kinds {
			synctest.Test(t, func(t *testing.T) {
				owner := begin(t, newTokens(t, cells))
				thief := &holder{t: t, tokens: owner.tokens}
				var got []string
				for _, step := range row.story {
					switch step {
					case 'O', 'o':
						got = append(got, owner.use(step == 'o'))
					case 'T':
						got = append(got, thief.use(false))
					case 'C':
						thief.token = owner.token
					case '-':
						time.Sleep(grace)
					}
				}
				if got := strings.Join(got, ", "); got != row.want {
					t.Errorf("%s (%s), %s: got %s, want %s", row.name, row.story, kind, got, row.want)
				}
			})
		}
	}
}

// However the two take turns, beyond the grace, the second change of hands reveals the theft, and the first
// one does if one party used the token twice in a row. However many responses are lost, an owner alone
// never causes an alarm.
func TestATheftIsFoundAtTheSecondChangeOfHands(t *testing.T) {
	for seed := range uint64(300) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			owner := begin(t, newTokens(t))
			for range random.IntN(6) {
				if got := owner.use(random.IntN(2) == 0); !strings.HasPrefix(got, "in") {
					t.Fatalf("seed %d: the owner alone: got %q", seed, got)
				}
				time.Sleep(time.Duration(random.IntN(60)) * time.Second)
			}
			owner.use(false) // the copy is of the current token
			time.Sleep(grace)
			thief := &holder{t, owner.tokens, owner.token}
			both := []*holder{owner, thief}
			story, changes, twice := "", 0, false
			for last, found := -1, false; !found; {
				who := random.IntN(2)
				story += fmt.Sprint(who)
				if last >= 0 && who != last {
					changes++
				}
				twice = twice || who == last
				last = who
				got := both[who].use(false)
				found = got == "found"
				if want := changes == 2 || changes == 1 && twice && !strings.Contains(story[:len(story)-1], fmt.Sprint(who)); found != want {
					t.Fatalf("seed %d, turns %s: got %q, want it found: %t", seed, story, got, want)
				}
				time.Sleep(grace)
			}
		})
	}
}

func TestWithoutGraceATokenIsAnsweredOnce(t *testing.T) {
	owner := begin(t, newTokens(t, func(c *rotating.Config) { c.Grace = -1 }))
	if got := owner.use(true) + ", " + owner.use(false); got != "in, found" {
		t.Errorf("got %s, want the second use found", got)
	}
}

func TestSeriesEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tokens := newTokens(t, func(c *rotating.Config) { c.IdleTimeout = 24 * time.Hour })
		idle, busy := begin(t, tokens), begin(t, tokens)
		for range 30 {
			if got := busy.use(false); got != "in" {
				t.Fatalf("busy: got %q", got)
			}
			time.Sleep(24*time.Hour - 1)
		}
		time.Sleep(time.Second)
		if got := idle.use(false) + ", " + busy.use(false); got != "out, out" {
			t.Errorf("idle for a day, and a month old: got %s, want both out", got)
		}
		here, there := begin(t, tokens), begin(t, tokens)
		name, ok := rotating.Name(here.token)
		ended, ok2, err := tokens.End(t.Context(), name)
		if !ok || !ok2 || err != nil || ended.Owner != "joe" || ended.Name != name {
			t.Errorf("end: got %+v, %t, %t, %v", ended, ok, ok2, err)
		}
		if got := here.use(false) + ", " + there.use(false); got != "out, in" {
			t.Errorf("after the end of one: got %s", got)
		}
		if err := tokens.EndAll(t.Context(), "joe"); err != nil {
			t.Fatal(err)
		}
		if got := there.use(false) + ", " + begin(t, tokens).use(false); got != "out, in" {
			t.Errorf("after the end of all, and a new one: got %s", got)
		}
	})
}

// TestNoTokenOfAnEndedSeriesIsAccepted, and none is a theft: not the current one, not one that it replaced,
// within the grace or later, and not a void or an old one.
func TestNoTokenOfAnEndedSeriesIsAccepted(t *testing.T) {
	for kind, cells := range kinds {
		synctest.Test(t, func(t *testing.T) {
			tokens, ctx := newTokens(t, cells), t.Context()
			var all []string
			h := begin(t, tokens)
			id, _ := rotating.ID(h.token)
			all = append(all, h.token)
			_, renewed, _, err := tokens.Renew(ctx, id, json.RawMessage(`"data"`+" "))
			if err != nil {
				t.Fatal(err)
			}
			h.token = renewed
			for range 3 {
				all = append(all, h.token)
				time.Sleep(grace)
				_, next, err := tokens.Use(ctx, h.token)
				if err != nil {
					t.Fatal(err)
				}
				h.token = next
			}
			all = append(all, h.token)
			s, _, err := tokens.Use(ctx, h.token)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"joe", "joe"} { // again, so that what the first tokens did is seen
				if err := tokens.EndAll(ctx, name); err != nil {
					t.Fatal(err)
				}
				for i, token := range all {
					if _, next, err := tokens.Use(ctx, token); !errors.Is(err, rotating.ErrUnknown) || next != "" {
						t.Errorf("%s: token %d of %d: got %v and a token %t, want ErrUnknown", kind, i, len(all), err, next != "")
					}
				}
			}
			if alive, err := tokens.Alive(ctx, s); alive || err != nil {
				t.Errorf("%s: got alive %t and %v", kind, alive, err)
			}
		})
	}
}

// refuses are cells that swap nothing.
type refuses struct{ strategy.Cells }

var errRefused = errors.New("made up")

func (refuses) Swap(context.Context, string, []byte, []byte, time.Duration) ([]byte, bool, error) {
	return nil, false, errRefused
}

// TestAnOutageIsNoEndOfASeries: what could not be renewed or used is not taken for a series that is over.
func TestAnOutageIsNoEndOfASeries(t *testing.T) {
	cells := newCells(t)
	h := begin(t, newTokens(t, func(c *rotating.Config) { c.Cells = cells }))
	down := newTokens(t, func(c *rotating.Config) { c.Cells = refuses{cells} })
	id, _ := rotating.ID(h.token)
	if _, next, ok, err := down.Renew(t.Context(), id, json.RawMessage(`"other"`)); !errors.Is(err, errRefused) || ok || next != "" {
		t.Errorf("renew: got %t, a token %t and %v, want the outage", ok, next != "", err)
	}
	if _, next, err := down.Use(t.Context(), h.token); !errors.Is(err, errRefused) || next != "" {
		t.Errorf("use: got a token %t and %v, want the outage", next != "", err)
	}
}

// TestAStolenSeriesIsATheftUntilItEnds, at each use and with any token.
func TestAStolenSeriesIsATheftUntilItEnds(t *testing.T) {
	tokens := newTokens(t)
	h, ctx := begin(t, tokens), t.Context()
	s, _, err := tokens.Use(ctx, h.token)
	if err != nil {
		t.Fatal(err)
	}
	id, _ := rotating.ID(h.token)
	for _, then := range []func() error{
		func() error { return tokens.MarkStolen(ctx, s.Name) },
		func() error { return tokens.MarkStolen(ctx, s.Name) },
		func() error { return tokens.EndAll(ctx, "joe") },
	} {
		if err := then(); err != nil {
			t.Fatal(err)
		}
		if got := h.use(false); got != "found" {
			t.Errorf("got %s, want found", got)
		}
		alive, err := tokens.Alive(ctx, s)
		_, next, ok, err2 := tokens.Renew(ctx, id, json.RawMessage(`"other"`))
		if alive || ok || next != "" || errors.Join(err, err2) != nil {
			t.Errorf("got alive %t, renewed %t, %v and %v, want neither", alive, ok, err, err2)
		}
	}
	if _, ok, err := tokens.End(ctx, s.Name); !ok || err != nil {
		t.Errorf("got ended %t and %v, want true", ok, err)
	}
	if got := h.use(false); got != "out" {
		t.Errorf("got %s, want out", got)
	}
	if err := tokens.MarkStolen(ctx, s.Name); err != nil || h.use(false) != "out" {
		t.Errorf("a series that is over: got %v, want that it stays over", err)
	}
}
