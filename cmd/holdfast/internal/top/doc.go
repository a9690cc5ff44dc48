// Package top is a full screen about a running bridge, for a terminal of 80 columns
// and 24 lines or more. It reads only: partitions in several orders, the lanes in
// which most waits, the runs under way, and an explanation of what the cursor is on.
//
// The picture is one text that is drawn again; there is no library for terminals
// behind it. What the process was sent meanwhile is never waited for: keys are
// answered while the bridge is asked.
package top
