package faultproxy_test

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/faultproxy"
)

// shouting starts a server that answers each line in upper case.
func shouting(t *testing.T) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for in := bufio.NewReader(c); ; {
					line, err := in.ReadString('\n')
					if err != nil {
						return
					}
					_, _ = io.WriteString(c, strings.ToUpper(line))
				}
			}()
		}
	}()
	return l.Addr().String()
}

// TestAStreamsRoundTripsMeetTheirFate: the second of two round trips has a fault.
func TestAStreamsRoundTripsMeetTheirFate(t *testing.T) {
	for _, row := range []struct {
		manner faultproxy.Manner
		want   string // what the client receives before the connection ends or is silent
	}{
		{faultproxy.Pass, "TWO\n"},
		{faultproxy.Refuse, ""},
		{faultproxy.Reset, ""},
		{faultproxy.Swallow, ""},
		{faultproxy.CutReply, ""},
		{faultproxy.Halve, "TW"},
		{faultproxy.Garble, "\x16\x03\x01 this is no reply\r\n"},
	} {
		p := faultproxy.NewStream(t, shouting(t))
		c, err := net.Dial("tcp", p.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		in := bufio.NewReader(c)
		_, _ = io.WriteString(c, "one\n")
		if got, err := in.ReadString('\n'); got != "ONE\n" || err != nil {
			t.Fatalf("manner %d: got %q and error %v before the fault, want ONE", row.manner, got, err)
		}
		p.Faults(func(faultproxy.Command) faultproxy.Manner { return row.manner })
		_, _ = io.WriteString(c, "two\n")
		await(t, func() bool { return len(p.Seen(func(faultproxy.Command) bool { return true })) == 2 })
		got := make([]byte, len(row.want))
		_ = c.SetReadDeadline(time.Now().Add(time.Minute))
		n, _ := io.ReadFull(in, got)
		if row.manner == faultproxy.Pass || row.manner == faultproxy.Swallow || row.manner == faultproxy.Garble { // it stays open
			_ = c.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		}
		rest, _ := io.ReadAll(in)
		if got = append(got[:n], rest...); string(got) != row.want {
			t.Errorf("manner %d: got %q, want %q", row.manner, got, row.want)
		}
		seen := p.Seen(func(faultproxy.Command) bool { return true })
		if len(seen) != 2 || seen[1][0] != "two\n" {
			t.Errorf("manner %d: the proxy has seen %q, want two round trips", row.manner, seen)
		}
	}
}
