package faultproxy

import (
	"io"
	"sync"
	"testing"
)

// NewStream returns a proxy in front of a server whose protocol it does not know: a database's. What a client
// sends until the server answers is one Command of one word, the first bytes of it as they came; what comes
// back until the client speaks again is its reply. So the commands that it has seen are round trips. It holds
// for protocols in which each side waits for the other, as those of PostgreSQL and MySQL.
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
	asking   bool // the client has the word
	answered bool // the first bytes of the reply have come
	fate     Manner
}

const chunk = 64 << 10

// requests sends on what the client says. When the client is gone, the server still gets what was on its way.
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

// replies sends back what the server says.
func (s *stream) replies() {
	defer s.forget()
	buf := make([]byte, chunk)
	for {
		n, err := s.server.Read(buf)
		if err != nil {
			return
		}
		if !s.reply(buf[:n]) {
			// The client is gone; the server's answers to what is on its way are drained.
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
