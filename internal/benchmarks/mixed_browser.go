package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// tally counts the requests of the browsers of the part mixed, and the wrong answers.
type tally struct {
	requests, refused       atomic.Int64 // since the last sample; refused: 503, 409 or no answer at all
	allRequests, allRefused int64

	logIns, ended, writes   atomic.Int64 // acknowledged ones; ended counts sessions
	asked                   atomic.Int64 // requests with an ended session's cookie
	back, loggedOut, lost   atomic.Int64 // wrong answers
	strange, mistakenlyUser atomic.Int64
	firstWrong              atomic.Pointer[string]
}

func (t *tally) wrong(n *atomic.Int64, format string, args ...any) {
	n.Add(1)
	text := fmt.Sprintf(format, args...)
	t.firstWrong.CompareAndSwap(nil, &text)
}

// device is one session of a user.
type device struct {
	cookie   string
	values   []string // possible contents: the last acknowledged value, and later ones without an answer
	anything bool     // the value is unknown, as after a log-in
}

// browser is a user who sends one request at a time.
type browser struct {
	*mixed
	user    int
	client  *http.Client
	random  *rand.Rand
	devices []*device
	unsure  []string // cookies of sessions whose end was requested but not acknowledged
	ended   []string // cookies of ended sessions, the latest 100
	written int
}

func (b *browser) browse(ctx context.Context) {
	for ctx.Err() == nil {
		b.step()
		pause(ctx, time.Duration(b.random.IntN(50))*time.Millisecond)
	}
}

func (b *browser) step() {
	if len(b.unsure) > 0 {
		b.end(b.unsure[0])
		return
	}
	if len(b.devices) == 0 {
		b.logIn(nil)
		return
	}
	d := b.devices[b.random.IntN(len(b.devices))]
	switch n := b.random.IntN(100); {
	case n < 5 && len(b.devices) < 3:
		b.logIn(nil)
	case n < 8:
		b.logIn(d)
	case n < 13:
		b.logOut(d)
	case n < 14:
		b.everywhere(d)
	case n < 16:
		b.list(d)
	case n < 22 && len(b.ended) > 0:
		b.readEnded(b.ended[b.random.IntN(len(b.ended))])
	case n < 35:
		b.write(d)
	default:
		b.read(d)
	}
}

// ask sends a request to one of the programs. ok is false if it was refused or got no answer; its effect is
// then unknown.
func (b *browser) ask(method, path, body, cookie string) (status int, text, set string, ok bool) {
	b.mu.RLock()
	addr := b.second.addr
	b.mu.RUnlock()
	if b.random.IntN(3) > 0 {
		addr = b.first.addr
	}
	b.count.requests.Add(1)
	q, err := http.NewRequest(method, "http://"+addr+path, strings.NewReader(body))
	if err != nil {
		b.count.wrong(&b.count.strange, "%v", err)
		return 0, "", "", false
	}
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if cookie != "" {
		q.Header.Set("Cookie", cookie)
	}
	answer, err := b.client.Do(q)
	if err != nil {
		b.count.refused.Add(1)
		return 0, "", "", false
	}
	defer answer.Body.Close()
	read, err := io.ReadAll(answer.Body)
	switch {
	case err != nil || answer.StatusCode == http.StatusServiceUnavailable || answer.StatusCode == http.StatusConflict:
		b.count.refused.Add(1)
		return 0, "", "", false
	case answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusUnauthorized:
		b.count.wrong(&b.count.strange, "%s %s: status %d %.200q", method, path, answer.StatusCode, read)
		return 0, "", "", false
	}
	for _, c := range answer.Cookies() {
		if c.Value != "" {
			set = c.Name + "=" + c.Value
		}
	}
	return answer.StatusCode, string(read), set, true
}

// logIn logs in. If d is not nil, the new session replaces d's.
func (b *browser) logIn(d *device) {
	cookie := ""
	if d != nil {
		cookie = d.cookie
	}
	status, text, set, ok := b.ask("POST", "/login", fmt.Sprintf("email=%d&password=%s", b.user, passphrase), cookie)
	if d != nil {
		b.drop(d)
	}
	switch {
	case !ok && d != nil:
		b.unsure = append(b.unsure, d.cookie) // there may be a new session, and d's may have ended
	case ok && (status != http.StatusOK || set == ""):
		b.count.wrong(&b.count.strange, "log-in: status %d %q, cookie %q", status, text, set)
	case ok:
		b.count.logIns.Add(1)
		if d != nil {
			b.isOver(d.cookie)
		}
		b.devices = append(b.devices, &device{cookie: set, anything: true})
	}
}

