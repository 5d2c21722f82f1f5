// Package notes writes down what is worth knowing about the call.
package notes

import (
	bindings "gudok/internal/bindings/notes"
	"gudok/internal/failure"
)

// Outcome is how the call ended, for the reports.
type Outcome uint8

const (
	Booked    Outcome = Outcome(bindings.Outcome_Booked)
	Moved     Outcome = Outcome(bindings.Outcome_Moved)
	Cancelled Outcome = Outcome(bindings.Outcome_Cancelled)
	// Answered from the FAQ or the clinic's data.
	Answered    Outcome = Outcome(bindings.Outcome_Answered)
	Transferred Outcome = Outcome(bindings.Outcome_Transferred)
	Callback    Outcome = Outcome(bindings.Outcome_Callback)
	// NotOffered: the caller asked for what the clinic does not offer.
	NotOffered Outcome = Outcome(bindings.Outcome_NotOffered)
	// Nothing of these.
	Nothing Outcome = Outcome(bindings.Outcome_Nothing)
)

// Tag puts the call into a category of the clinic's taxonomy (`target`, `reschedule`, …). An unknown one is a HostError
// with the code `unknown-category`.
func Tag(category string) error { return failure.Of("notes.tag", bindings.Tag(category)) }

// Note keeps a fact by name (`animal`, `reason`). The last value of a name stands.
func Note(name, fact string) error { return failure.Of("notes.note", bindings.Note(name, fact)) }

// SetOutcome says how the call ended. The last one stands.
func SetOutcome(outcome Outcome) error {
	return failure.Of("notes.set-outcome", bindings.SetOutcome(bindings.Outcome(outcome)))
}

// Log writes a line into the flow's own log, for its author. Never put personal data here.
func Log(line string) { bindings.Log(line) }
