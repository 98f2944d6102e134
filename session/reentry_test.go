package session_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/seed-6f34412b/passport/session"
)

// TestUpdateCannotUseItsSession: what its function asks of the session would wait for the
// function to end. It panics instead, also when it runs again inside the commit.
func TestUpdateCannotUseItsSession(t *testing.T) {
	for name, use := range map[string]func(s *session.Session){
		"Get":     func(s *session.Session) { _, _, _ = text.Get(s) },
		"Set":     func(s *session.Session) { _ = text.Set(s, "v") },
		"Update":  func(s *session.Session) { _ = count.Update(s, func(n int) (int, error) { return n, nil }) },
		"Flash":   func(s *session.Session) { _ = s.Flash("info", "v") },
		"Ref":     func(s *session.Session) { _ = s.Ref() },
		"Save":    func(s *session.Session) { _ = s.Save(context.Background()) },
		"Renew":   func(s *session.Session) { _ = s.Renew(context.Background()) },
		"printed": func(s *session.Session) { _ = fmt.Sprint(s) },
	} {
		for _, again := range []bool{false, true} { // at its second run, inside the commit
			a, b, _ := loadTwice(t)
			runs := 0
			said := func() (said any) {
				defer func() { said = recover() }()
				err := count.Update(a, func(n int) (int, error) {
					if runs++; !again || runs == 2 {
						use(a)
					}
					return n + 1, nil
				})
				if err = errors.Join(err, text.Set(b, "theirs"), b.Save(t.Context()), a.Save(t.Context())); err != nil {
					t.Error(err)
				}
				return nil
			}()
			if text := fmt.Sprint(said); name != "printed" && !strings.Contains(text, "Key.Update: its function uses the session") {
				t.Errorf("%s, again %t: got %q", name, again, text)
			}
			if _, _, err := text.Get(a); err != nil { // it does not hang
				t.Errorf("%s, again %t: Get afterwards: %v", name, again, err)
			}
		}
	}
}

// TestOtherGoroutinesWaitForUpdate: they are not taken for its function.
func TestOtherGoroutinesWaitForUpdate(t *testing.T) {
	s, _, _ := loadTwice(t)
	inside, leave := make(chan struct{}), make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		err := count.Update(s, func(n int) (int, error) {
			close(inside)
			<-leave
			return n + 1, nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-inside
	for range 8 {
		group.Go(func() {
			if n, _, err := count.Get(s); n != 2 || err != nil {
				t.Errorf("Get() = %d, %v; want 2", n, err)
			}
		})
	}
	close(leave)
	group.Wait()
}
