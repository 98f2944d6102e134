package chromium

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/subprocess"
)

// Browser is a Chromium that a test controls with the DevTools protocol, over a pipe. The test fails if the
// browser does not do what it is asked.
type Browser struct {
	t    *testing.T
	cmd  *exec.Cmd
	to   *os.File
	log  *browserLog
	gone chan struct{} // closed when its output ends

	mu     sync.Mutex
	next   int
	calls  map[int]chan message
	events []Event
	heard  chan struct{} // closed at the next event
}

// Event is a DevTools event.
type Event struct {
	Method string
	Params json.RawMessage
}

// message is a message on the pipe, in either direction.
type message struct {
	ID      int             `json:"id,omitempty"`
	Session string          `json:"sessionId,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *struct {
		Message string `json:"message"`
	} `json:"error,omitempty"`
}

// Start starts a browser that can reach site and nothing else, with further flags. profile is the name of a
// folder below the site's: a browser started again with the same name has the profile of the last one.
func (s *Site) Start(t *testing.T, profile string, flags ...string) *Browser {
	t.Helper()
	theirIn, ourOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ourIn, theirOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	args := slices.Concat([]string{
		"--remote-debugging-pipe", "--user-data-dir=" + filepath.Join(s.home, profile), "--host-resolver-rules=" + s.rules(),
	}, flags, []string{"about:blank"})
	b := &Browser{
		t: t, cmd: command(t, 3*patience, args...), to: ourOut, log: new(browserLog),
		gone: make(chan struct{}), calls: map[int]chan message{}, heard: make(chan struct{}),
	}
	b.cmd.Env = append(os.Environ(), "HOME="+s.home)
	b.cmd.ExtraFiles = []*os.File{theirIn, theirOut} // file descriptors 3 and 4, as --remote-debugging-pipe needs
	b.cmd.Stderr = b.log
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = theirIn.Close(), theirOut.Close()
	go b.listen(ourIn)
	t.Cleanup(b.Close)
	return b
}

// rules returns the --host-resolver-rules for the site's hosts.
func (s *Site) rules() (text string) {
	for _, host := range append([]string{s.Host}, s.also...) {
		text += "MAP " + host + " " + s.Address() + ", "
	}
	return text + "MAP * ~NOTFOUND"
}

// listen reads the browser's messages, each of which ends with a zero byte.
func (b *Browser) listen(from *os.File) {
	defer close(b.gone)
	defer func() { _ = from.Close() }()
	in := bufio.NewReaderSize(from, 1<<20)
	for {
		data, err := in.ReadBytes(0)
		if err != nil {
			return
		}
		var m message
		if json.Unmarshal(bytes.TrimSuffix(data, []byte{0}), &m) != nil {
			continue
		}
		b.mu.Lock()
		if m.ID != 0 {
			b.calls[m.ID] <- m // does not block: it has a buffer of one
		} else {
			b.events = append(b.events, Event{m.Method, m.Params})
			close(b.heard)
			b.heard = make(chan struct{})
		}
		b.mu.Unlock()
	}
}

// Close exits the browser as its user would, so that its profile is saved.
func (b *Browser) Close() {
	select {
	case <-b.gone:
	default:
		_, _ = b.try("", "Browser.close", nil)
		select {
		case <-b.gone:
		case <-time.After(10 * time.Second):
		}
	}
	_ = b.to.Close()
	_ = subprocess.Kill(b.cmd)
	_ = b.cmd.Wait()
}

// try makes one call and returns its result.
func (b *Browser) try(session, method string, params any) (json.RawMessage, error) {
	raw, err := json.Marshal(params)
	if err != nil {
		return nil, err
	}
	if params == nil {
		raw = nil
	}
	answer := make(chan message, 1)
	b.mu.Lock()
	b.next++
	m := message{ID: b.next, Session: session, Method: method, Params: raw}
	b.calls[m.ID] = answer
	data, err := json.Marshal(m)
	if err == nil {
		_, err = b.to.Write(append(data, 0))
	}
	b.mu.Unlock()
	if err != nil {
		return nil, err
	}
	select {
	case m := <-answer:
		if m.Error != nil {
			return nil, errors.New(m.Error.Message)
		}
		return m.Result, nil
	case <-b.gone:
		return nil, errors.New("the browser ended")
	case <-time.After(patience):
		return nil, errors.New("the browser did not answer")
	}
}

// Call makes one call of the DevTools protocol to the whole browser.
func (b *Browser) Call(method string, params any) json.RawMessage {
	b.t.Helper()
	result, err := b.try("", method, params)
	if err != nil {
		b.t.Fatalf("%s: %v\n%s", method, err, b.log)
	}
	return result
}

// Events returns the events of that method so far.
func (b *Browser) Events(method string) (list []Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.events {
		if e.Method == method {
			list = append(list, e)
		}
	}
	return list
}

// Await waits for an event of that method that is accepts.
func (b *Browser) Await(method string, is func(json.RawMessage) bool) {
	b.t.Helper()
	end := time.After(patience)
	for {
		b.mu.Lock()
		heard := b.heard
		b.mu.Unlock()
		if slices.ContainsFunc(b.Events(method), func(e Event) bool { return is(e.Params) }) {
			return
		}
		select {
		case <-heard:
		case <-b.gone:
			b.t.Fatalf("the browser exited before the event %s: %s", method, b.log)
		case <-end:
			b.t.Fatalf("the event %s did not come in time; the last events were %s", method, b.told())
		}
	}
}

// told lists the last events, for failure messages.
func (b *Browser) told() (list []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.events[max(0, len(b.events)-20):] {
		list = append(list, fmt.Sprintf("%s %.300s", e.Method, e.Params))
	}
	return list
}

// Page is a tab.
type Page struct {
	b       *Browser
	session string
}

// Open opens a tab and goes to url.
func (b *Browser) Open(url string) *Page {
	b.t.Helper()
	var target struct{ TargetID string }
	b.decode(b.Call("Target.createTarget", map[string]any{"url": "about:blank"}), &target)
	var attached struct{ SessionID string }
	b.decode(b.Call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}), &attached)
	p := &Page{b, attached.SessionID}
	p.Call("Page.enable", nil)
	p.Call("Network.enable", nil)
	p.Go(url)
	return p
}

func (b *Browser) decode(raw json.RawMessage, into any) {
	b.t.Helper()
	if err := json.Unmarshal(raw, into); err != nil {
		b.t.Fatalf("%v: %s", err, raw)
	}
}

// Call makes one call of the DevTools protocol to the tab.
func (p *Page) Call(method string, params any) json.RawMessage {
	p.b.t.Helper()
	result, err := p.b.try(p.session, method, params)
	if err != nil {
		p.b.t.Fatalf("%s: %v\n%s", method, err, p.b.log)
	}
	return result
}

// Go goes to url, and fails the test if there is no answer.
func (p *Page) Go(url string) {
	p.b.t.Helper()
	var gone struct{ ErrorText string }
	p.b.decode(p.Call("Page.navigate", map[string]any{"url": url}), &gone)
	if gone.ErrorText != "" {
		p.b.t.Fatalf("go to %s: %s\n%s", url, gone.ErrorText, p.b.log)
	}
}

// Run runs script, the body of an async JavaScript function, in the tab, and stores what it returns in
// into.
func (p *Page) Run(script string, into any) {
	p.b.t.Helper()
	var result struct {
		Result struct {
			Value json.RawMessage
		}
		ExceptionDetails json.RawMessage
	}
	p.b.decode(p.Call("Runtime.evaluate", map[string]any{
		"expression": "(async () => {" + script + "})()", "awaitPromise": true, "returnByValue": true,
	}), &result)
	if result.ExceptionDetails != nil {
		p.b.t.Fatalf("the script failed: %s\n%s", result.ExceptionDetails, script)
	}
	if into != nil {
		p.b.decode(result.Result.Value, into)
	}
}

// AwaitText waits until the text of the page in the tab contains part, on whatever page the tab is then.
func (p *Page) AwaitText(part string) {
	p.b.t.Helper()
	var last json.RawMessage
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); {
		last, err = p.b.try(p.session, "Runtime.evaluate", map[string]any{"expression": "document.body?.textContent", "returnByValue": true})
		text, _ := json.Marshal(part) // no error: it is a string
		if err == nil && bytes.Contains(last, text[1:len(text)-1]) {
			return
		}
		<-time.After(50 * time.Millisecond)
	}
	p.b.t.Fatalf("the page never had the text %q: %s %v", part, last, err)
}

// browserLog is the browser's output. Failure messages quote its end.
type browserLog struct{ subprocess.Log }

func (l *browserLog) String() string {
	s := l.Log.String()
	return s[max(0, len(s)-2000):]
}
