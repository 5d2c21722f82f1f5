package gudok

import (
	"errors"
	"unsafe"

	_ "gudok/internal/abi" // exports cabi_realloc
)

// A flow is built as a library, so Go starts its packages but does not call main; the exported `run` does.

//go:linkname programMain main.main
func programMain()

var (
	held    bool
	outcome error
)

// What `run` returns, as the component model lays out a result<_, string>. Addresses have 32 bits there; a pointer of
// Go's has 64.
type runResult struct{ failed, text, bytes uint32 }

// Here, so that both stay where they are until the host has read them.
var (
	result runResult
	reason string
)

//go:wasmexport run
func run() unsafe.Pointer {
	held, outcome, result = false, nil, runResult{}
	programMain()
	if !held {
		outcome = errors.New("main returned without calling gudok.Run")
	}
	if outcome != nil && !errors.Is(outcome, ErrHangUp) {
		reason = outcome.Error()
		address := uint32(uintptr(unsafe.Pointer(unsafe.StringData(reason))))
		result = runResult{failed: 1, text: address, bytes: uint32(len(reason))}
	}
	return unsafe.Pointer(&result)
}
