// Command bench measures the program against the stock litestream of the same version, in the same run, on the same
// files, in turns: what a writer notices, what replication costs while rows are written and while none are, how long the
// first copy and a restore of a large file take.
//
//	bench [quick] [FLAG …]
//
// Both are measured from outside, as processes (CPU time from their CPU clock, memory and context switches from /proc,
// moments from the files that appear), so neither has a say in its own figures. The writer is Python's sqlite3: another
// program, with another SQLite. Every round runs both, and the order changes from round to round; a ratio is the median
// of the ratios round by round, so that a machine that grows slower in between does not count against one of them. After
// each load both replicas are restored and held against the file: a program that copies less must not win by it.
//
// A busy hour is measured at the door of an object store: each program has a bucket of a real server (versitygw) behind a proxy
// of its own that counts, and all get the same rows at the same time. It is a part of an hour, multiplied.
//
// BenchmarkClients, among the tests because it needs a whole cloud, holds the program against the official client of the sync
// protocol in the same manner: both sync with the real server, each a process of its own, while Python writes to its file.
//
// Goals that are not met are shown as such and fail nothing: a figure of a busy machine is a figure of the machine. The
// load average during the run is in bench.json, with every single value.
package main
