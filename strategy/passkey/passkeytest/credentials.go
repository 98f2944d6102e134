package passkeytest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/passkey"
)

// RunCredentials runs every rule of [passkey.Credentials] as a subtest, and those of [passkey.Renamer]
// where the table is one. newTable returns an empty table and two users, a and b, who are in it. Run
// it with -race, and against the real database: two rules are about calls at once.
func RunCredentials[U any](t *testing.T, newTable func(t *testing.T) (table passkey.Credentials[U], a, b U)) {
	for _, r := range rules[U]() {
		t.Run(r.text, func(t *testing.T) {
			table, a, b := newTable(t)
			r.check(t, world[U]{table, a, b})
		})
	}
}

// rule is a rule that a table must keep, quoted from a doc comment of package passkey.
type rule[U any] struct {
	text  string
	check func(t reporter, w world[U])
}

// reporter is the part of *testing.T that rules use.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// world is a table under test.
type world[U any] struct {
	passkey.Credentials[U]
	a, b U
}

// credential returns a passkey with all members, made some minutes after midnight.
func credential(minutes int) passkey.Credential {
	id := make([]byte, 64)
	_, _ = rand.Read(id) // crypto/rand never fails
	return passkey.Credential{
		ID: id, PublicKey: bytes.Repeat([]byte{0, 0xff, 0x27}, 100), SignCount: 1<<32 - 2, UserVerified: true, BackupEligible: true, BackedUp: true,
		Transports: []string{"internal", "hybrid"}, AAGUID: "fbfc3007-154e-4ecc-8c0b-6e020557d7bd", Name: "Joe's “phone” 📱",
		Created: time.Date(2026, 11, 27, 0, minutes, 0, 0, time.UTC), Attestation: []byte{1, 2, 3}, ClientData: []byte(`{"type":"webauthn.create"}`),
	}
}

// add adds a passkey and returns a copy of it.
func (w world[U]) add(t reporter, user U, minutes int) passkey.Credential {
	t.Helper()
	c := credential(minutes)
	if err := w.Add(context.Background(), user, c); err != nil {
		t.Fatalf("Add: %v", err)
	}
	return c
}

// want fails unless Find returns c and user.
func (w world[U]) want(t reporter, c passkey.Credential, user U) {
	t.Helper()
	got, of, err := w.Find(context.Background(), c.ID)
	if err != nil {
		t.Fatalf("Find: %v", err)
	}
	got.Created, got.LastUsed = got.Created.UTC(), got.LastUsed.UTC()
	if !reflect.DeepEqual(got, c) || !reflect.DeepEqual(of, user) {
		t.Errorf("Find: got %+v of %v\nwant %+v of %v", got, of, c, user)
	}
}

// wantList fails unless the passkeys of user are those in want.
func (w world[U]) wantList(t reporter, user U, want ...passkey.Credential) {
	t.Helper()
	list, err := w.List(context.Background(), user)
	if err != nil || len(list) != len(want) {
		t.Fatalf("List: got %d passkeys and %v, want %d", len(list), err, len(want))
	}
	for i, c := range list {
		if !bytes.Equal(c.ID, want[i].ID) || !bytes.Equal(c.PublicKey, want[i].PublicKey) || c.Name != want[i].Name {
			t.Errorf("List: got %+v at %d, want %+v", c, i, want[i])
		}
	}
}

