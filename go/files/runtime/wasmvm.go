// wasmvm: a goroutine that waits for a note sleeps.  Go for wasip1 asks again and again, which costs a whole CPU as
// soon as a program calls signal.Notify: os/signal's receiver waits for ever.

//go:build wasip1

package runtime

import "unsafe"

// The one goroutine that sleeps for ever, and the note that it waits for.  notewakeup may have no write barriers, so
// these are numbers; the note is package runtime's own variable, and the goroutine is held by the list of all.
var wasmvmSleeper struct {
	gp   guintptr
	note uintptr
}

func notewakeup(n *note) {
	notewakeupPolling(n)
	if gp := wasmvmSleeper.gp.ptr(); gp != nil && wasmvmSleeper.note == uintptr(unsafe.Pointer(n)) {
		wasmvmSleeper.gp, wasmvmSleeper.note = 0, 0
		goready(gp, 1)
	}
}

func notetsleepg(n *note, ns int64) bool {
	if ns >= 0 || wasmvmSleeper.gp != 0 {
		return notetsleepgPolling(n, ns)
	}
	for n.key == 0 {
		wasmvmSleeper.gp.set(getg())
		wasmvmSleeper.note = uintptr(unsafe.Pointer(n))
		gopark(nil, nil, waitReasonZero, traceBlockGeneric, 1)
	}
	return true
}

// ---- turns ----
//
// A goroutine whose reads and writes never have to wait would hold up timers, signals and all other connections: there
// is one thread, and no sysmon that polls beside it.  So package syscall asks here whether others have waited for long.

const (
	wasmvmTurnNS    = 10 * 1000 * 1000 // as sysmon has it
	wasmvmTurnCalls = 64               // so often the clock is asked
)

var wasmvmTurn struct {
	calls uint32
	began int64
}

//go:linkname wasmvmYield syscall.wasmvmYield
func wasmvmYield() {
	if wasmvmTurn.calls++; wasmvmTurn.calls%wasmvmTurnCalls != 0 {
		return
	}
	now, polled := nanotime(), sched.lastpoll.Load()
	if now < wasmvmTurn.began+wasmvmTurnNS || now < polled+wasmvmTurnNS {
		return
	}
	wasmvmTurn.began = now
	if netpollinited() && polled != 0 {
		sched.lastpoll.CompareAndSwap(polled, now)
		systemstack(wasmvmPoll)
	}
	Gosched()
}

// Says in the binary that `wasmvm go` built it, for whoever looks for it there.
var wasmvmMark = "wasmvm-go-overlay=1"

// The linker keeps only what something that runs may look at.
var wasmvmMarkSize int

func init() { wasmvmMarkSize = len(wasmvmMark) }

// ---- an end of marking ----
//
// While the garbage collector marks, each write of a pointer is told to it.  Its worker gets a turn when a goroutine
// waits or allocates.  One that sorts does neither for long, and pays for its writes all that time: elsewhere sysmon
// would preempt it.  So it is preempted where it has told much.

const wasmvmMarkFlushes = 64 // each has told up to 512 pointers

// A start of a function compares 32 bits of the guard, to which it has added most of its frame.  stackPreempt's sum is
// past 32 bits from frames of 1,442 bytes on: then neither a turn nor the stack's end is seen, and the goroutine writes
// below its stack.  No frame has the gigabyte between this one and the end of 32 bits.  A stack above it gets no turn.
const wasmvmTurnGuard = 3 << 30

var wasmvmMarkFlushed uint32

// wasmvmMarkTurn: its caller has told pointers, on the system stack.  The next call of a function gives way.
// gp.preempt stays false, as the runtime would make stackPreempt of it.
//
//go:nosplit
//go:nowritebarrierrec
func wasmvmMarkTurn() {
	if wasmvmMarkFlushed++; wasmvmMarkFlushed%wasmvmMarkFlushes != 0 {
		return
	}
	if gp := getg().m.curg; gp != nil && gp.stack.hi <= wasmvmTurnGuard {
		gp.stackguard0 = wasmvmTurnGuard
	}
}
