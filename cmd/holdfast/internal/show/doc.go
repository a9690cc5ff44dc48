// Package show renders what an inspector tells for people at a terminal: the
// status screen, explanations, the disk, and one job in full. It decides how
// things look, never what is true: every figure comes from package inspect.
//
// All functions return whole lines without line breaks, cut to the columns that
// there are. A width of 0 cuts nothing, for output that goes to a file.
package show
