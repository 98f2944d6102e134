package strategy_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/internal/credtest"
	"github.com/seed-6f34412b/passport/strategy"
)

const (
	form  = "application/x-www-form-urlencoded"
	js    = "application/json"
	parts = "multipart/form-data; boundary=B"
)

// login is what a validate function got.
type login struct{ email, password string }

func accept(_ context.Context, email, password string) (login, error) {
	return login{email, password}, nil
}

// multi joins parts of a multipart form with the boundary B.
func multi(bodies ...string) string {
	return "--B\r\n" + strings.Join(bodies, "\r\n--B\r\n") + "\r\n--B--\r\n"
}

func part(disposition, value string) string {
	return "Content-Disposition: form-data; " + disposition + "\r\n\r\n" + value
}

func TestLocalReadsFormsAndJSON(t *testing.T) {
	s := strategy.NewLocal(accept)
	for _, row := range []struct {
		name, contentType, body string
		want                    login
	}{
		{"a form", form, "email=a%40b.c&password=p+q%26&other=1&other=2", login{"a@b.c", "p q&"}},
		{"a form with a charset", form + "; charset=UTF-8", "password=p&email=a", login{"a", "p"}},
		{"a password of spaces", form, "email=+a+&password=+", login{"a", " "}},
		{"a media type in odd case", "Application/JSON", `{"email":"a","password":"p"}`, login{"a", "p"}},
		{"JSON with escapes, other members and white space", js, " {\"x\":[{\"email\":1}],\"e\\u006dail\":\"\\u00e9\\ud83d\\ude00\",\n\"password\":\"\\\\ud800\"} ", login{"é😀", `\ud800`}},
		{"JSON with a NUL in the password, which the Hasher judges", js, `{"email":"a","password":"p\u0000q"}`, login{"a", "p\x00q"}},
		{"a multipart form", parts, multi(part(`name="email"`, "a"), part(`name="password"`, "p\r\nq"), part(`name="f"; filename="x"`, "…")), login{"a", "p\r\nq"}},
	} {
		got, err := s.Authenticate(httptest.NewRecorder(), credtest.Post(row.contentType, row.body))
		if err != nil || got != row.want {
			t.Errorf("%s: got %q, %v, want %q", row.name, got, err, row.want)
		}
	}
}

func TestASVS_15_3_5_LocalRefusesWhatIsNotOneString(t *testing.T) {
	s := strategy.NewLocal(accept)
	for _, row := range []struct {
		name, contentType, body string
		want                    int
	}{
		{"nothing, without a type", "", "", 400},
		{"an empty form", form, "", 400},
		{"a form without a password", form, "email=a", 400},
		{"a form with an empty email", form, "email=&password=p", 400},
		{"a repeated form field", form, "email=a&email=a&password=p", 400},
		{"a repeated form field, once empty", form, "email=a&password=p&password=", 400},
		{"a form array", form, "email[]=a&password=p", 400},
		{"a form array beside the field", form, "email=a&email[]=b&password=p", 400},
		{"a form object beside the field", form, "email=a&password=p&password%5Bx%5D=q", 400},
		{"an unclosed bracket", form, "email=a&email[=b&password=p", 400},
		{"a bad escape", form, "email=%zz&password=p", 400},
		{"a semicolon", form, "email=a;password=p", 400},
		{"a form that is not UTF-8", form, "email=%ff&password=p", 400},
		{"a form with a NUL in the email", form, "email=a%00&password=p", 400},
		{"a form with a line break in the email", form, "email=a%0d%0ab&password=p", 400},
		{"a JSON object without members", js, `{}`, 400},
		{"a JSON array", js, `["a","p"]`, 400},
		{"a JSON string", js, `"email"`, 400},
		{"JSON null", js, `null`, 400},
		{"a number", js, `{"email":1,"password":"p"}`, 400},
		{"a boolean", js, `{"email":"a","password":true}`, 400},
		{"a null", js, `{"email":"a","password":null}`, 400},
		{"an array", js, `{"email":["a"],"password":"p"}`, 400},
		{"an object", js, `{"email":{"$gt":""},"password":"p"}`, 400},
		{"a repeated member", js, `{"email":"a","email":"b","password":"p"}`, 400},
		{"a repeated member of another type", js, `{"email":"a","email":null,"password":"p"}`, 400},
		{"a repeated member, spelt with an escape", js, `{"email":"a","\u0065mail":"b","password":"p"}`, 400},
		{"a repeated member in another case", js, `{"email":"a","Email":"b","password":"p"}`, 400},
		{"a member in another case only", js, `{"Email":"a","password":"p"}`, 400},
		{"a lone high surrogate", js, `{"email":"a","password":"\ud800"}`, 400},
		{"a high surrogate before another escape", js, `{"email":"a","password":"\ud83d\u0041"}`, 400},
		{"a lone low surrogate", js, `{"email":"a","password":"\uDE00p"}`, 400},
		{"a lone surrogate behind an escaped backslash", js, `{"email":"a","password":"\\\ud800"}`, 400},
		{"JSON that is not UTF-8", js, "{\"email\":\"\xff\",\"password\":\"p\"}", 400},
		{"JSON cut short", js, `{"email":"a","password":"p"`, 400},
		{"two JSON documents", js, `{"email":"a","password":"p"}{}`, 400},
		{"JSON nested too deep", js, strings.Repeat("[", 20_000), 400},
		{"a repeated part", parts, multi(part(`name="email"`, "a"), part(`name="email"`, "a"), part(`name="password"`, "p")), 400},
		{"a file as a field", parts, multi(part(`name="email"; filename="x"`, "a"), part(`name="password"`, "p")), 400},
		{"a file beside the field", parts, multi(part(`name="email"`, "a"), part(`name="password"`, "p"), part(`name="email[]"; filename="x"`, "a")), 400},
		{"a multipart form cut short", parts, "--B\r\n" + part(`name="email"`, "a"), 400},
		{"a multipart form without a boundary", "multipart/form-data", multi(part(`name="email"`, "a")), 400},
		{"a body without a type", "", `{"email":"a","password":"p"}`, 415},
		{"plain text", "text/plain", `{"email":"a","password":"p"}`, 415},
		{"an unreadable type", "application/json; charset", `{"email":"a","password":"p"}`, 415},
		{"another charset", js + "; charset=utf-16", `{"email":"a","password":"p"}`, 415},
		{"a body over the cap", form, "email=a&password=" + strings.Repeat("p", 64<<10), 413},
	} {
		got, err := s.Authenticate(httptest.NewRecorder(), credtest.Post(row.contentType, row.body))
		if credtest.StatusOf(err) != row.want || got != (login{}) {
			t.Errorf("%s: got %q, %v, want status %d", row.name, got, err, row.want)
		}
	}
}

