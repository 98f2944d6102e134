package refresh_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/jwt/refresh"
)

func TestRFC9700_4_14_2_TokensRotate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tokens := newTokens(t, newCells(t))
		want := refresh.Grant{Subject: "42", AuthTime: time.Now(), Data: json.RawMessage(`{"device":"a phone"}`)}
		token, err := tokens.Issue(t.Context(), want)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{token: true}
		for range 20 {
			grant, next, err := tokens.Rotate(t.Context(), token)
			if err != nil || grant.Subject != want.Subject || !grant.AuthTime.Equal(want.AuthTime) || string(grant.Data) != string(want.Data) {
				t.Fatalf("got %+v, %v, want %+v", grant, err, want)
			}
			if seen[next] || strings.Trim(next, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") != "" {
				t.Fatalf("the token %q was there before, or needs escaping", next)
			}
			seen[next], token = true, next
			<-time.After(time.Hour)
		}
	})
}

func TestRFC9700_4_14_2_ReuseEndsTheFamily(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		tokens := newTokens(t, newCells(t), func(c *refresh.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
		stolen := issue(t, tokens, "42")
		other := issue(t, tokens, "42")
		second := rotate(t, tokens, stolen)
		third := rotate(t, tokens, second)
		<-time.After(time.Minute)
		refuses(t, "the stolen token", tokens, stolen, refresh.ErrReused)
		if !strings.Contains(log.String(), "subject=42") || strings.Contains(log.String(), stolen[:20]) {
			t.Errorf("the log says %q, want the subject and no token", log.String())
		}
		refuses(t, "the owner's token", tokens, third, refresh.ErrInvalid)
		refuses(t, "the stolen token once more", tokens, stolen, refresh.ErrInvalid)
		rotate(t, tokens, other) // another log-in of the same user goes on
	})
}

// The thief may come first. Used once, the token is as if the owner's answer was lost;
// then the thief's is void.
func TestRFC9700_4_14_2_ACopyThatIsUsedFirstIsFound(t *testing.T) {
	for _, uses := range []int{1, 2, 3} {
		synctest.Test(t, func(t *testing.T) {
			tokens := newTokens(t, newCells(t))
			owners := issue(t, tokens, "42")
			thiefs := owners
			for range uses {
				thiefs = rotate(t, tokens, thiefs)
				<-time.After(10 * time.Second)
			}
			if uses == 1 {
				owners = rotate(t, tokens, owners)
				owners, thiefs = thiefs, owners // who is found next
			}
			refuses(t, "who holds what was replaced", tokens, owners, refresh.ErrReused)
			refuses(t, "the other", tokens, thiefs, refresh.ErrInvalid)
		})
	}
}

// However late the client asks again, and however often.
func TestALostAnswerIsMadeUpForAtAnyTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tokens := newTokens(t, newCells(t))
		first := issue(t, tokens, "42")
		last := ""
		for _, wait := range []time.Duration{0, time.Second, time.Minute, time.Hour, 24 * time.Hour} {
			<-time.After(wait)
			last = rotate(t, tokens, first)
		}
		rotate(t, tokens, rotate(t, tokens, last))

		strict := newTokens(t, newCells(t), func(c *refresh.Config) { c.Grace = -1 })
		first = issue(t, strict, "42")
		rotate(t, strict, first)
		<-time.After(time.Minute)
		refuses(t, "without a grace", strict, first, refresh.ErrReused)
	})
}

func TestAReplacedTokenGetsTheSameSuccessorForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCells(t)
		tokens := newTokens(t, c)
		first := issue(t, tokens, "42")
		second := rotate(t, tokens, first)
		swaps := c.swaps
		<-time.After(10*time.Second - 1)
		if got := rotate(t, tokens, first); got != second || c.swaps != swaps {
			t.Errorf("within the grace: the same successor %t, %d writes, want it and none", got == second, c.swaps-swaps)
		}
		third := rotate(t, tokens, second)
		refuses(t, "the token before the replaced one", tokens, first, refresh.ErrReused)
		refuses(t, "its family", tokens, third, refresh.ErrInvalid)

		strict := newTokens(t, newCells(t), func(c *refresh.Config) { c.Grace = -1 })
		first = issue(t, strict, "42")
		rotate(t, strict, first)
		refuses(t, "without a grace", strict, first, refresh.ErrReused)
	})
}

