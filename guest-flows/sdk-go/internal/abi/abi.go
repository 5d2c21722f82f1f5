// Package abi is what the generated bindings stand on: memory in which arguments are laid out for the host, and memory in
// which the host lays out its answers.
//
// The host asks for the latter by calling cabi_realloc, and at that moment the component may not call anything outside. A
// collection of Go's garbage would (it reads the clock), so cabi_realloc never enters Go's allocator: it cuts pieces off a
// block that was set aside before the host was called, and takes what does not fit from the system for good.
package abi

import (
	"runtime"
	"unsafe"
)

const (
	// Set aside for answers at a time. A usual answer is under a kilobyte.
	blockBytes = 16 << 10
	// With less than this left, a new block is taken before the host is called.
	lowBytes = 4 << 10
)

// The block answers are cut from. Go's collector keeps an old one for as long as a string of an answer points into it.
var block []uint64

// What is used of it, in bytes.
var used uintptr

// Allocate gives zeroed memory for arguments, or for the place of an answer, that stays where it is until the pinner lets
// go. Every binding whose answer needs memory calls it before it calls the host, hence the look at the block.
func Allocate(pinner *runtime.Pinner, size, align uintptr) unsafe.Pointer {
	if uintptr(len(block))*8 < used+lowBytes {
		block = make([]uint64, blockBytes/8)
		used = 0
	}
	if size == 0 {
		return nil
	}
	// Words of eight bytes satisfy every alignment the contract has.
	words := make([]uint64, (size+7)/8)
	pointer := unsafe.Pointer(unsafe.SliceData(words))
	pinner.Pin(pointer)
	return pointer
}

//go:linkname sbrk runtime.sbrk
func sbrk(n uintptr) unsafe.Pointer

// Where an answer of no bytes lies.
var nothing uint64

//go:wasmexport cabi_realloc
func cabiRealloc(old unsafe.Pointer, oldSize, align, size uintptr) unsafe.Pointer {
	if oldSize != 0 {
		// A text that is recoded grows while it is copied; ours are UTF-8 on both sides and never are.
		panic("gudok: the host asked to move memory, which only texts in another encoding need")
	}
	if size == 0 {
		return unsafe.Pointer(&nothing)
	}
	start := (used + align - 1) &^ (align - 1)
	if start+size <= uintptr(len(block))*8 {
		used = start + size
		return unsafe.Add(unsafe.Pointer(unsafe.SliceData(block)), start)
	}
	// A very long answer, or the adapter of WASI asking before Go itself has started.
	pointer := sbrk(size + align)
	return unsafe.Pointer((uintptr(pointer) + align - 1) &^ (align - 1))
}
