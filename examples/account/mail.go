package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"text/template"
	"time"

	"github.com/wneessen/go-mail"
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
	port, _ := strconv.Atoi(u.Port())
	options := []mail.Option{mail.WithPort(port), mail.WithTimeout(o.mailTime), mail.WithTLSPolicy(mail.TLSOpportunistic)}
	if secret, ok := u.User.Password(); ok {
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory), mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover),
			mail.WithUsername(u.User.Username()), mail.WithPassword(secret))
	}
	client, err := mail.NewClient(u.Hostname(), options...)
	if err != nil {
		return nil, fmt.Errorf("-smtp: %w", err)
	}
	m := smtpMailer{client, o, make(chan letter, 1000)}
	go m.work(ctx)
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
type smtpMailer struct {
	client *mail.Client
	options
	queue chan letter
}

func (m smtpMailer) send(l letter) {
	select {
	case m.queue <- l:
	default:
		slog.Error("a mail was dropped: too many wait")
	}
}

func (m smtpMailer) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case l := <-m.queue:
			if err := m.deliver(ctx, l); err != nil {
				slog.Error("a mail could not be sent", "error", err)
			}
		}
	}
}

// deliver hands over one mail. A server that says nothing must not hold up those that wait.
func (m smtpMailer) deliver(ctx context.Context, l letter) error {
	ctx, stop := context.WithTimeout(ctx, m.mailTime)
	defer stop()
	msg := mail.NewMsg()
	if err := errors.Join(msg.From(m.from), msg.To(l.To)); err != nil {
		return err
	}
	msg.SetDateWithValue(l.At)
	msg.Subject(l.Subject)
	msg.SetBodyString(mail.TypeTextPlain, l.Text)
	return m.client.DialAndSendWithContext(ctx, msg)
}
