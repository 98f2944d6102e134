package main

import "testing"

// TestTheTableIsCurrentAndComplete does not run the tests that the table names: .ci/run runs all of them.
func TestTheTableIsCurrentAndComplete(t *testing.T) {
	if err := cover("../..", true, false); err != nil {
		t.Fatal(err)
	}
}
