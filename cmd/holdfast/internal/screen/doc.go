// Package screen keeps one line of status at the bottom of a terminal while
// other lines are written above it.
//
//	s := screen.New(os.Stderr, func() int { return 80 })
//	fmt.Fprintln(s, "a log line")
//	s.Show("3 jobs running")
//	defer s.Clear()
package screen
