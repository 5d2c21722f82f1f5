// Package failure turns what the host could not do into a Go error.
package failure

import (
	"errors"

	"gudok/internal/abi/value"
	"gudok/internal/bindings/types"
)

// ErrHangUp is what a host call returns after the caller has gone.
var ErrHangUp = errors.New("the caller hung up")

// HostError is a host call that did not do what it was asked.
type HostError struct {
	// Function is the name in the contract, `appointments.find`.
	Function string
	// Code is for programs: `timeout`, `denied`, `unavailable`, or one of the function's own.
	Code string
	// Message is for people: what is wrong and what to do. It may be empty.
	Message string
}

// Error names the function and the code. The message stays out of it: it may quote the caller.
func (e *HostError) Error() string { return e.Function + ": " + e.Code }

// Of is the error of a result, or nil.
func Of[T any](function string, result value.Result[T, types.Error]) error {
	if result.Tag() == value.ResultOk {
		return nil
	}
	switch err := result.Err(); err.Tag() {
	case types.Error_Hangup:
		return ErrHangUp
	case types.Error_Timeout:
		return &HostError{Function: function, Code: "timeout"}
	case types.Error_Denied:
		return &HostError{Function: function, Code: "denied", Message: err.Denied()}
	case types.Error_Unavailable:
		return &HostError{Function: function, Code: "unavailable", Message: err.Unavailable()}
	default:
		info := err.Other()
		return &HostError{Function: function, Code: info.Code, Message: info.Message}
	}
}
