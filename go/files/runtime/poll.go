// wasmvm: those whose descriptors are ready may run, in the words of Go 1.22 and later.

//go:build wasip1

package runtime

func wasmvmPoll() {
	if list, delta := netpoll(0); !list.empty() {
		injectglist(&list)
		netpollAdjustWaiters(delta)
	}
}
