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

//go:embed mails
var mailTexts embed.FS

// letters has the text of each mail: its first line is the subject.
var letters = template.Must(template.ParseFS(mailTexts, "mails/mails.txt"))

// send mails the text of that name, with a link in it if it has one. It is mailed later: how long an answer
// takes does not tell whether there was a mail to send.
func (a *app) send(to, name, link string) {
	var b strings.Builder
	if err := letters.ExecuteTemplate(&b, name, map[string]string{"Link": link, "URL": a.url}); err != nil {
		slog.Error("a mail has no text", "mail", name, "error", err)
		return
	}
	subject, text, _ := strings.Cut(strings.TrimSpace(b.String()), "\n")
	a.mail(letter{to, subject, strings.TrimSpace(text) + "\n\n— " + siteName, time.Now()})
}

// outbox keeps mails to be looked at.
type outbox struct {
	mu   sync.Mutex
	list []letter
}

func (b *outbox) add(l letter) {
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

// newMailer returns what queues mails for the server of -smtp, which gets one after the other until ctx ends.
// What has not left then is lost: a real application keeps a table of them.
func newMailer(ctx context.Context, o options) (func(letter), error) {
	u, err := url.Parse(o.smtp)
	if err != nil || u.Scheme != "smtp" || u.Port() == "" {
		return nil, errors.New("-smtp is not like smtp://user:password@host:587") // err may quote it
	}
	port, _ := strconv.Atoi(u.Port())
	options := []mail.Option{mail.WithPort(port), mail.WithTimeout(o.mailTime),
		mail.WithTLSPolicy(mail.TLSOpportunistic)}
	if secret, ok := u.User.Password(); ok {
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory), mail.WithUsername(u.User.Username()),
			mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithPassword(secret))
	}
	client, err := mail.NewClient(u.Hostname(), options...)
	if err != nil {
		return nil, fmt.Errorf("-smtp: %w", err)
	}
	queue := make(chan letter, 1000)
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case l := <-queue:
				if err := deliver(ctx, client, o, l); err != nil {
					slog.Error("a mail could not be sent", "error", err)
				}
			}
		}
	}()
	return func(l letter) {
		select {
		case queue <- l:
		default:
			slog.Error("a mail was dropped: too many wait")
		}
	}, nil
}

// deliver hands over one mail. A server that says nothing must not hold up those that wait.
func deliver(ctx context.Context, client *mail.Client, o options, l letter) error {
	ctx, stop := context.WithTimeout(ctx, o.mailTime)
	defer stop()
	msg := mail.NewMsg()
	if err := errors.Join(msg.From(o.from), msg.To(l.To)); err != nil {
		return err
	}
	msg.SetDateWithValue(l.At)
	msg.Subject(l.Subject)
	msg.SetBodyString(mail.TypeTextPlain, l.Text)
	return client.DialAndSendWithContext(ctx, msg)
}
