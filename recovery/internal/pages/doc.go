// Package pages checks the page tree of a bbolt file with plain reads.
//
// bbolt reads through a memory map and trusts what it finds: a page that is
// cut off, out of place or of the wrong type raises a signal or a panic, some
// of them in goroutines of bbolt's own, where nothing can stop them from
// killing the process. A file that passes [Check] holds none of these, so it
// can be opened. What the values mean, and whether they are intact, is not
// looked at.
//
// [Salvage] reads, in the same way, what can still be reached of a file that
// does not pass, and tells what lies in between.
package pages
