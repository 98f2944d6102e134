package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// loadHTTP2 reads the guarded page over HTTP/2 without TLS for d, with streams requests at once on each of
// the connections. Each connection is one goroutine that uses x/net's Framer and encodes its header block
// once.
func loadHTTP2(addr string, connections, streams int, d time.Duration, cookies []string) (*result, error) {
	var mu sync.Mutex
	all := &result{}
	var errs []error
	var readers sync.WaitGroup
	begin := time.Now()
	for i := range connections {
		readers.Go(func() {
			times, err := readHTTP2(addr, streams, begin.Add(d), cookies[i%len(cookies)])
			mu.Lock()
			defer mu.Unlock()
			all.requests += len(times)
			all.times = append(all.times, times...)
			errs = append(errs, err)
		})
	}
	readers.Wait()
	all.elapsed = time.Since(begin)
	slices.Sort(all.times)
	return all, errors.Join(errs...)
}

// readHTTP2 runs one connection: it sends a new request after each answer, until end.
func readHTTP2(addr string, streams int, end time.Time, cookie string) ([]time.Duration, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(end.Add(20 * time.Second)); err != nil {
		return nil, err
	}
	var out bytes.Buffer // frames to send in the next write
	in := bufio.NewReader(conn)
	framer := http2.NewFramer(&out, in)
	framer.SetReuseFrames()
	block := requestBlock(cookie)
	out.WriteString(http2.ClientPreface)
	const window = 1 << 30 // of the connection and of each stream: so large that the server never waits for it
	if err := errors.Join(
		framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: window}),
		framer.WriteWindowUpdate(0, window),
	); err != nil {
		return nil, err
	}
	var times []time.Duration
	sent := map[uint32]time.Time{}
	next := uint32(1)
	ask := func() error {
		sent[next] = time.Now()
		err := framer.WriteHeaders(http2.HeadersFrameParam{StreamID: next, BlockFragment: block, EndStream: true, EndHeaders: true})
		next += 2
		return err
	}
	for range streams {
		if err := ask(); err != nil {
			return nil, err
		}
	}
	status := ""
	decoder := hpack.NewDecoder(4096, func(f hpack.HeaderField) {
		if f.Name == ":status" {
			status = f.Value
		}
	})
	received := 0
	for len(sent) > 0 {
		if out.Len() > 0 && in.Buffered() == 0 {
			if _, err := out.WriteTo(conn); err != nil {
				return nil, err
			}
		}
		frame, err := framer.ReadFrame()
		if err != nil {
			return nil, err
		}
		over := false
		switch f := frame.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() {
				err = framer.WriteSettingsAck()
			}
		case *http2.PingFrame:
			err = framer.WritePing(true, f.Data)
		case *http2.HeadersFrame:
			status = ""
			if _, err = decoder.Write(f.HeaderBlockFragment()); err == nil && (!f.HeadersEnded() || status != "200") {
				err = fmt.Errorf("answer with status %q", status)
			}
			over = f.StreamEnded()
		case *http2.DataFrame:
			received += int(f.Length)
			over = f.StreamEnded()
		case *http2.RSTStreamFrame, *http2.GoAwayFrame:
			err = fmt.Errorf("the server ended it: %v", frame)
		}
		if err == nil && received > window/2 {
			err = framer.WriteWindowUpdate(0, uint32(received))
			received = 0
		}
		if err != nil {
			return nil, err
		}
		if !over {
			continue
		}
		id, now := frame.Header().StreamID, time.Now()
		times = append(times, now.Sub(sent[id]))
		delete(sent, id)
		if now.Before(end) {
			if err := ask(); err != nil {
				return nil, err
			}
		}
	}
	return times, nil
}

// requestBlock is the header block of a GET of the guarded page. It does not use the dynamic table, so it can
// be reused for every request.
func requestBlock(cookie string) []byte {
	var b bytes.Buffer
	e := hpack.NewEncoder(&b)
	e.SetMaxDynamicTableSizeLimit(0)
	name, value, _ := strings.Cut(strings.TrimSpace(cookie), ": ")
	for _, f := range []hpack.HeaderField{
		{Name: ":method", Value: "GET"}, {Name: ":scheme", Value: "http"}, {Name: ":authority", Value: "localhost"},
		{Name: ":path", Value: "/protected"}, {Name: strings.ToLower(name), Value: value, Sensitive: true},
	} {
		_ = e.WriteField(f) // a Buffer never returns an error
	}
	return b.Bytes()
}
