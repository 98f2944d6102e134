package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/store"
)

func TestOneLabelWithManySessions(t *testing.T) {
	m, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		t.Fatal(err)
	}
	const n = 100_000 // so many that a walk through the label at each step would take minutes
	start := time.Now().Add(time.Hour)
	for i := range n {
		if err := m.Sessions.AddLabel(t.Context(), "one", fmt.Sprint("id", i), start.Add(time.Duration(i))); err != nil {
			t.Fatal(err)
		}
	}
	ids, err := m.Sessions.Labelled(t.Context(), "one")
	if err != nil || len(ids) != n || ids[0] != "id0" || ids[n-1] != fmt.Sprint("id", n-1) {
		t.Fatalf("%d ids, %v", len(ids), err)
	}
	for _, id := range ids {
		if err := m.Sessions.RemoveLabel(t.Context(), "one", id); err != nil {
			t.Fatal(err)
		}
	}
	if ids, err := m.Sessions.Labelled(t.Context(), "one"); len(ids) != 0 || err != nil {
		t.Errorf("%d ids are left, %v", len(ids), err)
	}
	if got := store.HeldLabels(m.Sessions); got != 0 {
		t.Errorf("%d labels are held, want none", got)
	}
}
