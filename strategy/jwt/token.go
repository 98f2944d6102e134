package jwt

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

// header has the members of a token's header that are used: they choose among our keys
// and say what kind of token it is. Keys, certificates and addresses in it are not read.
type header struct {
	alg Algorithm
	kid string // empty for none
	typ string // as mediaType writes it; empty for none
}

// knownHeader is the header of a token whose signature was good, with its text. The tokens of an issuer
// have the same one until the key changes.
type knownHeader struct {
	text string
	header
}

// token is a parsed token whose signature is not verified yet.
type token struct {
	first     string // the header's text
	header    header
	signed    string // the first two parts as sent
	payload   []byte // not yet parsed
	signature []byte
}

// parseToken parses a JWS in compact serialization (RFC 7515 §7.1). A header with the text of known, which
// may be nil, is not parsed again. The errors are fixed texts.
func parseToken(text string, maxBytes int, known *knownHeader) (*token, error) {
	if len(text) > maxBytes {
		return nil, errors.New("the token is too long")
	}
	first, rest, _ := strings.Cut(text, ".")
	second, third, found := strings.Cut(rest, ".")
	switch {
	case !found:
		return nil, errors.New("the token has too few parts")
	case strings.Count(third, ".") == 2:
		return nil, errors.New("the token is encrypted")
	case strings.Contains(third, "."):
		return nil, errors.New("the token has too many parts")
	}
	t := &token{first: first, signed: text[:len(first)+1+len(second)]}
	var err error
	if known != nil && known.text == first {
		t.header = known.header
	} else if t.header, err = decodeHeader(first); err != nil {
		return nil, err
	}
	if t.payload, err = decodePart(second); err != nil {
		return nil, err
	}
	if t.signature, err = decodePart(third); err != nil {
		return nil, err
	}
	return t, nil
}

func decodeHeader(part string) (header, error) {
	data, err := decodePart(part)
	if err != nil {
		return header{}, err
	}
	return parseHeader(data)
}

// decodePart decodes base64url without padding, line breaks and stray bits at the end, so
// that a token has only one text.
func decodePart(part string) ([]byte, error) {
	data, err := base64.RawURLEncoding.Strict().DecodeString(part)
	if err != nil || strings.ContainsAny(part, "\r\n") {
		return nil, errors.New("a part of the token is not base64url")
	}
	return data, nil
}

// parseHeader reads a JOSE header. RFC 7515 §4: parameters that are not understood
// "MUST be ignored", unless crit names them.
func parseHeader(data []byte) (header, error) {
	o, err := parseObject(data)
	if err != nil {
		return header{}, errors.New("header: " + err.Error())
	}
	alg, ok := o.text("alg")
	kid, ok2 := o.text("kid")
	typ, ok3 := o.text("typ")
	cty, ok4 := o.text("cty")
	switch {
	case !ok || alg == "" || !ok2 || !ok3 || !ok4:
		return header{}, errors.New("header: alg is missing, or a parameter is not a string")
	case o["crit"] != nil: // RFC 7515 §4.1.11: an extension that we do not understand
		return header{}, errors.New("header: crit asks for an extension")
	case o["b64"] != nil && !slices.Equal(o["b64"], json.RawMessage("true")): // RFC 7797 §7
		return header{}, errors.New("header: b64 is prohibited in a JWT")
	case o["enc"] != nil || o["zip"] != nil:
		return header{}, errors.New("header: the token is encrypted or compressed")
	case mediaType(cty) == "jwt": // RFC 7519 §5.2
		return header{}, errors.New("header: the token is nested in another")
	}
	return header{Algorithm(alg), kid, mediaType(typ)}, nil
}

// mediaType returns the one form of a typ or cty value. RFC 7515 §4.1.9: a value without a
// slash stands for that with application/ before it; media types have no case.
func mediaType(value string) string {
	value = strings.ToLower(value)
	if short, ok := strings.CutPrefix(value, "application/"); ok && !strings.Contains(short, "/") {
		return short
	}
	return value
}

func encodePart(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }
