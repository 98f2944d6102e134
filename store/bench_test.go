package store_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/store"
)

// recordSize is about that of Express's JSON for a logged-in user.
const recordSize = 370

func filled(b *testing.B, n int) (*store.MemoryStore, []string) {
	b.Helper()
	m := newMemory(b, store.MemoryConfig{})
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("%032d", i)
		if err := m.Create(context.Background(), ids[i], make([]byte, recordSize), time.Hour); err != nil {
			b.Fatal(err)
		}
	}
	return m, ids
}

func BenchmarkMemoryRead(b *testing.B) {
	m, ids := filled(b, 100_000)
	i := 0
	for b.Loop() {
		if _, err := m.Get(context.Background(), ids[i%len(ids)]); err != nil {
			b.Fatal(err)
		}
		i += 7919
	}
}

// BenchmarkMemoryReadOnAllCores, of many sessions and of a single one.
func BenchmarkMemoryReadOnAllCores(b *testing.B) {
	m, ids := filled(b, 100_000)
	for name, n := range map[string]int{"many": len(ids), "one": 1} {
		b.Run(name, func(b *testing.B) {
			var start atomic.Int64
			b.RunParallel(func(pb *testing.PB) {
				i := int(start.Add(1)) * 1009
				for pb.Next() {
					if _, err := m.Get(context.Background(), ids[i%n]); err != nil {
						b.Error(err)
					}
					i += 7919
				}
			})
		})
	}
}

func BenchmarkMemoryUpdate(b *testing.B) {
	m, ids := filled(b, 100_000)
	data := make([]byte, recordSize)
	i := 0
	for b.Loop() {
		if err := m.Update(context.Background(), ids[i%len(ids)], data, data, time.Hour); err != nil {
			b.Fatal(err)
		}
		i += 7919
	}
}

// BenchmarkMemoryCreateAndDelete creates and deletes sessions in turn.
func BenchmarkMemoryCreateAndDelete(b *testing.B) {
	m, _ := filled(b, 100_000)
	data := make([]byte, recordSize)
	for b.Loop() {
		if err := m.Create(context.Background(), "id", data, time.Hour); err != nil {
			b.Fatal(err)
		}
		if err := m.Delete(context.Background(), "id", nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMemoryPerSession reports the bytes of a session without its record.
func BenchmarkMemoryPerSession(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			cost := 0
			for b.Loop() {
				cost = costOfASession(b, n, recordSize) - recordSize
			}
			b.ReportMetric(float64(cost), "B/session")
			b.ReportMetric(0, "ns/op")
		})
	}
}
