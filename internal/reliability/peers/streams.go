package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// What a log-out does to an open stream with other libraries: table 13 of docs/RELIABILITY.md.

const (
	streamUsers = 100
	streamWait  = 31 * time.Second // this library's longest delay without a notice
)

// streams measures each library with two programs on one Redis; the log-outs are made at the first one.
func streams(ctx context.Context, redisAddr string) error {
	fmt.Print("### 15. Streams after the log-out of their session, other libraries\n\n| Library | Streams in each of two programs | Ended 31 s later, in the program of the log-out | in the other |\n|---|---|---|---|\n")
	for _, row := range []struct {
		name  string
		count func(context.Context, string) (here, there int, err error)
	}{
		{"scs 2.9.0, server-sent events", scsStreams},
		{"express-session 1.19.0, passport 0.7.0, socket.io 4.8.4", func(ctx context.Context, addr string) (int, int, error) { return sockets(ctx, addr, "") }},
		{"the same, and the log-out calls `disconnectSockets` for the room of the session", func(ctx context.Context, addr string) (int, int, error) {
			return sockets(ctx, addr, "disconnect")
		}},
	} {
		fmt.Fprintln(os.Stderr, "#", row.name)
		here, there, err := row.count(ctx, redisAddr)
		if err != nil {
			return fmt.Errorf("%s: %w", row.name, err)
		}
		fmt.Printf("| %s | %d | %d | %d |\n", row.name, streamUsers, here, there)
	}
	fmt.Println()
	return nil
}

// sockets runs node/sockets.mjs, which counts in two programs of node/live.mjs.
func sockets(ctx context.Context, redisAddr, how string) (here, there int, err error) {
	urls := make([]string, 2)
	for i := range urls {
		if urls[i], err = node(ctx, "live.mjs", "redis://"+redisAddr, how); err != nil {
			return 0, 0, err
		}
	}
	cmd := exec.CommandContext(ctx, "node", "sockets.mjs", urls[0], urls[1], strconv.Itoa(streamUsers), strconv.Itoa(int(streamWait.Seconds())))
	cmd.Dir, cmd.Stderr = "node", os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return 0, 0, fmt.Errorf("sockets.mjs: %w", err)
	}
	_, err = fmt.Sscan(string(out), &here, &there)
	return here, there, err
}

// scsStreams opens server-sent event streams in two programs with scs. A stream has the request's context,
// the only thing in scs's documentation that could end it.
func scsStreams(ctx context.Context, redisAddr string) (here, there int, err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	urls := make([]string, 2)
	for i := range urls {
		if urls[i], err = inGo(withSCS)(ctx, redisAddr); err != nil {
			return 0, 0, err
		}
	}
	var ended [2]atomic.Int64
	for i := range streamUsers {
		cookie := ""
		if err := ask(ctx, "POST", urls[0]+"/login?user="+strconv.Itoa(i), &cookie, nil); err != nil {
			return 0, 0, err
		}
		for k, url := range urls {
			if err := ask(ctx, "GET", url+"/live", &cookie, func() { ended[k].Add(1) }); err != nil {
				return 0, 0, err
			}
		}
		if err := ask(ctx, "POST", urls[0]+"/logout", &cookie, nil); err != nil {
			return 0, 0, err
		}
		if err := ask(ctx, "GET", urls[0]+"/me", &cookie, nil); err == nil {
			return 0, 0, errors.New("the log-out did not log out")
		}
	}
	select {
	case <-time.After(streamWait):
	case <-ctx.Done():
	}
	return int(ended[0].Load()), int(ended[1].Load()), ctx.Err()
}

// ask makes a request with the cookie, and sets it if the response does. If ended is given, the response's
// body is read in the background, and ended is called at its end.
func ask(ctx context.Context, method, url string, cookie *string, ended func()) error {
	r, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return err
	}
	if *cookie != "" {
		r.Header.Set("Cookie", *cookie)
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	if a.StatusCode != http.StatusOK {
		return errors.Join(fmt.Errorf("%s: %s", url, a.Status), a.Body.Close())
	}
	if line := a.Header.Get("Set-Cookie"); line != "" {
		*cookie, _, _ = strings.Cut(line, ";")
	}
	if ended == nil {
		_, err := io.Copy(io.Discard, a.Body)
		return errors.Join(err, a.Body.Close())
	}
	go func() {
		_, _ = io.Copy(io.Discard, a.Body)
		_ = a.Body.Close()
		ended()
	}()
	return nil
}
