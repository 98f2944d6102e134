package subprocess

import (
	"fmt"
	"runtime"
	"syscall"
	"testing"
)

// FreeAddr returns an address of the loopback interface, host:port, on which no program listens: a
// connection to it is refused. Until the test ends, the system gives the port to nobody who asks for any, so
// that only a program that is told the address can listen there, also after it was killed and started again.
// It must set SO_REUSEADDR, as servers do. On other systems than Linux another program may take the port
// first: see [ErrTaken].
func FreeAddr(t testing.TB) string {
	t.Helper()
	held, port, err := bind()
	if err != nil {
		t.Fatalf("find a free port: %v", err)
	}
	if runtime.GOOS == "linux" {
		t.Cleanup(func() { _ = syscall.Close(held) })
	} else { // where a port that is bound is nobody else's
		_ = syscall.Close(held)
	}
	return fmt.Sprintf("127.0.0.1:%d", port)
}

// bind returns a socket that is bound to a free port, and does not listen.
func bind() (socket, port int, err error) {
	syscall.ForkLock.RLock()
	socket, err = syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(socket)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return 0, 0, err
	}
	err = syscall.SetsockoptInt(socket, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
	if err == nil {
		err = syscall.Bind(socket, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	}
	if err == nil {
		var here syscall.Sockaddr
		if here, err = syscall.Getsockname(socket); err == nil {
			return socket, here.(*syscall.SockaddrInet4).Port, nil
		}
	}
	_ = syscall.Close(socket)
	return 0, 0, err
}
