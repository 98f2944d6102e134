//go:build !linux

package main

import "os/exec"

// startWithUs starts cmd. It dies with the context that it was made with.
func startWithUs(cmd *exec.Cmd) error { return cmd.Start() }
