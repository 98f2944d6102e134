package guard_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/seed-6f34412b/passport/guard"
)

// TestFilesOfAnUploadAreRemoved after the request: net/http's server removes those of the request that it
// made, so the form of every copy must be handed back.
func TestFilesOfAnUploadAreRemoved(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	files := func() int {
		list, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", "name")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write(make([]byte, 11<<20)) // more than ParseMultipartForm keeps in memory
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	w.token.user, w.token.err = joe, nil
	api := w.guard("", func(c *guard.Config) { c.Sessions = nil })
	for _, row := range []struct {
		name  string
		guard *guard.Guard[*User]
		below func(*guard.Guard[*User], http.Handler) http.Handler
	}{
		{"Authenticate", w.Guard, func(g *guard.Guard[*User], h http.Handler) http.Handler { return g.Authenticate("token")(h) }},
		{"Authenticate and LogIn", w.Guard, func(g *guard.Guard[*User], h http.Handler) http.Handler {
			return g.Authenticate("token")(g.LogIn(h))
		}},
		{"Authenticate below Restore", w.Guard, func(g *guard.Guard[*User], h http.Handler) http.Handler {
			return g.Restore(g.Authenticate("token")(h))
		}},
		{"a stateless guard's Authenticate", api, func(g *guard.Guard[*User], h http.Handler) http.Handler { return g.Authenticate("token")(h) }},
		{"both guards'", w.Guard, func(g *guard.Guard[*User], h http.Handler) http.Handler {
			return g.Authenticate("token")(api.Authenticate("token")(h))
		}},
	} {
		for _, panics := range []bool{false, true} {
			kept := 0
			handler := row.below(row.guard, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if err := r.ParseMultipartForm(1); err != nil { //nolint:gosec // the test makes the body
					t.Error(err)
				}
				if kept = files(); panics {
					panic("made up")
				}
			}))
			srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				defer func() { _ = recover() }()
				handler.ServeHTTP(rw, r)
			}))
			res, err := srv.Client().Post(srv.URL, form.FormDataContentType(), bytes.NewReader(body.Bytes()))
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			srv.Close() // after the last request has ended
			if kept != 1 || files() != 0 {
				t.Errorf("%s, a panic %t: %d files during the request and %d after it, want 1 and 0", row.name, panics, kept, files())
			}
		}
	}
}

// TestThePatternOfAMuxInsideIsSeenOutside, also with a stateless guard.
func TestThePatternOfAMuxInsideIsSeenOutside(t *testing.T) {
	w := newWorld(t)
	api := w.guard("", func(c *guard.Config) { c.Sessions = nil })
	mux := http.NewServeMux()
	mux.Handle("GET /orders/{id}", w.hello())
	r := httptest.NewRequest("GET", "/orders/7", nil)
	api.Authenticate("anonymous")(mux).ServeHTTP(httptest.NewRecorder(), r)
	if r.Pattern != "GET /orders/{id}" {
		t.Errorf("got the pattern %q, want GET /orders/{id}", r.Pattern)
	}
}
