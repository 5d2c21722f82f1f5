package gudok

import (
	"errors"
	"runtime"
	"unsafe"
	_ "unsafe" // for go:linkname

	_ "gudok/internal/abi" // exports cabi_realloc
)

// A flow is built as a library, so Go starts its packages but does not call main; the exported `run` does.

//go:linkname programMain main.main
func programMain()

var (
	held    bool
	outcome error
)

// What `run` returns, as the component model lays out a result<_, string>.
type runResult struct {
	failed uint32
	text   *byte
	bytes  uint32
}

var (
	result runResult
	pinner runtime.Pinner
)

//go:wasmexport run
func run() unsafe.Pointer {
	held, outcome, result = false, nil, runResult{}
	programMain()
	if !held {
		outcome = errors.New("main returned without calling gudok.Run")
	}
	if outcome != nil && !errors.Is(outcome, ErrHangUp) {
		text := outcome.Error()
		result = runResult{failed: 1, text: unsafe.StringData(text), bytes: uint32(len(text))}
		if result.text != nil {
			pinner.Pin(result.text)
		}
	}
	return unsafe.Pointer(&result)
}

//go:wasmexport cabi_post_run
func runReturned(unsafe.Pointer) { pinner.Unpin() }
