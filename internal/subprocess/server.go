package subprocess

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Patience is how long tests wait for a server to be ready, or for a condition that is polled. It is not a
// measure of speed: a busy machine needs a part of it.
const Patience = time.Minute

// ErrTaken is returned if another program has taken the address that [FreeAddr] returned.
var ErrTaken = errors.New("the port is taken")

// Poll calls f until it returns nil or [ErrTaken], for at most [Patience]. It returns f's last error.
func Poll(f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := f(ctx)
		if err == nil || errors.Is(err, ErrTaken) {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("gave up after %v: %w", Patience, err)
		}
	}
}

// Log is a program's output; it can be read while the program runs. Its zero value is empty.
type Log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// String returns what has been printed.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
