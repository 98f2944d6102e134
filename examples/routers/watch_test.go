package main_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	coder "github.com/coder/websocket"
	gorilla "github.com/gorilla/websocket"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	routers "github.com/seed-6f34412b/passport/examples/routers"
	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
)

// reasonOf returns why the context of guard.Watch has ended.
func reasonOf(ctx context.Context) string {
	if ended, ok := errors.AsType[*guard.LogInEnded](context.Cause(ctx)); ok {
		return ended.Reason
	}
	return context.Cause(ctx).Error()
}

// transport is one way in which something hangs on a log-in. serve goes on until ctx ends; follow opens it
// as a client does, and returns what reads it to its end and says how that looks.
type transport struct {
	name   string
	serve  func(a *routers.App, ctx context.Context, w http.ResponseWriter, r *http.Request)
	follow func(v *visitor, path string) (rest func() string)
	end    string // what the client sees; REASON stands for the cause
}

var transports = []transport{
	{"server-sent events", func(_ *routers.App, ctx context.Context, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: hello\n\n")
		_ = http.NewResponseController(w).Flush()
		<-ctx.Done()
		_, _ = io.WriteString(w, "event: end\ndata: "+reasonOf(ctx)+"\n\n")
	}, func(v *visitor, path string) func() string {
		res, body := v.begin(path)
		v.line(body, "data: hello")
		return func() string { defer res.Body.Close(); return v.all(body) }
	}, "\nevent: end\ndata: REASON\n\n"},
	{"a long poll", func(a *routers.App, ctx context.Context, w http.ResponseWriter, r *http.Request) {
		<-ctx.Done()
		a.Auth.Error(w, r, context.Cause(ctx))
	}, func(v *visitor, path string) func() string {
		status := make(chan string, 1)
		go func() {
			res, err := v.client.Get(v.url + path)
			if err != nil {
				status <- err.Error()
				return
			}
			_ = res.Body.Close()
			status <- res.Status
		}()
		return func() string { return <-status }
	}, "401 Unauthorized"},
	{"a WebSocket of coder", func(_ *routers.App, ctx context.Context, w http.ResponseWriter, r *http.Request) {
		conn, err := coder.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer func() { _ = conn.CloseNow() }()
		gone := conn.CloseRead(context.WithoutCancel(ctx))       // ends when the client goes away
		_ = conn.Write(gone, coder.MessageText, []byte("hello")) // ctx would close the connection without a reason
		select {
		case <-gone.Done():
		case <-ctx.Done():
			_ = conn.Close(coder.StatusPolicyViolation, reasonOf(ctx))
		}
	}, func(v *visitor, path string) func() string {
		conn, _, err := coder.Dial(v.Context(), v.url+path, &coder.DialOptions{HTTPClient: v.client})
		if err != nil {
			v.Fatal(err)
		}
		if _, hello, err := conn.Read(v.Context()); err != nil || string(hello) != "hello" {
			v.Fatalf("got %q and %v, want hello", hello, err)
		}
		return func() string {
			defer func() { _ = conn.CloseNow() }()
			_, _, err := conn.Read(v.Context())
			if closed, ok := errors.AsType[coder.CloseError](err); ok && closed.Code == coder.StatusPolicyViolation {
				return closed.Reason
			}
			return err.Error()
		}
	}, "REASON"},
	{"a WebSocket of gorilla", func(_ *routers.App, ctx context.Context, w http.ResponseWriter, r *http.Request) {
		conn, err := new(gorilla.Upgrader).Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		stop := context.AfterFunc(ctx, func() {
			_ = conn.WriteControl(gorilla.CloseMessage, gorilla.FormatCloseMessage(gorilla.ClosePolicyViolation, reasonOf(ctx)), time.Now().Add(time.Second))
			_ = conn.Close()
		})
		defer stop()
		for {
			kind, message, err := conn.ReadMessage()
			if err != nil {
				return
			}
			_ = conn.WriteMessage(kind, message)
		}
	}, func(v *visitor, path string) func() string {
		dialer := gorilla.Dialer{Jar: v.client.Jar}
		conn, res, err := dialer.DialContext(v.Context(), "ws"+strings.TrimPrefix(v.url, "http")+path, nil)
		if err != nil {
			v.Fatal(err)
		}
		_ = res.Body.Close()
		if err := conn.WriteMessage(gorilla.TextMessage, []byte("hello")); err != nil {
			v.Fatal(err)
		}
		if _, hello, err := conn.ReadMessage(); err != nil || string(hello) != "hello" {
			v.Fatalf("got %q and %v, want hello", hello, err)
		}
		return func() string {
			defer func() { _ = conn.Close() }()
			_, _, err := conn.ReadMessage()
			if closed, ok := errors.AsType[*gorilla.CloseError](err); ok && closed.Code == gorilla.ClosePolicyViolation {
				return closed.Text
			}
			return err.Error()
		}
	}, "REASON"},
	{"a stream of connect", func(_ *routers.App, ctx context.Context, w http.ResponseWriter, r *http.Request) {
		connect.NewServerStreamHandler(r.URL.Path, func(_ context.Context, _ *connect.Request[emptypb.Empty], out *connect.ServerStream[wrapperspb.StringValue]) error {
			if err := out.Send(wrapperspb.String("hello")); err != nil {
				return err
			}
			<-ctx.Done()
			return connect.NewError(connect.CodeUnauthenticated, errors.New(reasonOf(ctx)))
		}).ServeHTTP(w, r)
	}, func(v *visitor, path string) func() string {
		client := connect.NewClient[emptypb.Empty, wrapperspb.StringValue](v.client, v.url+path)
		in, err := client.CallServerStream(v.Context(), connect.NewRequest(new(emptypb.Empty)))
		if err != nil || !in.Receive() || in.Msg().GetValue() != "hello" {
			v.Fatalf("got %v, want hello", err)
		}
		return func() string {
			defer func() { _ = in.Close() }()
			for in.Receive() {
			}
			return in.Err().Error()
		}
	}, "unauthenticated: REASON"},
	{"work in the background", nil, func(v *visitor, path string) func() string {
		res, err := v.client.Get(v.url + path)
		if err != nil {
			v.Fatal(err)
		}
		_ = res.Body.Close()
		return func() string { return res.Status } // the request is over, the work goes on
	}, "202 Accepted"},
}

