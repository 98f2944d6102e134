package body

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Field is the place of a credential in a body: its name, split at the brackets. user[email] is {"user",
// "email"}: the form field user[email], or the member email of the JSON member user. passport-local
// lib/utils.js:1 reads its usernameField in the same way.
type Field []string

// ParseField parses a field's name from the configuration.
func ParseField(name string) (Field, error) {
	head, rest, nested := strings.Cut(name, "[")
	path := Field{head}
	for nested {
		var part string
		if part, rest, nested = strings.Cut(rest, "]"); !nested {
			return nil, errors.New("a bracket is not closed")
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
			return nil, errors.New("a part is empty or not a name")
		}
	}
	return path, nil
}

// formName returns the name in a form of the field's first n parts.
func (f Field) formName(n int) string {
	if n == 1 {
		return f[0]
	}
	return f[0] + "[" + strings.Join(f[1:n], "][") + "]"
}

// Within reports whether f is g or is inside it.
func (f Field) Within(g Field) bool {
	return f.formName(len(f)) == g.formName(len(g)) || strings.HasPrefix(f.formName(len(f)), g.formName(len(g))+"[")
}

// formValue returns the only value of the field, "" if there is none. A body parser such as Node's qs would
// read email[]=, email[x]= and user= (for user[email]) as the same field with another shape; such a form is
// refused, because only an attacker sends it.
func formValue(values url.Values, files map[string]bool, name Field) (string, error) {
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

// parseMultipart reads all parts, like (*http.Request).ParseMultipartForm but without files on disk: the
// limit of the body bounds it.
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

// jsonValue returns the string at the field's path in document, a valid object, "" if there is none. Every
// object on the path must have its member only once.
func jsonValue(document []byte, path Field) (string, error) {
	raw := json.RawMessage(bytes.TrimSpace(document))
	for i, name := range path {
		if raw[0] != '{' {
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

// jsonMember returns the member called name of a valid object, nil if there is none. A second one is an
// error, even if its name differs by case: encoding/json in a handler would treat them as equal, and might
// use the other value.
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

// loneSurrogate reports whether a JSON string escapes half of a surrogate pair. No valid text has one;
// encoding/json would read all of them as the same U+FFFD, and so accept one password for another.
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
