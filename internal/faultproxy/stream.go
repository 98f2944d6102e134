package faultproxy

import (
	"io"
	"sync"
	"testing"
)

// NewStream returns a proxy for a server whose protocol it does not know, such as a database's. Everything
// that a client sends until the server answers is one Command of one word, its first bytes; everything that
// comes back until the client sends again is its reply. So the commands that it has seen are round trips.
// It works for protocols in which each side waits for the other, such as those of PostgreSQL and MySQL.
func NewStream(t testing.TB, target string) *Proxy {
	t.Helper()
	p := listen(t, target)
	p.serve = func(l *link) {
		s := &stream{link: l}
		p.done.Go(s.requests)
		p.done.Go(s.replies)
	}
	p.done.Go(p.accept)
	return p
}

// stream is a link whose two sides take turns.
type stream struct {
	*link
	mu       sync.Mutex
	asking   bool // it is the client's turn
	answered bool // the first bytes of the reply have come
	fate     Manner
}

const chunk = 64 << 10

// requests forwards what the client sends. If the client has gone, the server still gets what was on its
// way.
func (s *stream) requests() {
	buf := make([]byte, chunk)
	for {
		n, err := s.client.Read(buf)
		if n > 0 && !s.request(buf[:n]) {
			return
		}
		if err != nil {
			_ = s.server.CloseWrite()
			return
		}
	}
}

func (s *stream) request(data []byte) bool {
	s.mu.Lock()
	begins := !s.asking
	s.asking = true
	s.mu.Unlock()
	if begins {
		fate := s.proxy.judge(Command{string(data)})
		s.mu.Lock()
		s.fate, s.answered = fate, false
		s.mu.Unlock()
		switch fate {
		case Refuse:
			s.close()
			return false
		case Reset:
			_ = s.client.SetLinger(0)
			s.close()
			return false
		case Pass, Swallow, CutReply, Halve, Garble:
		}
	}
	_, err := s.server.Write(data)
	return err == nil
}

// replies forwards what the server sends.
func (s *stream) replies() {
	defer s.forget()
	buf := make([]byte, chunk)
	for {
		n, err := s.server.Read(buf)
		if err != nil {
			return
		}
		if !s.reply(buf[:n]) {
			// The client has gone; the server's answers to what is on its way are drained.
			_, _ = io.Copy(io.Discard, s.server)
			return
		}
	}
}

func (s *stream) reply(data []byte) bool {
	s.mu.Lock()
	s.asking = false
	fate, first := s.fate, !s.answered
	s.answered = true
	s.mu.Unlock()
	switch fate {
	case CutReply:
		_ = s.client.Close()
		return false
	case Halve:
		_, _ = s.client.Write(data[:len(data)/2])
		_ = s.client.Close()
		return false
	case Garble:
		if first {
			data = []byte("\x16\x03\x01 this is no reply\r\n")
		}
	case Swallow:
		return true
	case Pass, Refuse, Reset:
	}
	_, err := s.client.Write(data)
	return err == nil
}
