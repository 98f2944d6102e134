package main_test

import (
	"bufio"
	"fmt"
	"io"
	"mime/quotedprintable"
	"net"
	"strings"
	"testing"
	"time"

	main "github.com/seed-6f34412b/passport/examples/account"
)

// mailServer receives one mail and returns its text: the part of RFC 5321 that one mail needs. Before that,
// it does not answer the given number of connections.
func mailServer(t *testing.T, silent int) (address string, mail <-chan string) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	got := make(chan string, 1)
	go func() {
		defer close(got)
		for range silent {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			defer func() { _ = conn.Close() }()
		}
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		say := func(line string) { _, _ = fmt.Fprintf(conn, "%s\r\n", line) }
		say("220 ready")
		var text strings.Builder
		data := false
		for lines := bufio.NewScanner(conn); lines.Scan(); {
			switch line := lines.Text(); {
			case data && line == ".":
				data = false
				say("250 taken")
				got <- readable(text.String())
			case data:
				text.WriteString(line + "\n")
			case line == "DATA":
				data = true
				say("354 go on")
			case line == "QUIT":
				say("221 bye")
				return
			default:
				say("250 ok")
			}
		}
	}()
	return l.Addr().String(), got
}

// readable returns a mail with its text decoded.
func readable(mail string) string {
	header, text, _ := strings.Cut(mail, "\n\n")
	decoded, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(text)))
	if err != nil {
		return err.Error()
	}
	return header + "\n\n" + string(decoded)
}

// TestMailsLeaveBySMTP: with -smtp there is no outbox, and the link in the mail begins with -url.
func TestMailsLeaveBySMTP(t *testing.T) {
	address, mail := mailServer(t, 0)
	v := visit(t, main.Site(t, 1, "-smtp", "smtp://"+address, "-from", "site@test.example"))
	if got := v.Get("/outbox"); got.StatusCode != 404 {
		t.Errorf("/outbox: got %d, want 404", got.StatusCode)
	}
	v.Post("/register", "email", "Kim@Test.example").Want(t, 303, "")
	text := <-mail
	for _, want := range []string{"From: <site@test.example>\n", "To: <kim@test.example>\n", "Subject: Your new account\n", main.Origin + "/register/finish?"} {
		if !strings.Contains(text, want) {
			t.Errorf("got the mail %q, want %q in it", text, want)
		}
	}
}

// TestASilentMailServerHoldsUpOneMail: the next one is sent. The limit is for both, and so not as short as it
// could be for the first.
func TestASilentMailServerHoldsUpOneMail(t *testing.T) {
	address, mail := mailServer(t, 1)
	v := visit(t, main.SiteThatMails(t, 5*time.Second, "-smtp", "smtp://"+address))
	v.Post("/register", "email", "kim@test.example").Want(t, 303, "")
	v.Post("/register", "email", "jo@test.example").Want(t, 303, "")
	if text := <-mail; !strings.Contains(text, "To: <jo@test.example>\n") {
		t.Errorf("got the mail %q, want that to jo", text)
	}
}
