package main

import "testing"

// TestTheTableIsCurrentAndComplete runs no test that it names: .ci/run runs all of them.
func TestTheTableIsCurrentAndComplete(t *testing.T) {
	if err := cover("../..", true, false); err != nil {
		t.Fatal(err)
	}
}
