package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/queue"
	"github.com/seed-2837c37b/holdfast/recovery"
)

// verifyChild is the command that a process of this binary runs in a child:
// reading damaged pages through bbolt's memory map can kill the process.
const verifyChild = "verify-child"

// verdict is what the child tells on stdout.
type verdict struct {
	Store   string   `json:"store"`
	Group   string   `json:"group"`
	Cluster string   `json:"cluster"`
	Epoch   uint64   `json:"epoch"`
	Size    int64    `json:"file_bytes"`
	Live    int64    `json:"live_bytes"`
	Damaged []string `json:"damaged"` // values that cannot be read, by name
}

func (w *world) verifyChild() *cli.Command {
	return &cli.Command{
		Name:   verifyChild,
		Usage:  "check a store's file for the process that holds its lock",
		Hidden: true,
		Flags:  []cli.Flag{&cli.StringFlag{Name: "file"}, &cli.BoolFlag{Name: "deep"}},
		Action: func(c *cli.Context) error {
			report, err := recovery.Verify(c.Context, c.String("file"), c.Bool("deep"))
			if err != nil {
				return err
			}
			v := verdict{
				Store: report.Identity.StoreID, Group: report.Identity.Group, Cluster: report.Identity.Cluster,
				Epoch: report.Identity.Epoch, Size: report.Size, Live: report.Live, Damaged: []string{},
			}
			for _, d := range report.Damaged {
				v.Damaged = append(v.Damaged, d.Error())
			}
			return json.NewEncoder(w.stdout).Encode(v)
		},
	}
}

// verifyInChild is the check that a start makes of its store.
func (w *world) verifyInChild(log *slog.Logger) func(context.Context, string) error {
	return func(ctx context.Context, path string) error {
		found, err := checkFile(ctx, path, false)
		if err != nil {
			return err
		}
		for _, d := range found.Damaged {
			log.Warn("a damaged value is set aside; the rest is used", "file", path, "value", d)
		}
		return nil
	}
}

// checkFile starts the child and reads its verdict. The caller holds the lock
// of the file's directory.
func checkFile(ctx context.Context, path string, deep bool) (verdict, error) {
	self, err := os.Executable()
	if err != nil {
		return verdict{}, fmt.Errorf("find this program to check the store with: %w", err)
	}
	args := []string{verifyChild, "--file", path}
	if deep {
		args = append(args, "--deep")
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return verdict{}, childError(ctx, path, err, stderr.String())
	}
	var v verdict
	if err := json.Unmarshal(stdout.Bytes(), &v); err != nil {
		return verdict{}, fmt.Errorf("read the verdict on %s: %w", path, err)
	}
	return v, nil
}

// childError is the error of a child, as if it had been this process's.
func childError(ctx context.Context, path string, err error, stderr string) error {
	var exit *exec.ExitError
	if ctx.Err() != nil || !errors.As(err, &exit) {
		return fmt.Errorf("check %s: %w", path, errors.Join(context.Cause(ctx), err))
	}
	text := strings.TrimPrefix(strings.TrimSpace(stderr), "holdfast: ")
	switch code := exitCode(exit.ExitCode()); code {
	case exitStoreUnusable:
		return &passedOn{text, recovery.ErrDamaged}
	case exitFailure, exitStoreInUse:
		return &passedOn{text, nil}
	}
	first, _, _ := strings.Cut(text, "\n")
	return fmt.Errorf("%w: %s: reading it killed the process that checked it (%v: %s); see what holdfast repair can save of it, restore it from a backup, or move its directory away "+
		"to start from the committed offsets, which runs again what was finished above them", recovery.ErrDamaged, path, err, first)
}

// passedOn says what a child has said.
type passedOn struct {
	text string
	is   error
}

func (e *passedOn) Error() string { return e.text }
func (e *passedOn) Unwrap() error { return e.is }

func (w *world) verify() *cli.Command {
	return &cli.Command{
		Name:  "verify",
		Usage: "check the store of a stopped bridge, without changing it",
		Description: "Every page and the body of every unfinished job is read. Damaged values that a bridge would\n" +
			"set aside are listed.\n\n" +
			"holdfast verify --data-dir /var/lib/holdfast",
		Flags:  append(bridgeFlags(), resultFlag()),
		Action: w.runVerify,
	}
}

func (w *world) runVerify(c *cli.Context) error {
	format, err := output(c)
	if err != nil {
		return err
	}
	dir, err := w.storeDir(c)
	if err != nil {
		return err
	}
	lock, err := recovery.LockDir(dir)
	if errors.Is(err, recovery.ErrInUse) {
		return fmt.Errorf("%w; of a running bridge, verify a copy: holdfast snapshot --to DIR", err)
	}
	if err != nil {
		return err
	}
	defer lock.Release()
	found, err := checkFile(c.Context, filepath.Join(dir, queue.FileName), true)
	if err != nil {
		return err
	}
	err = w.result(format, found, found.write)
	if n := len(found.Damaged); err == nil && n > 0 {
		return fmt.Errorf("%w: %s cannot be read; a bridge sets them aside and works on the rest", recovery.ErrDamaged, plural(n, "value"))
	}
	return err
}

func (v verdict) write(w io.Writer) error {
	_, err := fmt.Fprintf(w, "store %s, group %s, cluster %s, opened %s\n%s in use of %s\n",
		v.Store, v.Group, v.Cluster, plural(int(v.Epoch), "time"), bytesText(v.Live), bytesText(v.Size))
	for _, d := range v.Damaged {
		if err == nil {
			_, err = fmt.Fprintf(w, "DAMAGED  %s\n", d)
		}
	}
	if err == nil && len(v.Damaged) == 0 {
		_, err = fmt.Fprintln(w, "no damage found")
	}
	return err
}

// bytesText is n with a unit, for people.
func bytesText(n int64) string {
	for _, u := range []struct {
		name  string
		bytes int64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if n >= u.bytes {
			return fmt.Sprintf("%.1f %s", float64(n)/float64(u.bytes), u.name)
		}
	}
	return fmt.Sprintf("%d B", n)
}
