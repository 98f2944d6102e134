package subprocess_test

import (
	"errors"
	"net"
	"runtime"
	"syscall"
	"testing"

	"github.com/seed-6f34412b/passport/internal/subprocess"
)

// TestAFreeAddressStaysFree for the one program that is told it, also after that program has ended. The port
// is in use for all others: those who do not set SO_REUSEADDR stand for those who ask for any port.
func TestAFreeAddressStaysFree(t *testing.T) {
	others := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		return errors.Join(c.Control(func(socket uintptr) {
			err = syscall.SetsockoptInt(int(socket), syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 0)
		}), err)
	}}
	addr := subprocess.FreeAddr(t)
	for range 2 {
		if l, err := others.Listen(t.Context(), "tcp", addr); err == nil {
			_ = l.Close()
			if runtime.GOOS == "linux" {
				t.Errorf("somebody else can have %s", addr)
			}
		}
		if _, err := net.Dial("tcp", addr); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("got the error %v, want the connection refused", err)
		}
		l, err := net.Listen("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if c, err := net.Dial("tcp", addr); err != nil {
			t.Errorf("got the error %v while a program listens", err)
		} else {
			_ = c.Close()
		}
		_ = l.Close()
	}
}
