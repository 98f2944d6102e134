package main

import (
	"context"
	"crypto/tls"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net"
	"net/smtp"
	"net/url"
	"slices"
	"strings"
	"sync"
	"text/template"
	"time"
)

// letter is a mail of plain text.
type letter struct {
	To, Subject, Text string
	At                time.Time
}

// Lines are for /outbox, which makes links of the addresses.
func (l letter) Lines() []string { return strings.Split(l.Text, "\n") }

// mailer sends mails later: how long an answer takes does not tell whether there was one to send.
type mailer interface{ send(l letter) }

// newMailer returns the mailer of -smtp, or the outbox. It works until ctx ends.
func newMailer(ctx context.Context, o options) (mailer, error) {
	if o.smtp == "" {
		return new(outbox), nil
	}
	u, err := url.Parse(o.smtp)
	if err != nil || u.Scheme != "smtp" || u.Port() == "" {
		return nil, errors.New("-smtp is not like smtp://user:password@host:587") // err may quote the password
	}
	m := smtpMailer{make(chan letter, 1000)}
	go m.work(ctx, u, o)
	return m, nil
}

//go:embed mails
var mailTexts embed.FS

// letters has the text of each mail: its first line is the subject.
var letters = template.Must(template.ParseFS(mailTexts, "mails/mails.txt"))

// send mails the text of that name, with a link in it if it has one.
func (a *app) send(to, name, link string) {
	var b strings.Builder
	if err := letters.ExecuteTemplate(&b, name, map[string]string{"Link": link, "Site": siteName, "URL": a.url}); err != nil {
		slog.Error("a mail has no text", "mail", name, "error", err)
		return
	}
	subject, text, _ := strings.Cut(strings.TrimSpace(b.String()), "\n")
	a.mail.send(letter{to, subject, strings.TrimSpace(text) + "\n\n— " + siteName, time.Now()})
}

// outbox keeps mails to be looked at.
type outbox struct {
	mu   sync.Mutex
	list []letter
}

func (b *outbox) send(l letter) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.list = append(b.list[max(0, len(b.list)-49):], l)
}

// all returns the mails, the newest first.
func (b *outbox) all() []letter {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := slices.Clone(b.list)
	slices.Reverse(list)
	return list
}

// smtpMailer hands mails to a server, one after the other. What has not left when the program ends is lost: a
// real application keeps a table of them.
type smtpMailer struct{ queue chan letter }

func (m smtpMailer) send(l letter) {
	select {
	case m.queue <- l:
	default:
		slog.Error("a mail was dropped: too many wait")
	}
}

func (m smtpMailer) work(ctx context.Context, u *url.URL, o options) {
	var auth smtp.Auth
	if secret, ok := u.User.Password(); ok {
		auth = smtp.PlainAuth("", u.User.Username(), secret, u.Hostname())
	}
	for {
		select {
		case <-ctx.Done():
			return
		case l := <-m.queue:
			text := fmt.Sprintf("From: %s\r\nTo: %s\r\nSubject: %s\r\nDate: %s\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n%s\r\n",
				o.from, l.To, mime.QEncoding.Encode("utf-8", l.Subject), l.At.Format(time.RFC1123Z), strings.ReplaceAll(l.Text, "\n", "\r\n"))
			if err := sendMail(ctx, u, auth, o, l.To, text); err != nil {
				slog.Error("a mail could not be sent", "error", err)
			}
		}
	}
}

// sendMail is [smtp.SendMail] with an end: a server that says nothing must not hold up the mails that wait.
func sendMail(ctx context.Context, u *url.URL, auth smtp.Auth, o options, to, text string) error {
	ctx, stop := context.WithTimeout(ctx, o.mailTime)
	defer stop()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	c, err := smtp.NewClient(conn, u.Hostname())
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	defer func() { _ = c.Close() }()
	if encrypts, _ := c.Extension("STARTTLS"); encrypts {
		err = c.StartTLS(&tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12})
	}
	if err == nil && auth != nil {
		err = c.Auth(auth)
	}
	if err == nil {
		err = c.Mail(o.from)
	}
	if err == nil {
		err = c.Rcpt(to)
	}
	if err != nil {
		return err
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err = w.Write([]byte(text)); err == nil {
		err = w.Close()
	}
	if err == nil {
		_ = c.Quit() // the server has the mail
	}
	return err
}
