// Package callbacks promises to call back, and writes the promise down.
package callbacks

import (
	"gudok/internal/abi/value"
	bindings "gudok/internal/bindings/callbacks"
	"gudok/internal/failure"
)

// Callback is a wish to be called.
type Callback struct {
	// Phone is E.164.
	Phone string
	// Person is empty when not known.
	Person string
	// Reason is what it is about, in the caller's words.
	Reason string
	// At is when the caller asked for it, `YYYY-MM-DDTHH:MM`; empty = by the clinic's rule (30 minutes, or the next
	// opening).
	At string
}

// Promise is a call-back that is written down.
type Promise struct {
	ID string
	// Due is when the clinic means to call at the latest, `YYYY-MM-DDTHH:MM`.
	Due string
}

// Request promises a call-back. It is committed when this returns.
func Request(callback Callback) (Promise, error) {
	result := bindings.Request(bindings.Callback{
		Phone:  callback.Phone,
		Person: callback.Person,
		Reason: callback.Reason,
		At:     value.OrNone(callback.At),
	})
	return Promise{ID: result.Ok().Id, Due: result.Ok().Due}, failure.Of("callbacks.request", result)
}