func TestOfManyAtOnceOneReplaces(t *testing.T) {
	c := newCells(t)
	tokens := newTokens(t, c)
	first := issue(t, tokens, "42")
	var all sync.WaitGroup
	var mu sync.Mutex
	got := map[string]int{}
	for range 50 {
		all.Go(func() {
			_, next, err := tokens.Rotate(t.Context(), first)
			if err != nil {
				t.Errorf("rotate: %v", err)
			}
			mu.Lock()
			defer mu.Unlock()
			got[next]++
		})
	}
	all.Wait()
	if len(got) != 1 {
		t.Errorf("50 requests at once got %d successors, want one", len(got))
	}
	for next := range got {
		rotate(t, tokens, next)
	}
}

func TestWithoutGraceOneOfManyWins(t *testing.T) {
	tokens := newTokens(t, newCells(t), func(c *refresh.Config) { c.Grace = -1 })
	first := issue(t, tokens, "42")
	var all sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for range 50 {
		all.Go(func() {
			_, _, err := tokens.Rotate(t.Context(), first)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
			} else if !errors.Is(err, refresh.ErrInvalid) {
				t.Errorf("rotate: %v", err)
			}
		})
	}
	all.Wait()
	if won != 1 {
		t.Errorf("%d of 50 won, want one", won)
	}
}

func TestALostAnswerLogsNobodyOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCells(t)
		tokens := newTokens(t, c)
		first := issue(t, tokens, "42")
		c.lost = 1
		refuses(t, "the answer is lost", tokens, first, errDown)
		rotate(t, tokens, rotate(t, tokens, first))
	})
}

func TestAnOutageIsNoRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCells(t)
		tokens := newTokens(t, c)
		first := issue(t, tokens, "42")
		second := rotate(t, tokens, first)
		<-time.After(time.Minute)
		c.before = errDown
		refuses(t, "rotate", tokens, second, errDown)
		refuses(t, "a reused token", tokens, first, errDown)
		if _, err := tokens.Issue(t.Context(), refresh.Grant{Subject: "42"}); !errors.Is(err, errDown) {
			t.Errorf("issue: got %v", err)
		}
		if err := tokens.Revoke(t.Context(), second); !errors.Is(err, errDown) {
			t.Errorf("revoke: got %v", err)
		}
		if err := tokens.RevokeAll(t.Context(), "42"); !errors.Is(err, errDown) {
			t.Errorf("revoke all: got %v", err)
		}
		c.before = nil
		c.lost = 1
		refuses(t, "a reused token, whose end may not have happened", tokens, first, errDown)
		refuses(t, "its family", tokens, second, refresh.ErrInvalid)
		c.lost = 1
		if _, err := tokens.Issue(t.Context(), refresh.Grant{Subject: "42"}); !errors.Is(err, errDown) {
			t.Errorf("issue, the answer lost: got %v", err)
		}
	})
}

// hangs answers no command.
type hangs struct{ strategy.Cells }

func (hangs) Load(ctx context.Context, _ string) ([]byte, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestNobodyWaitsForAStoreThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithTimeout(t.Context(), time.Hour)
		defer end()
		began := time.Now()
		err := newTokens(t, hangs{}).RevokeAll(ctx, "42")
		if took := time.Since(began); err == nil || took > 10*time.Second {
			t.Errorf("got %v after %v, want an error within ten seconds", err, took)
		}
	})
}

func TestWhatIsNoTokenIsRefused(t *testing.T) {
	c := newCells(t)
	tokens := newTokens(t, c)
	good := issue(t, tokens, "42")
	family, secret, _ := strings.Cut(good, ".")
	zeros := strings.Repeat("A", 32)
	c.before = errDown // the database is not asked about any of these
	for _, token := range []string{"", ".", "x", family, family + ".", "." + secret, good + ".", good + "A", good + "=", good + "\n", "\n" + good, family + "." + secret[:31], family + "\n." + secret, strings.Repeat("A", 1<<16)} {
		refuses(t, token, tokens, token, refresh.ErrInvalid)
		if err := tokens.Revoke(t.Context(), token); err != nil {
			t.Errorf("revoke %q: %v", token, err)
		}
	}
	c.before = nil
	refuses(t, "a family that never was", tokens, zeros+"."+secret, refresh.ErrInvalid)
	refuses(t, "a secret of another family", tokens, family+"."+zeros, refresh.ErrReused)
}

func TestFamiliesEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCells(t)
		tokens := newTokens(t, c)
		idle := issue(t, tokens, "42")
		<-time.After(14*24*time.Hour - 1)
		idle = rotate(t, tokens, idle)
		<-time.After(14 * 24 * time.Hour)
		refuses(t, "idle for 14 days", tokens, idle, refresh.ErrInvalid)

		busy, born := issue(t, tokens, "42"), time.Now()
		for time.Since(born) < 89*24*time.Hour {
			busy = rotate(t, tokens, busy)
			<-time.After(24 * time.Hour)
		}
		busy = rotate(t, tokens, busy)
		<-time.After(24 * time.Hour)
		refuses(t, "busy for 90 days", tokens, busy, refresh.ErrInvalid)

		old := issue(t, tokens, "42")
		<-time.After(24 * time.Hour)
		shorter := newTokens(t, c, func(c *refresh.Config) { c.AbsoluteTimeout = 24 * time.Hour })
		refuses(t, "when the limit was lowered meanwhile", shorter, old, refresh.ErrInvalid)
	})
}

func TestRevoke(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tokens := newTokens(t, newCells(t))
		first := issue(t, tokens, "42")
		second := rotate(t, tokens, first)
		for range 2 { // RFC 7009 §2.2: an invalid token is no error
			if err := tokens.Revoke(t.Context(), first); err != nil {
				t.Fatal(err)
			}
			refuses(t, "after log-out with the token before", tokens, second, refresh.ErrInvalid)
		}
	})
}

// A log-out is final, whichever of it and a rotation at the same time comes first.
func TestRevokeIsFinalUnderConcurrency(t *testing.T) {
	for range 50 {
		c := newCells(t)
		tokens := newTokens(t, c)
		first := issue(t, tokens, "42")
		var both sync.WaitGroup
		next := ""
		both.Go(func() { _, next, _ = tokens.Rotate(t.Context(), first) })
		both.Go(func() {
			if err := tokens.Revoke(t.Context(), first); err != nil {
				t.Error(err)
			}
		})
		both.Wait()
		refuses(t, "the token", tokens, first, refresh.ErrInvalid)
		if next != "" {
			refuses(t, "its successor", tokens, next, refresh.ErrInvalid)
		}
	}
	c := newCells(t)
	tokens := newTokens(t, c)
	first, next := issue(t, tokens, "42"), ""
	c.gate = func() { c.gate = nil; next = rotate(t, tokens, first) } // between the look and the end
	if err := tokens.Revoke(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	refuses(t, "what was rotated between the look and the end", tokens, next, refresh.ErrInvalid)
}

func TestRevokeAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCells(t)
		tokens := newTokens(t, c)
		phone, tablet, other := issue(t, tokens, "42"), issue(t, tokens, "42"), issue(t, tokens, "7")
		tablet = rotate(t, tokens, tablet)
		for range 2 {
			if err := tokens.RevokeAll(t.Context(), "42"); err != nil {
				t.Fatal(err)
			}
		}
		refuses(t, "the phone", tokens, phone, refresh.ErrInvalid)
		refuses(t, "the tablet", tokens, tablet, refresh.ErrInvalid)
		other = rotate(t, tokens, other)
		again := issue(t, tokens, "42")

		c.gate = func() { c.gate = nil; again = rotate(t, tokens, again) }
		if err := tokens.RevokeAll(t.Context(), "42"); err != nil {
			t.Fatal(err)
		}
		refuses(t, "what was rotated meanwhile", tokens, again, refresh.ErrInvalid)
		c.lost = 1
		if err := tokens.RevokeAll(t.Context(), "7"); !errors.Is(err, errDown) {
			t.Errorf("a lost answer: got %v, want the outage", err)
		}
		refuses(t, "it happened all the same", tokens, other, refresh.ErrInvalid)

		// What RevokeAll leaves behind is kept for as long as a family that begins later.
		<-time.After(80 * 24 * time.Hour)
		again = issue(t, tokens, "42")
		for range 6 {
			<-time.After(13 * 24 * time.Hour)
			again = rotate(t, tokens, again)
		}
	})
}

