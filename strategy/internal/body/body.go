// Package body reads the credentials in a request's body, a form or JSON, and leaves the body unchanged for
// the handler.
package body

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// DefaultMax is the default for the largest body, in bytes.
const DefaultMax = 64 << 10

// Reader reads strings from a request's body by the rules of strategy.LocalStrategy. All fields of the
// struct are required.
type Reader struct {
	Fields []Field // each must be present and not empty; the first must have no control characters
	Max    int64   // the largest body, in bytes
	// Refuse makes the error for a body without all fields, with the status to answer and a reason for
	// operators, which contains no credential. malformed says that one of the fields was found; it is false
	// for a body that cannot be read.
	Refuse func(status int, reason string, malformed bool) error
}

// One returns a Reader for one field, called name.
func One(name string, refuse func(status int, reason string, malformed bool) error) (*Reader, error) {
	f, err := ParseField(name)
	if err != nil {
		return nil, fmt.Errorf("Field %q: %w: name it like token or user[token]", name, err)
	}
	return &Reader{[]Field{f}, DefaultMax, refuse}, nil
}

const (
	mediaForm      = "application/x-www-form-urlencoded"
	mediaMultipart = "multipart/form-data"
	mediaJSON      = "application/json"
)

// Read returns the values of the fields in order. Its errors are those of Refuse, and the context's if it
// ends while the body is read. A form that was parsed before is used as it is.
func (rd *Reader) Read(r *http.Request) ([]string, error) {
	values, files := r.PostForm, map[string]bool{} // not r.Form, which includes the query string
	if r.MultipartForm != nil {
		values = r.MultipartForm.Value
		for name := range r.MultipartForm.File {
			files[name] = true
		}
	}
	if len(values)+len(files) > 0 {
		return rd.collect(func(name Field) (string, error) { return formValue(values, files, name) })
	}
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return nil, rd.missing()
	}
	if e := r.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return nil, rd.unsupported("the body is compressed")
	}
	types := r.Header.Values("Content-Type")
	if len(types) != 1 {
		types = []string{""}
	}
	refuse := func(status int, reason string) error { return rd.Refuse(status, reason, false) }
	if r.ContentLength > rd.Max {
		return nil, refuse(http.StatusRequestEntityTooLarge, TooLarge)
	}
	body, err := Whole(r, rd.Max, refuse)
	switch {
	case err != nil:
		return nil, err
	case len(body) == 0: // an empty body without Content-Length: 0
		return nil, rd.missing()
	}
	return rd.read(types[0], body)
}

// Whole returns the body of r, at most max bytes, and leaves it unchanged for the handler. If it is larger
// or ends too early, the error is that of refuse, which gets the status to answer and a reason for
// operators. The only other error is the context's, if it ended.
func Whole(r *http.Request, max int64, refuse func(status int, reason string) error) ([]byte, error) {
	original := r.Body
	body, err := io.ReadAll(io.LimitReader(original, max+1))
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(body), original), original}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge), int64(len(body)) > max:
		return nil, refuse(http.StatusRequestEntityTooLarge, TooLarge)
	case err != nil && r.Context().Err() != nil:
		return nil, fmt.Errorf("strategy: read body: %w", err)
	case err != nil:
		return nil, refuse(http.StatusBadRequest, "the body ends too early")
	}
	return body, nil
}

// TooLarge is the reason of a refusal with status 413.
const TooLarge = "the body is too large"

// read finds the fields in a body, which is not empty and has the given Content-Type. It uses nothing else.
// A refusal contains only what a client may know about its own request, never a value.
func (rd *Reader) read(contentType string, body []byte) ([]string, error) {
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil, rd.unsupported("Content-Type is absent or unreadable")
	}
	if charset, ok := params["charset"]; ok && !strings.EqualFold(charset, "utf-8") && !strings.EqualFold(charset, "us-ascii") {
		return nil, rd.unsupported("the body is not in UTF-8")
	}
	var find func(Field) (string, error)
	switch media {
	case mediaForm:
		values, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, rd.unreadable("malformed form")
		}
		find = func(name Field) (string, error) { return formValue(values, nil, name) }
	case mediaMultipart:
		form, err := parseMultipart(body, params["boundary"])
		if err != nil {
			return nil, rd.unreadable("malformed multipart form")
		}
		find = func(name Field) (string, error) { return formValue(form.values, form.files, name) }
	case mediaJSON:
		if !utf8.Valid(body) || !json.Valid(body) {
			return nil, rd.unreadable("malformed JSON")
		}
		if bytes.TrimSpace(body)[0] != '{' {
			return nil, rd.unreadable("the JSON is not an object")
		}
		find = func(name Field) (string, error) { return jsonValue(body, name) }
	default:
		return nil, rd.unsupported("Content-Type is neither a form nor JSON")
	}
	return rd.collect(find)
}

// collect calls find for all fields and checks the results.
func (rd *Reader) collect(find func(Field) (string, error)) ([]string, error) {
	values := make([]string, len(rd.Fields))
	var wrong []error
	for i, f := range rd.Fields {
		value, err := find(f)
		values[i], wrong = value, append(wrong, err)
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, rd.malformed(err.Error())
	}
	switch {
	case strings.Join(values, "") == "":
		return nil, rd.missing()
	case slices.Contains(values, ""):
		return nil, rd.malformed(missing)
	}
	for _, value := range values {
		if !utf8.ValidString(value) {
			return nil, rd.malformed("a credential is not UTF-8")
		}
	}
	// No login name has one, a database may fail on one, and one may forge a line in a log.
	if strings.ContainsFunc(values[0], unicode.IsControl) {
		return nil, rd.malformed(rd.Fields[0].formName(len(rd.Fields[0])) + " has a control character")
	}
	return values, nil
}

func (rd *Reader) malformed(reason string) error {
	return rd.Refuse(http.StatusBadRequest, reason, true)
}

func (rd *Reader) unreadable(reason string) error {
	return rd.Refuse(http.StatusBadRequest, reason, false)
}

func (rd *Reader) unsupported(reason string) error {
	return rd.Refuse(http.StatusUnsupportedMediaType, reason, false)
}

// missing is the text in passport-local's fail({message: 'Missing credentials'}, 400), lib/strategy.js:75.
const missing = "missing credentials"

// missing refuses a request that has none of the fields.
func (rd *Reader) missing() error { return rd.unreadable(missing) }
