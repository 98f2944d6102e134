package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

// process is a server under test. It exits when its standard input closes, so also when this program dies.
type process struct {
	stack
	addr  string
	admin string // address that reports allocations; "" for Node
	http2 string // address for HTTP/2; "" if there is none
	cmd   *exec.Cmd
	stdin io.Closer
}

func start(s stack, source string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "-serve", s.name, "-source", source)
	if s.node != "" {
		if !strings.Contains(source, "://") {
			source = "redis://" + source
		}
		script, of, _ := strings.Cut(s.node, " ")
		cmd = exec.Command("node", filepath.Join("node", script), source, of)
	}
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{stack: s, cmd: cmd, stdin: stdin}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	fields := strings.Fields(line)
	if err != nil || len(fields) == 0 {
		p.stop()
		return nil, fmt.Errorf("%s does not start: %v", s.name, err)
	}
	p.addr = fields[0]
	if len(fields) > 1 {
		p.admin = fields[1]
	}
	if len(fields) > 2 {
		p.http2 = fields[2]
	}
	return p, nil
}

func (p *process) stop() {
	_ = p.stdin.Close()
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// cpu returns the CPU time of all threads of a process.
func cpu(pid int) (time.Duration, error) {
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(tasks) == 0 {
		return 0, errors.Join(err, fmt.Errorf("process %d has no tasks", pid))
	}
	var sum time.Duration
	for _, t := range tasks {
		text, err := os.ReadFile(t)
		if err != nil {
			continue // the thread has ended
		}
		run, _, _ := strings.Cut(string(text), " ")
		n, err := strconv.ParseInt(run, 10, 64)
		if err != nil {
			return 0, err
		}
		sum += time.Duration(n)
	}
	return sum, nil
}

// allocated returns how many objects and bytes p has allocated, 0 for Node.
func (p *process) allocated() (objects, size uint64, err error) {
	if p.admin == "" {
		return 0, 0, nil
	}
	answer, err := http.Get("http://" + p.admin)
	if err != nil {
		return 0, 0, err
	}
	defer answer.Body.Close()
	_, err = fmt.Fscan(answer.Body, &objects, &size)
	return objects, size, err
}

// redisServer is a redis-server started for a run.
type redisServer struct {
	addr   string
	args   []string
	cmd    *exec.Cmd
	client *redis.Client
}

// startRedis starts a redis-server with args added to its command line.
func startRedis(args ...string) (*redisServer, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := l.Addr().String()
	_, port, _ := net.SplitHostPort(addr)
	_ = l.Close()
	r := &redisServer{addr: addr, client: redis.NewClient(&redis.Options{Addr: addr})}
	r.args = append([]string{"--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", os.TempDir()}, args...)
	return r, r.start()
}

// start starts the server and waits until it answers.
func (r *redisServer) start() error {
	r.cmd = exec.Command("redis-server", r.args...)
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // no server outlives this program
	if err := r.cmd.Start(); err != nil {
		return fmt.Errorf("apt-get install redis-server: %w", err)
	}
	var err error
	for range 500 {
		if err = r.client.Ping(context.Background()).Err(); err == nil {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	r.stop()
	return err
}

func (r *redisServer) used() (time.Duration, error) { return cpu(r.cmd.Process.Pid) }

func (r *redisServer) stop() {
	_ = r.client.Close()
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait()
}

// traffic is the number of commands and bytes that a redis-server has handled so far.
type traffic struct{ commands, bytes int64 }

func (r *redisServer) traffic() (traffic, error) {
	facts, err := r.info("stats")
	return traffic{facts["total_commands_processed"], facts["total_net_input_bytes"] + facts["total_net_output_bytes"]}, err
}

// memory returns the bytes that the server uses.
func (r *redisServer) memory() (int64, error) {
	facts, err := r.info("memory")
	return facts["used_memory"], err
}

// info returns the fields of a section of INFO that are whole numbers.
func (r *redisServer) info(section string) (map[string]int64, error) {
	text, err := r.client.Info(context.Background(), section).Result()
	if err != nil {
		return nil, err
	}
	facts := map[string]int64{}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if n, err := strconv.ParseInt(value, 10, 64); err == nil {
			facts[name] = n
		}
	}
	return facts, nil
}
