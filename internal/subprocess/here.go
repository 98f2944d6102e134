package subprocess

import (
	"context"
	"testing"
	"time"
)

// Here runs a program in the test's own process, by the function that its main calls, and returns the
// address that run passes to ready. At the end of the test ctx ends, and run must return nil.
func Here(t testing.TB, run func(ctx context.Context, ready func(url string)) error) string {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- run(ctx, func(url string) { ready <- url }) }()
	select {
	case url := <-ready:
		t.Cleanup(func() {
			stop()
			if err := <-ended; err != nil {
				t.Errorf("run: %v", err)
			}
		})
		return url
	case err := <-ended:
		stop()
		t.Fatalf("the program did not start: %v", err)
	case <-time.After(Start):
		stop()
		t.Fatalf("the program was not ready after %v", Start)
	}
	return ""
}