func TestTwoRevokeAllAtOnce(t *testing.T) {
	c := newCells(t)
	tokens := newTokens(t, c)
	first := issue(t, tokens, "42")
	c.gate = func() {
		c.gate = nil
		if err := tokens.RevokeAll(t.Context(), "42"); err != nil {
			t.Error(err)
		}
	}
	if err := tokens.RevokeAll(t.Context(), "42"); err != nil {
		t.Fatal(err)
	}
	refuses(t, "after both", tokens, first, refresh.ErrInvalid)
	second := issue(t, tokens, "42")
	c.gate = func() {
		c.gate = nil
		if err := tokens.RevokeAll(t.Context(), "42"); err != nil {
			t.Error(err)
		}
	}
	third := issue(t, tokens, "42") // the era changes while it is read
	refuses(t, "issued before", tokens, second, refresh.ErrInvalid)
	rotate(t, tokens, third)
}

func TestNothingKeptIsAToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCells(t)
		tokens := newTokens(t, c)
		token := issue(t, tokens, "42")
		var all []string
		for range 5 {
			all = append(all, token)
			token = rotate(t, tokens, token)
		}
		all = append(all, token)
		for _, kept := range c.kept {
			for _, token := range all {
				family, secret, _ := strings.Cut(token, ".")
				if strings.Contains(kept, family) || strings.Contains(kept, secret) {
					t.Fatalf("half of a token is kept: %s", kept)
				}
			}
		}
		if len(c.kept) < 12 {
			t.Fatalf("only %d texts were seen", len(c.kept))
		}
	})
}

func TestMalformedRecordsAreNoTokens(t *testing.T) {
	for _, text := range []string{"garbage", "{}", `{"current":"AA"}`, "[]"} {
		c := newCells(t)
		tokens := newTokens(t, c)
		token := issue(t, tokens, "42")
		key := c.kept[len(c.kept)-2]
		old, _ := c.Load(t.Context(), key)
		if _, swapped, err := c.Swap(t.Context(), key, old, []byte(text), time.Hour); !swapped || err != nil {
			t.Fatal(err)
		}
		refuses(t, text, tokens, token, refresh.ErrInvalid)
	}
}

// taken is a Cells in which every key is in use.
type taken struct{ strategy.Cells }

func (taken) Load(context.Context, string) ([]byte, error) { return nil, nil }
func (taken) Swap(context.Context, string, []byte, []byte, time.Duration) ([]byte, bool, error) {
	return []byte("x"), false, nil
}

func TestIssueRefusesWhatCannotBeKept(t *testing.T) {
	tokens := newTokens(t, newCells(t))
	for name, grant := range map[string]refresh.Grant{"no subject": {}, "data that is no JSON": {Subject: "42", Data: json.RawMessage("{")}} {
		if token, err := tokens.Issue(t.Context(), grant); err == nil || token != "" {
			t.Errorf("%s: got %q, %v, want an error", name, token, err)
		}
	}
	if token, err := newTokens(t, taken{}).Issue(t.Context(), refresh.Grant{Subject: "42"}); err == nil || token != "" {
		t.Errorf("a name in use: got %q, %v, want an error", token, err)
	}
}

func TestEveryMistakeInAConfigIsNamed(t *testing.T) {
	_, err := refresh.New(refresh.Config{IdleTimeout: -1, AbsoluteTimeout: -1, Grace: 2 * time.Minute})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"Cells is nil", "IdleTimeout -1ns and AbsoluteTimeout -1ns", "Grace is 2m0s"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("nothing about %q: %v", want, err)
		}
	}
	const year = 365 * 24 * time.Hour
	for _, cfg := range []refresh.Config{{AbsoluteTimeout: 2 * year}, {IdleTimeout: 2 * year}} {
		cfg.Cells = newCells(t)
		if _, err := refresh.New(cfg); err == nil || !strings.Contains(err.Error(), "400 days") {
			t.Errorf("tokens for two years: got %v, want the bound named", err)
		}
	}
	if _, err := refresh.New(refresh.Config{Cells: newCells(t)}); err != nil {
		t.Error(err)
	}
}
