// Package words is how times, numbers, amounts, errors and keys are said in the
// sentences of package inspect, and in the commands that these name.
//
//	fmt.Sprintf("Not moved for %s, since %s came in.", words.Span(d), words.Shown(key))
//	// Not moved for 3h12m, since cust-8812 came in.
//
// What comes out is for people: it is short, one line, and not to be read back. A
// [Quoted] word and a flag can be pasted into a shell, whatever is in them.
package words
