package sqltest

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
)

// Suite is a testing.TB for servers that outlive one test or belong to none. Its zero value is ready for use;
// it may be used concurrently.
type Suite struct {
	testing.TB // nil: only the methods below can be called

	mu       sync.Mutex
	cleanups []func()
	failure  string
}

// Helper implements testing.TB.
func (*Suite) Helper() {}

// Context returns context.Background().
func (*Suite) Context() context.Context { return context.Background() }

// Cleanup registers f to be called by Close.
func (s *Suite) Cleanup(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cleanups = append(s.cleanups, f)
}

// Errorf records a failure.
func (s *Suite) Errorf(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failure = fmt.Sprintf(format, args...)
}

// Fatalf records a failure and ends the goroutine.
func (s *Suite) Fatalf(format string, args ...any) {
	s.Errorf(format, args...)
	runtime.Goexit()
}

// Fatal records a failure and ends the goroutine.
func (s *Suite) Fatal(args ...any) { s.Fatalf("%s", fmt.Sprint(args...)) }

// Failure returns the last failure, empty if there was none.
func (s *Suite) Failure() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failure
}

// Start calls all of starts concurrently, waits for them, and returns the failure, if any.
func (s *Suite) Start(starts ...func()) (failure string) {
	var wg sync.WaitGroup
	for _, f := range starts {
		wg.Go(f)
	}
	wg.Wait()
	return s.Failure()
}

// Close calls the functions registered with Cleanup, the last one first.
func (s *Suite) Close() {
	for _, f := range slices.Backward(s.cleanups) {
		f()
	}
}
