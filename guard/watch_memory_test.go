package guard_test

import (
	"context"
	"net/http"
	"runtime"
	"testing"
)

// TestWhatAStreamHolds in memory, in addition to its request: less than a kilobyte and a half, and no
// goroutine.
func TestWhatAStreamHolds(t *testing.T) {
	const streams, most = 20_000, 1536
	w := newWorld(t)
	b := w.loggedIn("joe@test.com")
	var watched []context.Context
	w.mux.Handle("/many", w.RequireAuth(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		ends := make([]context.Context, streams)
		cancels := make([]context.CancelFunc, streams)
		for i := range ends { // each has a context of its own, as a request has
			ends[i], cancels[i] = context.WithCancel(r.Context()) //nolint:fatcontext // each is derived from the request's
		}
		defer func() {
			for _, cancel := range cancels {
				cancel()
			}
		}()
		held := func() (bytes uint64, goroutines int) {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return m.HeapAlloc, runtime.NumGoroutine()
		}
		bytes, goroutines := held()
		for _, ctx := range ends {
			c, err := w.Watch(ctx)
			if err != nil {
				t.Fatal(err)
			}
			watched = append(watched, c)
		}
		more, also := held()
		each := (more - bytes) / streams
		t.Logf("%d streams: %d bytes each, %d goroutines more", streams, each, also-goroutines)
		if each > most || also-goroutines > 4 {
			t.Errorf("got %d bytes for each and %d goroutines more, want at most %d and 4", each, also-goroutines, most)
		}
	})))
	b.Get("/many").Want(t, 200, "")
	runtime.KeepAlive(watched)
}
