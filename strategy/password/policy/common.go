package policy

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// shortestWord is the smallest length in bytes of a word that is removed from a password; shorter words
// occur everywhere.
const shortestWord = 4

// wordList has words in lower case, by their length in bytes.
type wordList map[int]map[string]bool

func (l wordList) add(word string) {
	word = strings.ToLower(word)
	if len(word) < shortestWord {
		return
	}
	if l[len(word)] == nil {
		l[len(word)] = map[string]bool{}
	}
	l[len(word)][word] = true
}

// prefix returns the length of the longest word that s begins with.
func (l wordList) prefix(s string) int {
	longest := 0
	for n, words := range l {
		if n > longest && n <= len(s) && words[s[:n]] {
			longest = n
		}
	}
	return longest
}

// personal lists what is known about a person, whole and in parts: for joe.foo@example.com also example.
func personal(about []string) wordList {
	l := wordList{}
	for _, text := range about {
		l.add(text)
		for _, part := range strings.FieldsFunc(text, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) }) {
			l.add(part)
		}
	}
	return l
}

// unguessable returns how many code points of password remain when the listed words, in any case, and runs
// of the keyboard, of the alphabet and of one character are removed. Only one copy of a repeated
// text counts.
func unguessable(password string, lists ...wordList) int {
	s := unrepeated(password)
	left := 0
	for s != "" {
		taken := run(s)
		for _, l := range lists {
			taken = max(taken, l.prefix(s))
		}
		if taken == 0 {
			_, taken = utf8.DecodeRuneInString(s)
			left++
		}
		s = s[taken:]
	}
	return left
}

// unrepeated returns password in lower case; if it repeats a text, only one copy of that.
func unrepeated(password string) string {
	s := strings.ToLower(password)
	if period := strings.Index(s[1:]+s, s) + 1; period > 0 {
		s = s[:period]
	}
	return s
}

// keyboard has the rows of the common layouts, and the columns of the first.
var keyboard = [...]string{"1234567890", "!@#$%^&*()", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm", "azertyuiop", "qsdfghjklm", "wxcvbn", "1qaz2wsx3edc4rfv5tgb6yhn7ujm"}

// run returns the length in bytes of the longest run of at least three code points at the beginning of s.
func run(s string) int {
	longest := 0
	for _, step := range [...]rune{0, 1, -1} { // aaaa, abcd, dcba
		first, n := utf8.DecodeRuneInString(s)
		count := 1
		for n < len(s) {
			next, size := utf8.DecodeRuneInString(s[n:])
			if next != first+step {
				break
			}
			first, n, count = next, n+size, count+1
		}
		if count >= 3 {
			longest = max(longest, n)
		}
	}
	for _, row := range keyboard {
		at := strings.IndexByte(row, s[0])
		for _, step := range [...]int{1, -1} {
			n := 0
			for i := at; at >= 0 && i >= 0 && i < len(row) && n < len(s) && row[i] == s[n]; i += step {
				n++
			}
			if n >= 3 {
				longest = max(longest, n)
			}
		}
	}
	return longest
}
