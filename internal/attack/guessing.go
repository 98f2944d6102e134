package main

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// tricks tries to get more guesses at an account checked than its budget allows: with accounts of one's own
// whose names are nearly the victim's, with log-ins between guesses, other spellings, other addresses and
// invented device cookies. Afterwards the victim's own browser must be able to log in.
func tricks(c *client, report func(string, bool)) (string, error) {
	start := time.Now()
	victim := fmt.Sprintf("victim%d@test.com", start.UnixNano())
	own := "mallory" + victim
	for _, email := range []string{victim, own} {
		if err := register(c, email); err != nil {
			return "", err
		}
	}
	spellings := []string{victim + " ", strings.ToUpper(victim), "\u00a0" + victim, victim[:3] + "\u200b" + victim[3:], strings.Replace(victim, "test", "ＴＥＳＴ", 1)}
	for _, email := range spellings {
		a, err := sendRegistration(c, email)
		if err != nil {
			return "", err
		}
		report(fmt.Sprintf("an account of one's own called %+q", email), a.status == http.StatusBadRequest)
	}
	known, err := deviceOf(c, victim, pass)
	if err != nil {
		return "", err
	}
	mallorys, err := deviceOf(c, own, pass)
	if err != nil {
		return "", err
	}
	_, note, _ := strings.Cut(known, ".")
	looked := int32(0)
	const guesses = 60
	for i := range guesses {
		at := newClient(c.base, byte(200+i%50))
		if i%10 == 0 {
			if _, err := at.logIn(own, pass); err != nil {
				return "", err
			}
		}
		cookie := []string{"", mallorys, mallorys + "." + note, mallorys + mallorys[strings.IndexByte(mallorys, '.'):]}[i%4]
		a, err := at.logIn(append(spellings, victim)[i%6], fmt.Sprint("guess ", i), "Cookie", cookie)
		at.http.CloseIdleConnections()
		if err != nil {
			return "", err
		}
		if a.status != http.StatusTooManyRequests {
			looked++
		}
	}
	text := verdict(start, looked, guesses, "guesses", report)
	a, err := c.logIn(victim, pass, "Cookie", known)
	report("the victim's own browser is refused", err == nil && a.status == http.StatusOK)
	return text, err
}

// verdict reports whether at most the budgeted number of guesses was checked, and describes the result.
func verdict(start time.Time, looked int32, guesses int, what string, report func(string, bool)) string {
	most := budget(time.Since(start))
	report("more "+what+" than the budget are checked", looked <= most)
	return fmt.Sprintf("%d of %d %s were looked at, the budget is %d", looked, guesses, what, most)
}

// deviceOf logs in and returns the cookie by which the browser is recognised from then on.
func deviceOf(c *client, email, password string) (string, error) {
	a, err := c.logIn(email, password)
	if err != nil {
		return "", err
	}
	for _, line := range a.header.Values("Set-Cookie") {
		if pair, _, _ := strings.Cut(line, ";"); strings.Contains(strings.SplitN(pair, "=", 2)[0], "device") {
			return pair, nil
		}
	}
	return "", fmt.Errorf("log-in of %s: got %d and no device cookie", email, a.status)
}
