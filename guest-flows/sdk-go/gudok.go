// Package gudok is for writing a Gudok flow in Go: the program a clinic runs when somebody calls.
//
// A flow is an ordinary program. Every call of the host waits until it is done, so a conversation is written as it reads:
//
//	package main
//
//	import (
//		"gudok"
//		"gudok/notes"
//		"gudok/call"
//	)
//
//	func main() { gudok.Run(greet) }
//
//	func greet() error {
//		answer, err := call.Ask(call.Question{ID: "name", Expects: call.PersonName, Text: "Как вас зовут?"})
//		if err != nil {
//			return err
//		}
//		if speech, ok := answer.(call.Speech); ok {
//			if err := call.Say("Очень приятно, " + speech.Text + "."); err != nil {
//				return err
//			}
//		}
//		return notes.SetOutcome(notes.Nothing)
//	}
//
// There is a package for each capability: call, clinic, faq, appointments, callbacks, routing, understanding, notes. What
// a flow uses is what it asks permission for: one that never calls appointments.Book does not import it, and cannot book.
//
// # Errors
//
// When the caller hangs up, what needs them returns [ErrHangUp]. Return it from the flow: it counts as a normal end. Any
// other error of the host is a [*HostError]; returned from the flow, it hands the caller to a person. A panic ends the
// call the same way, with the traceback in the flow's log, where fmt.Println and log.Print write, too.
//
// # What there is not
//
// No network, no files, no environment. The clock is the call's own and the random numbers are seeded, so that a call can
// be replayed; for the clinic's date and time ask clinic.Now. Goroutines run only between calls of the host.
package gudok

import "gudok/internal/failure"

// ErrHangUp says that the caller has gone. Return it from the flow; nothing more can be said. What was booked or written
// down stays, and notes can still be written:
//
//	if errors.Is(err, gudok.ErrHangUp) {
//		notes.Note("left-at", "slot")
//		return err
//	}
var ErrHangUp = failure.ErrHangUp

// HostError is a host call that did not do what it was asked. Function is its name in the contract, Code is for programs,
// Message for people:
//
//	var failed *gudok.HostError
//	if errors.As(err, &failed) && failed.Code == "unknown-prompt" {
//		return call.Say("Подождите, пожалуйста.")
//	}
type HostError = failure.HostError

// Run holds the conversation. Call it from main, once, and last. An error of the flow, other than ErrHangUp, hands the
// caller to a person; its text is for the clinic's log and must not contain personal data.
func Run(flow func() error) {
	held = true
	outcome = flow()
}
