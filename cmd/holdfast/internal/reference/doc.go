// Package reference writes down what a command line offers, from the commands
// themselves: as Markdown for reading and as a man page.
//
//	text := reference.Markdown(reference.Of(app))
//
// The same commands give the same text, so that a test can tell whether a
// stored one is fresh. Hidden commands and flags are left out.
package reference