func rules[U any]() []rule[U] {
	ctx := context.Background()
	list := []rule[U]{
		{"Find returns the passkey with this id, and its user", func(t reporter, w world[U]) {
			first, second := w.add(t, w.a, 1), w.add(t, w.b, 2)
			w.want(t, first, w.a)
			w.want(t, second, w.b)
		}},
		{"ErrUnknown says that there is none", func(t reporter, w world[U]) {
			w.add(t, w.a, 1)
			for _, id := range [][]byte{{1}, make([]byte, 64), make([]byte, 1023)} {
				if _, _, err := w.Find(ctx, id); !errors.Is(err, passkey.ErrUnknown) || !errors.Is(err, strategy.ErrUnauthenticated) {
					t.Errorf("Find(%d bytes): got %v, want ErrUnknown", len(id), err)
				}
			}
		}},
		{"List returns the passkeys of user", func(t reporter, w world[U]) {
			w.wantList(t, w.a)
			c := w.add(t, w.a, 1)
			w.wantList(t, w.a, c)
			w.wantList(t, w.b)
		}},
		{"the oldest first", func(t reporter, w world[U]) {
			third, first, second := w.add(t, w.a, 3), w.add(t, w.a, 1), w.add(t, w.a, 2)
			w.wantList(t, w.a, first, second, third)
		}},
		{"ErrExists says that somebody has one with this id, which then stays as it is", func(t reporter, w world[U]) {
			c := w.add(t, w.a, 1)
			again := c
			again.Name, again.PublicKey = "another", []byte{1}
			for _, user := range []U{w.a, w.b} {
				if err := w.Add(ctx, user, again); !errors.Is(err, passkey.ErrExists) {
					t.Errorf("Add of an existing id: got %v, want ErrExists", err)
				}
			}
			w.want(t, c, w.a)
			w.wantList(t, w.b)
		}},
		{"Update stores SignCount, BackedUp and LastUsed of c", func(t reporter, w world[U]) {
			c := w.add(t, w.a, 1)
			used, was := c, c.SignCount
			used.SignCount, used.BackedUp, used.LastUsed = was+1, false, c.Created.Add(time.Hour)
			c = used
			used.Name, used.PublicKey, used.Created, used.Transports = "another", []byte{1}, used.LastUsed, nil
			if done, err := w.Update(ctx, used, was); !done || err != nil {
				t.Fatalf("Update: got %t, %v", done, err)
			}
			w.want(t, c, w.a)
		}},
		{"if the stored SignCount is still signCount", func(t reporter, w world[U]) {
			c := w.add(t, w.a, 1)
			for _, was := range []uint32{0, c.SignCount - 1, c.SignCount + 1} {
				used := c
				used.SignCount, used.BackedUp, used.LastUsed = 7, false, c.Created.Add(time.Hour)
				if done, err := w.Update(ctx, used, was); done || err != nil {
					t.Errorf("Update with another SignCount stored: got %t, %v", done, err)
				}
			}
			w.want(t, c, w.a)
		}},
		{"a passkey that is not there is none that it did", func(t reporter, w world[U]) {
			if done, err := w.Update(ctx, credential(1), credential(1).SignCount); done || err != nil {
				t.Errorf("Update of an unknown passkey: got %t, %v", done, err)
			}
		}},
		{"Update: in one atomic step", func(t reporter, w world[U]) {
			c := w.add(t, w.a, 1)
			if n := atOnce(16, func() bool {
				used := c
				used.SignCount++
				done, err := w.Update(ctx, used, c.SignCount)
				return done && err == nil
			}); n != 1 {
				t.Errorf("got %d of 16 updates from one SignCount, want 1", n)
			}
		}},
		{"Remove deletes the passkey with this id if it is one of user's", func(t reporter, w world[U]) {
			c, other := w.add(t, w.a, 1), w.add(t, w.a, 2)
			if there, err := w.Remove(ctx, w.b, c.ID, false); there || err != nil {
				t.Errorf("Remove of another user's: got %t, %v", there, err)
			}
			w.want(t, c, w.a)
			for _, want := range []bool{true, false} {
				if there, err := w.Remove(ctx, w.a, c.ID, false); there != want || err != nil {
					t.Errorf("Remove: got %t, %v, want %t", there, err, want)
				}
			}
			w.wantList(t, w.a, other)
			if there, err := w.Remove(ctx, w.a, other.ID, false); !there || err != nil {
				t.Errorf("Remove of the last: got %t, %v", there, err)
			}
		}},
		{"With keepLast it deletes none that is the user's only one, and returns ErrLast", func(t reporter, w world[U]) {
			first, second := w.add(t, w.a, 1), w.add(t, w.a, 2)
			w.add(t, w.b, 3)
			if there, err := w.Remove(ctx, w.a, first.ID, true); !there || err != nil {
				t.Errorf("Remove of one of two: got %t, %v", there, err)
			}
			if _, err := w.Remove(ctx, w.a, second.ID, true); !errors.Is(err, passkey.ErrLast) {
				t.Errorf("Remove of the last: got %v, want ErrLast", err)
			}
			if there, err := w.Remove(ctx, w.a, credential(1).ID, true); there || err != nil {
				t.Errorf("Remove of an unknown passkey: got %t, %v", there, err)
			}
			w.wantList(t, w.a, second)
		}},
		{"of two calls at once for the last two, one gets it", func(t reporter, w world[U]) {
			const rounds = 20
			for range rounds {
				ids := make(chan []byte, 2)
				ids <- w.add(t, w.a, 1).ID
				ids <- w.add(t, w.a, 2).ID
				n := atOnce(2, func() bool {
					there, err := w.Remove(ctx, w.a, <-ids, true)
					return there && err == nil
				})
				left, err := w.List(ctx, w.a)
				if n != 1 || len(left) != 1 || err != nil {
					t.Fatalf("got %d removed, %d left and %v, want one of each", n, len(left), err)
				}
				if _, err := w.Remove(ctx, w.a, left[0].ID, false); err != nil {
					t.Fatalf("Remove: %v", err)
				}
			}
		}},
		{"It neither keeps nor changes the slices that it is given, and hands out none that it changes later", func(t reporter, w world[U]) {
			c := credential(1)
			given := c
			given.ID, given.PublicKey = bytes.Clone(c.ID), bytes.Clone(c.PublicKey)
			if err := w.Add(ctx, w.a, given); err != nil {
				t.Fatalf("Add: %v", err)
			}
			given.ID[0]++
			given.PublicKey[0]++
			w.want(t, c, w.a)
		}},
		{"an error when the context has ended", func(t reporter, w world[U]) {
			c := w.add(t, w.a, 1)
			ended, cancel := context.WithCancel(ctx)
			cancel()
			_, _, find := w.Find(ended, c.ID)
			_, list := w.List(ended, w.a)
			_, update := w.Update(ended, c, c.SignCount)
			_, remove := w.Remove(ended, w.a, c.ID, false)
			for method, err := range map[string]error{"Find": find, "List": list, "Add": w.Add(ended, w.a, credential(2)), "Update": update, "Remove": remove} {
				if err == nil || errors.Is(err, strategy.ErrUnauthenticated) {
					t.Errorf("%s: got %v, want an outage", method, err)
				}
			}
			w.want(t, c, w.a)
		}},
		{"Rename sets the name of the passkey with this id if it is one of user's", func(t reporter, w world[U]) {
			table, ok := w.Credentials.(passkey.Renamer[U])
			if !ok {
				return
			}
			c := w.add(t, w.a, 1)
			if there, err := table.Rename(ctx, w.b, c.ID, "theirs"); there || err != nil {
				t.Errorf("Rename of another user's: got %t, %v", there, err)
			}
			w.want(t, c, w.a)
			c.Name = "Phone 📱"
			if there, err := table.Rename(ctx, w.a, c.ID, c.Name); !there || err != nil {
				t.Errorf("Rename: got %t, %v", there, err)
			}
			w.want(t, c, w.a)
			if there, err := table.Rename(ctx, w.a, credential(1).ID, "nothing"); there || err != nil {
				t.Errorf("Rename of an unknown passkey: got %t, %v", there, err)
			}
		}},
	}
	return list
}

// atOnce calls f n times concurrently and returns how many times it was true.
func atOnce(n int, f func() bool) (times int) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	for range n {
		wg.Go(func() {
			if f() {
				mu.Lock()
				defer mu.Unlock()
				times++
			}
		})
	}
	wg.Wait()
	return times
}
