package main

import (
	"os/exec"
	"syscall"
)

// startWithUs starts cmd so that it dies with this program.
func startWithUs(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd.Start()
}
