package ablate_test

import (
	"slices"
	"testing"
)

// The functions below have all forms that a function can have, each with a fix.

type list[T comparable] []T

func (l list[T]) has(v T) bool { return slices.Contains(l, v) }

type number int

func (*number) unnamed(int, ...string) string { return "good" }

func (n *number) blank(_ int, _ string) { *n = 7 }

func generic[T any, R []T](v ...T) (all R) { all = append(all, v...); return all }

func twice() (int, error) {
	a := 1
	a++
	return a, nil
}

func TestMethodOfAGenericType(t *testing.T) {
	if l := (list[string]{"a"}); !l.has("a") {
		t.Error("a is missing")
	}
}

func TestUnnamed(t *testing.T) {
	if got := new(number).unnamed(1, "a"); got != "good" {
		t.Errorf("got %q, want good", got)
	}
}

func TestBlank(t *testing.T) {
	n := number(0)
	if n.blank(1, ""); n != 7 {
		t.Errorf("got %d, want 7", n)
	}
}

func TestGeneric(t *testing.T) {
	if got := generic(1, 2); len(got) != 2 {
		t.Errorf("got %v, want 1 and 2", got)
	}
}

func TestTwice(t *testing.T) {
	if got, err := twice(); got != 2 || err != nil {
		t.Errorf("got %d, %v, want 2", got, err)
	}
}
