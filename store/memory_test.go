package store_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/internal/subprocess"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/session/sessiontest"
	"github.com/seed-6f34412b/passport/store"
)

func newMemory(t testing.TB, cfg store.MemoryConfig) *store.MemoryStore {
	t.Helper()
	m, err := store.Memory(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m.Sessions
}

// pass lets time pass in a bubble.
func create(t *testing.T, s session.Store, id, data string) {
	t.Helper()
	if err := s.Create(t.Context(), id, []byte(data), time.Hour); err != nil {
		t.Fatalf("Create(%q): %v", id, err)
	}
}

func pass(d time.Duration) { <-time.After(d) }

func TestMemoryStoreKeepsTheContract(t *testing.T) {
	for name, cfg := range map[string]store.MemoryConfig{
		"plain":           {},
		"with tombstones": {Tombstones: true},
		"bounded":         {MaxSessions: 1000},
	} {
		t.Run(name, func(t *testing.T) {
			sessiontest.RunInBubble(t, func(t *testing.T) session.Store { return newMemory(t, cfg) })
		})
	}
}

func TestAFullMemoryStoreRefusesNewSessionsAndLogsNobodyOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t, store.MemoryConfig{MaxSessions: 100})
		for i := range 100 {
			create(t, m, fmt.Sprint("id", i), "x")
		}
		for i := range 50 {
			err := m.Create(t.Context(), fmt.Sprint("flood", i), []byte("x"), time.Hour)
			if !errors.Is(err, store.ErrFull) || errors.Is(err, session.ErrExists) {
				t.Fatalf("Create in a full store: got error %v, want ErrFull", err)
			}
		}
		for i := range 100 {
			if _, err := m.Get(t.Context(), fmt.Sprint("id", i)); err != nil {
				t.Fatalf("Get of a session in a full store: %v", err)
			}
		}
		if err := m.Update(t.Context(), "id7", []byte("x"), []byte("y"), time.Hour); err != nil {
			t.Errorf("Update in a full store: %v", err)
		}
		if _, err := m.End(t.Context(), "id1", []byte("x"), "new", time.Minute); err != nil {
			t.Errorf("End in a full store: %v", err)
		}
		if err := m.Create(t.Context(), "new", []byte("x"), time.Hour); !errors.Is(err, store.ErrFull) {
			t.Errorf("Create when a note took a record's place: got error %v, want ErrFull", err)
		}
		if err := m.Delete(t.Context(), "id2", nil); err != nil {
			t.Errorf("Delete in a full store: %v", err)
		}
		create(t, m, "new", "x") // in place of the deleted one
		pass(2 * time.Minute)
		create(t, m, "newer", "x") // in place of the note
		if err := m.Create(t.Context(), "newest", []byte("x"), time.Hour); !errors.Is(err, store.ErrFull) {
			t.Errorf("Create in a store that is full again: got error %v, want ErrFull", err)
		}
		pass(2 * time.Hour)
		for i := range 100 {
			create(t, m, fmt.Sprint("id", i), "x") // the others have expired
		}
	})
}

// TestARefusedCreateTakesNoRoom: Create with an id in use must not count as one more session.
func TestARefusedCreateTakesNoRoom(t *testing.T) {
	m := newMemory(t, store.MemoryConfig{MaxSessions: 2})
	create(t, m, "a", "x")
	for range 5 {
		if err := m.Create(t.Context(), "a", []byte("x"), time.Hour); !errors.Is(err, session.ErrExists) {
			t.Fatalf("Create of an id in use: got error %v, want ErrExists", err)
		}
	}
	create(t, m, "b", "x")
}

func TestExpiredEntriesGiveTheirMemoryBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t, store.MemoryConfig{})
		for i := range 1000 {
			if err := m.Create(t.Context(), fmt.Sprint("old", i), []byte("x"), time.Minute); err != nil {
				t.Fatal(err)
			}
			if _, err := m.End(t.Context(), fmt.Sprint("gone", i), nil, "next", time.Minute); err != nil {
				t.Fatal(err)
			}
		}
		if n := store.Held(m); n != 2000 {
			t.Fatalf("held before: %d entries, want 2000", n)
		}
		pass(2 * time.Minute)
		for i := range 1000 {
			create(t, m, fmt.Sprint("new", i), "x")
		}
		if n := store.Held(m); n > 1100 {
			t.Errorf("held after as many writes as had expired: %d entries, want about the 1000 that live", n)
		}
	})
}

func TestLabelsThatEndedGiveTheirMemoryBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t, store.MemoryConfig{})
		for i := range 1000 {
			if err := m.AddLabel(t.Context(), fmt.Sprint("old", i), "id", time.Now().Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
		}
		pass(2 * time.Minute)
		for i := range 200 {
			if err := m.AddLabel(t.Context(), fmt.Sprint("new", i), "id", time.Now().Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
		}
		if n := store.HeldLabels(m); n != 200 {
			t.Errorf("held after 200 adds: %d labels, want the 200 that live", n)
		}
	})
}

func TestAMemoryStoreHasNoGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 10 {
		create(t, newMemory(t, store.MemoryConfig{}), "id", "x")
	}
	err := subprocess.Poll(func(context.Context) error { // other tests' may still begin and end
		if after := runtime.NumGoroutine(); after > before {
			return fmt.Errorf("%d goroutines after using ten stores, %d before", after, before)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestAStoredIDDoesNotKeepItsHeaderAlive: an id is often part of a long string, such as a header.
func TestAStoredIDDoesNotKeepItsHeaderAlive(t *testing.T) {
	m := newMemory(t, store.MemoryConfig{})
	before := heap()
	const n, size = 64, 1 << 20
	for i := range n {
		header := fmt.Sprintf("%032d", i) + strings.Repeat("x", size)
		id := header[:32]
		create(t, m, id, "x")
		if _, err := m.End(t.Context(), id, nil, id, time.Hour); err != nil {
			t.Fatal(err)
		}
		create(t, m, id, "x")
		if err := m.AddLabel(t.Context(), id, id, time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if grown := heap() - before; grown > n*size/4 {
		t.Errorf("%d small entries hold %d bytes: the strings of which their ids were parts", n, grown)
	}
	runtime.KeepAlive(m)
}

// heap returns the bytes in use after a collection.
func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc) //nolint:gosec // it fits
}

// TestASessionCostsItsRecordAndALittle: the budget is 250 bytes in addition to the record.
func TestASessionCostsItsRecordAndALittle(t *testing.T) {
	for _, size := range []int{200, 370, 1000} {
		if cost := costOfASession(t, 100_000, size) - size; cost > 250 {
			t.Errorf("a session of %d bytes costs %d bytes more, want at most 250", size, cost)
		}
	}
}

// costOfASession returns how many bytes of memory each of n sessions takes.
func costOfASession(t testing.TB, n, size int) int {
	t.Helper()
	before := heap()
	m := newMemory(t, store.MemoryConfig{})
	data := make([]byte, size)
	for i := range n {
		if err := m.Create(context.Background(), fmt.Sprintf("%032d", i), data, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	cost := (heap() - before) / n
	runtime.KeepAlive(m)
	return cost
}
