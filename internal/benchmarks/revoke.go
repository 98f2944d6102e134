package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// revocation is how long one server still served sessions after another had acknowledged their log-out.
type revocation struct {
	title     string
	times     []time.Duration // sorted; zero if the first request was refused
	refusedAt int             // how many were refused at the first request
}

const revocations = 300

// measureRevocation logs sessions out on one process and reads them on another, which has just served them.
func (r *run) measureRevocation() error {
	out := r.process("passport")
	for _, name := range []string{"passport", "passport-alone", "passport-pipeline", "passport-cache"} {
		p := r.process(name)
		if out == nil || p == nil {
			continue
		}
		v := revocation{title: p.title}
		for range revocations {
			d, err := revoke(out.addr, p)
			if err != nil {
				return err
			}
			if d == 0 {
				v.refusedAt++
			}
			v.times = append(v.times, d)
		}
		slices.Sort(v.times)
		r.revocations = append(r.revocations, v)
	}
	return nil
}

func (r *run) process(name string) *process {
	for _, p := range r.processes {
		if p.name == name {
			return p
		}
	}
	return nil
}

func revoke(out string, p *process) (time.Duration, error) {
	cookie, err := logInOnce(p, 0, "")
	if err != nil {
		return 0, err
	}
	ask := func(method, url string) (int, error) {
		answer, err := sendWith(cookie, method, url)
		if err != nil {
			return 0, err
		}
		return answer.StatusCode, answer.Body.Close()
	}
	for range 3 { // so that a cache holds it
		if status, err := ask("GET", "http://"+p.addr+"/protected"); err != nil || status != http.StatusOK {
			return 0, fmt.Errorf("read before the log-out: status %d, %v", status, err)
		}
	}
	if status, err := ask("POST", "http://"+out+"/logout"); err != nil || status != http.StatusOK {
		return 0, fmt.Errorf("log-out: status %d, %v", status, err)
	}
	began, served := time.Now(), time.Duration(0)
	for {
		asked := time.Since(began)
		status, err := ask("GET", "http://"+p.addr+"/protected")
		switch {
		case err != nil:
			return 0, err
		case status == http.StatusUnauthorized:
			return served, nil
		case asked > 10*time.Second:
			return 0, fmt.Errorf("%s still serves a session %v after its log-out", p.name, asked)
		}
		served = time.Since(began)
	}
}

// sendWith sends a request with a Cookie line.
func sendWith(cookie, method, url string) (*http.Response, error) {
	q, err := http.NewRequest(method, url, nil)
	if err != nil {
		return nil, err
	}
	q.Header.Set("Cookie", strings.TrimSpace(strings.TrimPrefix(cookie, "Cookie: ")))
	return http.DefaultClient.Do(q)
}
