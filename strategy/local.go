package strategy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// LocalStrategy authenticates by an email (or any other login name) and a password
// in the request's body: passport-local's Strategy. It is made by [NewLocal],
// [NewLocalWith] or [NewPassword] and safe for concurrent use.
//
// The body is a form (application/x-www-form-urlencoded or multipart/form-data) or
// JSON (application/json), in UTF-8. The query string is never read, unlike
// passport-local's: URLs end up in logs and histories. Both credentials must be
// strings, named once.
type LocalStrategy[U any] struct {
	name     string
	fields   fields
	maxBody  int64
	validate func(ctx context.Context, email, password string) (U, error)
}

var _ Strategy[any] = (*LocalStrategy[any])(nil)
var _ Claimant = (*LocalStrategy[any])(nil)

// LocalConfig says where LocalStrategy finds its credentials. Its zero value is
// ready for use.
type LocalConfig struct {
	// EmailField is the field that names the user; empty means "email". A name with
	// brackets lies deeper: user[email] is the form field of that name, and in JSON
	// {"user":{"email":…}}. passport-local: usernameField.
	EmailField string
	// PasswordField is the field of the password; empty means "password".
	// passport-local: passwordField.
	PasswordField string
	// MaxBody is the size in bytes up to which a body is read; zero means 64 KiB; at most
	// 16 MiB, since it is kept in memory.
	MaxBody int64
	// Name is the strategy's name; empty means "local".
	Name string
}

const (
	defaultMaxBody = 64 << 10
	mostMaxBody    = 16 << 20
)

// NewLocal returns a strategy that takes the fields email and password, under the
// name "local": passport-local's new Strategy(verify).
//
// validate says whose they are; both are non-empty. An error that wraps
// [ErrUnauthenticated] refuses them, any other error is an outage. A nil user
// without an error is a mistake of the program and answered as one. validate must
// be safe for concurrent use. NewLocal panics if it is nil.
//
// A validate that compares passwords itself has rules to keep that [NewPassword]
// keeps for it.
func NewLocal[U any](validate func(ctx context.Context, email, password string) (U, error)) *LocalStrategy[U] {
	s, err := NewLocalWith(LocalConfig{}, validate)
	if err != nil {
		panic(err)
	}
	return s
}

// NewLocalWith is [NewLocal] with other fields, another cap or another name. It
// returns every mistake in cfg at once.
func NewLocalWith[U any](cfg LocalConfig, validate func(ctx context.Context, email, password string) (U, error)) (*LocalStrategy[U], error) {
	if cfg.EmailField == "" {
		cfg.EmailField = "email"
	}
	if cfg.PasswordField == "" {
		cfg.PasswordField = "password"
	}
	if cfg.MaxBody == 0 {
		cfg.MaxBody = defaultMaxBody
	}
	if cfg.Name == "" {
		cfg.Name = "local"
	}
	var mistakes []error
	wrong := func(format string, args ...any) {
		mistakes = append(mistakes, fmt.Errorf("strategy: new local: "+format, args...))
	}
	email, err := parseField(cfg.EmailField)
	if err != nil {
		wrong("EmailField %q: %w: name it like email or user[email]", cfg.EmailField, err)
	}
	password, err2 := parseField(cfg.PasswordField)
	if err2 != nil {
		wrong("PasswordField %q: %w: name it like password or user[password]", cfg.PasswordField, err2)
	}
	if err == nil && err2 == nil && (email.within(password) || password.within(email)) {
		wrong("EmailField %q and PasswordField %q overlap: name two fields", cfg.EmailField, cfg.PasswordField)
	}
	if cfg.MaxBody < 0 || cfg.MaxBody > mostMaxBody {
		wrong("MaxBody is %d: give a number of bytes, at most %d, or 0 for 64 KiB", cfg.MaxBody, mostMaxBody)
	}
	if reserved(cfg.Name) {
		wrong("Name %q is reserved: choose another", cfg.Name)
	}
	if validate == nil {
		wrong("validate is nil: pass the function that checks the credentials")
	}
	if mistakes != nil {
		return nil, errors.Join(mistakes...)
	}
	return &LocalStrategy[U]{cfg.Name, fields{email, password}, cfg.MaxBody, validate}, nil
}

// Name implements [Strategy].
func (s *LocalStrategy[U]) Name() string { return s.name }

// Authenticate implements [Strategy]. Beside the errors of validate, which pass
// unchanged, it returns a [*Failure] with status
//
//	400  a credential is missing, empty, repeated or not a string, or the body is malformed
//	413  the body is larger than LocalConfig.MaxBody
//	415  the body is neither a form nor JSON, not UTF-8, or compressed
//
// The handler that comes next can read r.Body from its beginning, or call
// r.ParseForm, as if nobody had read it before. A form that somebody parsed earlier
// is used as it is.
func (s *LocalStrategy[U]) Authenticate(_ http.ResponseWriter, r *http.Request) (U, error) {
	var nobody U
	sent, err := s.credentials(r)
	if err != nil {
		return nobody, err
	}
	user, err := s.validate(r.Context(), sent.email, sent.password)
	if err != nil {
		return nobody, err
	}
	return checked(s.name, user)
}

// Claims implements [Claimant]: the email in the body.
func (s *LocalStrategy[U]) Claims(r *http.Request) (account string, ok bool) {
	sent, err := s.credentials(r)
	return sent.email, err == nil
}

func (s *LocalStrategy[U]) credentials(r *http.Request) (credentials, error) {
	if found, failure, ok := s.parsed(r); ok {
		return orFailure(found, failure)
	}
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return orFailure(credentials{}, errMissing())
	}
	if e := r.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return orFailure(credentials{}, unsupported("the body is compressed"))
	}
	types := r.Header.Values("Content-Type")
	if len(types) != 1 {
		types = []string{""}
	}
	body, err := s.body(r)
	if err != nil {
		return credentials{}, err
	}
	found, failure := s.fields.read(types[0], body)
	return orFailure(found, failure)
}

// orFailure keeps a nil *Failure from becoming an error.
func orFailure(c credentials, f *Failure) (credentials, error) {
	if f != nil {
		return credentials{}, f
	}
	return c, nil
}

// parsed takes the credentials from a form that r has already been parsed into.
// r.Form is not asked: the query string is in it.
func (s *LocalStrategy[U]) parsed(r *http.Request) (credentials, *Failure, bool) {
	values := r.PostForm
	files := map[string]bool{}
	if r.MultipartForm != nil {
		values = r.MultipartForm.Value
		for name := range r.MultipartForm.File {
			files[name] = true
		}
	}
	if len(values)+len(files) == 0 {
		return credentials{}, nil, false
	}
	found, failure := s.fields.collect(func(name field) (string, error) { return formValue(values, files, name) })
	return found, failure, true
}

// body reads the body up to the cap and puts it back.
func (s *LocalStrategy[U]) body(r *http.Request) ([]byte, error) {
	if r.ContentLength > s.maxBody {
		return nil, refused(http.StatusRequestEntityTooLarge, "the body is too large")
	}
	original := r.Body
	body, err := io.ReadAll(io.LimitReader(original, s.maxBody+1))
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(body), original), original}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge), int64(len(body)) > s.maxBody:
		return nil, refused(http.StatusRequestEntityTooLarge, "the body is too large")
	case err != nil && r.Context().Err() != nil:
		return nil, fmt.Errorf("strategy: %s: read body: %w", s.name, err)
	case err != nil:
		return nil, refused(http.StatusBadRequest, "the body ends too early")
	}
	return body, nil
}
