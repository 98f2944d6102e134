package main

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// starving registers many accounts at once, from many addresses: each costs the server a hash, as a log-in
// does. Some must be refused for the moment, and users' log-ins must be answered meanwhile (G9).
func starving(c *client, report func(string, bool)) (string, error) {
	user := fmt.Sprintf("regular%d@test.com", time.Now().UnixNano())
	if err := register(c, user); err != nil {
		return "", err
	}
	const registrations = 120
	var all, logIns sync.WaitGroup
	var putOff atomic.Int32
	full := make(chan struct{}, registrations+1) // closed when no more registrations can wait, or all are done
	for i := range registrations {
		all.Go(func() {
			from := newClient(c.base, byte(60+i%registrations))
			defer from.http.CloseIdleConnections()
			a, err := sendRegistration(from, fmt.Sprintf("crowd%d%s", i, user))
			if err == nil && a.status != http.StatusCreated { // otherwise it was not answered in time
				putOff.Add(1)
				full <- struct{}{}
			}
		})
	}
	go func() {
		all.Wait()
		full <- struct{}{}
	}()
	<-full
	var statuses [8]int
	for i := range statuses {
		logIns.Go(func() {
			if a, err := c.logIn(user, pass); err == nil {
				statuses[i] = a.status
			}
		})
	}
	logIns.Wait()
	all.Wait()
	if putOff.Load() == 0 { // then the log-ins came after the registrations
		report("no registration was refused: nothing limits how many hash at once", false)
	}
	for i, status := range statuses {
		report(fmt.Sprintf("log-in %d beside the registrations: status %d", i, status), status == http.StatusOK)
	}
	return fmt.Sprintf("%d of %d registrations were put off", putOff.Load(), registrations), nil
}
