// wasmvm: those whose descriptors are ready may run, in the words of Go 1.21.

//go:build wasip1

package runtime

func wasmvmPoll() {
	if list := netpoll(0); !list.empty() {
		injectglist(&list)
	}
}
