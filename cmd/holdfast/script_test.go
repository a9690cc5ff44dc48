package main

import (
	"errors"
	"flag"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
)

var update = flag.Bool("update", false, "write the expected output of the scripts anew")

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == verifyChild { // a command within a test checks its store
		main()
	}
	testscript.Main(m, map[string]func(){"holdfast": main})
}

// TestScript drives the real command line; the scripts state what it promises.
func TestScript(t *testing.T) {
	t.Parallel()
	testscript.Run(t, scriptParams("testdata/script"))
}

// scriptParams is what the scripts of a folder can use.
func scriptParams(dir string) testscript.Params {
	return testscript.Params{
		Dir:                 dir,
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("GORACE", "atexit_sleep_ms=1") // each command would else end with a second's sleep
			env.Setenv("TZ", "UTC")
			running := new(bridges)
			env.Values[bridgesKey{}] = running
			env.Defer(running.endAll)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":     cmdExits,
			"kafka":     cmdKafka,
			"address":   cmdAddress,
			"await":     cmdAwait,
			"damage":    cmdDamage,
			"systemd":   cmdSystemd,
			"receiver":  cmdReceiver,
			"terminate": cmdTerminate,
			"hangup":    cmdHangup,
			"bridge":    cmdBridge,
			"mask":      cmdMask,
			"listed":    cmdListed,
			"get":       cmdGet,
		},
		Condition: func(name string) (bool, error) {
			_, err := exec.LookPath(name)
			return err == nil, nil
		},
	}
}

// exits CODE COMMAND...: the command ends with the code.
func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%s: %v", args[1], err)
		}
		code = exit.ExitCode()
	}
	if want := args[0]; strconv.Itoa(code) != want {
		ts.Fatalf("exit code %d, want %s", code, want)
	}
}

// kafka TOPIC:PARTITIONS...: an embedded broker for the rest of the script,
// whose address is in $KAFKA.
func cmdKafka(ts *testscript.TestScript, neg bool, args []string) {
	topics, err := parseTopics(args)
	if neg || err != nil {
		ts.Fatalf("usage: kafka TOPIC:PARTITIONS...: %v", err)
	}
	cluster, err := startBroker("127.0.0.1:0", "", topics)
	ts.Check(err)
	ts.Defer(cluster.Close)
	ts.Setenv("KAFKA", cluster.ListenAddrs()[0])
}

// address NAME: a free address in $NAME.
func cmdAddress(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: address NAME")
	}
	broker, err := bridgetest.NewBroker()
	ts.Check(err)
	ts.Defer(broker.Close)
	broker.Stop(nil) // its address is kept for whoever names it
	ts.Setenv(args[0], broker.Addrs()[0])
}

const patience = 30 * time.Second

// await FILE TEXT [N]: the file gets N lines with the text; 1 where N is left out.
func cmdAwait(ts *testscript.TestScript, neg bool, args []string) {
	want := 1
	if len(args) == 3 {
		n, err := strconv.Atoi(args[2])
		ts.Check(err)
		want = n
	}
	if neg || len(args) < 2 {
		ts.Fatalf("usage: await FILE TEXT [N]")
	}
	var content []byte
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		content, _ = os.ReadFile(ts.MkAbs(args[0])) // it may not exist yet
		if strings.Count(string(content), args[1]) >= want {
			return
		}
	}
	ts.Fatalf("%s has %q fewer than %d times after %v:\n%s", args[0], args[1], want, patience, content)
}

// terminate [FILE TEXT]: SIGTERM for the background command that was started
// last, again and again until the file has the text.
func cmdTerminate(ts *testscript.TestScript, neg bool, args []string) {
	running := ts.BackgroundCmds()
	if neg || len(args)%2 > 0 || len(running) == 0 {
		ts.Fatalf("usage: terminate [FILE TEXT], while a background command runs")
	}
	process := running[len(running)-1].Process
	ts.Check(process.Signal(syscall.SIGTERM))
	if len(args) == 0 {
		return
	}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		time.Sleep(3 * signalEcho)
		if fileHas(ts, args[0], args[1]) {
			return
		}
		ts.Check(process.Signal(syscall.SIGTERM))
	}
	ts.Fatalf("%s has no %q after %v", args[0], args[1], patience)
}

// hangup: SIGHUP for the background command that was started last.
func cmdHangup(ts *testscript.TestScript, neg bool, args []string) {
	running := ts.BackgroundCmds()
	if neg || len(args) > 0 || len(running) == 0 {
		ts.Fatalf("usage: hangup, while a background command runs")
	}
	ts.Check(running[len(running)-1].Process.Signal(syscall.SIGHUP))
}

func fileHas(ts *testscript.TestScript, name, text string) bool {
	content, err := os.ReadFile(ts.MkAbs(name))
	return err == nil && strings.Contains(string(content), text)
}

// damage FILE: every page but the first two, which say where the others are,
// becomes rubbish.
func cmdDamage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: damage FILE")
	}
	file, err := os.OpenFile(ts.MkAbs(args[0]), os.O_WRONLY, 0)
	ts.Check(err)
	page := os.Getpagesize()
	_, err = file.WriteAt([]byte(strings.Repeat("rubbish!", 6*page/8)), int64(2*page))
	ts.Check(errors.Join(err, file.Close()))
}

// systemd FILE: a service manager that writes what it is told to the file.
func cmdSystemd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: systemd FILE")
	}
	dir, err := os.MkdirTemp("", "notify-") // the work directory's path may be too long for a socket
	ts.Check(err)
	address := &net.UnixAddr{Name: filepath.Join(dir, "socket"), Net: "unixgram"}
	conn, err := net.ListenUnixgram("unixgram", address)
	ts.Check(err)
	file, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for buf := make([]byte, 1024); ; {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			file.Write(append(buf[:n:n], '\n'))
		}
	}()
	ts.Setenv("NOTIFY_SOCKET", address.Name)
	ts.Defer(func() {
		conn.Close()
		<-ended
		file.Close()
		os.RemoveAll(dir)
	})
}
