package apikey

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"regexp"
	"strings"
)

// alphabet has no character at which a double click or a line break ends.
const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

const (
	idLength       = 12 // 71 bits: no two keys of an application have the same id
	secretLength   = 32 // 190 bits; OWASP ASVS 5.0, 11.5.1, asks for 128
	checksumLength = 6  // a CRC-32 in base 62
	maxPrefix      = 20
)

// Text is what the text of a key says.
type Text struct {
	Prefix string // the application's
	ID     string // names the key; no secret
	Hash   string // the SHA-256 of the whole text in hex, as a Key has it
}

// Parse reads the text of a key of any application. ok is false for what has another
// form, or a checksum that does not agree: a slip of the keyboard, or no key at all.
func Parse(text string) (t Text, ok bool) {
	rest, tail, found := cutLast(text)
	prefix, id, found2 := cutLast(rest)
	if !found || !found2 || !validPrefix(prefix) || len(id) != idLength || len(tail) != secretLength+checksumLength {
		return Text{}, false
	}
	body, sum := text[:len(text)-checksumLength], tail[secretLength:]
	if strings.Trim(id+tail, alphabet) != "" || checksum(body) != sum {
		return Text{}, false
	}
	return Text{prefix, id, hashOf(text)}, true
}

func cutLast(s string) (before, after string, found bool) {
	i := strings.LastIndexByte(s, '_')
	if i < 0 {
		return "", s, false
	}
	return s[:i], s[i+1:], true
}

// Pattern returns the regular expression, in RE2's syntax and in Perl's, that finds the
// keys with this prefix in a text.
func Pattern(prefix string) string {
	return fmt.Sprintf(`\b%s_[0-9A-Za-z]{%d}_[0-9A-Za-z]{%d}\b`, regexp.QuoteMeta(prefix), idLength, secretLength+checksumLength)
}

// newText returns a new key.
func newText(prefix string) string {
	body := prefix + "_" + random(idLength) + "_" + random(secretLength)
	return body + checksum(body)
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// checksum returns a checksum like that of GitHub's tokens: a CRC-32 in base 62. It is no secret, and
// detects every change of one character.
func checksum(body string) string {
	sum := crc32.ChecksumIEEE([]byte(body))
	var digits [checksumLength]byte
	for i := range digits {
		digits[checksumLength-1-i] = alphabet[sum%62]
		sum /= 62
	}
	return string(digits[:])
}

// random returns n characters, all equally likely.
func random(n int) string {
	text := make([]byte, 0, n)
	for len(text) < n {
		var b [64]byte
		_, _ = rand.Read(b[:]) // crypto/rand never fails
		for _, c := range b {
			if c &= 63; c < 62 && len(text) < n {
				text = append(text, alphabet[c])
			}
		}
	}
	return string(text)
}

// validPrefix reports whether s is lower-case words separated by underscores.
func validPrefix(s string) bool {
	if len(s) < 2 || len(s) > maxPrefix || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for word := range strings.SplitSeq(s, "_") {
		if word == "" || strings.Trim(word, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
			return false
		}
	}
	return true
}
