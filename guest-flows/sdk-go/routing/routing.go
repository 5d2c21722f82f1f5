// Package routing hands the caller over to a person.
package routing

import (
	bindings "gudok/internal/bindings/routing"
	"gudok/internal/failure"
)

// Destination is who the caller is handed to.
type Destination struct{ wit bindings.Destination }

var (
	// Operator is the front desk.
	Operator = Destination{bindings.MakeDestinationOperator()}
	// Doctor is the doctor the question is for.
	Doctor = Destination{bindings.MakeDestinationDoctor()}
	// Ward asks after animals or patients kept in the clinic.
	Ward = Destination{bindings.MakeDestinationWard()}
	// Results asks after tests and scans.
	Results = Destination{bindings.MakeDestinationResults()}
)

// Line is a line from the clinic file, by name.
func Line(name string) Destination { return Destination{bindings.MakeDestinationLine(name)} }

// Outcome is how a transfer went.
type Outcome struct {
	Status Status
	// Reason is what the line answered when it refused.
	Reason string
}

// Status is how a transfer went, in a word.
type Status uint8

const (
	// Connected: the caller is with a person (or in their queue); the flow may end.
	Connected Status = Status(bindings.TransferOutcome_Connected)
	// Nobody is there now: take a call-back.
	Nobody Status = Status(bindings.TransferOutcome_Nobody)
	// Refused by the line; Outcome.Reason says what it answered.
	Refused Status = Status(bindings.TransferOutcome_Refused)
)

// Transfer hands the caller over. The summary is one line for the person who takes over: what is known so far.
func Transfer(to Destination, summary string) (Outcome, error) {
	result := bindings.Transfer(to.wit, summary)
	if err := failure.Of("routing.transfer", result); err != nil {
		return Outcome{}, err
	}
	outcome := Outcome{Status: Status(result.Ok().Tag())}
	if outcome.Status == Refused {
		outcome.Reason = result.Ok().Refused()
	}
	return outcome, nil
}

// QueueState is how busy a destination is.
type QueueState struct {
	Open    bool
	Waiting uint32
	// ExpectedWaitS is the expected wait of a caller who joins now, in seconds.
	ExpectedWaitS uint32
}

// Queue tells how busy a destination is.
func Queue(to Destination) (QueueState, error) {
	result := bindings.Queue(to.wit)
	return QueueState(result.Ok()), failure.Of("routing.queue", result)
}
