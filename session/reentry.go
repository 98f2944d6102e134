package session

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"runtime"
)

// What the application's code runs inside while it has a session locked, as a panic or an
// error says it.
const (
	inUpdate = "session: Key.Update: its function uses the session that it updates, which would wait for the function for ever: use its argument, and read other values before Update"
	inLogger = "session: the Handler of Config.Logger uses the session that a line is about, which would wait for the line for ever: the line names the session"
)

// errInLogger is what FromContext returns there: a Handler can go on without the session.
var errInLogger = errors.New(inLogger)

// reentrant is a goroutine that runs the application's code while it has s locked.
type reentrant struct {
	s *Session
	g goroutineName
}

// lock locks the session. Whoever calls it from inside a function that this session runs
// would wait for itself: that is the function of [Key.Update], which also runs inside the
// commit, and the Handler of Config.Logger. It panics there; another goroutine waits.
func (s *Session) lock() {
	if s.mu.TryLock() {
		return
	}
	if where := s.inside(); where != "" {
		panic(where)
	}
	s.mu.Lock()
}

// inside returns inUpdate or inLogger where the caller is inside of that; "" elsewhere.
func (s *Session) inside() (where string) {
	if v, ok := s.m.inside.Load(reentrant{s, goroutine()}); ok {
		where = v.(string)
	}
	return where
}

// running runs f, which is the application's, so that lock finds out who calls it. where is
// what inside then returns.
func (s *Session) running(where string, f func() error) error {
	r := reentrant{s, goroutine()}
	if _, already := s.m.inside.LoadOrStore(r, where); !already {
		defer s.m.inside.Delete(r)
	}
	return f()
}

// log writes a line that is about s, which may be locked.
func (s *Session) log(ctx context.Context, level slog.Level, text string, attrs ...slog.Attr) {
	if s.m.cfg.Logger.Enabled(ctx, level) {
		_ = s.running(inLogger, func() error { s.m.cfg.Logger.LogAttrs(ctx, level, text, attrs...); return nil })
	}
}

// goroutineName is how a goroutine begins in a dump of its stack: "goroutine 123 ".
type goroutineName [32]byte

// goroutine returns the name of the goroutine that calls it. Go keeps it to itself but for
// dumps; it serves nothing here but a panic in the place of a deadlock.
func goroutine() (name goroutineName) {
	var dump [64]byte
	text := dump[:runtime.Stack(dump[:], false)]
	if end := bytes.IndexByte(text, '['); end > 0 {
		copy(name[:], text[:end])
	}
	return name
}
