package exec

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// asActor makes the test binary a child of a stream that does what the value of each job
// says: a verb and, behind a colon, what it is about.
const asActor = "EXEC_TEST_ACTOR"

// actor is such a child.
type actor struct {
	held []string          // ids
	on   map[string]string // id -> what to answer to its cancel
}

func (a *actor) run(in io.Reader) {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil { // what the end cuts off is no job
			if os.Getenv(asActor) == "stubborn" {
				time.Sleep(10 * time.Minute)
			}
			os.Exit(0)
		}
		var m struct {
			ID, Cancel  string
			Saved       string
			Value       string
			ValueBase64 []byte `json:"value_base64"`
		}
		if err := json.Unmarshal(line, &m); err != nil {
			fail(err)
		}
		if m.Cancel != "" {
			say(a.on[m.Cancel])
			continue
		}
		if m.Saved != "" {
			say(`{"id":"` + m.Saved + `","ok":true}`)
			continue
		}
		verb, about, _ := strings.Cut(m.Value+string(m.ValueBase64), ":")
		a.do(m.ID, verb, about)
	}
}

func (a *actor) do(id, verb, about string) {
	done, about := `{"id":"`+id+`","ok":true}`, strings.ReplaceAll(about, "ID", id)
	switch verb {
	case "ok":
		say(done)
	case "say":
		say(about)
	case "cut": // a whole answer, but for the end of its line
		fmt.Print(done)
		os.Exit(0)
	case "pid":
		say(failed(id, strconv.Itoa(os.Getpid())))
	case "sum":
		say(failed(id, fmt.Sprintf("%x", sha256.Sum256([]byte(about)))))
	case "die":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case "exit":
		fail(errors.New(about))
	case "hold": // until there are so many, and then answer in reverse
		if a.held = append(a.held, id); strconv.Itoa(len(a.held)) == about {
			for len(a.held) > 0 {
				last := len(a.held) - 1
				say(`{"id":"` + a.held[last] + `","ok":true}`)
				a.held = a.held[:last]
			}
		}
	case "obey":
		a.on[id] = failed(id, "cancelled")
	case "finish":
		a.on[id] = done
	case "deaf":
	case "file": // reads no further until it is there
		for {
			if _, err := os.Stat(about); err == nil {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		say(done)
	case "flood":
		for range 5000 {
			fmt.Fprintln(os.Stderr, strings.Repeat("x", 4000))
		}
		say(done)
	case "close":
		os.Stdout.Close()
		time.Sleep(10 * time.Minute)
	case "shut":
		os.Stdin.Close()
		time.Sleep(10 * time.Minute)
	default:
		fail(fmt.Errorf("verb %q", verb))
	}
}

func failed(id, reason string) string { return `{"id":"` + id + `","error":"` + reason + `"}` }

func say(line string) {
	if line != "" {
		fmt.Println(line)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(3)
}
