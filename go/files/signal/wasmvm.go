// wasmvm: signals come from a descriptor that can be waited for.
//
// A program that asks for a signal opens /dev/wasmvm/signals, without a directory.  It writes a byte for a change:
// the signal's number = it wants it, with 0x80 = it does no longer, with 0x40 = the signal is to be ignored.  It reads
// a byte for each signal that came.  Other hosts have no such file, and nothing comes there.

//go:build wasip1

package signal

import (
	"io"
	"os"
	"sync"
	"syscall"
	_ "unsafe" // for linkname
)

const (
	unwanted = 0x80
	ignored  = 0x40
)

var source struct {
	once sync.Once
	file *os.File // nil: this host has none
}

//go:linkname openSignals syscall.wasmvmOpenSignals
func openSignals() (fd int, err error)

func sourceOpen() {
	fd, err := openSignals()
	if err != nil {
		return
	}
	if err := syscall.SetNonblock(fd, true); err != nil {
		syscall.Close(fd)
		return
	}
	source.file = os.NewFile(uintptr(fd), "/dev/wasmvm/signals")
	go pump(source.file)
}

func pump(f *os.File) {
	var b [1]byte
	for {
		if _, err := io.ReadFull(f, b[:]); err != nil {
			return
		}
		process(syscall.Signal(b[0]))
	}
}

func tell(sig int, how byte) {
	if sig <= 0 || sig >= ignored {
		return
	}
	source.once.Do(sourceOpen)
	if source.file != nil {
		source.file.Write([]byte{byte(sig) | how})
	}
}

var ignoring = map[int]bool{} // under handlers' lock, as all that calls these

func enableSignal(sig int) {
	delete(ignoring, sig)
	tell(sig, 0)
}

func disableSignal(sig int) {
	delete(ignoring, sig)
	tell(sig, unwanted)
}

func ignoreSignal(sig int) {
	ignoring[sig] = true
	tell(sig, ignored)
}

func signalIgnored(sig int) bool { return ignoring[sig] }
