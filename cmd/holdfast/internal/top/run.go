package top

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Run shows the bridge until ctx ends or the operator leaves, and asks it anew so
// often. An error of the first answer ends it before the screen is touched; later
// ones are shown, since a bridge that is started again answers again. The terminal
// is given back as it was.
func Run(ctx context.Context, b Bridge, terminal string, every time.Duration) (err error) {
	var m model
	first, err := take(ctx, b, m.wants())
	if err != nil {
		return err
	}
	m.got(first, nil)
	t, err := openTerminal(terminal)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	keys, stop := t.keys()
	defer stop()
	return m.loop(ctx, b, t, keys, every)
}

// answer is what came of asking.
type answer struct {
	picture picture
	err     error
}

func (m *model) loop(ctx context.Context, b Bridge, t *terminal, keys <-chan key, every time.Duration) error {
	ctx, cancel := context.WithCancel(ctx)
	answers, asking := make(chan answer), false
	ask := func() {
		if asking {
			return
		}
		asking = true
		want := m.wants()
		go func() {
			p, err := take(ctx, b, want)
			answers <- answer{p, err}
		}()
	}
	defer func() {
		cancel()
		if asking {
			<-answers
		}
	}()
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, syscall.SIGWINCH)
	defer signal.Stop(resized)
	ticks := time.NewTicker(every)
	defer ticks.Stop()
	for {
		width, height := t.size()
		if err := t.draw(m.frame(width, height), width); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case k, ok := <-keys:
			if !ok || m.press(k) {
				return nil
			}
			if !m.current() {
				ask()
			}
		case a := <-answers:
			asking = false
			m.got(a.picture, a.err)
			if a.err == nil && !m.current() {
				ask()
			}
		case <-ticks.C:
			ask()
		case <-resized:
		}
	}
}
