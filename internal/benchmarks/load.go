package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// visitor is one keep-alive connection and the cookie of its browser.
type visitor struct {
	fd     int
	n      int    // requests answered so far
	cookie string // the Cookie header line with its CRLF; "" for none
	keep   string // take only cookies whose names start with this; "" for any
	buf    []byte
	sent   time.Time
	any    bool // accepts every status
	failed int  // if any is set: answers that were not 200
}

// script produces a visitor's next request as bytes.
type script struct {
	next    func(v *visitor) []byte
	cookies bool   // accept cookies from answers
	keep    string // if set, only cookies whose names start with it; the next round continues with them
}

// result is what one round of load measured.
type result struct {
	requests int
	elapsed  time.Duration
	times    []time.Duration // of each request, sorted
}

func (r *result) rate() float64 { return float64(r.requests) / r.elapsed.Seconds() }

func (r *result) quantile(q float64) time.Duration {
	if len(r.times) == 0 {
		return 0
	}
	return r.times[min(int(q*float64(len(r.times))), len(r.times)-1)]
}

// request returns a request as a format: %s stands for the Cookie line.
func request(method, path, body string) string {
	head := method + " " + path + " HTTP/1.1\r\nHost: localhost\r\n"
	if method == "GET" {
		body = ""
	} else {
		head += "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n"
	}
	return head + "%s\r\n" + strings.ReplaceAll(body, "%", "%%")
}

// with inserts a Cookie line into the result of request.
func with(request, cookie string) []byte { return fmt.Appendf(nil, request, cookie) }

// load sends the script's requests over that many connections for d. It uses one thread and one epoll, to
// take little of the CPU that it shares with the servers.
func load(addr string, visitors int, d time.Duration, s script, cookies []string) (*result, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ep, err := syscall.EpollCreate1(0)
	if err != nil {
		return nil, err
	}
	defer syscall.Close(ep)
	all := map[int32]*visitor{}
	defer func() {
		for _, v := range all {
			_ = syscall.Close(v.fd)
		}
	}()
	for i := range visitors {
		fd, err := connect(addr)
		if err != nil {
			return nil, err
		}
		v := &visitor{fd: fd, buf: make([]byte, 0, 4096), keep: s.keep}
		if len(cookies) > 0 {
			v.cookie = cookies[i%len(cookies)]
		}
		all[int32(fd)] = v
		event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)}
		if err := syscall.EpollCtl(ep, syscall.EPOLL_CTL_ADD, fd, &event); err != nil {
			return nil, err
		}
	}
	r := &result{times: make([]time.Duration, 0, 1<<16)}
	begin := time.Now()
	for _, v := range all {
		if err := v.send(s); err != nil {
			return nil, err
		}
	}
	end := begin.Add(d)
	events := make([]syscall.EpollEvent, 64)
	for pending := visitors; pending > 0; {
		n, err := syscall.EpollWait(ep, events, 20_000)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil || n == 0 {
			return nil, fmt.Errorf("no answer within 20 s: %v", err)
		}
		for _, e := range events[:n] {
			v := all[e.Fd]
			done, err := v.receive(s.cookies)
			if err != nil {
				return nil, err
			}
			if !done {
				continue
			}
			now := time.Now()
			r.requests++
			r.times = append(r.times, now.Sub(v.sent))
			if v.n++; now.After(end) {
				pending--
				continue
			}
			if err := v.send(s); err != nil {
				return nil, err
			}
		}
	}
	r.elapsed = time.Since(begin)
	slices.Sort(r.times)
	if s.keep != "" {
		i := 0
		for _, v := range all {
			cookies[i] = v.cookie
			i++
		}
	}
	return r, nil
}

func connect(addr string) (int, error) {
	a, err := net.ResolveTCPAddr("tcp4", addr)
	if err != nil {
		return 0, err
	}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	if err := syscall.Connect(fd, &syscall.SockaddrInet4{Port: a.Port, Addr: [4]byte(a.IP.To4())}); err != nil {
		return 0, err
	}
	return fd, syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
}

func (v *visitor) send(s script) error {
	b := s.next(v)
	v.sent = time.Now()
	for len(b) > 0 {
		n, err := syscall.Write(v.fd, b)
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// receive reads the available bytes and reports whether the answer is complete. Any status but 200 is an
// error unless v.any is set: the rate of error answers means nothing.
func (v *visitor) receive(cookies bool) (bool, error) {
	if len(v.buf) == cap(v.buf) {
		v.buf = slices.Grow(v.buf, cap(v.buf))
	}
	n, err := syscall.Read(v.fd, v.buf[len(v.buf):cap(v.buf)])
	if err != nil || n == 0 {
		return false, fmt.Errorf("connection ended by the server: %v", err)
	}
	v.buf = v.buf[:len(v.buf)+n]
	head := bytes.Index(v.buf, []byte("\r\n\r\n"))
	if head < 0 {
		return false, nil
	}
	length, err := contentLength(v.buf[:head])
	if err != nil {
		return false, err
	}
	if len(v.buf) < head+4+length {
		return false, nil
	}
	if !bytes.HasPrefix(v.buf, []byte("HTTP/1.1 200")) {
		if v.any {
			v.failed++
			v.buf = v.buf[:0]
			return true, nil
		}
		return false, fmt.Errorf("answer to request %d: %.200s", v.n, v.buf)
	}
	if cookies {
		v.take(v.buf[:head])
	}
	v.buf = v.buf[:0]
	return true, nil
}

func contentLength(head []byte) (int, error) {
	for _, name := range []string{"\r\nContent-Length: ", "\r\ncontent-length: "} {
		if i := bytes.Index(head, []byte(name)); i >= 0 {
			value, _, _ := bytes.Cut(head[i+len(name):], []byte("\r\n"))
			return strconv.Atoi(string(value))
		}
	}
	return 0, fmt.Errorf("answer without a length: %.200s", head)
}

// take stores the cookie that the answer sets. Each stack sets only one whose name starts with v.keep.
func (v *visitor) take(head []byte) {
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		if len(line) > 12 && strings.EqualFold(string(line[:12]), "set-cookie: ") {
			pair, _, _ := strings.Cut(string(line[12:]), ";")
			if strings.HasPrefix(pair, v.keep) {
				v.cookie = "Cookie: " + pair + "\r\n"
			}
		}
	}
}

func (v *visitor) close() { _ = syscall.Close(v.fd) }
