// Package child runs programs that tests and benchmarks need beside them, and
// lets none outlive the process that started it, however that one ends.
//
//	p, err := child.Start(exec.Command("java", "..."), "broker.log")
//	...
//	<-p.Done // it has ended; p.Err says how
//
// It works on Linux, whose death signal it relies on.
package child
