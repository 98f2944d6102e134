package strategy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// field is where a credential lies in a body: its name, cut at the brackets.
// user[email] is {"user", "email"}: the form field user[email], or the member email
// of the JSON member user. passport-local lib/utils.js:1 reads its usernameField so.
type field []string

// parseField reads a field's name as it is configured.
func parseField(name string) (field, error) {
	head, rest, nested := strings.Cut(name, "[")
	path := field{head}
	for nested {
		var part string
		if part, rest, nested = strings.Cut(rest, "]"); !nested {
			return nil, errors.New("a bracket is left open")
		}
		path = append(path, part)
		if rest == "" {
			break
		}
		if rest[0] != '[' {
			return nil, errors.New("something follows a closing bracket")
		}
		rest = rest[1:]
	}
	for _, part := range path {
		if part == "" || strings.ContainsAny(part, "[]") || !utf8.ValidString(part) {
			return nil, errors.New("a part is empty or no name")
		}
	}
	return path, nil
}

// formName is the field's name in a form, of its first n parts.
func (f field) formName(n int) string {
	if n == 1 {
		return f[0]
	}
	return f[0] + "[" + strings.Join(f[1:n], "][") + "]"
}

// within reports whether f is g or lies inside it.
func (f field) within(g field) bool {
	return f.formName(len(f)) == g.formName(len(g)) || strings.HasPrefix(f.formName(len(f)), g.formName(len(g))+"[")
}

// credentials are what a body says, still unproved.
type credentials struct{ email, password string }

// fields are the places of the two credentials.
type fields struct{ email, password field }

// read finds the credentials in a body of the given Content-Type. It looks at
// nothing else. The failure says only what a client may know of its own request,
// never a value.
func (f fields) read(contentType string, body []byte) (credentials, *Failure) {
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return credentials{}, unsupported("Content-Type is absent or unreadable")
	}
	if charset, ok := params["charset"]; ok && !strings.EqualFold(charset, "utf-8") && !strings.EqualFold(charset, "us-ascii") {
		return credentials{}, unsupported("the body is not in UTF-8")
	}
	if len(body) == 0 {
		return credentials{}, errMissing()
	}
	var find func(field) (string, error)
	switch media {
	case mediaForm:
		values, err := url.ParseQuery(string(body))
		if err != nil {
			return credentials{}, refused(http.StatusBadRequest, "malformed form")
		}
		find = func(name field) (string, error) { return formValue(values, nil, name) }
	case mediaMultipart:
		form, err := parseMultipart(body, params["boundary"])
		if err != nil {
			return credentials{}, refused(http.StatusBadRequest, "malformed multipart form")
		}
		find = func(name field) (string, error) { return formValue(form.values, form.files, name) }
	case mediaJSON:
		if !utf8.Valid(body) || !json.Valid(body) {
			return credentials{}, refused(http.StatusBadRequest, "malformed JSON")
		}
		find = func(name field) (string, error) { return jsonValue(body, name) }
	default:
		return credentials{}, unsupported("Content-Type is neither a form nor JSON")
	}
	return f.collect(find)
}

const (
	mediaForm      = "application/x-www-form-urlencoded"
	mediaMultipart = "multipart/form-data"
	mediaJSON      = "application/json"
)

// collect asks find for both fields and checks what it finds.
func (f fields) collect(find func(field) (string, error)) (credentials, *Failure) {
	email, err := find(f.email)
	password, err2 := find(f.password)
	if err = errors.Join(err, err2); err != nil {
		return credentials{}, refused(http.StatusBadRequest, err.Error())
	}
	if email == "" || password == "" {
		return credentials{}, errMissing()
	}
	if !utf8.ValidString(email) || !utf8.ValidString(password) {
		return credentials{}, refused(http.StatusBadRequest, "a credential is not UTF-8")
	}
	// No address has one, a database may choke on one, a log may be forged by one.
	if strings.ContainsFunc(email, unicode.IsControl) {
		return credentials{}, refused(http.StatusBadRequest, f.email.formName(len(f.email))+" has a control character")
	}
	return credentials{email, password}, nil
}

