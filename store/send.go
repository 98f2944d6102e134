package store

import (
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// RedisClient is what a RedisStore asks of go-redis: *redis.Client (also from
// NewFailoverClient), *redis.ClusterClient, *redis.Ring and *redis.AutoPipeliner have
// it.
type RedisClient interface {
	Process(ctx context.Context, cmd redis.Cmder) error // runs one command
	Pipeline() redis.Pipeliner                          // collects several for one round trip
}

// once is a command that go-redis must not send a second time. After a lost reply it
// would otherwise be sent again at once, and a first copy that hangs in the network
// could be executed whenever it gets through (S2). Client, ClusterClient, Ring and
// both forms of the automatic pipeline ask NoRetry before they send again; a command
// that was refused (MOVED, ASK) was not executed and still follows the redirection.
type once struct{ *redis.Cmd }

func (once) NoRetry() bool { return true }

func (c once) Clone() redis.Cmder { return once{c.Cmd.Clone().(*redis.Cmd)} }

// sender gives commands to a client and comes back when their context ends.
type sender struct {
	client   RedisClient
	deferred *redis.AutoPipeliner // the client, if it is an automatic pipeline that does not block
	bounded  bool                 // the client honours a deadline by itself
	times    deadlines
	replicas int // how many replicas must confirm a write
}

func newSender(client RedisClient) *sender {
	s := &sender{client: client}
	switch c := client.(type) {
	case *redis.Client:
		s.bounded = c.Options().ContextTimeoutEnabled
	case *redis.ClusterClient:
		s.bounded = c.Options().ContextTimeoutEnabled
	case *redis.Ring:
		s.bounded = c.Options().ContextTimeoutEnabled
	case *redis.AutoPipeliner:
		if !c.IsBlocking() {
			s.deferred = c
		}
	}
	return s
}

// send runs cmd and returns its error. When ctx ends first, its error is returned at
// once and cmd must not be looked at any more.
func (s *sender) send(ctx context.Context, cmd redis.Cmder) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	deadline, ok := ctx.Deadline()
	if ok && (s.bounded || s.deferred != nil) {
		ctx = &timed{ctx, s.times.at(deadline)}
	}
	if s.deferred != nil {
		return s.deferred.Submit(ctx, cmd).WaitContext(ctx)
	}
	if ok && s.bounded || ctx.Done() == nil {
		err := s.client.Process(ctx, cmd)
		if err != nil && ctx.Err() != nil {
			return ctx.Err()
		}
		if ok && errors.Is(err, os.ErrDeadlineExceeded) && !time.Now().Before(deadline) {
			return context.DeadlineExceeded // the connection's timer was faster than the context's
		}
		return err
	}
	return s.within(ctx, func() error { return s.client.Process(ctx, cmd) })
}

// within returns what f returns, or ctx's error when that ends first.
func (s *sender) within(ctx context.Context, f func() error) error {
	// A client that ignores the context would hold the caller for several read
	// timeouts. What is left behind ends with the first of them.
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// plain returns err without what it may quote of the command or of the reply: keys,
// and with them ids, and records. errors.Is and errors.As see the original.
func plain(err error) error {
	text := err.Error()
	cut := text
	for _, mark := range []string{", with args beginning", `"`} {
		cut, _, _ = strings.Cut(cut, mark)
	}
	if cut == text {
		return err
	}
	return &plainError{text: strings.TrimSpace(cut) + " (the rest is left out)", err: err}
}

type plainError struct {
	text string
	err  error
}

func (e *plainError) Error() string { return e.text }
func (e *plainError) Unwrap() error { return e.err }