func (b *browser) drop(d *device) {
	b.devices = slices.DeleteFunc(b.devices, func(other *device) bool { return other == d })
}

func (b *browser) isOver(cookie string) {
	b.count.ended.Add(1)
	b.ended = append(b.ended, cookie)
	if len(b.ended) > 100 {
		b.ended = b.ended[1:]
	}
}

func (b *browser) logOut(d *device) {
	b.drop(d)
	b.unsure = append(b.unsure, d.cookie)
	b.end(d.cookie)
}

// end logs out a session of unsure. Its cookie stays in unsure until the log-out is acknowledged.
func (b *browser) end(cookie string) {
	status, text, _, ok := b.ask("POST", "/logout", "", cookie)
	if !ok {
		return
	}
	b.unsure = slices.DeleteFunc(b.unsure, func(other string) bool { return other == cookie })
	if status != http.StatusOK {
		b.count.wrong(&b.count.strange, "log-out: status %d %q", status, text)
		return
	}
	b.isOver(cookie)
}

// everywhere logs out all of the user's sessions.
func (b *browser) everywhere(d *device) {
	status, _, _, ok := b.ask("POST", "/everywhere", "", d.cookie)
	if ok && status == http.StatusUnauthorized {
		b.isLoggedOut(d, "log-out everywhere")
		return
	}
	for _, d := range b.devices {
		if ok {
			b.isOver(d.cookie)
		} else {
			b.unsure = append(b.unsure, d.cookie)
		}
	}
	b.devices = nil
}

// isLoggedOut counts a lost session: it was logged out though nobody ended it.
func (b *browser) isLoggedOut(d *device, doing string) {
	b.count.wrong(&b.count.loggedOut, "%s: user %d was logged out", doing, b.user)
	b.drop(d)
}

func (b *browser) list(d *device) {
	status, text, _, ok := b.ask("GET", "/devices", "", d.cookie)
	if !ok {
		return
	}
	if status == http.StatusUnauthorized {
		b.isLoggedOut(d, "list of devices")
		return
	}
	// A log-in without an answer may have made another session.
	if n, err := strconv.Atoi(text); err != nil || n < len(b.devices) {
		b.count.wrong(&b.count.loggedOut, "list of devices: %q, not %d or more", text, len(b.devices))
	}
}

func (b *browser) readEnded(cookie string) {
	status, text, _, ok := b.ask("GET", "/cart", "", cookie)
	if !ok {
		return
	}
	b.count.asked.Add(1)
	if status != http.StatusUnauthorized {
		b.count.wrong(&b.count.back, "an ended session of user %d: status %d %q", b.user, status, text)
	}
}

func (b *browser) write(d *device) {
	b.written++
	value := strconv.Itoa(b.written)
	status, _, _, ok := b.ask("POST", "/write", "v="+value, d.cookie)
	switch {
	case !ok:
		d.values = append(d.values, value)
	case status == http.StatusUnauthorized:
		b.isLoggedOut(d, "write")
	default:
		b.count.writes.Add(1)
		d.values, d.anything = []string{value}, false
	}
}

func (b *browser) read(d *device) {
	status, text, _, ok := b.ask("GET", "/cart", "", d.cookie)
	if !ok {
		return
	}
	if status == http.StatusUnauthorized {
		b.isLoggedOut(d, "read")
		return
	}
	user, value, _ := strings.Cut(text, " ")
	if user != strconv.Itoa(b.user) {
		b.count.wrong(&b.count.mistakenlyUser, "user %d was taken for %q", b.user, user)
	}
	if !d.anything && !slices.Contains(d.values, value) {
		b.count.wrong(&b.count.lost, "user %d reads %q, not one of %q", b.user, value, d.values)
	}
}

// last checks every known session, once all servers are up again.
func (b *browser) last() {
	for _, cookie := range b.ended {
		b.readEnded(cookie)
	}
	for _, d := range slices.Clone(b.devices) {
		b.read(d)
	}
}
