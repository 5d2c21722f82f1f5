// Package desk has what the conformance flows share: how a moment is said, handing over, promising to call back.
package desk

import (
	"fmt"

	"gudok/call"
	"gudok/callbacks"
	"gudok/notes"
	"gudok/routing"
)

// Moment of `2026-11-24T10:30` is `24.11 в 10:30`.
func Moment(iso string) string {
	return fmt.Sprintf("%s.%s в %s", iso[8:10], iso[5:7], iso[11:16])
}

// Say says a text and leaves the call with an outcome.
func Say(text string, outcome notes.Outcome) error {
	if err := call.Say(text); err != nil {
		return err
	}
	return notes.SetOutcome(outcome)
}

// HandOver gives the caller, known by their number if at all, to the operator, and promises a call-back when there is none.
func HandOver(caller string, summary string) error {
	outcome, err := routing.Transfer(routing.Operator, summary)
	if err != nil {
		return err
	}
	if outcome.Status == routing.Connected {
		return notes.SetOutcome(notes.Transferred)
	}
	return CallBack(caller, summary)
}

// CallBack promises to call back.
func CallBack(caller string, reason string) error {
	if caller == "" {
		return Say("Сейчас никого нет. Пожалуйста, позвоните позже.", notes.Nothing)
	}
	promise, err := callbacks.Request(callbacks.Callback{Phone: caller, Reason: reason})
	if err != nil {
		return err
	}
	return Say("Мы перезвоним вам не позже "+Moment(promise.Due)+". До свидания!", notes.Callback)
}
