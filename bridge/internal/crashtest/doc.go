// Package crashtest kills bridges and judges what was seen from outside.
//
// Its tests run the embedded broker and an observer; the bridge under test
// runs in a child process, which is the test binary started again. The child
// is killed with SIGKILL at random moments, sometimes stopped as planned, and
// started again on the same data directory, while records keep coming and the
// first job of a partition runs for as long as the test does. Everything goes
// into one history, which package history judges.
//
//	go test ./bridge/internal/crashtest                 # about half a minute
//	go test ./bridge/internal/crashtest -v -for 30m     # a soak
//	go test ./bridge/internal/crashtest -v -seed 12345  # the moments of a run before
//
// A seed repeats what is produced and when the kills come; what the child does
// until then is up to the machine.
package crashtest
