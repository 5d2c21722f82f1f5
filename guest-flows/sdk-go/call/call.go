// Package call speaks with the caller. The same calls serve the phone, the browser and a chat.
package call

import (
	"gudok/internal/abi/value"
	bindings "gudok/internal/bindings/voice"
	"gudok/internal/failure"
)

// Channel is where the caller is.
type Channel uint8

// The channels. Script is a conversation played from a script or from files.
const (
	Phone   Channel = Channel(bindings.Channel_Phone)
	Browser Channel = Channel(bindings.Channel_Browser)
	Chat    Channel = Channel(bindings.Channel_Chat)
	Script  Channel = Channel(bindings.Channel_Script)
)

// Facts is what is known of the call when it starts.
type Facts struct {
	// ID is the call's identity in the clinic's records.
	ID      string
	Channel Channel
	// Caller is the caller's number in E.164 (`+79031234567`); empty when the line does not show it.
	Caller string
	// Line is the number or line that was called.
	Line string
	// Entry of the clinic that led here: `day`, `night`, `overload`, `reminder`, `chat`.
	Entry string
	// Started is `YYYY-MM-DDTHH:MM` in the clinic's time zone.
	Started string
}

// Info tells what is known of this call. It never fails and costs nothing.
func Info() Facts {
	facts := bindings.Call()
	return Facts{
		ID:      facts.Id,
		Channel: Channel(facts.Channel),
		Caller:  facts.Caller.Some(),
		Line:    facts.Line,
		Entry:   facts.Entry,
		Started: facts.Started,
	}
}

// BargeIn is what may stop a prompt while it plays.
type BargeIn uint8

const (
	// OnSpeech: a key or the caller's voice. The usual one.
	OnSpeech BargeIn = iota
	// OnDigits: a key on the telephone.
	OnDigits
	// Never: the caller hears it to the end. Digits typed meanwhile are kept for the next question.
	Never
)

func (b BargeIn) wit() bindings.BargeIn {
	switch b {
	case OnDigits:
		return bindings.BargeIn_Digits
	case Never:
		return bindings.BargeIn_None
	default:
		return bindings.BargeIn_Speech
	}
}

// Said is how a prompt ended.
type Said uint8

const (
	// Complete: played to the end.
	Complete Said = Said(bindings.Said_Complete)
	// Interrupted: what the caller said or pressed answers the next Ask.
	Interrupted Said = Said(bindings.Said_Interrupted)
)

// Say says a text and returns when it has been heard, or interrupted by a key or the caller's voice.
func Say(text string) error {
	_, err := SayUntil(text, OnSpeech)
	return err
}

// SayUntil says a text that only the given may stop.
func SayUntil(text string, stop BargeIn) (Said, error) {
	result := bindings.Say(text, stop.wit())
	return Said(result.Ok()), failure.Of("voice.say", result)
}

// Play plays a recorded prompt of the clinic by its name. An unknown name is a HostError with the code `unknown-prompt`.
func Play(prompt string) error {
	_, err := PlayUntil(prompt, OnSpeech)
	return err
}

// PlayUntil plays a recorded prompt that only the given may stop.
func PlayUntil(prompt string, stop BargeIn) (Said, error) {
	result := bindings.Play(prompt, stop.wit())
	return Said(result.Ok()), failure.Of("voice.play", result)
}

// AnswerKind is what kind of answer a question expects. It sets how long a pause ends the answer, and helps recognition.
type AnswerKind uint8

const (
	// Free: anything; the longest pause is allowed. The usual one.
	Free  AnswerKind = AnswerKind(bindings.AnswerKind_Free)
	YesNo AnswerKind = AnswerKind(bindings.AnswerKind_YesNo)
	// Choice: one of the words in Hints.
	Choice      AnswerKind = AnswerKind(bindings.AnswerKind_Choice)
	PhoneNumber AnswerKind = AnswerKind(bindings.AnswerKind_Phone)
	// Keys on the telephone, or digits said aloud.
	Keys       AnswerKind = AnswerKind(bindings.AnswerKind_Digits)
	DateTime   AnswerKind = AnswerKind(bindings.AnswerKind_DateTime)
	PersonName AnswerKind = AnswerKind(bindings.AnswerKind_PersonName)
	Animal     AnswerKind = AnswerKind(bindings.AnswerKind_Animal)
)

// Question is one question to the caller. ID and Text are enough; the rest has a usual value.
type Question struct {
	// ID is a short stable name, `visit-time`: it appears in traces, tests and replays, and picks a recorded prompt.
	ID string
	// Text is what is said. Digits, dates, times, money and phone numbers may be written as figures; the host reads them
	// out as a person would.
	Text    string
	Expects AnswerKind
	BargeIn BargeIn
	// AnswerTimeoutMs is how long to wait for the answer to begin; 0 = the clinic's setting (5 s as shipped).
	AnswerTimeoutMs uint32
	// MaxDigits stops collecting keys after this many; 0 = until `#` or a pause.
	MaxDigits uint32
	// Hints are words that are likely in the answer (names of doctors, services …).
	Hints []string
}

// Answer is what the caller answered: [Speech], [Digits] or [Silence].
//
//	switch answer := answer.(type) {
//	case call.Speech:
//		intent := understanding.ParseIntent(answer.Text)
//		…
//	case call.Digits:
//		if answer == "0" { … }
//	case call.Silence:
//		…
//	}
type Answer interface{ answer() }

// Speech is what the caller said.
type Speech struct {
	// Text as recognised: lower case, no punctuation to rely on, with the recogniser's mistakes.
	Text string
	// Confidence is 0 to 1; below about 0.4 ask again.
	Confidence float64
}

// Digits are keys pressed, for example `0` or `12`.
type Digits string

// Silence: nothing came before the time-out.
type Silence struct{}

func (Speech) answer()  {}
func (Digits) answer()  {}
func (Silence) answer() {}

// Ask asks and waits for one answer.
func Ask(question Question) (Answer, error) {
	result := bindings.Ask(bindings.Question{
		Id:              question.ID,
		Text:            question.Text,
		Expects:         bindings.AnswerKind(question.Expects),
		BargeIn:         question.BargeIn.wit(),
		AnswerTimeoutMs: question.AnswerTimeoutMs,
		MaxDigits:       question.MaxDigits,
		Hints:           question.Hints,
		Extra:           []value.Tuple2[string, string]{},
	})
	if err := failure.Of("voice.ask", result); err != nil {
		return nil, err
	}
	switch answer := result.Ok(); answer.Tag() {
	case bindings.Answer_Speech:
		heard := answer.Speech()
		return Speech{Text: heard.Text, Confidence: heard.Confidence}, nil
	case bindings.Answer_Digits:
		return Digits(answer.Digits()), nil
	default:
		return Silence{}, nil
	}
}

// HangUp ends the call after what was said has been heard. What needs the caller returns gudok.ErrHangUp from then on.
func HangUp() error { return failure.Of("voice.hang-up", bindings.HangUp()) }