func TestLocalRefusesAmbiguousOrCompressedBodies(t *testing.T) {
	s := strategy.NewLocal(accept)
	for _, row := range []struct {
		name   string
		change func(*http.Request)
		want   int
	}{
		{"gzip", func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }, 415},
		{"two content types", func(r *http.Request) { r.Header.Add("Content-Type", js) }, 415},
		{"identity is no coding", func(r *http.Request) { r.Header.Set("Content-Encoding", "identity") }, 200},
		{"no body at all", func(r *http.Request) { r.Body = nil }, 400},
		{"the server's own limit", func(r *http.Request) { r.Body = http.MaxBytesReader(nil, r.Body, 3) }, 413},
		{"a body that ends too early", func(r *http.Request) { r.Body = io.NopCloser(io.MultiReader(r.Body, brokenReader{})) }, 400},
		{"a client that went away", func(r *http.Request) {
			ctx, cancel := context.WithCancel(r.Context())
			cancel()
			*r = *r.WithContext(ctx)
			r.Body = io.NopCloser(brokenReader{})
		}, 500},
	} {
		r := credtest.Post(form, "email=a&password=p")
		row.change(r)
		if _, err := s.Authenticate(httptest.NewRecorder(), r); credtest.StatusOf(err) != row.want {
			t.Errorf("%s: got %v, want status %d", row.name, err, row.want)
		}
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestASVS_15_3_7_LocalIgnoresTheQueryString(t *testing.T) {
	s := strategy.NewLocal(accept)
	for _, row := range []struct{ name, contentType, body string }{
		{"an empty form", form, ""},
		{"a form with other fields", form, "x=1"},
		{"JSON", js, "{}"},
		{"multipart", parts, multi(part(`name="x"`, "1"))},
	} {
		if got, err := s.Authenticate(nil, credtest.Post(row.contentType, row.body)); credtest.StatusOf(err) != 400 {
			t.Errorf("%s: got %q, %v, want status 400", row.name, got, err)
		}
		parsed := credtest.Post(row.contentType, row.body)
		_ = parsed.ParseMultipartForm(1 << 20)
		if got, err := s.Authenticate(nil, parsed); credtest.StatusOf(err) != 400 {
			t.Errorf("%s, parsed before: got %q, %v, want status 400", row.name, got, err)
		}
	}
}

func TestLocalLeavesTheBodyToTheHandler(t *testing.T) {
	s := strategy.NewLocal(accept)
	want := login{"a", "p"}
	for _, row := range []struct {
		name, contentType, body string
		read                    func(r *http.Request) (login, error)
	}{
		{"ParseForm", form, "email=a&password=p", func(r *http.Request) (login, error) {
			err := r.ParseForm()
			return login{r.PostForm.Get("email"), r.PostForm.Get("password")}, err
		}},
		{"ParseMultipartForm", parts, multi(part(`name="email"`, "a"), part(`name="password"`, "p")), func(r *http.Request) (login, error) {
			err := r.ParseMultipartForm(1 << 20)
			return login{r.PostFormValue("email"), r.PostFormValue("password")}, err
		}},
		{"json.Decoder", js, `{"email":"a","password":"p"}`, func(r *http.Request) (login, error) {
			var v struct{ Email, Password string }
			err := json.NewDecoder(r.Body).Decode(&v)
			return login{v.Email, v.Password}, err
		}},
	} {
		r := credtest.Post(row.contentType, row.body)
		for range 2 { // a chain may call two strategies
			if got, err := s.Authenticate(nil, r); err != nil || got != want {
				t.Errorf("%s: got %q, %v, want %q", row.name, got, err, want)
			}
		}
		if r.Form != nil || r.PostForm != nil || r.MultipartForm != nil {
			t.Errorf("%s: the request's own form was touched", row.name)
		}
		if got, err := row.read(r); err != nil || got != want {
			t.Errorf("%s after Authenticate: got %q, %v, want %q", row.name, got, err, want)
		}
		before := credtest.Post(row.contentType, row.body)
		if _, err := row.read(before); err != nil {
			t.Fatal(err)
		}
		if row.contentType == js {
			continue // a JSON body is read and restored by its reader
		}
		if got, err := s.Authenticate(nil, before); err != nil || got != want {
			t.Errorf("%s before Authenticate: got %q, %v, want %q", row.name, got, err, want)
		}
	}
}

func TestLocalLeavesALargeBodyToTheHandlerToo(t *testing.T) {
	s := strategy.NewLocal(accept)
	body := strings.Repeat("x", 70<<10)
	for _, length := range []int64{int64(len(body)), -1} {
		r := credtest.Post(js, body)
		r.ContentLength = length
		if _, err := s.Authenticate(nil, r); credtest.StatusOf(err) != 413 {
			t.Errorf("Content-Length %d: got %v, want status 413", length, err)
		}
		if got, err := io.ReadAll(r.Body); err != nil || string(got) != body {
			t.Errorf("Content-Length %d: %d bytes are left, %v, want %d", length, len(got), err, len(body))
		}
		if err := r.Body.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestLocalRefusesFilesOfAParsedForm(t *testing.T) {
	r := credtest.Post(parts, multi(part(`name="email"`, "a"), part(`name="password"; filename="x"`, "p")))
	if err := r.ParseMultipartForm(1 << 20); err != nil {
		t.Fatal(err)
	}
	if _, err := strategy.NewLocal(accept).Authenticate(nil, r); credtest.StatusOf(err) != 400 {
		t.Errorf("got %v, want status 400", err)
	}
}

func TestLocalRenamedAndNestedFields(t *testing.T) {
	s, err := strategy.NewLocalWith(strategy.LocalConfig{EmailField: "user[name]", PasswordField: "user[secret][text]", MaxBody: 200, Name: "admin"}, accept)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Name(); got != "admin" {
		t.Errorf("Name() = %q, want admin", got)
	}
	for _, row := range []struct {
		name, contentType, body string
		want                    int
	}{
		{"a form", form, "user[name]=a&user%5Bsecret%5D%5Btext%5D=p", 200},
		{"JSON", js, `{"user":{"name":"a","secret":{"text":"p"}}}`, 200},
		{"multipart", parts, multi(part(`name="user[name]"`, "a"), part(`name="user[secret][text]"`, "p")), 200},
		{"the default names", form, "email=a&password=p", 400},
		{"flat names in JSON", js, `{"user[name]":"a","user[secret][text]":"p"}`, 400},
		{"the outer name as a string in a form", form, "user=x&user[name]=a&user[secret][text]=p", 400},
		{"an outer name as a string in JSON", js, `{"user":{"name":"a","secret":"p"}}`, 400},
		{"the outer name as an array in JSON", js, `{"user":["a","p"]}`, 400},
		{"a repeated outer name in JSON", js, `{"user":{"name":"b"},"user":{"name":"a","secret":{"text":"p"}}}`, 400},
		{"a body over the cap of 200 bytes", form, "user[name]=a&user[secret][text]=" + strings.Repeat("p", 200), 413},
	} {
		got, err := s.Authenticate(nil, credtest.Post(row.contentType, row.body))
		if credtest.StatusOf(err) != row.want || err == nil && got != (login{"a", "p"}) {
			t.Errorf("%s: got %q, %v, want status %d", row.name, got, err, row.want)
		}
	}
}

func TestNewLocalWithNamesEveryMistake(t *testing.T) {
	_, err := strategy.NewLocalWith[login](strategy.LocalConfig{EmailField: "user[", PasswordField: "[x]", MaxBody: -1, Name: "session"}, nil)
	for _, want := range []string{"EmailField", "PasswordField", "MaxBody", "Name", "validate"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not name %s: %v", want, err)
		}
	}
	for _, row := range []struct{ name, email, password string }{
		{"the same field twice", "x", "x"},
		{"one field inside the other", "user", "user[password]"},
		{"the other inside the one", "user[password][email]", "user[password]"},
		{"text behind a bracket", "user[a]b", "p"},
		{"an empty part", "user[]", "p"},
		{"a bracket in a part", "user[a[b]", "p"},
		{"a closing bracket alone", "user]", "p"},
	} {
		if _, err := strategy.NewLocalWith(strategy.LocalConfig{EmailField: row.email, PasswordField: row.password}, accept); err == nil {
			t.Errorf("%s: no error", row.name)
		}
	}
	if !panics(func() { strategy.NewLocal[login](nil) }) {
		t.Error("NewLocal(nil) does not panic")
	}
}

func panics(f func()) (did bool) {
	defer func() { did = recover() != nil }()
	f()
	return
}

func TestLocalPassesOnWhatValidateSays(t *testing.T) {
	outage := errors.New("database is down")
	locked := &strategy.Failure{Status: 403}
	for _, row := range []struct {
		name string
		user *login
		err  error
		want int
	}{
		{"a user", &login{}, nil, 200},
		{"a refusal", nil, strategy.ErrUnauthenticated, 401},
		{"a refusal with a status", nil, locked, 403},
		{"an outage", &login{}, outage, 500},
		{"a nil user and no error", nil, nil, 500},
	} {
		s := strategy.NewLocal(func(context.Context, string, string) (*login, error) { return row.user, row.err })
		user, err := s.Authenticate(nil, credtest.Post(form, "email=a&password=p"))
		if credtest.StatusOf(err) != row.want || row.err != nil && !errors.Is(err, row.err) || (user != nil) != (row.want == 200) {
			t.Errorf("%s: got %v, %v, want status %d", row.name, user, err, row.want)
		}
	}
}

func FuzzLocalCredentials(f *testing.F) {
	for _, body := range []string{"email=a&password=p", `{"email":"a","password":"\ud83d\ude00"}`, multi(part(`name="email"`, "a"), part(`name="password"`, "p"))} {
		for _, contentType := range []string{form, js, parts, "", "text/plain"} {
			f.Add(contentType, body)
		}
	}
	s := strategy.NewLocal(accept)
	f.Fuzz(func(t *testing.T, contentType, body string) {
		r := credtest.Post("", body)
		r.Header.Set("Content-Type", contentType)
		found, err := s.Authenticate(nil, r)
		if rest, _ := io.ReadAll(r.Body); string(rest) != body {
			t.Fatalf("the body is %q afterwards", rest)
		}
		if status := credtest.StatusOf(err); status != 200 && status != 400 && status != 413 && status != 415 {
			t.Fatalf("status %d: %v", status, err)
		}
		if err != nil {
			return
		}
		// A login that was read is read the same from every other encoding.
		for _, again := range encodings(t, found) {
			if got, err := s.Authenticate(nil, again); err != nil || got != found {
				t.Fatalf("%s: got %q, %v, want %q", again.Header.Get("Content-Type"), got, err, found)
			}
		}
	})
}

// encodings returns requests with l in each encoding.
func encodings(t *testing.T, l login) []*http.Request {
	values := map[string][]string{"email": {l.email}, "password": {l.password}}
	text, err := json.Marshal(map[string]string{"email": l.email, "password": l.password})
	if err != nil {
		t.Fatal(err)
	}
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name := range values {
		if err := w.WriteField(name, values[name][0]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	requests := []*http.Request{credtest.Post(form, url.Values(values).Encode()), credtest.Post(js, string(text)), credtest.Post(w.FormDataContentType(), body.String())}
	for _, r := range requests {
		if r.ContentLength > 64<<10 { // an encoding may be longer than the limit
			return nil
		}
	}
	return requests
}
