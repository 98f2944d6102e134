package policy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// File is a [BreachChecker] that looks into a list on disk, for machines without a
// network: the one that Have I Been Pwned's downloader writes, sorted by hash, a line of
// which is 40 hex digits of a SHA-1, a colon, and how often it was seen. A look-up makes
// some 40 small reads. OpenFile and NewFile make one.
//
// https://github.com/HaveIBeenPwned/PwnedPasswordsDownloader
type File struct {
	list io.ReaderAt
	size int64
	shut io.Closer
}

var _ BreachChecker = (*File)(nil)

const (
	sha1Digits = 40
	maxLine    = 80
)

// OpenFile opens the list at path and checks its form. Close it when it is not needed
// any more.
func OpenFile(path string) (*File, error) {
	opened, err := os.Open(path) //nolint:gosec // the application chooses the file
	if err != nil {
		return nil, fmt.Errorf("policy: open file: %w", err)
	}
	info, err := opened.Stat()
	if err == nil {
		var f *File
		if f, err = NewFile(opened, info.Size()); err == nil {
			f.shut = opened
			return f, nil
		}
	}
	return nil, errors.Join(fmt.Errorf("policy: open file: %s: %w", path, err), opened.Close())
}

// NewFile is OpenFile for a list of size bytes that is not a file. list is read by
// several goroutines at once.
func NewFile(list io.ReaderAt, size int64) (*File, error) {
	f := &File{list: list, size: size}
	first, _, err := f.lineAt(0)
	if err != nil {
		return nil, err
	}
	last, _, err := f.lineAt(max(0, size-maxLine))
	if err != nil {
		return nil, err
	}
	if last == "" { // the last line begins exactly there
		last = first
	}
	if last < first {
		return nil, errors.New("the lines are not sorted by hash: use the downloader's single file, ordered by hash")
	}
	return f, nil
}

// Close closes what [OpenFile] opened.
func (f *File) Close() error {
	if f.shut == nil {
		return nil
	}
	return f.shut.Close()
}

// Breached implements [BreachChecker]. An error is one of reading the file.
func (f *File) Breached(ctx context.Context, password string) (bool, error) {
	wanted := sha1Of(password)
	low, high := int64(0), f.size // the line begins at an offset in [low, high)
	for low < high {
		if err := ctx.Err(); err != nil {
			return false, fmt.Errorf("policy: file: %w", err)
		}
		middle := low + (high-low)/2
		hash, after, err := f.lineAt(middle)
		switch {
		case err != nil:
			return false, fmt.Errorf("policy: file: %w", err)
		case hash == wanted:
			return true, nil
		case hash == "" || hash > wanted:
			high = middle
		default:
			low = after
		}
	}
	return false, nil
}

// lineAt returns the hash of the first line that begins at from or later, in capitals, and the offset of
// the next line. It returns "" if there is none.
func (f *File) lineAt(from int64) (hash string, after int64, err error) {
	// The byte before from shows whether a line begins at from.
	start := max(0, from-1)
	chunk := make([]byte, 2*maxLine)
	n, err := f.list.ReadAt(chunk, start)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", 0, err
	}
	chunk = chunk[:n]
	begin := 0
	if from > 0 {
		end := bytes.IndexByte(chunk, '\n')
		if end < 0 && n > maxLine {
			return "", 0, errForm(chunk)
		}
		if end < 0 || end == n-1 {
			return "", f.size, nil
		}
		begin = end + 1
	}
	line, _, whole := bytes.Cut(chunk[begin:], []byte("\n"))
	text := strings.TrimSuffix(string(line), "\r")
	digits, count, ok := strings.Cut(text, ":")
	if !whole && len(line) > maxLine || len(digits) != sha1Digits || !isHex(digits) || ok && strings.Trim(count, "0123456789") != "" {
		return "", 0, errForm(line)
	}
	return strings.ToUpper(digits), start + int64(begin) + int64(len(line)) + 1, nil
}

func errForm(line []byte) error {
	if digits, _, _ := bytes.Cut(bytes.TrimSpace(line), []byte(":")); len(digits) == 32 && isHex(string(digits)) {
		return errors.New("the list has NTLM hashes: use the one with SHA-1 hashes")
	}
	return errors.New("a line is not 40 hex digits, a colon and a number: use the downloader's single file")
}
