package session

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"runtime"
)

// Names of the application code that runs while a session is locked, for panics and errors.
const (
	inUpdate = "session: Key.Update: its function uses the session that it updates, which would wait for the function for ever: use its argument, and read other values before Update"
	inLogger = "session: the Handler of Config.Logger uses the session that a line is about, which would wait for the line for ever: the line names the session"
)

// errInLogger is returned by FromContext there: a Handler can continue without the session.
var errInLogger = errors.New(inLogger)

// reentrant is a goroutine that runs application code while it holds the lock of s.
type reentrant struct {
	s *Session
	g goroutineName
}

// lock locks the session. Application code that runs while the goroutine holds the lock would wait for
// itself: the function of [Key.Update], which also runs during the commit, and the Handler of
// Config.Logger. There lock panics; other goroutines wait.
func (s *Session) lock() {
	if s.mu.TryLock() {
		return
	}
	if where := s.inside(); where != "" {
		panic(where)
	}
	s.mu.Lock()
}

// inside returns inUpdate or inLogger if the caller runs inside of that, "" otherwise.
func (s *Session) inside() (where string) {
	if v, ok := s.m.inside.Load(reentrant{s, goroutine()}); ok {
		where = v.(string)
	}
	return where
}

// running runs f, application code, such that lock detects calls from inside. where is what inside then
// returns.
func (s *Session) running(where string, f func() error) error {
	r := reentrant{s, goroutine()}
	if _, already := s.m.inside.LoadOrStore(r, where); !already {
		defer s.m.inside.Delete(r)
	}
	return f()
}

// log writes a line about s, which may be locked.
func (s *Session) log(ctx context.Context, level slog.Level, text string, attrs ...slog.Attr) {
	if s.m.cfg.Logger.Enabled(ctx, level) {
		_ = s.running(inLogger, func() error { s.m.cfg.Logger.LogAttrs(ctx, level, text, attrs...); return nil })
	}
}

// goroutineName is the beginning of a goroutine's stack dump: "goroutine 123 ".
type goroutineName [32]byte

// goroutine returns the name of the calling goroutine. Go shows it only in dumps. It is used only to panic
// instead of deadlocking.
func goroutine() (name goroutineName) {
	var dump [64]byte
	text := dump[:runtime.Stack(dump[:], false)]
	if end := bytes.IndexByte(text, '['); end > 0 {
		copy(name[:], text[:end])
	}
	return name
}
