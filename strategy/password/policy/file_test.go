package policy_test

import (
	"context"
	"crypto/sha1" //nolint:gosec // the hash of the public lists
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/strategy/password/policy"
)

// dump returns a list of the passwords from 0 to n-1, as the downloader writes it.
func dump(n int, newline string) string {
	var lines []string
	for i := range n {
		lines = append(lines, fmt.Sprintf("%X:%d", sha1.Sum(fmt.Appendf(nil, "stolen %d", i)), 1+i*i)) //nolint:gosec // as above
	}
	slices.Sort(lines)
	return strings.Join(lines, newline)
}

func TestASVS_6_2_12_ASortedFileFindsStolenPasswords(t *testing.T) {
	for _, newline := range []string{"\n", "\r\n"} {
		for _, n := range []int{1, 2, 3, 10, 1000} {
			for _, end := range []string{"", newline} {
				list := dump(n, newline) + end
				path := filepath.Join(t.TempDir(), "pwned.txt")
				if err := os.WriteFile(path, []byte(list), 0o600); err != nil {
					t.Fatal(err)
				}
				f, err := policy.OpenFile(path)
				if err != nil {
					t.Fatalf("%d lines that end in %q: %v", n, newline, err)
				}
				for i := range n {
					if found, err := f.Breached(t.Context(), fmt.Sprintf("stolen %d", i)); err != nil || !found {
						t.Fatalf("%d lines: number %d: got %v, %v, want it found", n, i, found, err)
					}
					if found, err := f.Breached(t.Context(), fmt.Sprintf("other %d", i)); err != nil || found {
						t.Fatalf("%d lines: what is not there: got %v, %v", n, found, err)
					}
				}
				if err := f.Close(); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

// counting counts reads.
type counting struct {
	*strings.Reader
	reads int
	err   error
}

func (c *counting) ReadAt(p []byte, off int64) (int, error) {
	c.reads++
	if c.err != nil {
		return 0, c.err
	}
	return c.Reader.ReadAt(p, off)
}

// TestALookUpInAFileReadsLittle: about two reads for each doubling of the list.
func TestALookUpInAFileReadsLittle(t *testing.T) {
	text := dump(20_000, "\r\n")
	list := &counting{Reader: strings.NewReader(text)}
	f, err := policy.NewFile(list, int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		list.reads = 0
		if found, err := f.Breached(t.Context(), fmt.Sprintf("stolen %d", i*100)); err != nil || !found {
			t.Fatal(found, err)
		}
		if list.reads > 22 {
			t.Fatalf("%d reads in a list of 20,000 lines, want at most 22", list.reads)
		}
	}
	list.err = errors.New("the disk is gone")
	if _, err := f.Breached(t.Context(), "x"); !errors.Is(err, list.err) {
		t.Errorf("got %v, want the error of the disk", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Breached(ctx, "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's", err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func TestAFileOfAnotherFormIsRefused(t *testing.T) {
	lines := strings.Split(dump(10, "\n"), "\n")
	slices.Reverse(lines)
	for _, row := range []struct{ name, list, want string }{
		{"nothing", "", "40 hex digits"},
		{"passwords", "123456\npassword\n", "40 hex digits"},
		{"NTLM hashes", strings.Repeat("0", 32) + ":5\r\n", "NTLM"},
		{"hashes that are not sorted", strings.Join(lines, "\n"), "not sorted"},
		{"one endless line", strings.Repeat("A", 10_000), "40 hex digits"},
		{"a count that is none", strings.Repeat("0", 40) + ":x\n", "40 hex digits"},
	} {
		path := filepath.Join(t.TempDir(), "list")
		if err := os.WriteFile(path, []byte(row.list), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := policy.OpenFile(path); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: got %v, want %q in it", row.name, err, row.want)
		}
	}
	if _, err := policy.OpenFile(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want os.ErrNotExist", err)
	}
	text := dump(1000, "\n")
	damaged := text[:len(text)/2] + strings.Repeat("?", 400) + text[len(text)/2+400:]
	f, err := policy.NewFile(strings.NewReader(damaged), int64(len(damaged)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Breached(t.Context(), "stolen 1"); err == nil {
		t.Error("a list that is damaged in the middle: no error")
	}
}
