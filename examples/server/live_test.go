//go:build integration

package main_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/internal/chromium"
	"github.com/seed-6f34412b/passport/internal/redistest"
)

// TestAStreamEndsWithItsLogIn, in this process and in another.
func TestAStreamEndsWithItsLogIn(t *testing.T) {
	redis := redistest.Start(t)
	here, there := start(t, "-redis", redis.URL(), "-secret", secret), start(t, "-redis", redis.URL(), "-secret", secret)
	v := here.visitor()
	v.get("/live").want(t, 401, "")
	v.logIn(joe, joesPass).want(t, 200, "")
	streams := []*bufio.Scanner{v.listen(here), v.listen(there)}
	client := redis.Client(t)
	err := redistest.Poll(func(ctx context.Context) error { // a notice that comes before somebody listens names no reason
		channels, err := client.PubSubChannels(ctx, "*").Result()
		if err != nil || len(channels) == 0 {
			return fmt.Errorf("nobody listens, error %w", err)
		}
		listening, err := client.PubSubNumSub(ctx, channels...).Result()
		if n := listening[channels[0]]; n != 2 || len(channels) != 1 {
			return fmt.Errorf("%d programs listen in the first channel of %q, error %w", n, channels, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	v.post("/auth/logout").want(t, 200, "")
	for i, lines := range streams {
		var rest []string
		for lines.Scan() {
			if !strings.HasPrefix(lines.Text(), "data: 20") && lines.Text() != "" {
				rest = append(rest, lines.Text())
			}
		}
		if got := fmt.Sprint(rest); got != "[event: end data: logout]" {
			t.Errorf("stream %d: got %s", i+1, got)
		}
	}
}

// tab is a page that watches, and goes to the log-in page by itself.
const tab = `<!doctype html><title>watching</title><script>
const live = new EventSource("/live")
live.onmessage = () => { document.title = "live" }
live.addEventListener("end", e => { live.close(); location = "/login?reason=" + e.data })
</script>`

// TestALogOutReachesTheOtherTab: two tabs of one browser, and a log-out in the first.
func TestALogOutReachesTheOtherTab(t *testing.T) {
	p := start(t)
	base, err := url.Parse(p.URL)
	if err != nil {
		t.Fatal(err)
	}
	page := func(text string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, text)
		})
	}
	mux := http.NewServeMux()
	mux.Handle("GET /tab", page(tab))
	mux.Handle("GET /login", page("<!doctype html><title>log in</title>"))
	mux.Handle("/", httputil.NewSingleHostReverseProxy(base))
	var got []string
	answer := chromium.Run(t, mux, `
		const post = (window, path, form) => window.fetch(path, {method: "POST", body: new URLSearchParams(form)})
		await post(window, "/auth/login", {email: "`+joe+`", password: "`+joesPass+`"})
		const tabs = [window.open("/tab", "one"), window.open("/tab", "two")]
		const all = async ok => { while (!tabs.every(ok)) await new Promise(r => setTimeout(r, 20)) }
		await all(t => t.document.title == "live")
		await post(tabs[0], "/auth/logout", {})
		await all(t => t.document.title == "log in")
		return tabs.map(t => t.location.pathname + t.location.search)`)
	if err := json.Unmarshal(answer, &got); err != nil || fmt.Sprint(got) != "[/login?reason=logout /login?reason=logout]" {
		t.Errorf("got %s, want both tabs at the log-in page", answer)
	}
}