// formValue returns the one value of the field, "" when there is none. A body
// parser such as Node's qs would read email[]=, email[x]= and user= (for
// user[email]) as another shape of the same field; whoever sends one means to confuse.
func formValue(values url.Values, files map[string]bool, name field) (string, error) {
	full := name.formName(len(name))
	for n := 1; n < len(name); n++ {
		if outer := name.formName(n); len(values[outer]) > 0 || files[outer] {
			return "", fmt.Errorf("%s is not an object", outer)
		}
	}
	for key := range values {
		if strings.HasPrefix(key, full+"[") {
			return "", fmt.Errorf("%s is not a string", full)
		}
	}
	for key := range files {
		if key == full || strings.HasPrefix(key, full+"[") {
			return "", fmt.Errorf("%s is not a string", full)
		}
	}
	switch found := values[full]; len(found) {
	case 0:
		return "", nil
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("%s is repeated", full)
}

type multipartForm struct {
	values url.Values
	files  map[string]bool
}

// parseMultipart reads all parts, as (*http.Request).ParseMultipartForm would, but
// without a file on disk: the body's cap bounds it.
func parseMultipart(body []byte, boundary string) (*multipartForm, error) {
	if boundary == "" {
		return nil, http.ErrMissingBoundary
	}
	form := &multipartForm{values: url.Values{}, files: map[string]bool{}}
	parts := multipart.NewReader(bytes.NewReader(body), boundary)
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return form, nil
		}
		if err != nil {
			return nil, err
		}
		if part.FileName() != "" {
			form.files[part.FormName()] = true
			continue
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return nil, err
		}
		form.values.Add(part.FormName(), string(value))
	}
}

// jsonValue returns the string at the field's path in a valid document, "" when
// there is none. Every object on the way must name its member once.
func jsonValue(document []byte, path field) (string, error) {
	raw := json.RawMessage(bytes.TrimSpace(document))
	for i, name := range path {
		if raw[0] != '{' {
			if i == 0 {
				return "", errors.New("the JSON is not an object")
			}
			return "", fmt.Errorf("%s is not an object", path.formName(i))
		}
		var err error
		if raw, err = jsonMember(raw, name); err != nil {
			return "", fmt.Errorf("%s %w", path.formName(i+1), err)
		}
		if raw == nil {
			return "", nil
		}
	}
	var value string
	if raw[0] != '"' || loneSurrogate(raw) || json.Unmarshal(raw, &value) != nil {
		return "", fmt.Errorf("%s is not a string", path.formName(len(path)))
	}
	return value, nil
}

// jsonMember returns the member called name of a valid object, nil when there is
// none. A second one is an error, also one whose name differs by case only: a
// handler's encoding/json would take it for the same, and perhaps the other value.
func jsonMember(object json.RawMessage, name string) (json.RawMessage, error) {
	var found json.RawMessage
	same := 0
	dec := json.NewDecoder(bytes.NewReader(object))
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, err
		}
		s, _ := key.(string)
		if s == name {
			found = value
		}
		if strings.EqualFold(s, name) {
			same++
		}
	}
	if same > 1 {
		return nil, errors.New("is repeated")
	}
	return found, nil
}

// loneSurrogate reports whether a JSON string escapes half of a surrogate pair.
// No text has one; encoding/json would read all of them as the same U+FFFD, and so
// take one password for another.
func loneSurrogate(quoted []byte) bool {
	hex := func(s string) rune {
		n, _ := strconv.ParseUint(s[:4], 16, 16)
		return rune(n)
	}
	s := string(quoted)
	for {
		_, after, found := strings.Cut(s, `\`)
		if !found {
			return false
		}
		if s = after[1:]; after[0] != 'u' {
			continue
		}
		unit := hex(s)
		if s = s[4:]; !utf16.IsSurrogate(unit) {
			continue
		}
		if !strings.HasPrefix(s, `\u`) || utf16.DecodeRune(unit, hex(s[2:])) == utf8.RuneError {
			return true
		}
		s = s[6:]
	}
}

func refused(status int, reason string) *Failure { return &Failure{Status: status, Reason: reason} }

func unsupported(reason string) *Failure { return refused(http.StatusUnsupportedMediaType, reason) }

// errMissing is passport-local's fail({message: 'Missing credentials'}, 400),
// lib/strategy.js:75.
func errMissing() *Failure { return refused(http.StatusBadRequest, "missing credentials") }