// ends are the ways in which v's log-in ends; elsewhere is the same browser, at another process.
var ends = []struct {
	name, reason string
	elsewhere    bool // it is the other process that ends it
	end          func(v, elsewhere *visitor)
}{
	{"a log-out here", guard.ReasonLogOut, false, func(v, _ *visitor) { v.get("logout") }},
	{"a log-out in another process", guard.ReasonLogOut, true, func(_, elsewhere *visitor) { elsewhere.get("logout") }},
	{"a log-out everywhere", guard.ReasonRevoked, true, func(_, elsewhere *visitor) {
		if n, err := elsewhere.app.Auth.LogOutEverywhere(elsewhere.Context(), &routers.User{ID: "1"}); n != 1 || err != nil {
			elsewhere.Errorf("got %d and %v, want 1", n, err)
		}
	}},
	{"the end of the device", guard.ReasonRevoked, true, func(_, elsewhere *visitor) {
		joe := &routers.User{ID: "1"}
		list, err := elsewhere.app.Auth.Sessions(elsewhere.Context(), joe)
		if err != nil || len(list) != 1 {
			elsewhere.Fatalf("got %v and %v, want one", list, err)
		}
		if ok, err := elsewhere.app.Auth.EndSession(elsewhere.Context(), joe, list[0].Ref); !ok || err != nil {
			elsewhere.Errorf("got %t and %v, want true", ok, err)
		}
	}},
	{"another log-in in the browser", guard.ReasonReplaced, false, func(v, _ *visitor) { v.logIn() }},
}

// TestWhatHangsOnALogInEndsWithIt: each transport by each end, in the process where the user logged in and
// in another.
func TestWhatHangsOnALogInEndsWithIt(t *testing.T) {
	for _, by := range transports {
		for _, e := range ends {
			t.Run(by.name+"/"+e.name, func(t *testing.T) {
				memory, err := store.Memory(store.MemoryConfig{})
				if err != nil {
					t.Fatal(err)
				}
				began, ended := make(chan bool, 2), []chan string{make(chan string, 1), make(chan string, 1)}
				here, there := process(t, memory.Sessions, by, began, ended[0]), process(t, memory.Sessions, by, began, ended[1])
				v, elsewhere := here.visitor(), there.visitor()
				elsewhere.client.Jar = v.client.Jar // of one host: jars do not tell ports apart
				v.logIn()
				rest := []func() string{by.follow(v, "/stream"), by.follow(elsewhere, "/stream")}
				seen := []chan string{make(chan string, 1), make(chan string, 1)}
				for i, read := range rest {
					<-began
					go func() { seen[i] <- read() }()
				}
				e.end(v, elsewhere)
				for i := range rest {
					cause := <-ended[i]
					if away := (i == 1) != e.elsewhere; cause != e.reason && !(away && cause == guard.ReasonGone) {
						t.Errorf("process %d: got the cause %q, want %q", i+1, cause, e.reason)
					}
					if got, want := <-seen[i], strings.Replace(by.end, "REASON", cause, 1); got != want {
						t.Errorf("process %d: the client got %q, want %q", i+1, got, want)
					}
				}
			})
		}
	}
}

// process is the application with one thing more, at /stream, which hangs on the log-in.
func process(t *testing.T, records session.Store, by transport, began chan<- bool, ended chan<- string) *site {
	t.Helper()
	s := &site{T: t, router: "net/http", log: &buffer{}}
	s.build(routers.Settings{Store: records, InsecureHTTP: true})
	app, mux := s.app, http.NewServeMux()
	mux.Handle("/", routers.NetHTTP(app))
	mux.Handle("/stream", app.Auth.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		if by.serve == nil { // it outlives the request, and ends with the log-in
			ctx = context.WithoutCancel(ctx)
		}
		watched, err := app.Auth.Watch(ctx)
		if err != nil {
			app.Auth.Error(w, r, err)
			return
		}
		began <- true
		wait := func() {
			<-watched.Done()
			ended <- reasonOf(watched)
		}
		if by.serve == nil {
			go wait()
			w.WriteHeader(http.StatusAccepted)
			return
		}
		by.serve(app, watched, w, r)
		wait()
	})))
	s.server = httptest.NewServer(mux)
	t.Cleanup(s.server.Close)
	s.url = s.server.URL
	return s
}

// begin opens a stream, whose answer has come.
func (v *visitor) begin(path string) (*http.Response, *bufio.Reader) {
	v.Helper()
	res, err := v.client.Get(v.url + path)
	if err != nil || res.StatusCode != http.StatusOK {
		v.Fatalf("got %v and %v, want a stream", res, err)
	}
	return res, bufio.NewReader(res.Body)
}

func (v *visitor) line(body *bufio.Reader, want string) {
	v.Helper()
	if got, err := body.ReadString('\n'); err != nil || got != want+"\n" {
		v.Fatalf("got %q and %v, want %q", got, err, want)
	}
}

func (v *visitor) all(body io.Reader) string {
	text, err := io.ReadAll(body)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
