//go:build integration

package main

import "testing"

// TestTheTableIsCurrentAndComplete runs every test that it names.
func TestTheTableIsCurrentAndComplete(t *testing.T) {
	if err := cover("../..", true); err != nil {
		t.Fatal(err)
	}
}
