package store

import (
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/store/internal/together"
)

// RedisClient is what a RedisStore needs of go-redis: *redis.Client (also from
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

// command is a *redis.Cmd, or once with one.
type command interface {
	redis.Cmder
	Val() any
	Text() (string, error)
}

// sender sends commands to a client and returns when their context ends.
type sender struct {
	client   RedisClient
	deferred *redis.AutoPipeliner // the client, if it is the non-blocking automatic pipeline
	bounded  bool                 // the client itself returns at a context's deadline
	cached   bool                 // the client has a client-side cache
	replicas int                  // how many replicas must confirm a write
	batches  *batches             // or nil: every command goes alone
	load     *together.Load       // if batches is not nil
}

func newSender(client RedisClient) *sender {
	s := &sender{client: client}
	switch c := client.(type) {
	case *redis.Client:
		s.bounded, s.cached = c.Options().ContextTimeoutEnabled, !authoritative(c)
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

// maxWait is the longest that a method of a store may take to return after its context
// has ended, as session.Store says.
const maxWait = 2 * time.Second

// send runs cmd and returns its error. If ctx ends first, it returns the error of ctx, and the caller must
// not use cmd any more, since another goroutine may still be running it. For the same reason the arguments
// of cmd must not share memory with the caller's slices.
//
// go-redis returns at a deadline if its Options say so, but while it waits for an answer it never returns
// because of a cancellation. So a command runs on a goroutine of its own, unless the deadline is at most
// maxWait away, as the session layer's is by default: the goroutine would double the CPU time of a single
// guarded read.
func (s *sender) send(ctx context.Context, cmd redis.Cmder) error {
	deadline, ok := ctx.Deadline()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case s.deferred != nil:
		return s.deferred.Submit(ctx, cmd).WaitContext(ctx)
	case !s.bounded || !ok || time.Until(deadline) > maxWait:
		return within(ctx, func() error { return s.client.Process(ctx, cmd) })
	}
	near := ctx
	if !s.cached { // what is in the cache is read without a context's channel, which is not made in advance
		var cancel context.CancelFunc
		near, cancel = context.WithDeadline(context.WithoutCancel(ctx), deadline)
		defer cancel()
	}
	if err := s.client.Process(near, cmd); err != nil {
		return contextError(ctx, err)
	}
	return nil
}

// returnsLast reports whether pipeWithin and sendAll return only after the client is done with the commands:
// their arguments may then share memory with the caller's slices.
func (s *sender) returnsLast(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ok && s.bounded && time.Until(deadline) <= maxWait
}

// sendAll sends cmds as one pipeline, and waits as send does. The error of a single command is in that
// command.
func (s *sender) sendAll(ctx context.Context, cmds []redis.Cmder) error {
	if err := s.pipeWithin(ctx, cmds...); contextEnded(err) {
		return err
	}
	return nil
}

// pipeWithin is pipe, and waits as send does.
func (s *sender) pipeWithin(ctx context.Context, cmds ...redis.Cmder) error {
	if !s.returnsLast(ctx) || ctx.Err() != nil {
		return within(ctx, func() error { return s.pipe(ctx, cmds...) })
	}
	deadline, _ := ctx.Deadline()
	near, cancel := context.WithDeadline(context.WithoutCancel(ctx), deadline)
	defer cancel()
	if err := s.pipe(near, cmds...); err != nil {
		return contextError(ctx, err)
	}
	return nil
}

func contextEnded(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// pipe sends cmds in their order as one pipeline, and returns the error of the first or of all. Each command
// has its own error too.
func (s *sender) pipe(ctx context.Context, cmds ...redis.Cmder) error {
	pipe := s.client.Pipeline()
	_ = pipe.BatchProcess(ctx, cmds...)
	_, err := pipe.Exec(ctx)
	return err
}

// answered returns the error of cmd, which pipe or send has sent and whose error is err. None of the store's
// own commands has an empty answer: with neither answer nor error, a hook has not sent it. An error reply in
// err is then another command's.
func answered(cmd command, err error) error {
	switch {
	case cmd.Err() != nil || cmd.Val() != nil:
		return cmd.Err()
	case err == nil || !isOutage(err):
		return errBadReply
	}
	return err
}

// within returns the result of f, or the error of ctx if that ends first. f then goes on until the client's
// own time limits end it. A panic of a hook of the client continues in the caller.
func within(ctx context.Context, f func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if ctx.Done() == nil {
		return f()
	}
	type result struct {
		err      error
		panicked any
	}
	done := make(chan result, 1)
	go func() {
		r := result{err: errBadReply} // stands if a hook ends this goroutine
		defer func() {
			r.panicked = recover()
			done <- r
		}()
		r.err = f()
	}()
	select {
	case r := <-done:
		if r.panicked != nil {
			panic(r.panicked)
		}
		if r.err != nil {
			return contextError(ctx, r.err)
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// contextError returns the error of ctx if that explains the failure err, else err.
func contextError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if deadline, ok := ctx.Deadline(); ok && errors.Is(err, os.ErrDeadlineExceeded) && !time.Now().Before(deadline) {
		return context.DeadlineExceeded // the connection's timer fired before the context's
	}
	return err
}

// plain returns err with a text that quotes nothing of the command or of the reply, so no keys, ids or
// records. errors.Is and errors.As still see the original.
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
